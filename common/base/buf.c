/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"

#define FIRST_CAP_BYTES 64

void mb_buf_init(struct mb_buf *b, size_t max_bytes)
{
    *b = MB_BUF_INIT(max_bytes);
}

void mb_buf_done(struct mb_buf *b)
{
    free(b->data);
    *b = MB_BUF_INIT(b->max);
}

void mb_buf_clear(struct mb_buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

/* Room for @more bytes and the NUL behind them; the maximum has been checked. */
static void reserve(struct mb_buf *b, size_t more)
{
    size_t want = b->len + more + 1;

    if (want <= b->cap)
        return;
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP_BYTES;
    while (cap < want)
        cap = cap > SIZE_MAX / 2 ? want : cap * 2;
    b->data = mb_xrealloc(b->data, cap);
    b->cap = cap;
}

void mb_buf_add(struct mb_buf *b, const void *data, size_t len)
{
    if (b->overflow)
        return;
    if (len > b->max - b->len || len >= SIZE_MAX - b->len) {
        b->overflow = true;
        return;
    }
    reserve(b, len);
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void mb_buf_add_str(struct mb_buf *b, const char *s)
{
    mb_buf_add(b, s, strlen(s));
}

void mb_buf_add_byte(struct mb_buf *b, unsigned char c)
{
    mb_buf_add(b, &c, 1);
}

void mb_buf_addf(struct mb_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *text = mb_xvasprintf(fmt, ap);
    va_end(ap);
    mb_buf_add_str(b, text);
}

void mb_buf_consume(struct mb_buf *b, size_t n)
{
    BUG_ON(n > b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

int mb_buf_check(const struct mb_buf *b, const char *what, struct mb_error *err)
{
    if (b->overflow)
        return mb_fail(err, MB_ERR_LIMIT, "%s is over the limit of %zu bytes", what,
                       b->max);
    return 0;
}

char *mb_buf_steal(struct mb_buf *b)
{
    char *data = b->data ? steal_ptr(b->data) : mb_xstrdup("");

    *b = MB_BUF_INIT(b->max);
    return data;
}
