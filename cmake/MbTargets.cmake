# SPDX-License-Identifier: Apache-2.0
# mb_layer(NAME SOURCES ... LINK ...): one layer of the architecture, a static library.
function(mb_layer name)
    cmake_parse_arguments(A "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    add_library(${name} STATIC ${A_SOURCES})
    target_link_libraries(${name} PUBLIC mb_flags ${A_LINK} PRIVATE ${A_PRIVATE_LINK})
endfunction()

# mb_unit_test(NAME [NATIVE | NAMESPACE] LINK ...): tests/unit/<layer>/NAME.c, a cmocka program.
# NATIVE: it cannot work under QEMU in user mode; the presets for cross builds leave it out.
# NAMESPACE: it makes a user namespace of its own, which needs help under QEMU.
function(mb_unit_test name)
    cmake_parse_arguments(A "NATIVE;NAMESPACE" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${name}.c ${A_SOURCES})
    target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests/support")
    target_link_libraries(${name} PRIVATE ${A_LINK} cmocka)
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    if(A_NAMESPACE AND CMAKE_CROSSCOMPILING)
        add_test(NAME unit.${name}
            COMMAND "${CMAKE_SOURCE_DIR}/tests/support/in-namespace"
                    ${CMAKE_CROSSCOMPILING_EMULATOR} "$<TARGET_FILE:${name}>")
    else()
        add_test(NAME unit.${name} COMMAND ${name})
    endif()
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 120)
    if(A_NATIVE)
        set_property(TEST unit.${name} APPEND PROPERTY LABELS native)
    endif()
endfunction()

# mb_fuzz_target(NAME LINK ...): tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput.
# With MB_FUZZ a libFuzzer program; always also a program that runs the corpus once.
function(mb_fuzz_target name)
    cmake_parse_arguments(A "" "" "LINK" ${ARGN})
    set(src "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c")
    add_executable(fuzz_${name}_corpus ${src} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus_main.c")
    target_link_libraries(fuzz_${name}_corpus PRIVATE ${A_LINK})
    set_target_properties(fuzz_${name}_corpus PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_test(NAME fuzz-corpus.${name}
             COMMAND fuzz_${name}_corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    set_tests_properties(fuzz-corpus.${name} PROPERTIES LABELS fuzz-corpus TIMEOUT 120)
    if(MB_FUZZ)
        add_executable(fuzz_${name} ${src})
        target_link_libraries(fuzz_${name} PRIVATE ${A_LINK})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        set_target_properties(fuzz_${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
    endif()
endfunction()
