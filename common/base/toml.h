/* SPDX-License-Identifier: Apache-2.0 */
/* toml - TOML text to a JSON object, so that configuration is read by json tables. */
#ifndef MB_BASE_TOML_H
#define MB_BASE_TOML_H

#include <stddef.h>

#include "base/json.h"

/* INVALID (line and column). */
int mb_toml_parse(const char *text, size_t len, json_t **ret, struct mb_error *err)
    _must_check_;

#endif
