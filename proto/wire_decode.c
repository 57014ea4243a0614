/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding. The shape of the whole message is checked first (wire_reader.c); then one
 * pass over the map fills a zeroed struct, which is released when a field is refused.
 * Lists grow as their items turn out to be good, so memory follows the bytes received,
 * never a count.
 */
#include <inttypes.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/mem.h"
#include "proto/wire_reader.h"
#include "proto/wire_value.h"

typedef int get_fn(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                   struct mb_error *err);

static uint64_t field_max(const struct mb_wire_field *f)
{
    return f->max > 0 ? f->max : MB_WIRE_MAX_DEFAULT;
}

static int take(struct wire_reader *r, const struct mb_wire_field *f,
                enum wire_token_type type, const char *what, struct wire_token *ret,
                struct mb_error *err)
{
    struct wire_token t;

    if (wire_next(r, &t, err) < 0)
        return -1;
    if (t.type != type)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is not %s", f->name, what);
    *ret = t;
    return 0;
}

static int check_range(const struct mb_wire_field *f, uint64_t n, uint64_t max,
                       const char *unit, struct mb_error *err)
{
    if (n > max)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is over %" PRIu64 "%s", f->name, max,
                       unit);
    if (n < f->min)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is under %" PRIu64 "%s", f->name,
                       f->min, unit);
    return 0;
}

static int get_u64(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                   struct mb_error *err)
{
    struct wire_token t;

    if (take(r, f, WIRE_UINT, "a number from 0 on", &t, err) < 0
        || check_range(f, t.n, f->max > 0 ? f->max : UINT64_MAX, "", err) < 0)
        return -1;
    *(uint64_t *)wire_at(msg, f->offset) = t.n;
    return 0;
}

static int get_i64(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                   struct mb_error *err)
{
    struct wire_token t;

    if (wire_next(r, &t, err) < 0)
        return -1;
    if (t.type != WIRE_NEGATIVE && t.type != WIRE_UINT)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is not a number", f->name);
    if (t.type == WIRE_UINT && t.n > INT64_MAX)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is over 2^63-1", f->name);
    memcpy(wire_at(msg, f->offset), &t.n, sizeof(t.n));
    return 0;
}

static int get_bool(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                    struct mb_error *err)
{
    struct wire_token t;

    if (take(r, f, WIRE_BOOL, "true or false", &t, err) < 0)
        return -1;
    *(bool *)wire_at(msg, f->offset) = t.n != 0;
    return 0;
}

/* A text without NUL inside, as a string. */
static int take_text(struct wire_reader *r, const struct mb_wire_field *f, char **ret,
                     struct wire_token *ret_token, struct mb_error *err)
{
    struct wire_token t;

    if (take(r, f, WIRE_STR, "a text", &t, err) < 0)
        return -1;
    if (memchr(t.data, '\0', (size_t)t.n))
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' has a NUL byte inside", f->name);
    if (ret)
        *ret = mb_xstrndup((const char *)t.data, (size_t)t.n);
    if (ret_token)
        *ret_token = t;
    return 0;
}

static int get_str(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                   struct mb_error *err)
{
    struct wire_token t;

    if (take_text(r, f, NULL, &t, err) < 0
        || check_range(f, t.n, field_max(f), " bytes", err) < 0)
        return -1;
    *(char **)wire_at(msg, f->offset) = mb_xstrndup((const char *)t.data, (size_t)t.n);
    return 0;
}

static int take_digest(struct wire_reader *r, const struct mb_wire_field *f,
                       struct mb_digest *ret, struct mb_error *err)
{
    struct wire_token t;
    struct mb_digest d;

    if (take(r, f, WIRE_BIN, "a digest", &t, err) < 0)
        return -1;
    if (t.n != sizeof(d.bytes))
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is not a digest of 32 bytes",
                       f->name);
    memcpy(d.bytes, t.data, sizeof(d.bytes));
    if (mb_digest_is_zero(&d))
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is a digest of zeros", f->name);
    *ret = d;
    return 0;
}

static int get_digest(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                      struct mb_error *err)
{
    return take_digest(r, f, wire_at(msg, f->offset), err);
}

