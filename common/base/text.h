/* SPDX-License-Identifier: Apache-2.0 */
/* text - numbers, hex and base64 from and to text; small string helpers. */
#ifndef MB_BASE_TEXT_H
#define MB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Decimal digits only, at most @max. INVALID names the text. */
int mb_parse_u64(const char *text, uint64_t max, uint64_t *ret, struct mb_error *err)
    _must_check_;
void mb_hex(const void *data, size_t len,
            char *out); /* 2 * len + 1 bytes, lower case */
/* Exactly 2 * len lower-case hex digits. INVALID. */
int mb_unhex(const char *text, void *out, size_t len, struct mb_error *err)
    _must_check_;
/* RFC 4648 section 5 without padding; malloc'ed. */
char *mb_base64url(const void *data, size_t len);
int mb_unbase64url(const char *text, struct mb_buf *ret, struct mb_error *err)
    _must_check_;
/* RFC 4648 section 4 with padding; malloc'ed. */
char *mb_base64(const void *data, size_t len);
int mb_unbase64(const char *text, struct mb_buf *ret, struct mb_error *err)
    _must_check_;

bool mb_starts_with(const char *s, const char *prefix);
bool mb_ends_with(const char *s, const char *suffix);
/* Random bytes from getrandom(2); aborts if the kernel cannot. */
void mb_random_bytes(void *out, size_t len);
/* Text from a peer for a log or a terminal: control and non-UTF-8 bytes as \xNN,
 * at most @max bytes of output, then "...".  malloc'ed. */
char *mb_escape(const char *data, size_t len, size_t max);
/* "3.4MB" as Docker prints sizes (powers of 1000). */
#define MB_SIZE_TEXT_LEN 32
const char *mb_size_text(uint64_t bytes, char out[MB_SIZE_TEXT_LEN]);

#endif
