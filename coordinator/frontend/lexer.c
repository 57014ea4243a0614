/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dockerfile reference, "Format", "Parser directives" and "escape".
 *
 * A line goes on when its last non-blank byte is the escape character and no other
 * escape character is in front of that. Comments and empty lines inside a continuation
 * vanish.
 */
#include "coordinator/frontend/lexer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "coordinator/frontend/words.h"

struct lexer {
    const char *name;
    const char *p, *end;
    unsigned line; /* number of the line that was taken last */
    bool directives_over;
    bool seen_escape;
    struct mb_strv comments; /* since the last line that was none */
    struct lexer_result out;
};

static int check_text(const struct lexer *lx, const char *data, size_t len,
                      struct mb_error *err)
{
    const char *p = data;
    const char *end = data + len;
    unsigned line = 1;

    while (p < end) {
        uint32_t c;
        size_t n = mb_utf8_decode(p, (size_t)(end - p), &c);

        if (*p == 0)
            return mb_fail(err, MB_ERR_INVALID,
                           "%s:%u: a NUL byte: this is not a Dockerfile", lx->name,
                           line);
        if (n == 0)
            return mb_fail(err, MB_ERR_INVALID,
                           "%s:%u: byte 0x%02x is not UTF-8: save the file as UTF-8",
                           lx->name, line, (unsigned char)*p);
        if (*p == '\n')
            line++;
        p += n;
    }
    return 0;
}

/* The next physical line without its end; false at the end of the file. */
static bool next_line(struct lexer *lx, const char **ret, size_t *ret_len)
{
    const char *nl;
    size_t len;

    if (lx->p == lx->end)
        return false;
    nl = memchr(lx->p, '\n', (size_t)(lx->end - lx->p));
    len = (size_t)((nl ? nl : lx->end) - lx->p);
    *ret = lx->p;
    lx->p += len + (nl ? 1 : 0);
    while (len > 0 && (*ret)[len - 1] == '\r')
        len--;
    *ret_len = len;
    lx->line++;
    return true;
}

static bool skip_blanks(const char **s, size_t *len)
{
    while (*len > 0 && words_is_blank(**s)) {
        (*s)++;
        (*len)--;
    }
    return *len > 0;
}

/* Takes @value. */
static int apply_directive(struct lexer *lx, const char *key, char *value,
                           struct mb_error *err)
{
    _cleanup_free_ char *owned = value;
    bool syntax = strcmp(key, "syntax") == 0;
    char **keep = syntax ? &lx->out.syntax : &lx->out.check;
    bool escape = strcmp(key, "escape") == 0;

    if (escape ? lx->seen_escape : *keep != NULL)
        return mb_fail(err, MB_ERR_INVALID,
                       "%s:%u: only one %s parser directive can be used", lx->name,
                       lx->line, key);
    if (!escape) {
        *(syntax ? &lx->out.syntax_line : &lx->out.check_line) = lx->line;
        *keep = steal_ptr(owned);
        return 0;
    }
    lx->seen_escape = true;
    if (strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "%s:%u: invalid escape token '%s' does not match ` or \\",
                       lx->name, lx->line, value);
    lx->out.escape = *value;
    return 0;
}

/* "# key = value" on the first lines; anything else ends them. */
static int maybe_directive(struct lexer *lx, const char *s, size_t len,
                           struct mb_error *err)
{
    static const char *const keys[] = {"syntax", "escape", "check"};
    size_t klen;

    if (lx->directives_over || (lx->line == 1 && len > 1 && s[0] == '#' && s[1] == '!'))
        return 0;
    lx->directives_over = true;
    if (len == 0 || *s != '#')
        return 0;
    s++, len--;
    if (!skip_blanks(&s, &len))
        return 0;
    for (klen = 0; klen < len && isalnum((unsigned char)s[klen]); klen++)
        ;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strlen(keys[i]) != klen || strncasecmp(keys[i], s, klen) != 0)
            continue;
        s += klen, len -= klen;
        if (!skip_blanks(&s, &len) || *s != '=')
            return 0;
        s++, len--;
        if (!skip_blanks(&s, &len))
            return 0;
        while (words_is_blank(s[len - 1]))
            len--;
        lx->directives_over = false;
        return apply_directive(lx, keys[i], mb_xstrndup(s, len), err);
    }
    return 0;
}

/* Append the line without its continuation mark; does the instruction go on? */
static bool add_line(struct mb_buf *b, const char *s, size_t len, char escape)
{
    size_t n = len;

    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    if (n > 0 && s[n - 1] == escape && (n == 1 || s[n - 2] != escape)) {
        mb_buf_add(b, s, n - 1);
        return true;
    }
    mb_buf_add(b, s, len);
    return false;
}

/* One instruction with all its continuations into @ln; its text may be empty. */
static void take_rest(struct lexer *lx, struct mb_buf *b, bool goes_on,
                      struct lexer_line *ln)
{
    const char *s;
    size_t len;

