/* SPDX-License-Identifier: Apache-2.0 */
/* Dockerfile reference, "Here-Documents". A word [digits]<<[-]NAME opens one. */
#include "coordinator/frontend/heredoc.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/frontend/expand.h"
#include "coordinator/frontend/words.h"

static bool is_keyword(const char *s, size_t n, const char *keyword)
{
    return strlen(keyword) == n && strncasecmp(s, keyword, n) == 0;
}

static const char *skip_word(const char *s)
{
    while (*s && !words_is_blank(*s))
        s++;
    return s;
}

static const char *skip_blanks(const char *s)
{
    while (words_is_blank(*s))
        s++;
    return s;
}

/* The arguments of an instruction that may have here-documents, else NULL. */
static const char *arguments(const char *text)
{
    static const char *const keywords[] = {"RUN", "COPY", "ADD"};
    const char *s = skip_blanks(text);
    const char *end = skip_word(s);

    if (is_keyword(s, (size_t)(end - s), "ONBUILD")) {
        s = skip_blanks(end);
        end = skip_word(s);
    }
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        if (is_keyword(s, (size_t)(end - s), keywords[i]))
            return end;
    return NULL;
}

static bool is_json(const char *args)
{
    _cleanup_strv_ struct mb_strv ignored = {0}, flags = {0};
    struct mb_error err;
    bool json = false;

    words_flags(&args, &flags);
    return words_json(args, &json, &ignored, &err) < 0 || json;
}

/* The name behind "<<" without its quotes; NULL when @word opens nothing. */
static char *opened_name(const char *word, bool *ret_chomp, bool *ret_literal)
{
    static const struct expand x = {.escape = '\\', .keep_unset = true};
    _cleanup_strv_ struct mb_strv words = {0};
    const char *s = word + strspn(word, "0123456789");
    struct mb_error ignored;

    if (s[0] != '<' || s[1] != '<')
        return NULL;
    *ret_chomp = s[2] == '-';
    s += *ret_chomp ? 3 : 2;
    if (!*s || strchr(s, '<') || expand_words(&x, s, &words, &ignored) < 0
        || words.n != 1)
        return NULL;
    *ret_literal = strcmp(words.v[0], s) != 0;
    return mb_xstrdup(words.v[0]);
}

int heredoc_find(const char *text, struct heredocs *ret, struct mb_error *err)
{
    static const struct expand x = {
        .escape = '\\', .raw_quotes = true, .raw_escapes = true, .keep_unset = true};
    _cleanup_strv_ struct mb_strv words = {0};
    const char *args = arguments(text);

    if (!args || !strstr(args, "<<") || is_json(args))
        return 0;
    if (expand_words(&x, args, &words, err) < 0)
        return -1;
    for (size_t i = 0; i < words.n; i++) {
        bool chomp, literal;
        char *name = opened_name(words.v[i], &chomp, &literal);

        if (!name)
            continue;
        ret->v = mb_xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
        ret->v[ret->n++] =
            (struct heredoc){.name = name, .literal = literal, .chomp = chomp};
    }
    return 0;
}

bool heredoc_is_word(const char *word)
{
    bool chomp, literal;
    _cleanup_free_ char *name = opened_name(word, &chomp, &literal);

    return name != NULL;
}

char *heredoc_content(const struct heredoc *h)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    bool line_start = true;

    if (!h->chomp)
        return mb_xstrdup(h->text);
    for (const char *p = h->text; *p; p++) {
        if (line_start && *p == '\t')
            continue;
        line_start = *p == '\n';
        mb_buf_add_byte(&b, (unsigned char)*p);
    }
    return mb_buf_steal(&b);
}

void heredoc_rebuild(const struct heredocs *l, struct mb_buf *out)
{
    for (size_t i = 0; i < l->n; i++)
        mb_buf_addf(out, "\n%s%s", l->v[i].text, l->v[i].name);
}

void heredocs_done(struct heredocs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].name);
        free(l->v[i].text);
    }
    free(l->v);
    *l = (struct heredocs){0};
}
