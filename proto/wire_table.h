/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_table - how a table of fields is written. Private to proto/.
 *
 * FIELD(struct mb_x, member, U64, .required = true): the member's name is the field's
 * name on the wire; a member of another C type than the wire type has does not compile.
 */
#ifndef MB_PROTO_WIRE_TABLE_H
#define MB_PROTO_WIRE_TABLE_H

#include "base/limits.h"
#include "proto/wire.h"

#define WIRE_C_U64 uint64_t
#define WIRE_C_I64 int64_t
#define WIRE_C_BOOL bool
#define WIRE_C_STR char *
#define WIRE_C_DIGEST struct mb_digest
#define WIRE_C_BYTES struct mb_bytes
#define WIRE_C_STRV struct mb_strv
#define WIRE_C_KV struct mb_kvlist
#define WIRE_C_PLATFORM struct mb_platform
#define WIRE_C_DESC struct mb_descriptor

/* offsetof, and a negative array size when the member has another type. */
#define WIRE_OFFSET(s, m, c_type)                                                      \
    (offsetof(s, m)                                                                    \
     + 0                                                                               \
           * sizeof(char[__builtin_types_compatible_p(__typeof__(((s *)0)->m), c_type) \
                             ? 1                                                       \
                             : -1]))

#define FIELD(s, m, wire_type, ...)                                  \
    {                                                                \
        .name = #m, .type = MB_WIRE_##wire_type,                     \
        .offset = WIRE_OFFSET(s, m, WIRE_C_##wire_type), __VA_ARGS__ \
    }
/* Members m and n_m; @sub_struct is what m points to. */
#define LIST(s, m, sub_struct, sub_schema, ...)                                      \
    {                                                                                \
        .name = #m, .type = MB_WIRE_LIST, .offset = WIRE_OFFSET(s, m, sub_struct *), \
        .offset_n = WIRE_OFFSET(s, n_##m, size_t), .sub = &(sub_schema), __VA_ARGS__ \
    }
#define STRUCT(s, m, sub_struct, sub_schema, ...)                                    \
    {                                                                                \
        .name = #m, .type = MB_WIRE_STRUCT, .offset = WIRE_OFFSET(s, m, sub_struct), \
        .sub = &(sub_schema), __VA_ARGS__                                            \
    }
#define SCHEMA(text, s, table)                                        \
    {                                                                 \
        .name = text, .fields = table, .n_fields = ARRAY_SIZE(table), \
        .size = sizeof(s)                                             \
    }

/* Bounds that several tables share. */
#define MAX_NAME 64    /* of a peer or an agent */
#define MAX_VERSION 64 /* of software, as text */
#define MAX_CODE 255   /* enum mb_errc */
#define MAX_MESSAGE (4 * MB_KIB)
#define MAX_TEXT MB_DOCKERFILE_BYTES_MAX /* of a step, as the user wrote it */

#endif
