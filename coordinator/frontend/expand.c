/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the word. What stands in quotes or behind an escape is taken as it is;
 * what a variable gives is split at white space when words are asked for.
 */
#include "coordinator/frontend/expand.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/frontend/words.h"

#define DEPTH_MAX 50

struct state {
    const struct expand *x;
    const char *p;    /* what comes next */
    bool raw_escapes; /* inside a pattern: escapes are left for it */
    unsigned depth;
    uint64_t *work;
};

/* Where text goes: the joined result, and words when asked for. */
struct sink {
    struct mb_buf all;
    struct mb_buf word;
    struct mb_strv *words; /* or NULL */
};

#define _cleanup_sink_ _cleanup_(sink_done)

static void sink_init(struct sink *s, struct mb_strv *words)
{
    *s = (struct sink){.all = MB_BUF_INIT(MB_ENV_BYTES_MAX),
                       .word = MB_BUF_INIT(MB_ENV_BYTES_MAX),
                       .words = words};
}

static void sink_done(struct sink *s)
{
    mb_buf_done(&s->all);
    mb_buf_done(&s->word);
}

static void sink_end_word(struct sink *s)
{
    if (s->words && s->word.len > 0)
        mb_strv_add_take(s->words, mb_buf_steal(&s->word));
}

static void sink_raw(struct sink *s, const char *data, size_t len)
{
    mb_buf_add(&s->all, data, len);
    if (s->words)
        mb_buf_add(&s->word, data, len);
}

static void sink_split(struct sink *s, const char *data, size_t len)
{
    mb_buf_add(&s->all, data, len);
    for (size_t i = 0; s->words && i < len; i++) {
        if (words_is_blank(data[i]))
            sink_end_word(s);
        else
            mb_buf_add_byte(&s->word, (unsigned char)data[i]);
    }
}

static int run_until(struct state *st, char stop, bool raw_escapes, struct sink *out,
                     struct mb_error *err);

/* The text up to @stop (which is consumed), variables replaced; *ret malloc'ed. */
static int operand(struct state *st, char stop, bool raw_escapes, char **ret,
                   struct mb_error *err)
{
    _cleanup_sink_ struct sink s;

    sink_init(&s, NULL);
    if (st->depth >= DEPTH_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "${} nested more than %d deep", DEPTH_MAX);
    st->depth++;
    if (run_until(st, stop, raw_escapes, &s, err) < 0
        || mb_buf_check(&s.all, "expanded word", err) < 0)
        return -1;
    st->depth--;
    *ret = mb_buf_steal(&s.all);
    return 0;
}

static char *take_name(struct state *st)
{
    const char *s = st->p;
    size_t n = 0;

    if (isdigit((unsigned char)*s))
        while (isdigit((unsigned char)s[n]))
            n++;
    else if (*s && strchr("@*#?-$!", *s))
        n = 1;
    else
        while (isalnum((unsigned char)s[n]) || s[n] == '_')
            n++;
    st->p += n;
    return mb_xstrndup(s, n);
}

static const char *get(struct state *st, const char *name)
{
    return st->x->get ? st->x->get(name, st->x->arg) : NULL;
}

/* A value that is used as it is. */
static const char *get_plain(struct state *st, const char *name)
{
    const char *value = get(st, name);

    if (!value && st->x->unset)
        st->x->unset(name, st->x->arg);
    return value;
}

/* ${name OP word}: - + ? with or without ':'. */
static int apply_default(const char *name, const char *value, bool colon, char op,
                         const char *word, struct mb_buf *out, struct mb_error *err)
{
    bool set = value && !(colon && !*value);

    if (op == '?' && !set)
        return mb_fail(err, MB_ERR_INVALID, "%s: %s", name,
                       *word    ? word
                       : !value ? "is not allowed to be unset"
                                : "is not allowed to be empty");
    if (op == '+')
        mb_buf_add_str(out, set ? word : "");
    else
        mb_buf_add_str(out, set ? value : word);
    return 0;
}

/* ${name#word} and relatives. */
static int apply_trim(struct state *st, const char *value, char op, const char *word,
                      struct mb_buf *out, struct mb_error *err)
{
    size_t len = strlen(value);
    bool greedy = *word == op;
    size_t n;

