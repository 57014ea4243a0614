/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding, through msgpack-c's packer, which always takes the shortest format. It is
 * the only place that uses that library; decoding (wire_decode.c) reads the bytes
 * itself, with limits.
 */
#include "proto/wire.h"

#include <msgpack.h>

#include "base/bug.h"
#include "proto/wire_value.h"

static int add_bytes(void *arg, const char *data, size_t len)
{
    mb_buf_add(arg, data, len);
    return 0; /* the buffer remembers its overflow */
}

static void put_str(msgpack_packer *pk, const char *s)
{
    size_t len = s ? strlen(s) : 0;

    msgpack_pack_str(pk, len);
    if (len > 0)
        msgpack_pack_str_body(pk, s, len);
}

static void put_bin(msgpack_packer *pk, const void *data, size_t len)
{
    msgpack_pack_bin(pk, len);
    if (len > 0)
        msgpack_pack_bin_body(pk, data, len);
}

static void put_strv(msgpack_packer *pk, const struct mb_strv *l)
{
    msgpack_pack_array(pk, l->n);
    for (size_t i = 0; i < l->n; i++)
        put_str(pk, l->v[i]);
}

static void put_kv(msgpack_packer *pk, const struct mb_kvlist *l)
{
    msgpack_pack_map(pk, l->n);
    for (size_t i = 0; i < l->n; i++) {
        put_str(pk, l->v[i].key);
        put_str(pk, l->v[i].value);
    }
}

static void put_platform(msgpack_packer *pk, const struct mb_platform *p)
{
    char text[MB_PLATFORM_TEXT_LEN];

    put_str(pk, p->os[0] ? mb_platform_text(p, text) : NULL);
}

static void put_desc(msgpack_packer *pk, const struct mb_descriptor *d)
{
    msgpack_pack_array(pk, 3);
    put_str(pk, d->media_type);
    put_bin(pk, d->digest.bytes, sizeof(d->digest.bytes));
    msgpack_pack_uint64(pk, d->size);
}

static void put_map(msgpack_packer *pk, const struct mb_wire_schema *s,
                    const void *msg);

static void put_list(msgpack_packer *pk, const struct mb_wire_field *f, const void *msg)
{
    struct wire_list l = wire_list_get(f, msg);

    msgpack_pack_array(pk, l.n);
    for (size_t i = 0; i < l.n; i++)
        put_map(pk, f->sub, wire_list_item(f, l, i));
}

static void put_value(msgpack_packer *pk, const struct mb_wire_field *f,
                      const void *msg)
{
    const void *at = wire_at_const(msg, f->offset);
    const struct mb_bytes *b = at;

    switch (f->type) {
    case MB_WIRE_U64:
        msgpack_pack_uint64(pk, *(const uint64_t *)at);
        break;
    case MB_WIRE_I64:
        msgpack_pack_int64(pk, *(const int64_t *)at);
        break;
    case MB_WIRE_BOOL:
        if (*(const bool *)at)
            msgpack_pack_true(pk);
        else
            msgpack_pack_false(pk);
        break;
    case MB_WIRE_STR:
        put_str(pk, *(char *const *)at);
        break;
    case MB_WIRE_DIGEST:
        put_bin(pk, at, sizeof(struct mb_digest));
        break;
    case MB_WIRE_BYTES:
        put_bin(pk, b->data, b->len);
        break;
    case MB_WIRE_STRV:
        put_strv(pk, at);
        break;
    case MB_WIRE_KV:
        put_kv(pk, at);
        break;
    case MB_WIRE_PLATFORM:
        put_platform(pk, at);
        break;
    case MB_WIRE_DESC:
        put_desc(pk, at);
        break;
    case MB_WIRE_LIST:
        put_list(pk, f, msg);
        break;
    case MB_WIRE_STRUCT:
        put_map(pk, f->sub, at);
        break;
    }
}

static bool is_written(const struct mb_wire_field *f, const void *msg)
{
    return f->required || !wire_field_is_empty(f, msg);
}

static void put_map(msgpack_packer *pk, const struct mb_wire_schema *s, const void *msg)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_fields; i++)
        n += is_written(&s->fields[i], msg) ? 1 : 0;
    msgpack_pack_map(pk, n);
    for (size_t i = 0; i < s->n_fields; i++) {
        if (!is_written(&s->fields[i], msg))
            continue;
        put_str(pk, s->fields[i].name);
        put_value(pk, &s->fields[i], msg);
    }
}

void mb_wire_encode(const struct mb_wire_schema *s, const void *msg, struct mb_buf *out)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, out, add_bytes);
    put_map(&pk, s, msg);
}
