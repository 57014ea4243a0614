/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* The last component of out[0..len) goes; @base is where components may begin. */
static size_t drop_last(const char *out, size_t base, size_t len)
{
    while (len > base && out[len - 1] != '/')
        len--;
    return len > base ? len - 1 : len;
}

char *mb_path_clean(const char *path)
{
    bool rooted = path[0] == '/';
    char *out = mb_xmalloc(strlen(path) + 2);
    size_t len = 0;
    size_t base = rooted ? 1 : 0; /* ".." does not go below this */

    if (rooted)
        out[len++] = '/';
    while (*path) {
        size_t n = strcspn(path, "/");
        bool dot = n == 0 || (n == 1 && path[0] == '.');
        bool dotdot = n == 2 && path[0] == '.' && path[1] == '.';

        if (dotdot && len > base) {
            len = drop_last(out, base, len);
        } else if (!dot && !(dotdot && rooted)) {
            if (len > (rooted ? 1U : 0U))
                out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
            if (dotdot)
                base = len; /* a leading ".." stays for good */
        }
        path += n;
        path += *path == '/' ? 1 : 0;
    }
    if (len == 0)
        out[len++] = '.';
    out[len] = '\0';
    return out;
}

char *mb_path_join(const char *a, const char *b)
{
    _cleanup_free_ char *joined = mb_xasprintf("%s/%s", a, b);

    return mb_path_clean(joined);
}

char *mb_path_clamp(const char *path)
{
    _cleanup_free_ char *rooted = mb_xasprintf("/%s", path);
    _cleanup_free_ char *clean = mb_path_clean(rooted);

    return mb_xstrdup(clean + 1);
}

char *mb_path_literal(const char *pattern)
{
    size_t end = 0;

    for (size_t at = 0; pattern[at];) {
        size_t n = strcspn(pattern + at, "/");
        _cleanup_free_ char *part = mb_xstrndup(pattern + at, n);

        if (mb_path_has_glob(part))
            break;
        at += n;
        end = at;
        at += pattern[at] == '/';
    }
    return mb_xstrndup(pattern, end);
}

bool mb_path_has_glob(const char *s)
{
    return strpbrk(s, "*?[\\") != NULL;
}

/* One character of a class such as [a-z\]]: moves *p behind it; false: malformed. */
static bool class_char(const char **p, uint32_t *ret)
{
    if (**p == '\0' || **p == '-' || **p == ']')
        return false;
    if (**p == '\\')
        (*p)++;

    size_t n = mb_utf8_decode(*p, strlen(*p), ret);
    *p += n;
    return n > 0 && **p != '\0';
}

/* *p is behind the '['; moves it behind the ']'.  *ret: is @c in the class? */
static bool match_class(const char **p, uint32_t c, bool *ret)
{
    bool negated = **p == '^';
    bool found = false;
    size_t n_ranges = 0;

    if (negated)
        (*p)++;
    while (**p != ']' || n_ranges == 0) {
        uint32_t lo = 0, hi;

        if (!class_char(p, &lo))
            return false;
        hi = lo;
        if (**p == '-') {
            (*p)++;
            if (!class_char(p, &hi))
                return false;
        }
        found = found || (lo <= c && c <= hi);
        n_ranges++;
    }
    (*p)++;
    *ret = found != negated;
    return true;
}

static bool is_well_formed(const char *pattern)
{
    bool ignored;

    while (*pattern) {
        char c = *pattern++;

        if (c == '[' && !match_class(&pattern, 0, &ignored))
            return false;
        if (c == '\\' && *pattern++ == '\0')
            return false;
    }
    return true;
}

/* The character at @s; a byte that is not UTF-8 counts as U+FFFD, as in Go. */
static size_t next_char(const char *s, uint32_t *ret)
{
    size_t n = mb_utf8_decode(s, strlen(s), ret);

    if (n > 0)
        return n;
    *ret = 0xfffd;
    return 1;
}

/* Match one element of a well-formed pattern that is not '*' against the front of
 * *name, which is not empty.  Both move only on success. */
static bool match_one(const char **pattern, const char **name)
{
    const char *p = *pattern;
    uint32_t c = 0;
    size_t n = next_char(*name, &c);
    bool ok = false;

    switch (*p) {
    case '\0':
        return false;
    case '?':
        ok = c != '/';
        p++;
        break;
    case '[':
        p++;
        (void)match_class(&p, c, &ok);
        break;
    case '\\':
        p++;
        __attribute__((fallthrough));
    default:
        ok = *p == **name;
        n = 1;
        p++;
        break;
    }
    if (!ok)
        return false;
    *pattern = p;
    *name += n;
    return true;
}

/* After a mismatch only the last '*' takes one byte more: what stands before it has
 * matched as early as it can, and a later match there could not reach further. */
static bool match(const char *pattern, const char *name)
{
    const char *star = NULL; /* behind the last '*' */
    const char *star_name = NULL;

    while (*name || *pattern) {
        if (*pattern == '*') {
            star = ++pattern;
            star_name = name;
            continue;
        }
        if (*name && match_one(&pattern, &name))
            continue;
        if (!star || *star_name == '\0' || *star_name == '/')
            return false;
        name = ++star_name;
        pattern = star;
    }
    return true;
}

int mb_path_match(const char *pattern, const char *name, bool *ret,
                  struct mb_error *err)
{
    if (!is_well_formed(pattern))
        return mb_fail(
            err, MB_ERR_INVALID,
            "'%.128s' is not a valid pattern: a '[' is not closed or empty, or "
            "it ends with '\\'",
            pattern);
    *ret = match(pattern, name);
    return 0;
}
