/* SPDX-License-Identifier: Apache-2.0 */
/* utf8 - one character at a time out of bytes that need not be UTF-8. */
#ifndef MB_BASE_UTF8_H
#define MB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at @s (1 to 4); 0 when @len is 0 or it is not valid UTF-8
 * (too long a form, a surrogate, over U+10FFFF).  Fills *ret when not 0. */
size_t mb_utf8_decode(const char *s, size_t len, uint32_t *ret);
bool mb_utf8_valid(const char *s, size_t len);

#endif
