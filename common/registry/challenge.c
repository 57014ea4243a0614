/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge - RFC 9110 section 11.6.1:
 *   WWW-Authenticate = #challenge
 *   challenge = scheme [ 1*SP ( token68 / #( token BWS "=" BWS ( token / quoted ) ) ) ]
 * A comma separates parameters as well as challenges: a token without "=" behind it
 * starts a new challenge.
 */
#include "registry/challenge.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define PARAMS_MAX 64

struct parser {
    const char *p;
    struct mb_challenge now; /* the challenge being read */
    bool open;               /* a scheme was read */
    bool known;              /* ... that we speak */
    struct mb_challenge best;
    bool has_best;
};

void mb_challenge_done(struct mb_challenge *c)
{
    free(c->realm);
    free(c->service);
    free(c->scope);
    *c = (struct mb_challenge){0};
}

static void parser_done(struct parser *ps)
{
    mb_challenge_done(&ps->now);
    mb_challenge_done(&ps->best);
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token68_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c && strchr("-._~+/", c));
}

static void skip_blanks(struct parser *ps)
{
    ps->p += strspn(ps->p, " \t");
}

static size_t token_len(const char *p)
{
    size_t n = 0;

    while (is_token_char(p[n]))
        n++;
    return n;
}

/* The challenge just read is complete: keep it if it is the best so far. */
static void close_challenge(struct parser *ps)
{
    bool usable = ps->open && ps->known && (!ps->now.bearer || ps->now.realm);

    if (usable && (!ps->has_best || (ps->now.bearer && !ps->best.bearer))) {
        mb_challenge_done(&ps->best);
        ps->best = ps->now;
        ps->now = (struct mb_challenge){0};
        ps->has_best = true;
    }
    mb_challenge_done(&ps->now);
    ps->open = ps->known = false;
}

static void open_challenge(struct parser *ps, const char *scheme, size_t len)
{
    close_challenge(ps);
    ps->open = true;
    ps->now.bearer = len == 6 && !strncasecmp(scheme, "bearer", 6);
    ps->known = ps->now.bearer || (len == 5 && !strncasecmp(scheme, "basic", 5));
}

/* Behind a scheme: "token68 *=" up to a comma or the end is skipped. */
static void skip_token68(struct parser *ps)
{
    const char *q = ps->p;

    while (is_token68_char(*q))
        q++;
    if (q == ps->p)
        return;
    q += strspn(q, "=");
    q += strspn(q, " \t");
    if (*q == ',' || *q == '\0')
        ps->p = q;
}

static int read_quoted(struct parser *ps, struct mb_buf *out, struct mb_error *err)
{
    for (ps->p++; *ps->p != '"'; ps->p++) {
        if (*ps->p == '\\')
            ps->p++;
        if ((unsigned char)*ps->p < 0x20 || *ps->p == 0x7f)
            return mb_fail(err, MB_ERR_INVALID, "a quoted value does not end");
        mb_buf_add_byte(out, (unsigned char)*ps->p);
    }
    ps->p++;
    return 0;
}

/* ps->p stands on "=". */
static int read_param(struct parser *ps, const char *name, size_t name_len,
                      struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf value = MB_BUF_INIT(MB_HTTP_HEADER_BYTES_MAX);
    char **slot = NULL;

    ps->p++;
    skip_blanks(ps);
    if (*ps->p == '"') {
        if (read_quoted(ps, &value, err) < 0)
            return -1;
    } else {
        size_t n = token_len(ps->p);

        mb_buf_add(&value, ps->p, n);
        ps->p += n;
    }
    if (name_len == 5 && !strncasecmp(name, "realm", 5))
        slot = &ps->now.realm;
    else if (name_len == 7 && !strncasecmp(name, "service", 7))
        slot = &ps->now.service;
    else if (name_len == 5 && !strncasecmp(name, "scope", 5))
        slot = &ps->now.scope;
    if (slot && *slot)
        return mb_fail(err, MB_ERR_INVALID, "%.*s is there twice", (int)name_len, name);
    if (slot)
        *slot = mb_buf_steal(&value);
    return 0;
}

static int read_element(struct parser *ps, struct mb_error *err)
{
    const char *name = ps->p;
    size_t len = token_len(name);

    if (!len)
        return mb_fail(err, MB_ERR_INVALID, "malformed at byte 0x%02x",
                       (unsigned char)*name);
    ps->p += len;
    skip_blanks(ps);
    if (*ps->p == '=') {
        if (!ps->open)
            return mb_fail(err, MB_ERR_INVALID, "a parameter without a scheme");
        return read_param(ps, name, len, err);
    }
    open_challenge(ps, name, len);
    skip_token68(ps);
    return 0;
}

int mb_challenge_parse(const char *header, struct mb_challenge *ret,
                       struct mb_error *err)
{
    _cleanup_(parser_done) struct parser ps = {.p = header};

    if (strnlen(header, MB_HTTP_HEADER_BYTES_MAX + 1) > MB_HTTP_HEADER_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "WWW-Authenticate is too long");
    for (unsigned n = 0;; n++) {
        ps.p += strspn(ps.p, " \t,");
        if (!*ps.p)
            break;
        if (n == PARAMS_MAX)
            return mb_fail(err, MB_ERR_LIMIT, "WWW-Authenticate has too many parts");
        if (read_element(&ps, err) < 0)
            return mb_wrap(err, "WWW-Authenticate");
    }
    close_challenge(&ps);
    if (!ps.has_best)
        return mb_fail(err, MB_ERR_INVALID,
                       "WWW-Authenticate offers neither Bearer nor Basic");
    *ret = ps.best;
    ps.best = (struct mb_challenge){0};
    return 0;
}
