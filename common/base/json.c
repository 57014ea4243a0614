/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON: RFC 8259.  Writing is in json_write.c. */
#include "base/json.h"

#include <string.h>

#include "base/bug.h"
#include "base/mem.h"

int mb_json_parse(const void *data, size_t len, size_t max, json_t **ret,
                  struct mb_error *err)
{
    json_error_t why;

    if (len > max)
        return mb_fail(err, MB_ERR_LIMIT,
                       "JSON of %zu bytes is over the limit of %zu bytes", len, max);
    /* jansson wants a pointer even when there is nothing behind it. */
    json_t *v = json_loadb(len > 0 ? data : "", len,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!v)
        return mb_fail(err, MB_ERR_INVALID, "JSON line %d, column %d: %s", why.line,
                       why.column, why.text);
    *ret = v;
    return 0;
}

static int wrong_type(const char *key, const char *want, struct mb_error *err)
{
    return mb_fail(err, MB_ERR_INVALID, "'%.64s' is not %s", key, want);
}

static int read_strv(json_t *v, const char *key, struct mb_strv *ret,
                     struct mb_error *err)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return wrong_type(key, "a list of strings", err);
    json_array_foreach(v, i, item)
    {
        if (!json_is_string(item))
            return wrong_type(key, "a list of strings", err);
        mb_strv_add(ret, json_string_value(item));
    }
    return 0;
}

static int read_kv(json_t *v, const char *key, struct mb_kvlist *ret,
                   struct mb_error *err)
{
    const char *name;
    json_t *item;

    if (!json_is_object(v))
        return wrong_type(key, "an object of strings", err);
    json_object_foreach(v, name, item)
    {
        if (!json_is_string(item))
            return wrong_type(key, "an object of strings", err);
        /* Names are unique; mb_kv_set() would look for each one again. */
        ret->v = mb_xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
        ret->v[ret->n++] = (struct mb_kv){.key = mb_xstrdup(name),
                                          .value = mb_xstrdup(json_string_value(item))};
    }
    return 0;
}

static int read_integer(json_t *v, const struct mb_json_field *f, void *at,
                        struct mb_error *err)
{
    if (!json_is_integer(v))
        return wrong_type(f->key, "an integer", err);
    json_int_t n = json_integer_value(v);
    if (f->type == MB_JSON_I64) {
        *(int64_t *)at = (int64_t)n;
        return 0;
    }
    if (n < 0)
        return mb_fail(err, MB_ERR_INVALID, "'%.64s' is negative", f->key);
    *(uint64_t *)at = (uint64_t)n;
    return 0;
}

static int read_field(json_t *v, const struct mb_json_field *f, void *at,
                      struct mb_error *err)
{
    switch (f->type) {
    case MB_JSON_STR:
        if (!json_is_string(v))
            return wrong_type(f->key, "a string", err);
        *(char **)at = mb_xstrdup(json_string_value(v));
        return 0;
    case MB_JSON_U64:
    case MB_JSON_I64:
        return read_integer(v, f, at, err);
    case MB_JSON_BOOL:
        if (!json_is_boolean(v))
            return wrong_type(f->key, "true or false", err);
        *(bool *)at = json_is_true(v);
        return 0;
    case MB_JSON_OBJECT:
        if (!json_is_object(v))
            return wrong_type(f->key, "an object", err);
        *(json_t **)at = v;
        return 0;
    case MB_JSON_ARRAY:
        if (!json_is_array(v))
            return wrong_type(f->key, "a list", err);
        *(json_t **)at = v;
        return 0;
    case MB_JSON_STRV:
        return read_strv(v, f->key, at, err);
    case MB_JSON_KV:
        return read_kv(v, f->key, at, err);
    }
    BUG_ON(true);
    return -1;
}

int mb_json_read(json_t *obj, const struct mb_json_field *fields, size_t n, void *ret,
                 struct mb_error *err)
{
    if (!json_is_object(obj))
        return mb_fail(err, MB_ERR_INVALID, "this is not a JSON object");
    for (size_t i = 0; i < n; i++) {
        const struct mb_json_field *f = &fields[i];
        json_t *v = json_object_get(obj, f->key);

        if (!v || json_is_null(v)) {
            if (f->required)
                return mb_fail(err, MB_ERR_INVALID, "'%.64s' is missing", f->key);
            continue;
        }
        if (read_field(v, f, (char *)ret + f->offset, err) < 0)
            return -1;
    }
    return 0;
}