static int get_bytes(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                     struct mb_error *err)
{
    struct mb_bytes *b = wire_at(msg, f->offset);
    struct wire_token t;

    if (take(r, f, WIRE_BIN, "bytes", &t, err) < 0
        || check_range(f, t.n, field_max(f), " bytes", err) < 0)
        return -1;
    if (t.n > 0)
        *b = (struct mb_bytes){.data = mb_xmemdup(t.data, (size_t)t.n),
                               .len = (size_t)t.n};
    return 0;
}

static int get_strv(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                    struct mb_error *err)
{
    struct mb_strv *l = wire_at(msg, f->offset);
    struct wire_token t;
    char *s;

    if (take(r, f, WIRE_ARRAY, "a list of texts", &t, err) < 0
        || check_range(f, t.n, field_max(f), " items", err) < 0)
        return -1;
    for (uint64_t i = 0; i < t.n; i++) {
        if (take_text(r, f, &s, NULL, err) < 0)
            return -1;
        mb_strv_add_take(l, s);
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int refuse_repeated_keys(const struct mb_wire_field *f,
                                const struct mb_kvlist *l, struct mb_error *err)
{
    _cleanup_free_ const char **keys = mb_xreallocarray(NULL, l->n + 1, sizeof(*keys));

    for (size_t i = 0; i < l->n; i++)
        keys[i] = l->v[i].key;
    qsort(keys, l->n, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < l->n; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return mb_fail(err, MB_ERR_PROTOCOL, "'%s' has a key twice", f->name);
    return 0;
}

static int get_kv(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                  struct mb_error *err)
{
    struct mb_kvlist *l = wire_at(msg, f->offset);
    struct wire_token t;

    if (take(r, f, WIRE_MAP, "a map of texts", &t, err) < 0
        || check_range(f, t.n, field_max(f), " pairs", err) < 0)
        return -1;
    if (t.n > 0)
        l->v = mb_xcalloc((size_t)t.n, sizeof(*l->v));
    for (uint64_t i = 0; i < t.n; i++) {
        _cleanup_free_ char *key = NULL;
        char *value;

        if (take_text(r, f, &key, NULL, err) < 0
            || take_text(r, f, &value, NULL, err) < 0)
            return -1;
        l->v[l->n++] = (struct mb_kv){.key = steal_ptr(key), .value = value};
    }
    return refuse_repeated_keys(f, l, err);
}

static int get_platform(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                        struct mb_error *err)
{
    _cleanup_free_ char *text = NULL;
    struct mb_platform p;

    if (take_text(r, f, &text, NULL, err) < 0)
        return -1;
    if (mb_platform_parse(text, &p, err) < 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is not a platform", f->name);
    *(struct mb_platform *)wire_at(msg, f->offset) = p;
    return 0;
}

static int get_desc(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                    struct mb_error *err)
{
    struct mb_descriptor d = {0};
    struct wire_token list, type, size;

    if (take(r, f, WIRE_ARRAY, "a descriptor", &list, err) < 0)
        return -1;
    if (list.n != 3)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is not a descriptor of 3 items",
                       f->name);
    if (take_text(r, f, NULL, &type, err) < 0 || take_digest(r, f, &d.digest, err) < 0
        || take(r, f, WIRE_UINT, "a descriptor with a size", &size, err) < 0
        || check_range(f, size.n, MB_BLOB_BYTES_MAX, " bytes", err) < 0)
        return -1;
    if (type.n >= sizeof(d.media_type))
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' has a media type that is too long",
                       f->name);
    memcpy(d.media_type, type.data, (size_t)type.n);
    d.size = size.n;
    *(struct mb_descriptor *)wire_at(msg, f->offset) = d;
    return 0;
}

static int get_map(struct wire_reader *r, const struct mb_wire_schema *s, void *msg,
                   struct mb_error *err);

static int get_list(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                    struct mb_error *err)
{
    struct wire_list l = {0};
    struct wire_token t;
    size_t room = 0;

    if (take(r, f, WIRE_ARRAY, "a list", &t, err) < 0
        || check_range(f, t.n, field_max(f), " items", err) < 0)
        return -1;
    while (l.n < t.n) {
        if (l.n == room) {
            room = room > 0 ? 2 * room : 4;
            l.v = mb_xreallocarray(l.v, room, f->sub->size);
        }
        memset(wire_list_item(f, l, l.n), 0, f->sub->size);
        l.n++;
        wire_list_set(f, msg, l);
        if (get_map(r, f->sub, wire_list_item(f, l, l.n - 1), err) < 0)
            return mb_wrap(err, "'%s' %zu", f->name, l.n - 1);
    }
    return 0;
}

static int get_struct(struct wire_reader *r, const struct mb_wire_field *f, void *msg,
                      struct mb_error *err)
{
    if (get_map(r, f->sub, wire_at(msg, f->offset), err) < 0)
        return mb_wrap(err, "'%s'", f->name);
    return 0;
}

static get_fn *const getters[MB_WIRE_TYPE_COUNT] = {
    [MB_WIRE_U64] = get_u64,           [MB_WIRE_I64] = get_i64,
    [MB_WIRE_BOOL] = get_bool,         [MB_WIRE_STR] = get_str,
    [MB_WIRE_DIGEST] = get_digest,     [MB_WIRE_BYTES] = get_bytes,
    [MB_WIRE_STRV] = get_strv,         [MB_WIRE_KV] = get_kv,
    [MB_WIRE_PLATFORM] = get_platform, [MB_WIRE_DESC] = get_desc,
    [MB_WIRE_LIST] = get_list,         [MB_WIRE_STRUCT] = get_struct,
};

/* The index of the field called so, or n_fields. */
static size_t find_field(const struct mb_wire_schema *s, const struct wire_token *key)
{
    size_t i;

    for (i = 0; i < s->n_fields; i++)
        if (strlen(s->fields[i].name) == key->n
            && memcmp(s->fields[i].name, key->data, (size_t)key->n) == 0)
            break;
    return i;
}

static int get_pair(struct wire_reader *r, const struct mb_wire_schema *s, void *msg,
                    uint64_t *seen, struct mb_error *err)
{
    struct wire_token key;
    size_t i;

    if (wire_next(r, &key, err) < 0)
        return -1;
    if (key.type != WIRE_STR)
        return mb_fail(err, MB_ERR_PROTOCOL, "a field's name is not a text");
    i = find_field(s, &key);
    if (i == s->n_fields)
        return wire_skip(r, err);
    if (*seen & UINT64_C(1) << i)
        return mb_fail(err, MB_ERR_PROTOCOL, "'%s' twice", s->fields[i].name);
    *seen |= UINT64_C(1) << i;
    return getters[s->fields[i].type](r, &s->fields[i], msg, err);
}

static int get_map(struct wire_reader *r, const struct mb_wire_schema *s, void *msg,
                   struct mb_error *err)
{
    uint64_t seen = 0;
    struct wire_token map;

    BUG_ON(s->n_fields > 64);
    if (wire_next(r, &map, err) < 0)
        return -1;
    if (map.type != WIRE_MAP)
        return mb_fail(err, MB_ERR_PROTOCOL, "%s is not a map of fields", s->name);
    for (uint64_t i = 0; i < map.n; i++)
        if (get_pair(r, s, msg, &seen, err) < 0)
            return -1;
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].required && !(seen & UINT64_C(1) << i))
            return mb_fail(err, MB_ERR_PROTOCOL, "'%s' is missing", s->fields[i].name);
    return 0;
}

int mb_wire_decode(const struct mb_wire_schema *s, const void *data, size_t len,
                   void *ret, struct mb_error *err)
{
    struct wire_reader r = {.data = data, .left = len};
    _cleanup_free_ void *msg = mb_xcalloc(1, s->size + 1);

    if (len > MB_MSG_BYTES_MAX)
        return mb_fail(err, MB_ERR_PROTOCOL, "%s: over %" PRIu64 " bytes", s->name,
                       (uint64_t)MB_MSG_BYTES_MAX);
    if (wire_check_shape(data, len, err) < 0 || get_map(&r, s, msg, err) < 0) {
        mb_wire_done(s, msg);
        return mb_wrap(err, "%s", s->name);
    }
    if (s->size > 0) /* the empty body has no struct */
        memcpy(ret, msg, s->size);
    return 0;
}