    while (goes_on && next_line(lx, &s, &len)) {
        const char *t = s;
        size_t tlen = len;

        if (!skip_blanks(&t, &tlen)) {
            ln->empty_continuation = true;
            continue;
        }
        if (*t != '#')
            goes_on = add_line(b, s, len, lx->out.escape);
    }
    ln->end_line = lx->line;
}

static bool ends_heredoc(const struct heredoc *h, const char *s, size_t len)
{
    while (h->chomp && len > 0 && *s == '\t')
        s++, len--;
    return strlen(h->name) == len && memcmp(h->name, s, len) == 0;
}

/* The texts of the here-documents that @ln opens, from the lines behind it. */
static int take_heredocs(struct lexer *lx, struct lexer_line *ln, struct mb_error *err)
{
    if (heredoc_find(ln->text, &ln->heredocs, err) < 0)
        return mb_wrap(err, "%s:%u", lx->name, ln->line);
    for (size_t i = 0; i < ln->heredocs.n; i++) {
        struct heredoc *h = &ln->heredocs.v[i];
        const char *begin = lx->p, *end, *s;
        size_t len;

        do {
            end = lx->p;
            if (!next_line(lx, &s, &len))
                return mb_fail(
                    err, MB_ERR_INVALID,
                    "%s:%u: unterminated heredoc: no line \"%.100s\" ends it", lx->name,
                    ln->line, h->name);
        } while (!ends_heredoc(h, s, len));
        h->text = mb_xstrndup(begin, (size_t)(end - begin));
        ln->end_line = lx->line;
    }
    return 0;
}

static void line_done(struct lexer_line *ln)
{
    free(ln->text);
    heredocs_done(&ln->heredocs);
    mb_strv_done(&ln->comments);
    *ln = (struct lexer_line){0};
}

/* Takes @ln. */
static int add_instruction(struct lexer *lx, struct lexer_line *ln,
                           struct mb_error *err)
{
    if (lx->out.n >= MB_STEPS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "%s:%u: more than %d instructions", lx->name,
                       ln->line, MB_STEPS_MAX);
    if ((lx->out.n & (lx->out.n - 1)) == 0)
        lx->out.v = mb_xreallocarray(lx->out.v, lx->out.n ? lx->out.n * 2 : 1,
                                     sizeof(*lx->out.v));
    lx->out.v[lx->out.n++] = *ln;
    *ln = (struct lexer_line){0};
    return 0;
}

/* An empty line parts comments from what comes behind them. */
static void note_comment(struct lexer *lx, const char *s, size_t len)
{
    if (len == 0) {
        mb_strv_done(&lx->comments);
    } else if (*s == '#') {
        _cleanup_free_ char *text = mb_xstrndup(s + 1, len - 1);

        mb_strv_add_take(&lx->comments, words_trim(text));
    }
}

static int run(struct lexer *lx, struct mb_error *err)
{
    const char *s;
    size_t len;

    while (next_line(lx, &s, &len)) {
        _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
        _cleanup_(line_done) struct lexer_line ln = {.line = lx->line};
        const char *t;

        bool text = skip_blanks(&s, &len);
        if (maybe_directive(lx, s, len, err) < 0)
            return -1;
        note_comment(lx, s, len);
        if (!text || *s == '#')
            continue;
        take_rest(lx, &b, add_line(&b, s, len, lx->out.escape), &ln);
        if (mb_buf_check(&b, "Dockerfile line", err) < 0)
            return -1;
        for (t = b.len ? b.data : ""; words_is_blank(*t); t++)
            ;
        if (!*t)
            continue;
        ln.text = mb_buf_steal(&b);
        ln.comments = lx->comments;
        lx->comments = (struct mb_strv){0};
        if (take_heredocs(lx, &ln, err) < 0 || add_instruction(lx, &ln, err) < 0)
            return -1;
    }
    return 0;
}

int lexer_run(const char *name, const void *data, size_t len, struct lexer_result *ret,
              struct mb_error *err)
{
    const char *text = data;
    struct lexer lx = {.name = name, .out = {.escape = '\\'}};
    int r;

    if (len > MB_DOCKERFILE_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "%s: %zu bytes, at most %llu are allowed",
                       name, len, (unsigned long long)MB_DOCKERFILE_BYTES_MAX);
    if (len == 0)
        return mb_fail(err, MB_ERR_INVALID, "%s: the Dockerfile cannot be empty", name);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3, len -= 3;
    lx.p = text;
    lx.end = text + len;
    if (check_text(&lx, text, len, err) < 0)
        return -1;
    r = run(&lx, err);
    mb_strv_done(&lx.comments);
    if (r < 0) {
        lexer_done(&lx.out);
        return -1;
    }
    *ret = lx.out;
    return 0;
}

void lexer_done(struct lexer_result *r)
{
    for (size_t i = 0; i < r->n; i++)
        line_done(&r->v[i]);
    free(r->v);
    free(r->syntax);
    free(r->check);
    *r = (struct lexer_result){0};
}
