/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"

void mb_strv_done(struct mb_strv *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct mb_strv){0};
}

void mb_strv_add_take(struct mb_strv *l, char *s)
{
    BUG_ON(!s);
    l->v = mb_xreallocarray(l->v, l->n + 2, sizeof(*l->v));
    l->v[l->n++] = s;
    l->v[l->n] = NULL;
}

void mb_strv_add(struct mb_strv *l, const char *s)
{
    mb_strv_add_take(l, mb_xstrdup(s));
}

void mb_strv_addf(struct mb_strv *l, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    mb_strv_add_take(l, mb_xvasprintf(fmt, ap));
    va_end(ap);
}

void mb_strv_add_all(struct mb_strv *l, const struct mb_strv *from)
{
    size_t n = from->n; /* @from may be @l itself */

    for (size_t i = 0; i < n; i++)
        mb_strv_add(l, from->v[i]);
}

void mb_strv_copy(struct mb_strv *ret, const struct mb_strv *from)
{
    struct mb_strv copy = {0};

    mb_strv_add_all(&copy, from);
    *ret = copy;
}

void mb_strv_insert(struct mb_strv *l, size_t at, const char *s)
{
    BUG_ON(at > l->n);
    mb_strv_add(l, s);

    char *added = l->v[l->n - 1];
    memmove(l->v + at + 1, l->v + at, (l->n - 1 - at) * sizeof(*l->v));
    l->v[at] = added;
}

void mb_strv_remove(struct mb_strv *l, size_t at)
{
    BUG_ON(at >= l->n);
    free(l->v[at]);
    memmove(l->v + at, l->v + at + 1, (l->n - at) * sizeof(*l->v));
    l->n--;
}

bool mb_strv_contains(const struct mb_strv *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], s) == 0)
            return true;
    return false;
}

bool mb_strv_equal(const struct mb_strv *a, const struct mb_strv *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->v[i], b->v[i]) != 0)
            return false;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void mb_strv_sort(struct mb_strv *l)
{
    if (l->n > 1)
        qsort(l->v, l->n, sizeof(*l->v), by_bytes);
}

void mb_strv_split(struct mb_strv *ret, const char *s, const char *sep)
{
    struct mb_strv pieces = {0};

    for (;;) {
        size_t len = strcspn(s, sep);

        mb_strv_add_take(&pieces, mb_xstrndup(s, len));
        if (s[len] == '\0')
            break;
        s += len + 1;
    }
    mb_strv_done(ret);
    *ret = pieces;
}

char *mb_strv_join(const struct mb_strv *l, const char *sep)
{
    size_t sep_len = strlen(sep);
    size_t total = 1;

    for (size_t i = 0; i < l->n; i++)
        total += strlen(l->v[i]) + sep_len;

    char *text = mb_xmalloc(total);
    char *p = text;
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            p = mempcpy(p, sep, sep_len);
        p = mempcpy(p, l->v[i], strlen(l->v[i]));
    }
    *p = '\0';
    return text;
}

char **mb_strv_argv(struct mb_strv *l)
{
    if (!l->v)
        l->v = mb_xcalloc(1, sizeof(*l->v));
    return l->v;
}
