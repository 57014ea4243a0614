/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - reading JSON by tables and writing it as Go's encoding/json does.
 *
 * Input is bounded before it is parsed; duplicate keys are refused.
 */
#ifndef MB_BASE_JSON_H
#define MB_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/kv.h"
#include "base/strv.h"

/* One value, nothing behind it. INVALID (line, column), LIMIT (len > max). */
int mb_json_parse(const void *data, size_t len, size_t max, json_t **ret,
                  struct mb_error *err) _must_check_;

enum mb_json_type {
    MB_JSON_STR,    /* char *, malloc'ed */
    MB_JSON_U64,    /* uint64_t, not negative */
    MB_JSON_I64,    /* int64_t */
    MB_JSON_BOOL,   /* bool */
    MB_JSON_OBJECT, /* json_t *, borrowed from the parsed object */
    MB_JSON_ARRAY,  /* json_t *, borrowed */
    MB_JSON_STRV,   /* struct mb_strv: array of strings */
    MB_JSON_KV,     /* struct mb_kvlist: object of strings */
};
struct mb_json_field {
    const char *key;
    enum mb_json_type type;
    size_t offset;
    bool required;
};
/* Fill the zeroed struct at @ret by the table of @n fields; unknown keys pass, null
 * counts as absent.  On failure what was filled stays in *ret for its own release.
 * INVALID naming the key. */
int mb_json_read(json_t *obj, const struct mb_json_field *fields, size_t n, void *ret,
                 struct mb_error *err) _must_check_;

/* Append @v as Go prints it: @indent 0 compact, else that many spaces; keys in
 * insertion order unless @sort_keys; <, >, &, U+2028, U+2029 escaped as \u003c ... */
void mb_json_write(const json_t *v, int indent, bool sort_keys, struct mb_buf *out);

#define _cleanup_json_ _cleanup_(json_decrefp) /* which jansson defines */

#endif
