/* SPDX-License-Identifier: Apache-2.0 */
/* sink - where a stream of bytes goes; stages of one pass are sinks behind each other.
 */
#ifndef MB_FS_SINK_H
#define MB_FS_SINK_H

#include <stddef.h>

#include "base/error.h"

typedef int mb_sink_fn(const void *data, size_t len, void *arg, struct mb_error *err);

struct mb_sink {
    mb_sink_fn *fn;
    void *arg; /* borrowed */
};
static inline int mb_sink_put(const struct mb_sink *s, const void *data, size_t len,
                              struct mb_error *err)
{
    return s->fn(data, len, s->arg, err);
}
/* A sink that writes all to a descriptor; @arg is an int *. */
int mb_sink_to_fd(const void *data, size_t len, void *arg, struct mb_error *err);

#endif
