/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire_value.h"

#include "base/bug.h"
#include "base/mem.h"

static bool all_empty(const struct mb_wire_schema *s, const void *msg)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (!wire_field_is_empty(&s->fields[i], msg))
            return false;
    return true;
}

bool wire_field_is_empty(const struct mb_wire_field *f, const void *msg)
{
    const void *at = wire_at_const(msg, f->offset);

    switch (f->type) {
    case MB_WIRE_U64:
        return *(const uint64_t *)at == 0;
    case MB_WIRE_I64:
        return *(const int64_t *)at == 0;
    case MB_WIRE_BOOL:
        return !*(const bool *)at;
    case MB_WIRE_STR:
        return !*(char *const *)at;
    case MB_WIRE_DIGEST:
        return mb_digest_is_zero(at);
    case MB_WIRE_BYTES:
        return ((const struct mb_bytes *)at)->len == 0;
    case MB_WIRE_STRV:
        return ((const struct mb_strv *)at)->n == 0;
    case MB_WIRE_KV:
        return ((const struct mb_kvlist *)at)->n == 0;
    case MB_WIRE_PLATFORM:
        return ((const struct mb_platform *)at)->os[0] == '\0';
    case MB_WIRE_DESC:
        return mb_digest_is_zero(&((const struct mb_descriptor *)at)->digest);
    case MB_WIRE_LIST:
        return wire_list_get(f, msg).n == 0;
    case MB_WIRE_STRUCT:
        return all_empty(f->sub, at);
    }
    mb_bug(__FILE__, __LINE__, "a field type that does not exist");
}

static void list_done(const struct mb_wire_field *f, void *msg)
{
    struct wire_list l = wire_list_get(f, msg);

    for (size_t i = 0; i < l.n; i++)
        mb_wire_done(f->sub, wire_list_item(f, l, i));
    free(l.v);
}

static void field_done(const struct mb_wire_field *f, void *msg)
{
    void *at = wire_at(msg, f->offset);

    switch (f->type) {
    case MB_WIRE_STR:
        free(*(char **)at);
        break;
    case MB_WIRE_BYTES:
        free(((struct mb_bytes *)at)->data);
        break;
    case MB_WIRE_STRV:
        mb_strv_done(at);
        break;
    case MB_WIRE_KV:
        mb_kv_done(at);
        break;
    case MB_WIRE_LIST:
        list_done(f, msg);
        break;
    case MB_WIRE_STRUCT:
        mb_wire_done(f->sub, at);
        break;
    case MB_WIRE_U64:
    case MB_WIRE_I64:
    case MB_WIRE_BOOL:
    case MB_WIRE_DIGEST:
    case MB_WIRE_PLATFORM:
    case MB_WIRE_DESC:
        break;
    }
}

void mb_wire_done(const struct mb_wire_schema *s, void *msg)
{
    for (size_t i = 0; i < s->n_fields; i++)
        field_done(&s->fields[i], msg);
    if (s->size > 0)
        memset(msg, 0, s->size);
}

static void list_copy(const struct mb_wire_field *f, void *ret, const void *from)
{
    struct wire_list old = wire_list_get(f, from);
    struct wire_list l = {.n = old.n};

    if (l.n > 0)
        l.v = mb_xcalloc(l.n, f->sub->size);
    for (size_t i = 0; i < l.n; i++)
        mb_wire_copy(f->sub, wire_list_item(f, l, i), wire_list_item(f, old, i));
    wire_list_set(f, ret, l);
}

static void bytes_copy(struct mb_bytes *ret, const struct mb_bytes *from)
{
    *ret = (struct mb_bytes){.len = from->len};
    if (from->len > 0)
        ret->data = mb_xmemdup(from->data, from->len);
}

static void field_copy(const struct mb_wire_field *f, void *ret, const void *from)
{
    void *to = wire_at(ret, f->offset);
    const void *at = wire_at_const(from, f->offset);

    switch (f->type) {
    case MB_WIRE_U64:
    case MB_WIRE_I64:
        memcpy(to, at, sizeof(uint64_t));
        break;
    case MB_WIRE_BOOL:
        *(bool *)to = *(const bool *)at;
        break;
    case MB_WIRE_STR:
        *(char **)to = mb_xstrdup(*(char *const *)at);
        break;
    case MB_WIRE_DIGEST:
        *(struct mb_digest *)to = *(const struct mb_digest *)at;
        break;
    case MB_WIRE_BYTES:
        bytes_copy(to, at);
        break;
    case MB_WIRE_STRV:
        mb_strv_add_all(to, at);
        break;
    case MB_WIRE_KV:
        mb_kv_copy(to, at);
        break;
    case MB_WIRE_PLATFORM:
        *(struct mb_platform *)to = *(const struct mb_platform *)at;
        break;
    case MB_WIRE_DESC:
        *(struct mb_descriptor *)to = *(const struct mb_descriptor *)at;
        break;
    case MB_WIRE_LIST:
        list_copy(f, ret, from);
        break;
    case MB_WIRE_STRUCT:
        mb_wire_copy(f->sub, to, at);
        break;
    }
}

void mb_wire_copy(const struct mb_wire_schema *s, void *ret, const void *from)
{
    for (size_t i = 0; i < s->n_fields; i++)
        field_copy(&s->fields[i], ret, from);
}
