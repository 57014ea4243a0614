/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern becomes a row of tokens, each of which takes one character or loops; a path
 * is matched by following all possible places in the row at once, so the time is
 * bounded by pattern length times path length whatever the pattern.
 *
 * "**" (with the '/' behind it, if any) stands for "(.*" "/)?", and for ".*" at the
 * end, as in Docker's patternmatcher.
 */
#include "fs/ignore.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"

enum token_kind {
    TOKEN_CHAR,
    TOKEN_ANY,         /* ? */
    TOKEN_CLASS,       /* [a-z] */
    TOKEN_STAR,        /* any run without '/' */
    TOKEN_DIRS,        /* "**" and what follows: nothing, or anything up to a '/' */
    TOKEN_DIRS_INSIDE, /* behind TOKEN_DIRS: must still find a '/' */
    TOKEN_REST,        /* "**" at the end */
};

struct token {
    enum token_kind kind;
    uint32_t c;        /* TOKEN_CHAR */
    const char *class; /* TOKEN_CLASS: behind '[', in the pattern's text */
};

struct pattern {
    char *text;
    struct token *tokens;
    size_t n;
    bool negated;
};

struct mb_ignore {
    struct pattern *v;
    size_t n;
};

void mb_ignore_free(struct mb_ignore *ig)
{
    if (!ig)
        return;
    for (size_t i = 0; i < ig->n; i++) {
        free(ig->v[i].text);
        free(ig->v[i].tokens);
    }
    free(ig->v);
    free(ig);
}

/* The next code point, or the byte itself where there is no valid UTF-8. */
static uint32_t next_char(const char **s)
{
    const uint8_t *p = (const uint8_t *)*s;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) { /* also at the NUL */
            *s += 1;
            return p[0];
        }
        c = c << 6 | (p[i] & 0x3fu);
    }
    *s += n;
    return c;
}

static uint32_t class_char(const char **s)
{
    if (**s == '\\')
        ++*s;
    return **s ? next_char(s) : 0;
}

/* Behind '['; the pattern was checked, so the class is whole. */
static bool class_matches(const char *s, uint32_t c)
{
    bool negated = *s == '^';
    bool hit = false;

    s += negated;
    while (*s && *s != ']') {
        uint32_t lo = class_char(&s);
        uint32_t hi = lo;

        if (*s == '-') {
            s++;
            hi = class_char(&s);
        }
        hit = hit || (lo <= c && c <= hi);
    }
    return hit != negated;
}

static const char *class_end(const char *s)
{
    s += *s == '^';
    while (*s && *s != ']')
        class_char(&s);
    return *s ? s + 1 : s;
}

static void add_token(struct pattern *p, struct token t)
{
    p->tokens[p->n++] = t;
}

static const char *add_stars(struct pattern *p, const char *s)
{
    if (s[1] != '*') {
        add_token(p, (struct token){.kind = TOKEN_STAR});
        return s + 1;
    }
    s += 2;
    s += *s == '/';
    if (*s == '\0') {
        add_token(p, (struct token){.kind = TOKEN_REST});
        return s;
    }
    add_token(p, (struct token){.kind = TOKEN_DIRS});
    add_token(p, (struct token){.kind = TOKEN_DIRS_INSIDE});
    return s;
}

static void compile(struct pattern *p)
{
    const char *s = p->text;

    p->tokens = mb_xcalloc(strlen(s) + 1, sizeof(*p->tokens));
    while (*s) {
        if (*s == '*') {
            s = add_stars(p, s);
        } else if (*s == '?') {
            add_token(p, (struct token){.kind = TOKEN_ANY});
            s++;
        } else if (*s == '[') {
            add_token(p, (struct token){.kind = TOKEN_CLASS, .class = s + 1});
            s = class_end(s + 1);
        } else {
            s += *s == '\\' && s[1];
            add_token(p, (struct token){.kind = TOKEN_CHAR, .c = next_char(&s)});
        }
    }
}

/* Mark the place @i, and those that are reached from it without a character. */
static void mark(const struct pattern *p, bool *at, size_t i)
{
    while (!at[i]) {
        at[i] = true;
        if (i == p->n)
            return;
        if (p->tokens[i].kind == TOKEN_STAR || p->tokens[i].kind == TOKEN_REST)
            i++;
        else if (p->tokens[i].kind == TOKEN_DIRS)
            i += 2;
        else
            return;
    }
}