    if (pattern_affix(word + (greedy ? 1 : 0), value, op == '%', greedy, st->work, &n,
                      err)
        < 0)
        return -1;
    if (n == SIZE_MAX)
        n = 0;
    if (op == '#')
        mb_buf_add_str(out, value + n);
    else
        mb_buf_add(out, value, len - n);
    return 0;
}

/* ${name/pattern/replacement}, st->p behind the first '/'. */
static int take_replace(struct state *st, const char *name, struct mb_buf *out,
                        struct mb_error *err)
{
    _cleanup_free_ char *pattern = NULL, *replacement = NULL, *value = NULL;
    bool all = *st->p == '/';

    if (all)
        st->p++;
    if (operand(st, '/', true, &pattern, err) < 0
        || operand(st, '}', true, &replacement, err) < 0)
        return -1;
    value = mb_xstrdup(get_plain(st, name));
    if (!value && st->x->keep_unset) {
        mb_buf_addf(out, "${%s%s%s/%s}", name, all ? "//" : "/", pattern, replacement);
        return 0;
    }
    return pattern_replace(pattern, value ? value : "", replacement, all, st->work, out,
                           err);
}

/* Behind ${name: a modifier and its word. */
static int take_modifier(struct state *st, const char *name, struct mb_buf *out,
                         struct mb_error *err)
{
    _cleanup_free_ char *word = NULL, *value = NULL;
    bool colon = *st->p == ':';
    char op;

    if (colon)
        st->p++;
    op = *st->p;
    if (op == '/' && !colon) {
        st->p++;
        return take_replace(st, name, out, err);
    }
    if (!op)
        return mb_fail(err, MB_ERR_INVALID, "syntax error: missing '}'");
    if (!strchr("-+?#%", op) || (colon && (op == '#' || op == '%')))
        return mb_fail(err, MB_ERR_INVALID,
                       "unsupported modifier (%s%c) in substitution", colon ? ":" : "",
                       op);
    st->p++;
    if (operand(st, '}', op == '#' || op == '%', &word, err) < 0)
        return -1;
    value = mb_xstrdup(op == '#' || op == '%' ? get_plain(st, name) : get(st, name));
    if (!value && st->x->keep_unset)
        mb_buf_addf(out, "${%s%s%c%s}", name, colon ? ":" : "", op, word);
    else if (op == '#' || op == '%')
        return apply_trim(st, value ? value : "", op, word, out, err);
    else
        return apply_default(name, value, colon, op, word, out, err);
    return 0;
}

/* st->p is behind '$'. */
static int take_variable(struct state *st, struct mb_buf *out, struct mb_error *err)
{
    _cleanup_free_ char *name = NULL;
    bool brace = *st->p == '{';
    const char *value;

    if (brace && (st->p[1] == '{' || st->p[1] == '}' || st->p[1] == ':'))
        return mb_fail(err, MB_ERR_INVALID, "syntax error: bad substitution");
    if (brace)
        st->p++;
    name = take_name(st);
    if (!brace && !*name) {
        mb_buf_add_byte(out, '$');
        return 0;
    }
    if (brace && *st->p != '}')
        return take_modifier(st, name, out, err);
    if (brace)
        st->p++;
    value = get_plain(st, name);
    if (!value && st->x->keep_unset)
        mb_buf_addf(out, brace ? "${%s}" : "$%s", name);
    else
        mb_buf_add_str(out, value ? value : "");
    return 0;
}

/* st->p is behind the first quote. */
static int take_single(struct state *st, struct sink *out, struct mb_error *err)
{
    const char *end = strchr(st->p, '\'');

    if (!end)
        return mb_fail(
            err, MB_ERR_INVALID,
            "unexpected end of statement while looking for matching single-quote");
    if (st->x->raw_quotes)
        sink_raw(out, st->p - 1, (size_t)(end - st->p) + 2);
    else
        sink_raw(out, st->p, (size_t)(end - st->p));
    st->p = end + 1;
    return 0;
}

