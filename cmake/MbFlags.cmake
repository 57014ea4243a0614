# SPDX-License-Identifier: Apache-2.0
# Compiler settings of all our own code.  mb_flags is what every target links.
option(MB_WERROR "Warnings are errors" OFF)
option(MB_FUZZ "Build libFuzzer targets (clang)" OFF)
set(MB_SANITIZE "" CACHE STRING "Value of -fsanitize= for everything, or empty")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(mb_flags INTERFACE)
target_include_directories(mb_flags INTERFACE
    "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/common")
target_compile_definitions(mb_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
    MB_VERSION="${PROJECT_VERSION}")
target_compile_options(mb_flags INTERFACE
    -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings
    -Wimplicit-fallthrough
    $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wmissing-prototypes>)
if(MB_WERROR)
    target_compile_options(mb_flags INTERFACE -Werror)
endif()
if(MB_SANITIZE)
    target_compile_options(mb_flags INTERFACE
        -fsanitize=${MB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(mb_flags INTERFACE -fsanitize=${MB_SANITIZE})
endif()
if(MB_FUZZ) # what the fuzzer sees of our code; its main() comes with mb_fuzz_target
    target_compile_options(mb_flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(mb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(mb_flags INTERFACE -fstack-protector-strong)
    target_compile_definitions(mb_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
