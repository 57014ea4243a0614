/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3629 section 4. */
#include "base/utf8.h"

size_t mb_utf8_decode(const char *s, size_t len, uint32_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n;
    uint32_t c;

    if (len == 0)
        return 0;
    c = (unsigned char)s[0];
    if (c < 0x80) {
        *ret = c;
        return 1;
    }
    if ((c & 0xe0) == 0xc0) {
        n = 2;
        c &= 0x1f;
    } else if ((c & 0xf0) == 0xe0) {
        n = 3;
        c &= 0x0f;
    } else if ((c & 0xf8) == 0xf0) {
        n = 4;
        c &= 0x07;
    } else {
        return 0;
    }
    if (len < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)s[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (next & 0x3fU);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return n;
}

bool mb_utf8_valid(const char *s, size_t len)
{
    uint32_t c;

    while (len > 0) {
        size_t n = mb_utf8_decode(s, len, &c);

        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}
