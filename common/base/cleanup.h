/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup - attributes for ownership that is visible where a thing is declared.
 *
 * A variable marked _cleanup_* is released when its scope ends; hand the thing
 * on with steal_ptr() or steal_fd().  Initialise such variables to NULL or -1.
 */
#ifndef MB_BASE_CLEANUP_H
#define MB_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _noreturn_ __attribute__((noreturn))
#define _unused_ __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Define NAMEp(T *p), the form that _cleanup_(NAMEp) wants, from NAME(T). */
#define DEFINE_CLEANUP(type, func)               \
    static inline void _unused_ func##p(type *p) \
    {                                            \
        if (*p)                                  \
            func(*p);                            \
    }

static inline void mb_cleanup_free(void *p)
{
    free(*(void **)p);
}
static inline void mb_cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define _cleanup_free_ _cleanup_(mb_cleanup_free)
#define _cleanup_close_ _cleanup_(mb_cleanup_close)

/* The value of @p, which becomes NULL. */
#define steal_ptr(p)                    \
    ({                                  \
        __typeof__(p) steal_tmp_ = (p); \
        (p) = NULL;                     \
        steal_tmp_;                     \
    })
static inline int steal_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

#endif
