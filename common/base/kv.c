/* SPDX-License-Identifier: Apache-2.0 */
#include "base/kv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void mb_kv_done(struct mb_kvlist *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].key);
        free(l->v[i].value);
    }
    free(l->v);
    *l = (struct mb_kvlist){0};
}

static struct mb_kv *find(const struct mb_kvlist *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].key, key) == 0)
            return &l->v[i];
    return NULL;
}

static void append(struct mb_kvlist *l, const char *key, const char *value)
{
    l->v = mb_xreallocarray(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = (struct mb_kv){.key = mb_xstrdup(key), .value = mb_xstrdup(value)};
}

void mb_kv_set(struct mb_kvlist *l, const char *key, const char *value)
{
    struct mb_kv *there = find(l, key);

    if (!there) {
        append(l, key, value);
        return;
    }
    char *copy = mb_xstrdup(value); /* @value may be the old one */
    free(there->value);
    there->value = copy;
}

void mb_kv_unset(struct mb_kvlist *l, const char *key)
{
    struct mb_kv *there = find(l, key);

    if (!there)
        return;
    free(there->key);
    free(there->value);
    size_t behind = l->n - (size_t)(there - l->v) - 1;
    memmove(there, there + 1, behind * sizeof(*there));
    l->n--;
}

const char *mb_kv_get(const struct mb_kvlist *l, const char *key)
{
    const struct mb_kv *there = find(l, key);

    return there ? there->value : NULL;
}

void mb_kv_copy(struct mb_kvlist *ret, const struct mb_kvlist *from)
{
    struct mb_kvlist copy = {0};

    for (size_t i = 0; i < from->n; i++)
        append(&copy, from->v[i].key, from->v[i].value);
    *ret = copy;
}

static int by_key(const void *a, const void *b)
{
    const struct mb_kv *x = a, *y = b;

    return strcmp(x->key, y->key);
}

void mb_kv_sort(struct mb_kvlist *l)
{
    if (l->n > 1)
        qsort(l->v, l->n, sizeof(*l->v), by_key);
}
