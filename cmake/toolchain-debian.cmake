# SPDX-License-Identifier: Apache-2.0
# Cross builds for another architecture of Debian 12: -DMB_ARCH=s390x -DCMAKE_TOOLCHAIN_FILE=...
# Compilers are Debian's, libraries come from a sysroot of scripts/sysroot. No foreign architecture
# is added to dpkg. Tests run by QEMU in user mode, which finds its libraries in the sysroot.
set(MB_ARCH "" CACHE STRING "Debian's name of the architecture to build for")
if(MB_ARCH STREQUAL "arm64")
    set(mb_triplet aarch64-linux-gnu)
    set(mb_machine aarch64)
    set(mb_qemu aarch64)
elseif(MB_ARCH STREQUAL "ppc64el")
    set(mb_triplet powerpc64le-linux-gnu)
    set(mb_machine ppc64le)
    set(mb_qemu ppc64le)
elseif(MB_ARCH STREQUAL "s390x")
    set(mb_triplet s390x-linux-gnu)
    set(mb_machine s390x)
    set(mb_qemu s390x)
elseif(MB_ARCH STREQUAL "armhf")
    set(mb_triplet arm-linux-gnueabihf)
    set(mb_machine armv7l)
    set(mb_qemu arm)
elseif(MB_ARCH STREQUAL "mips64el")
    set(mb_triplet mips64el-linux-gnuabi64)
    set(mb_machine mips64)
    set(mb_qemu mips64el)
else()
    message(FATAL_ERROR "MB_ARCH is '${MB_ARCH}'; "
        "it must be arm64, ppc64el, s390x, armhf or mips64el")
endif()

if(DEFINED ENV{XDG_CACHE_HOME})
    set(mb_cache "$ENV{XDG_CACHE_HOME}")
else()
    set(mb_cache "$ENV{HOME}/.cache")
endif()
set(MB_SYSROOT "${mb_cache}/mbcluster/sysroots/${MB_ARCH}" CACHE PATH
    "What scripts/sysroot made for MB_ARCH")
if(NOT EXISTS "${MB_SYSROOT}/.complete")
    message(FATAL_ERROR "${MB_SYSROOT} is not a sysroot; run scripts/sysroot ${MB_ARCH}")
endif()
# The checks of the compiler read this file again, in projects of their own.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MB_ARCH MB_SYSROOT)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${mb_machine})
set(CMAKE_LIBRARY_ARCHITECTURE ${mb_triplet})
set(CMAKE_C_COMPILER ${mb_triplet}-gcc)
set(CMAKE_CXX_COMPILER ${mb_triplet}-g++)
set(CMAKE_SYSROOT "${MB_SYSROOT}")

# Debian's cross compilers look into /usr/<triplet> before the sysroot; -B and -L turn that round.
set(mb_lib "${MB_SYSROOT}/usr/lib/${mb_triplet}")
foreach(language C CXX)
    set(CMAKE_${language}_FLAGS_INIT "-B${mb_lib}")
endforeach()
foreach(kind EXE SHARED MODULE)
    set(CMAKE_${kind}_LINKER_FLAGS_INIT "-L${mb_lib} -Wl,-rpath-link,${mb_lib}")
endforeach()

set(CMAKE_FIND_ROOT_PATH "${MB_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# CMake 3.25 does not tell pkg-config of the sysroot.
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_PATH} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${MB_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${mb_lib}/pkgconfig:${MB_SYSROOT}/usr/share/pkgconfig")

# Debian 12's own QEMU lacks openat2; scripts/sysroot brings a newer one.
get_filename_component(mb_emulators "${MB_SYSROOT}/../../qemu" ABSOLUTE)
set(CMAKE_CROSSCOMPILING_EMULATOR "${mb_emulators}/qemu-${mb_qemu};-L;${MB_SYSROOT}")