static int take_double(struct state *st, struct sink *out, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_ENV_BYTES_MAX);
    char escape = st->x->escape;

    if (st->x->raw_quotes)
        mb_buf_add_byte(&b, '"');
    for (; *st->p != '"'; st->p++) {
        if (!*st->p)
            return mb_fail(
                err, MB_ERR_INVALID,
                "unexpected end of statement while looking for matching double-quote");
        if (*st->p == '$') {
            st->p++;
            if (take_variable(st, &b, err) < 0)
                return -1;
            st->p--;
            continue;
        }
        if (*st->p == escape) {
            if (st->raw_escapes)
                mb_buf_add_byte(&b, (unsigned char)escape);
            if (st->p[1] == '"' || st->p[1] == '$' || st->p[1] == escape)
                st->p++;
        }
        mb_buf_add_byte(&b, (unsigned char)*st->p);
    }
    st->p++;
    if (st->x->raw_quotes)
        mb_buf_add_byte(&b, '"');
    if (mb_buf_check(&b, "expanded word", err) < 0)
        return -1;
    sink_raw(out, b.len ? b.data : "", b.len);
    return 0;
}

/* A variable outside quotes. */
static int take_dollar(struct state *st, struct sink *out, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_ENV_BYTES_MAX);

    st->p++;
    if (take_variable(st, &b, err) < 0 || mb_buf_check(&b, "expanded word", err) < 0)
        return -1;
    sink_split(out, b.len ? b.data : "", b.len);
    return 0;
}

/* Up to @stop, or to the end of the text when it is 0. */
static int run_plain(struct state *st, char stop, struct sink *out,
                     struct mb_error *err)
{
    while (*st->p && (!stop || *st->p != stop)) {
        int r = 0;

        if (*st->p == '\'' && !st->x->no_quotes) {
            st->p++;
            r = take_single(st, out, err);
        } else if (*st->p == '"' && !st->x->no_quotes) {
            st->p++;
            r = take_double(st, out, err);
        } else if (*st->p == '$') {
            r = take_dollar(st, out, err);
        } else if (*st->p == st->x->escape) {
            if (st->raw_escapes)
                sink_raw(out, st->p, 1);
            if (*++st->p)
                sink_raw(out, st->p++, 1);
        } else {
            sink_split(out, st->p++, 1);
        }
        if (r < 0)
            return -1;
        if (out->all.overflow)
            return mb_buf_check(&out->all, "expanded word", err);
    }
    return 0;
}

static int run_until(struct state *st, char stop, bool raw_escapes, struct sink *out,
                     struct mb_error *err)
{
    bool before = st->raw_escapes;
    int r;

    st->raw_escapes = raw_escapes;
    r = run_plain(st, stop, out, err);
    st->raw_escapes = before;
    if (r < 0)
        return -1;
    if (stop && !*st->p)
        return mb_fail(err, MB_ERR_INVALID, "syntax error: missing '%c'%s", stop,
                       stop == '/' ? " in ${}" : "");
    if (stop)
        st->p++;
    return 0;
}

static int run(const struct expand *x, const char *word, struct sink *out,
               struct mb_error *err)
{
    uint64_t work = EXPAND_WORK_MAX;
    struct state st = {.x = x, .p = word, .work = x->work ? x->work : &work};

    if (run_until(&st, 0, x->raw_escapes, out, err) < 0
        || mb_buf_check(&out->all, "expanded word", err) < 0)
        return mb_wrap(err, "failed to process \"%.100s%s\"", word,
                       strlen(word) > 100 ? "..." : "");
    return 0;
}

int expand_word(const struct expand *x, const char *word, char **ret,
                struct mb_error *err)
{
    _cleanup_sink_ struct sink s;

    sink_init(&s, NULL);
    if (run(x, word, &s, err) < 0)
        return -1;
    *ret = mb_buf_steal(&s.all);
    return 0;
}

int expand_words(const struct expand *x, const char *word, struct mb_strv *ret,
                 struct mb_error *err)
{
    _cleanup_sink_ struct sink s;
    _cleanup_strv_ struct mb_strv words = {0};

    sink_init(&s, &words);
    if (run(x, word, &s, err) < 0)
        return -1;
    sink_end_word(&s);
    mb_strv_add_all(ret, &words);
    return 0;
}
