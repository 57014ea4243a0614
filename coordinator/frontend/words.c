/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/frontend/words.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

bool words_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char *words_trim(const char *s)
{
    size_t len;

    while (words_is_blank(*s))
        s++;
    for (len = strlen(s); len > 0 && words_is_blank(s[len - 1]); len--)
        ;
    return mb_xstrndup(s, len);
}

void words_split(const char *s, struct mb_strv *ret)
{
    for (;;) {
        size_t n = 0;

        while (words_is_blank(*s))
            s++;
        if (!*s)
            return;
        while (s[n] && !words_is_blank(s[n]))
            n++;
        mb_strv_add_take(ret, mb_xstrndup(s, n));
        s += n;
    }
}

/* The end of the word at @s: white space outside quotes, or the end of the text. An
 * escape character at the very end of the text is no part of the word. */
static const char *word_end(const char *s, char escape, bool *ret_drop_last)
{
    char quote = 0;

    *ret_drop_last = false;
    for (; *s; s++) {
        if (!quote && words_is_blank(*s))
            return s;
        if (*s == escape && quote != '\'') {
            if (!s[1]) {
                *ret_drop_last = true;
                return s + 1;
            }
            s++;
        } else if (quote && *s == quote) {
            quote = 0;
        } else if (!quote && (*s == '\'' || *s == '"')) {
            quote = *s;
        }
    }
    return s;
}

void words_quoted(const char *s, char escape, struct mb_strv *ret)
{
    for (;;) {
        const char *end;
        bool drop;

        while (words_is_blank(*s))
            s++;
        if (!*s)
            return;
        end = word_end(s, escape, &drop);
        if ((size_t)(end - s) > (drop ? 1u : 0u))
            mb_strv_add_take(ret, mb_xstrndup(s, (size_t)(end - s) - (drop ? 1 : 0)));
        s = end;
    }
}

/* One flag word from *s, its quotes and backslashes removed. */
static char *flag_word(const char **s)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    const char *p = *s;
    char quote = 0;

    for (; *p && (quote || !words_is_blank(*p)); p++) {
        if (quote ? *p == quote : (*p == '\'' || *p == '"')) {
            quote = quote ? 0 : *p;
            continue;
        }
        if (*p == '\\') {
            if (!p[1])
                continue;
            p++;
        }
        mb_buf_add_byte(&b, (unsigned char)*p);
    }
    *s = p;
    return mb_buf_steal(&b);
}

void words_flags(const char **s, struct mb_strv *ret)
{
    for (;;) {
        _cleanup_free_ char *word = NULL;

        while (words_is_blank(**s))
            (*s)++;
        if ((*s)[0] != '-' || (*s)[1] != '-')
            return;
        word = flag_word(s);
        if (strcmp(word, "--") == 0) {
            while (words_is_blank(**s))
                (*s)++;
            return;
        }
        mb_strv_add(ret, word);
    }
}

int words_json(const char *s, bool *ret_json, struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_json_ json_t *v = NULL;
    _cleanup_strv_ struct mb_strv list = {0};
    struct mb_error ignored;

    while (words_is_blank(*s))
        s++;
    if (*s != '['
        || mb_json_parse(s, strlen(s), MB_DOCKERFILE_BYTES_MAX, &v, &ignored) < 0
        || !json_is_array(v))
        return 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *item = json_string_value(json_array_get(v, i));

        if (!item)
            return mb_fail(err, MB_ERR_INVALID,
                           "when using JSON array syntax, arrays must be comprised of "
                           "strings only");
        mb_strv_add(&list, item);
    }
    mb_strv_add_all(ret, &list);
    *ret_json = true;
    return 0;
}
