/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format table of the msgpack specification, read byte by byte: no unaligned loads,
 * no dependence on the host's byte order. A container's count is compared with the
 * bytes left before anyone can act on it, since five bytes may claim 2^28 elements.
 */
#include "proto/wire_reader.h"

#include "base/limits.h"

static int malformed(struct mb_error *err, const char *why)
{
    return mb_fail(err, MB_ERR_PROTOCOL, "malformed message: %s", why);
}

/* @width bytes, most significant first. */
static int take_number(struct wire_reader *r, size_t width, uint64_t *ret,
                       struct mb_error *err)
{
    uint64_t v = 0;

    if (r->left < width)
        return malformed(err, "it ends inside a value");
    for (size_t i = 0; i < width; i++)
        v = v << 8 | r->data[i];
    r->data += width;
    r->left -= width;
    *ret = v;
    return 0;
}

static int take_payload(struct wire_reader *r, struct wire_token *t,
                        struct mb_error *err)
{
    if (t->n > r->left)
        return malformed(err, "a length is over the bytes that are left");
    t->data = r->data;
    r->data += t->n;
    r->left -= (size_t)t->n;
    return 0;
}

/* Sign-extend a number of @width bytes. */
static void make_signed(struct wire_token *t, size_t width)
{
    unsigned shift = (unsigned)(64 - 8 * width);

    if (t->n >> (8 * width - 1) == 0) {
        t->type = WIRE_UINT;
        return;
    }
    t->type = WIRE_NEGATIVE;
    if (shift > 0)
        t->n |= UINT64_MAX << (64 - shift);
}

/* Formats 0xc0 to 0xdf: what they are and how many bytes their number has. */
static const struct {
    enum wire_token_type type;
    uint8_t width;
} formats[32] = {
    [0x00] = {WIRE_NIL, 0},      [0x02] = {WIRE_BOOL, 0},
    [0x03] = {WIRE_BOOL, 0},     [0x04] = {WIRE_BIN, 1},
    [0x05] = {WIRE_BIN, 2},      [0x06] = {WIRE_BIN, 4},
    [0x07] = {WIRE_EXT, 1},      [0x08] = {WIRE_EXT, 2},
    [0x09] = {WIRE_EXT, 4},      [0x0a] = {WIRE_FLOAT, 4},
    [0x0b] = {WIRE_FLOAT, 8},    [0x0c] = {WIRE_UINT, 1},
    [0x0d] = {WIRE_UINT, 2},     [0x0e] = {WIRE_UINT, 4},
    [0x0f] = {WIRE_UINT, 8},     [0x10] = {WIRE_NEGATIVE, 1},
    [0x11] = {WIRE_NEGATIVE, 2}, [0x12] = {WIRE_NEGATIVE, 4},
    [0x13] = {WIRE_NEGATIVE, 8}, [0x14] = {WIRE_EXT, 0},
    [0x15] = {WIRE_EXT, 0},      [0x16] = {WIRE_EXT, 0},
    [0x17] = {WIRE_EXT, 0},      [0x18] = {WIRE_EXT, 0},
    [0x19] = {WIRE_STR, 1},      [0x1a] = {WIRE_STR, 2},
    [0x1b] = {WIRE_STR, 4},      [0x1c] = {WIRE_ARRAY, 2},
    [0x1d] = {WIRE_ARRAY, 4},    [0x1e] = {WIRE_MAP, 2},
    [0x1f] = {WIRE_MAP, 4},
};

static int read_head(struct wire_reader *r, struct wire_token *t, struct mb_error *err)
{
    uint64_t head;

    if (take_number(r, 1, &head, err) < 0)
        return -1;
    if (head < 0x80) {
        *t = (struct wire_token){.type = WIRE_UINT, .n = head};
    } else if (head < 0x90) {
        *t = (struct wire_token){.type = WIRE_MAP, .n = head & 0x0f};
    } else if (head < 0xa0) {
        *t = (struct wire_token){.type = WIRE_ARRAY, .n = head & 0x0f};
    } else if (head < 0xc0) {
        *t = (struct wire_token){.type = WIRE_STR, .n = head & 0x1f};
    } else if (head >= 0xe0) {
        *t = (struct wire_token){.type = WIRE_NEGATIVE, .n = head | ~UINT64_C(0xff)};
    } else if (head == 0xc1) {
        return malformed(err, "byte 0xc1 begins no value");
    } else {
        *t = (struct wire_token){.type = formats[head - 0xc0].type};
        if (take_number(r, formats[head - 0xc0].width, &t->n, err) < 0)
            return -1;
        if (t->type == WIRE_BOOL)
            t->n = head & 1;
        else if (t->type == WIRE_NEGATIVE)
            make_signed(t, formats[head - 0xc0].width);
        else if (t->type == WIRE_EXT) /* fixext 1 to 16, else a length; plus the type */
            t->n = 1 + (head >= 0xd4 ? UINT64_C(1) << (head - 0xd4) : t->n);
    }
    return 0;
}

int wire_next(struct wire_reader *r, struct wire_token *ret, struct mb_error *err)
{
    struct wire_token t;

    if (read_head(r, &t, err) < 0)
        return -1;
    if (t.type == WIRE_STR || t.type == WIRE_BIN || t.type == WIRE_EXT) {
        if (take_payload(r, &t, err) < 0)
            return -1;
    } else if (t.type == WIRE_ARRAY || t.type == WIRE_MAP) {
        if (t.n > r->left / (t.type == WIRE_MAP ? 2 : 1))
            return malformed(err, "a count is over the bytes that are left");
    }
    *ret = t;
    return 0;
}

static uint64_t values_inside(const struct wire_token *t)
{
    if (t->type == WIRE_ARRAY)
        return t->n;
    return t->type == WIRE_MAP ? 2 * t->n : 0;
}

int wire_skip(struct wire_reader *r, struct mb_error *err)
{
    struct wire_token t;

    for (uint64_t todo = 1; todo > 0; todo--) {
        if (wire_next(r, &t, err) < 0)
            return -1;
        todo += values_inside(&t);
    }
    return 0;
}

int wire_check_shape(const void *data, size_t len, struct mb_error *err)
{
    struct wire_reader r = {.data = data, .left = len};
    uint64_t todo[MB_WIRE_DEPTH_MAX + 1] = {1};
    size_t depth = 0;
    struct wire_token t;

    for (;;) {
        while (todo[depth] == 0 && depth > 0)
            depth--;
        if (todo[depth] == 0)
            break;
        todo[depth]--;
        if (wire_next(&r, &t, err) < 0)
            return -1;
        if (t.type != WIRE_ARRAY && t.type != WIRE_MAP)
            continue;
        if (depth == MB_WIRE_DEPTH_MAX)
            return malformed(err, "it is nested too deeply");
        todo[++depth] = values_inside(&t);
    }
    return r.left == 0 ? 0 : malformed(err, "there are bytes behind it");
}
