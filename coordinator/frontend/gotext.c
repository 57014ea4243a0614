/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "coordinator/frontend/eval.h"

/* Texts here come from a Dockerfile and its arguments, each within MB_ENV_BYTES_MAX. */
#define TEXT_MAX SIZE_MAX

static void add_quoted(struct mb_buf *b, const char *s)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"";
    static const char to[] = "abfnrtv\\\"";

    mb_buf_add_byte(b, '"');
    for (; *s; s++) {
        const char *p = strchr(from, *s);

        if (p)
            mb_buf_addf(b, "\\%c", to[p - from]);
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            mb_buf_addf(b, "\\x%02x", (unsigned)*s);
        else
            mb_buf_add_byte(b, (unsigned char)*s);
    }
    mb_buf_add_byte(b, '"');
}

char *gotext_quoted(const struct mb_strv *l)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(TEXT_MAX);

    mb_buf_add_byte(&b, '[');
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            mb_buf_add_byte(&b, ' ');
        add_quoted(&b, l->v[i]);
    }
    mb_buf_add_byte(&b, ']');
    return mb_buf_steal(&b);
}

char *gotext_plain(const struct mb_strv *l)
{
    _cleanup_free_ char *text = mb_strv_join(l, " ");

    return mb_xasprintf("[%s]", text);
}
