/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_reader - msgpack tokens out of bytes that are not trusted. Private to proto/.
 *
 * Nothing is allocated here: a token points into the message.
 */
#ifndef MB_PROTO_WIRE_READER_H
#define MB_PROTO_WIRE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum wire_token_type {
    WIRE_NIL,
    WIRE_BOOL,     /* n: 0 or 1 */
    WIRE_UINT,     /* n; also signed formats that hold a value >= 0 */
    WIRE_NEGATIVE, /* n as two's complement */
    WIRE_FLOAT,
    WIRE_STR,   /* data, n bytes */
    WIRE_BIN,   /* data, n bytes */
    WIRE_EXT,   /* data, n bytes */
    WIRE_ARRAY, /* n values follow */
    WIRE_MAP,   /* n pairs follow */
};
struct wire_token {
    enum wire_token_type type;
    uint64_t n;
    const uint8_t *data; /* borrowed from the message */
};
struct wire_reader {
    const uint8_t *data;
    size_t left;
};

/* Exactly one value, at most MB_WIRE_DEPTH_MAX containers deep, whose lengths and
 * counts fit into the bytes there are, and nothing behind it. PROTOCOL. */
int wire_check_shape(const void *data, size_t len, struct mb_error *err) _must_check_;
/* The next token; of a container only its head. PROTOCOL. */
int wire_next(struct wire_reader *r, struct wire_token *ret, struct mb_error *err)
    _must_check_;
/* Over one value with all that is in it. PROTOCOL. */
int wire_skip(struct wire_reader *r, struct mb_error *err) _must_check_;

#endif
