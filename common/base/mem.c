/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_noreturn_ static void out_of_memory(void)
{
    (void)fputs("out of memory\n", stderr);
    abort();
}

void *mb_xmalloc(size_t size)
{
    void *p = malloc(size > 0 ? size : 1);

    if (!p)
        out_of_memory();
    return p;
}

void *mb_xcalloc(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

    if (!p)
        out_of_memory();
    return p;
}

void *mb_xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size > 0 ? size : 1);

    if (!q)
        out_of_memory();
    return q;
}

void *mb_xreallocarray(void *p, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory();
    return mb_xrealloc(p, total);
}

void *mb_xmemdup(const void *p, size_t size)
{
    void *q = mb_xmalloc(size);

    if (size > 0)
        memcpy(q, p, size);
    return q;
}

char *mb_xstrdup(const char *s)
{
    return s ? mb_xmemdup(s, strlen(s) + 1) : NULL;
}

char *mb_xstrndup(const char *s, size_t n)
{
    if (!s)
        return NULL;

    size_t len = strnlen(s, n);
    char *copy = mb_xmalloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *mb_xvasprintf(const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0)
        out_of_memory();
    return text;
}

char *mb_xasprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *text = mb_xvasprintf(fmt, ap);
    va_end(ap);
    return text;
}
