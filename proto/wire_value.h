/* SPDX-License-Identifier: Apache-2.0 */
/* wire_value - fields of a message struct, reached through its table. Private to
 * proto/. */
#ifndef MB_PROTO_WIRE_VALUE_H
#define MB_PROTO_WIRE_VALUE_H

#include <string.h>

#include "proto/wire.h"

static inline void *wire_at(void *msg, size_t offset)
{
    return (char *)msg + offset;
}
static inline const void *wire_at_const(const void *msg, size_t offset)
{
    return (const char *)msg + offset;
}

/* The parts of a LIST field. Pointers to any struct are read as void *, so by memcpy.
 */
struct wire_list {
    void *v;
    size_t n;
};
static inline struct wire_list wire_list_get(const struct mb_wire_field *f,
                                             const void *msg)
{
    struct wire_list l;

    memcpy(&l.v, wire_at_const(msg, f->offset), sizeof(l.v));
    memcpy(&l.n, wire_at_const(msg, f->offset_n), sizeof(l.n));
    return l;
}
static inline void wire_list_set(const struct mb_wire_field *f, void *msg,
                                 struct wire_list l)
{
    memcpy(wire_at(msg, f->offset), &l.v, sizeof(l.v));
    memcpy(wire_at(msg, f->offset_n), &l.n, sizeof(l.n));
}
static inline void *wire_list_item(const struct mb_wire_field *f, struct wire_list l,
                                   size_t i)
{
    return (char *)l.v + i * f->sub->size;
}

/* Nothing there that an optional field would have to say. */
bool wire_field_is_empty(const struct mb_wire_field *f, const void *msg);

#endif
