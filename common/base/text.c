/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/utf8.h"

int mb_parse_u64(const char *text, uint64_t max, uint64_t *ret, struct mb_error *err)
{
    uint64_t value = 0;

    if (text[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "a number is missing");
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return mb_fail(err, MB_ERR_INVALID,
                           "'%.64s' is not a number: use decimal digits only", text);

        uint64_t digit = (uint64_t)(*p - '0');
        if (__builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, digit, &value) || value > max)
            return mb_fail(err, MB_ERR_INVALID, "'%.64s' is over %llu", text,
                           (unsigned long long)max);
    }
    *ret = value;
    return 0;
}

void mb_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0xf];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int mb_unhex(const char *text, void *out, size_t len, struct mb_error *err)
{
    uint8_t *bytes = out;

    /* All is checked before anything is written. */
    if (strlen(text) != 2 * len)
        return mb_fail(err, MB_ERR_INVALID, "'%.80s' does not have %zu hex digits",
                       text, 2 * len);
    for (const char *p = text; *p; p++)
        if (hex_value(*p) < 0)
            return mb_fail(err, MB_ERR_INVALID, "'%.80s' is not lower-case hex", text);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return 0;
}

bool mb_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool mb_ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

void mb_random_bytes(void *out, size_t len)
{
    uint8_t *p = out;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0)
            continue; /* EINTR before the pool is ready; nothing else can happen */
        p += n;
        len -= (size_t)n;
    }
}

/* Characters that move a terminal's cursor or turn the direction of the text. */
static bool is_unprintable(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029
           || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e)
           || (c >= 0x2066 && c <= 0x2069);
}

char *mb_escape(const char *data, size_t len, size_t max)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(max);
    bool cut = false;

    while (len > 0 && !cut) {
        char piece[4 * 4 + 1];
        uint32_t c = 0;
        size_t n = mb_utf8_decode(data, len, &c);

        if (n == 0 || is_unprintable(c)) {
            n = n > 0 ? n : 1;
            for (size_t i = 0; i < n; i++)
                (void)snprintf(piece + 4 * i, sizeof(piece) - 4 * i, "\\x%02x",
                               (unsigned char)data[i]);
        } else {
            memcpy(piece, data, n);
            piece[n] = '\0';
        }
        mb_buf_add_str(&out, piece);
        cut = out.overflow;
        data += n;
        len -= n;
    }
    _cleanup_free_ char *text = mb_buf_steal(&out);
    return cut ? mb_xasprintf("%s...", text) : steal_ptr(text);
}

const char *mb_size_text(uint64_t bytes, char out[MB_SIZE_TEXT_LEN])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;

    /* 999.5 and more would be printed as 1e+03. */
    while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, MB_SIZE_TEXT_LEN, "%.3g%s", value, units[unit]);
    return out;
}
