/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern becomes a list of tokens that is run over the value as a set of states, so
 * that the work is bounded by pattern times value and is counted. '?' is one UTF-8
 * character: a token for its first byte and one for any number of continuation bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "coordinator/frontend/expand.h"

enum token_kind { TOKEN_BYTE, TOKEN_FIRST, TOKEN_REST, TOKEN_STAR };
struct token {
    enum token_kind kind;
    char byte;
};
struct pattern {
    struct token *v;
    size_t n;
    bool *now, *next; /* n + 1 states each: "tokens before this one are matched" */
    uint64_t *work;
};

static void pattern_done(struct pattern *p)
{
    free(p->v);
    free(p->now);
    free(p->next);
}

static void add_token(struct pattern *p, enum token_kind kind, char byte)
{
    p->v[p->n++] = (struct token){kind, byte};
}

static int compile(const char *text, uint64_t *work, struct pattern *p,
                   struct mb_error *err)
{
    p->v = mb_xcalloc(2 * strlen(text) + 1, sizeof(*p->v));
    p->work = work;
    for (const char *s = text; *s; s++) {
        if (*s == '*') {
            add_token(p, TOKEN_STAR, 0);
        } else if (*s == '?') {
            add_token(p, TOKEN_FIRST, 0);
            add_token(p, TOKEN_REST, 0);
        } else if (*s == '\\' && s[1] && strchr("*?\\}/", s[1])) {
            add_token(p, TOKEN_BYTE, *++s);
        } else if (*s == '\\') {
            return mb_fail(
                err, MB_ERR_INVALID,
                "invalid pattern (%s) in substitution: invalid escape '\\%c'", text,
                s[1] ? s[1] : ' ');
        } else {
            add_token(p, TOKEN_BYTE, *s);
        }
    }
    p->now = mb_xcalloc(p->n + 1, sizeof(*p->now));
    p->next = mb_xcalloc(p->n + 1, sizeof(*p->next));
    return 0;
}

static bool may_be_empty(const struct token *t)
{
    return t->kind == TOKEN_STAR || t->kind == TOKEN_REST;
}

/* States behind tokens that may match nothing are reached as well. */
static void close_states(const struct pattern *p, bool *set)
{
    for (size_t i = 0; i < p->n; i++)
        if (set[i] && may_be_empty(&p->v[i]))
            set[i + 1] = true;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static bool step(struct pattern *p, char c)
{
    bool alive = false;
    bool *swap;

    memset(p->next, 0, p->n + 1);
    for (size_t i = 0; i < p->n; i++) {
        const struct token *t = &p->v[i];

        if (!p->now[i])
            continue;
        if ((t->kind == TOKEN_BYTE && t->byte == c)
            || (t->kind == TOKEN_FIRST && !is_continuation(c)))
            p->next[i + 1] = alive = true;
        else if (t->kind == TOKEN_STAR || (t->kind == TOKEN_REST && is_continuation(c)))
            p->next[i] = alive = true;
    }
    close_states(p, p->next);
    swap = p->now;
    p->now = p->next;
    p->next = swap;
    return alive;
}

/* Match at the front of @len bytes at @s, or backwards from their end. */
static int match(struct pattern *p, const char *s, size_t len, bool backwards,
                 bool greedy, size_t *ret, struct mb_error *err)
{
    size_t found = SIZE_MAX;

    memset(p->now, 0, p->n + 1);
    p->now[0] = true;
    close_states(p, p->now);
    for (size_t i = 0;; i++) {
        bool boundary = backwards ? i == 0 || !is_continuation(s[len - i])
                                  : i == len || !is_continuation(s[i]);

        if (boundary && p->now[p->n])
            found = i;
        if (i == len || (found != SIZE_MAX && !greedy))
            break;
        if (*p->work < p->n + 1)
            return mb_fail(err, MB_ERR_LIMIT,
                           "a pattern in ${} takes too long on its value");
        *p->work -= p->n + 1;
        if (!step(p, backwards ? s[len - 1 - i] : s[i]))
            break;
    }
    *ret = found;
    return 0;
}

static void reverse(struct pattern *p)
{
    for (size_t i = 0; i < p->n / 2; i++) {
        struct token t = p->v[i];

        p->v[i] = p->v[p->n - 1 - i];
        p->v[p->n - 1 - i] = t;
    }
}

int pattern_affix(const char *pattern, const char *value, bool suffix, bool greedy,
                  uint64_t *work, size_t *ret, struct mb_error *err)
{
    _cleanup_(pattern_done) struct pattern p = {0};

    if (compile(pattern, work, &p, err) < 0)
        return -1;
    if (suffix)
        reverse(&p);
    return match(&p, value, strlen(value), suffix, greedy, ret, err);
}

int pattern_replace(const char *pattern, const char *value, const char *replacement,
                    bool all, uint64_t *work, struct mb_buf *out, struct mb_error *err)
{
    _cleanup_(pattern_done) struct pattern p = {0};
    size_t len = strlen(value);
    size_t i = 0;

    if (compile(pattern, work, &p, err) < 0)
        return -1;
    while (i < len && p.n > 0) {
        size_t n = SIZE_MAX;

        if (!is_continuation(value[i])
            && match(&p, value + i, len - i, false, true, &n, err) < 0)
            return -1;
        if (n == SIZE_MAX || n == 0) {
            mb_buf_add_byte(out, (unsigned char)value[i++]);
            continue;
        }
        mb_buf_add_str(out, replacement);
        i += n;
        if (!all)
            break;
    }
    mb_buf_add_str(out, value + i);
    return 0;
}
