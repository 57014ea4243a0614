# SPDX-License-Identifier: Apache-2.0
# cpack -G DEB: mbcluster (command, embedded pair, step helper), mbcluster-agent and
# mbcluster-coordinator, for the architecture of this build folder. See scripts/packages.
if(CMAKE_CROSSCOMPILING)
    set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE "${MB_ARCH}")
    set(MB_DEPENDS_OPTIONS "--sysroot \"${MB_SYSROOT}\" ${MB_ARCH}")
endif()

set(debian "${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian")
find_program(MB_GZIP gzip)
# Each package has its own copyright and changelog.
set(changelog "${CMAKE_CURRENT_BINARY_DIR}/changelog.gz")
if(MB_GZIP)
    add_custom_command(OUTPUT "${changelog}"
        COMMAND ${MB_GZIP} -9nc "${debian}/changelog" > "${changelog}"
        DEPENDS "${debian}/changelog" VERBATIM)
    add_custom_target(mb_changelog ALL DEPENDS "${changelog}")
endif()
foreach(component mbcluster agent coordinator)
    if(component STREQUAL "mbcluster")
        set(package mbcluster)
    else()
        set(package mbcluster-${component})
    endif()
    # Not for cmake --install by hand: only a package has these.
    install(FILES "${debian}/copyright" "${changelog}" COMPONENT ${component}
        DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}" OPTIONAL)
    string(TOUPPER ${component} upper)
    set(extra "")
    foreach(file conffiles postinst prerm postrm)
        if(EXISTS "${debian}/${component}/${file}")
            list(APPEND extra "${debian}/${component}/${file}")
        endif()
    endforeach()
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${extra}")
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_STRICT_PERMISSION ON)
endforeach()

# Below the summary, which is the project's.
set(CPACK_COMPONENT_MBCLUSTER_DESCRIPTION
"One command builds a container image for many platforms, on this
machine or on a cluster whose agents run each platform natively. This
package has the command, which is a coordinator and an agent of its own
where no cluster is configured, and the helper that runs build steps.")
set(CPACK_COMPONENT_AGENT_DESCRIPTION
"The agent dials a coordinator, takes the build steps that this machine
can run natively or by QEMU, and hands back the layers.")
set(CPACK_COMPONENT_COORDINATOR_DESCRIPTION
"The coordinator splits builds by platform and stage, hands the parts to
agents, collects the layers and publishes images to registries.")
set(CPACK_DEBIAN_MBCLUSTER_PACKAGE_RECOMMENDS "qemu-user-static, ca-certificates")
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "qemu-user-static, ca-certificates")
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_SUGGESTS "mbcluster")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mbcluster)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT
    "mbcluster maintainers <maintainers@users.noreply.r-seed-ca2a004a.example>")
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_BINARY_DIR}/packages")
set(CPACK_COMPONENTS_ALL mbcluster agent coordinator)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
set(CPACK_STRIP_FILES ON)
# Files below /etc have absolute destinations, so the tree is installed by DESTDIR.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
configure_file(cmake/MbPackageDepends.cmake.in MbPackageDepends.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE "${CMAKE_BINARY_DIR}/MbPackageDepends.cmake")
include(CPack)
