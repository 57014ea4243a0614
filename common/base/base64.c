/* SPDX-License-Identifier: Apache-2.0 */
/* The base64 functions of text.h.  RFC 4648 sections 4 and 5. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char std_alphabet[] = LETTERS "+/";
static const char url_alphabet[] = LETTERS "-_";

static char *encode(const char *alphabet, bool pad, const uint8_t *in, size_t len)
{
    char *text = mb_xmalloc(len / 3 * 4 + 5);
    char *p = text;

    for (; len > 0; in += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t v = (uint32_t)in[0] << 16;

        if (n > 1)
            v |= (uint32_t)in[1] << 8;
        if (n > 2)
            v |= in[2];
        for (size_t i = 0; i < 4; i++)
            if (i <= n)
                *p++ = alphabet[v >> (18 - 6 * i) & 0x3f];
            else if (pad)
                *p++ = '=';
        len -= n;
    }
    *p = '\0';
    return text;
}

/* The text without its padding; -1 when the padding is wrong. */
static int strip_padding(const char *text, bool pad, size_t *ret_len)
{
    size_t len = strlen(text);
    size_t padding = 0;

    if (pad) {
        if (len % 4 != 0)
            return -1;
        while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
            padding++;
    }
    len -= padding;
    if (len % 4 == 1)
        return -1;
    *ret_len = len;
    return 0;
}

static int decode(const char *alphabet, bool pad, const char *text, struct mb_buf *ret,
                  struct mb_error *err)
{
    static const char hint[] =
        "the text is not base64: it is cut or has other characters";
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(ret->max);
    uint32_t bits = 0;
    size_t len = 0, n_bits = 0;

    if (strip_padding(text, pad, &len) < 0)
        return mb_fail(err, MB_ERR_INVALID, "%s", hint);
    for (size_t i = 0; i < len; i++) {
        const char *at = strchr(alphabet, text[i]);

        if (!at)
            return mb_fail(err, MB_ERR_INVALID, "%s", hint);
        bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffff;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            mb_buf_add_byte(&out, (unsigned char)(bits >> n_bits & 0xff));
        }
    }
    if ((bits & ((1U << n_bits) - 1)) != 0)
        return mb_fail(err, MB_ERR_INVALID, "%s", hint); /* two texts, one value */
    if (mb_buf_check(&out, "base64 text", err) < 0)
        return -1;
    if (out.len > ret->max - ret->len)
        return mb_fail(err, MB_ERR_LIMIT, "base64 text is over the limit of %zu bytes",
                       ret->max);
    mb_buf_add(ret, out.data, out.len);
    return 0;
}

char *mb_base64url(const void *data, size_t len)
{
    return encode(url_alphabet, false, data, len);
}

char *mb_base64(const void *data, size_t len)
{
    return encode(std_alphabet, true, data, len);
}

int mb_unbase64url(const char *text, struct mb_buf *ret, struct mb_error *err)
{
    return decode(url_alphabet, false, text, ret, err);
}

int mb_unbase64(const char *text, struct mb_buf *ret, struct mb_error *err)
{
    return decode(std_alphabet, true, text, ret, err);
}