static void advance(const struct pattern *p, size_t i, uint32_t c, bool *next)
{
    const struct token *t = &p->tokens[i];

    switch (t->kind) {
    case TOKEN_CHAR:
        if (t->c == c)
            mark(p, next, i + 1);
        break;
    case TOKEN_ANY:
        if (c != '/')
            mark(p, next, i + 1);
        break;
    case TOKEN_CLASS:
        if (c != '/' && class_matches(t->class, c))
            mark(p, next, i + 1);
        break;
    case TOKEN_STAR:
        if (c != '/')
            mark(p, next, i);
        break;
    case TOKEN_REST:
        mark(p, next, i);
        break;
    case TOKEN_DIRS:
    case TOKEN_DIRS_INSIDE:
        next[t->kind == TOKEN_DIRS ? i + 1 : i] = true;
        if (c == '/')
            mark(p, next, t->kind == TOKEN_DIRS ? i + 2 : i + 1);
        break;
    }
}

/* All places @at one character further; @next is scratch. */
static void advance_all(const struct pattern *p, bool *at, bool *next, uint32_t c)
{
    size_t size = p->n + 1;

    memset(next, 0, size * sizeof(*next));
    for (size_t i = 0; i < p->n; i++)
        if (at[i])
            advance(p, i, c, next);
    memcpy(at, next, size * sizeof(*at));
}

struct verdict {
    bool whole;   /* the pattern matches the path */
    bool parent;  /* it matches a directory above */
    bool partial; /* something below the path may match */
};

/* Follow all places through @path. */
static struct verdict follow(const struct pattern *p, const char *path)
{
    size_t size = p->n + 1;
    _cleanup_free_ bool *at = mb_xcalloc(size, sizeof(*at));
    _cleanup_free_ bool *next = mb_xcalloc(size, sizeof(*next));
    struct verdict v = {0};
    bool ended = false;

    mark(p, at, 0);
    while (!ended) {
        /* the '/' behind the path tells what may come below it */
        ended = *path == '\0';
        if (ended)
            v.whole = at[p->n];
        else if (*path == '/')
            v.parent = v.parent || at[p->n];
        advance_all(p, at, next, ended ? '/' : next_char(&path));
    }
    v.partial = memchr(at, true, size) != NULL;
    return v;
}

bool mb_ignore_match(const struct mb_ignore *ig, const char *path)
{
    bool ignored = false;

    for (size_t i = 0; ig && i < ig->n; i++) {
        struct verdict v;

        if (ig->v[i].negated != ignored)
            continue;
        v = follow(&ig->v[i], path);
        if (v.whole || v.parent)
            ignored = !ignored;
    }
    return ignored;
}

bool mb_ignore_may_reinclude(const struct mb_ignore *ig, const char *path)
{
    for (size_t i = 0; ig && i < ig->n; i++)
        if (ig->v[i].negated && follow(&ig->v[i], path).partial)
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* malloc'ed */
static char *trim(const char *s, size_t len)
{
    while (len > 0 && is_blank(s[0])) {
        s++;
        len--;
    }
    while (len > 0 && is_blank(s[len - 1]))
        len--;
    return mb_xstrndup(s, len);
}

/* Cleaned, relative to the context; NULL when it can match nothing. */
static char *normalise(const char *text)
{
    _cleanup_free_ char *clean = mb_path_clean(text);
    const char *from = clean + (clean[0] == '/');

    return from[0] == '\0' || strcmp(from, ".") == 0 ? NULL : mb_xstrdup(from);
}

static int add_line(struct mb_ignore *ig, const char *s, size_t len,
                    struct mb_error *err)
{
    _cleanup_free_ char *line = trim(s, len);
    _cleanup_free_ char *body = NULL;
    struct pattern p = {.negated = line[0] == '!'};
    bool ignored;

    if (line[0] == '\0' || s[0] == '#')
        return 0;
    body = trim(line + p.negated, strlen(line) - p.negated);
    if (body[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "\"!\" needs a pattern behind it");
    p.text = normalise(body);
    if (!p.text)
        return 0;
    if (mb_path_match(p.text, ".", &ignored, err) < 0) {
        free(p.text);
        return mb_wrap(err, "pattern \"%.100s\"", line);
    }
    compile(&p);
    ig->v = mb_xreallocarray(ig->v, ig->n + 1, sizeof(*ig->v));
    ig->v[ig->n++] = p;
    return 0;
}

int mb_ignore_parse(const char *text, size_t len, struct mb_ignore **ret,
                    struct mb_error *err)
{
    _cleanup_(mb_ignore_freep) struct mb_ignore *ig = mb_xcalloc(1, sizeof(*ig));
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    if (len > MB_DOCKERFILE_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "the ignore file is over %llu bytes",
                       (unsigned long long)MB_DOCKERFILE_BYTES_MAX);
    if (memchr(text, '\0', len))
        return mb_fail(err, MB_ERR_INVALID, "the ignore file holds a NUL byte");
    for (unsigned line = 1; at < len; line++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;

        if (add_line(ig, text + at, n, err) < 0)
            return mb_wrap(err, "line %u", line);
        at += n + 1;
    }
    *ret = steal_ptr(ig);
    return 0;
}
