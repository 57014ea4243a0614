/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - one msgpack map per message, described by a table of fields from which both
 * directions and the release are driven. PROTOCOL.md section 4.
 *
 * Encoding is canonical: fields in table order, shortest integers, str for texts, bin
 * for bytes and digests; empty optional fields are left out. Decoding: size, then shape
 * (depth, counts within the bytes left, nothing behind), then typed fields with ranges;
 * unknown fields are skipped, a field twice or a missing required one is PROTOCOL, as
 * is every other fault; *ret is untouched on failure. Every schema's struct may be
 * zeroed to make an empty one.
 */
#ifndef MB_PROTO_WIRE_H
#define MB_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/strv.h"
#include "oci/descriptor.h"
#include "oci/platform.h"

struct mb_bytes {
    void *data;
    size_t len;
};

enum mb_wire_type {
    MB_WIRE_U64,  /* uint64_t, `min` to `max` (0: no bound); 0 is left out */
    MB_WIRE_I64,  /* int64_t; 0 is left out */
    MB_WIRE_BOOL, /* bool; false is left out */
    MB_WIRE_STR, /* char *, UTF-8 or not, no NUL inside, `min` to `max` bytes (0: 4096);
                    NULL left out */
    MB_WIRE_DIGEST, /* struct mb_digest as bin 32; zero is left out */
    MB_WIRE_BYTES, /* struct mb_bytes as bin, `min` to `max` bytes (0: 4096); empty left
                      out */
    MB_WIRE_STRV,  /* struct mb_strv, at most `max` strings (0: 4096) */
    MB_WIRE_KV, /* struct mb_kvlist as map in list order, at most `max` pairs (0: 4096)
                 */
    MB_WIRE_PLATFORM, /* struct mb_platform as its text; empty os left out */
    MB_WIRE_DESC,     /* struct mb_descriptor as [media type, digest, size]; zero digest
                         left out */
    MB_WIRE_LIST, /* T *v; size_t n: array of maps by `sub`, `min` to `max` (0: 4096) */
    MB_WIRE_STRUCT, /* T embedded, map by `sub`; left out when nothing in it is set */
};
#define MB_WIRE_TYPE_COUNT (MB_WIRE_STRUCT + 1)
#define MB_WIRE_MAX_DEFAULT 4096
struct mb_wire_schema;
struct mb_wire_field {
    const char *name;
    enum mb_wire_type type;
    size_t offset;
    size_t offset_n; /* LIST: of the size_t count */
    uint64_t min; /* of what is there; an optional field may be missing all the same */
    uint64_t max;
    bool required; /* always written (NULL as ""), and refused when missing */
    const struct mb_wire_schema *sub;
};
struct mb_wire_schema {
    const char *name; /* "HELLO", in errors */
    const struct mb_wire_field *fields;
    size_t n_fields;
    size_t size; /* sizeof the struct */
};

/* Append the canonical bytes. LIMIT only through @out's max. */
void mb_wire_encode(const struct mb_wire_schema *s, const void *msg,
                    struct mb_buf *out);
int mb_wire_decode(const struct mb_wire_schema *s, const void *data, size_t len,
                   void *ret, struct mb_error *err) _must_check_;
/* Free what the fields own and zero the struct. */
void mb_wire_done(const struct mb_wire_schema *s, void *msg);
/* Deep copy into the zeroed struct @ret. */
void mb_wire_copy(const struct mb_wire_schema *s, void *ret, const void *from);

#endif
