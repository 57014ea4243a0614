/* SPDX-License-Identifier: Apache-2.0 */
/* toml_shim - the one door to toml++; private to base/toml.c and plain for C++. */
#ifndef MB_BASE_TOML_SHIM_H
#define MB_BASE_TOML_SHIM_H

#include <stddef.h>

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mb_toml_problem {
    unsigned line, column; /* from 1 */
    char text[256];
};

/* A new object, or NULL with *problem filled. */
json_t *mb_toml_shim_parse(const char *text, size_t len,
                           struct mb_toml_problem *problem);

#ifdef __cplusplus
}
#endif

#endif
