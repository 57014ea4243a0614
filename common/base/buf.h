/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - growing bytes with a maximum that must be named.
 *
 * Adding over the maximum sets `overflow` and adds nothing more; check it once at
 * the end with mb_buf_check().  data is always NUL-terminated behind len (data is
 * never NULL after the first add).
 */
#ifndef MB_BASE_BUF_H
#define MB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct mb_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max; /* of len, in bytes */
    bool overflow;
};

#define MB_BUF_INIT(max_bytes) ((struct mb_buf){.max = (max_bytes)})

void mb_buf_init(struct mb_buf *b, size_t max_bytes);
void mb_buf_done(struct mb_buf *b);  /* frees; the buffer can be used again */
void mb_buf_clear(struct mb_buf *b); /* len = 0, overflow = false, keeps memory */
void mb_buf_add(struct mb_buf *b, const void *data, size_t len);
void mb_buf_add_str(struct mb_buf *b, const char *s);
void mb_buf_add_byte(struct mb_buf *b, unsigned char c);
void mb_buf_addf(struct mb_buf *b, const char *fmt, ...) _printf_(2, 3);
/* Drop the first n bytes. */
void mb_buf_consume(struct mb_buf *b, size_t n);
/* LIMIT, naming @what, when something did not fit. */
int mb_buf_check(const struct mb_buf *b, const char *what, struct mb_error *err)
    _must_check_;
/* The malloc'ed string ("" when empty); the buffer becomes empty.  The caller frees. */
char *mb_buf_steal(struct mb_buf *b);

#define _cleanup_buf_ _cleanup_(mb_buf_done)

#endif
