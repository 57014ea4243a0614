/* SPDX-License-Identifier: Apache-2.0 */
/* mem - small allocations; out of memory aborts.  Sizes from outside meet a limit
 * first. */
#ifndef MB_BASE_MEM_H
#define MB_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

void *mb_xmalloc(size_t size);
void *mb_xcalloc(size_t n, size_t size);
void *mb_xrealloc(void *p, size_t size);
/* realloc to n * size, overflow aborts. */
void *mb_xreallocarray(void *p, size_t n, size_t size);
void *mb_xmemdup(const void *p, size_t size);
/* NULL gives NULL. */
char *mb_xstrdup(const char *s);
char *mb_xstrndup(const char *s, size_t n);
char *mb_xasprintf(const char *fmt, ...) _printf_(1, 2);
char *mb_xvasprintf(const char *fmt, va_list ap) _printf_(1, 0);

#endif
