/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths are resolved in the listing as they will be in the directory: symbolic links
 * are followed, ".." and absolute targets stop at the root.
 */
#include "fs/tree.h"

#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/text.h"

#define LINKS_MAX 40

/* The first entry that is not before @path. */
static size_t lower_bound(const struct mb_tree *t, const char *path)
{
    size_t lo = 0;
    size_t hi = t->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(t->v[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const struct mb_tree_entry *find(const struct mb_tree *t, const char *path)
{
    size_t i = lower_bound(t, path);

    return i < t->n && strcmp(t->v[i].path, path) == 0 ? &t->v[i] : NULL;
}

static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');

    *(slash ? slash : path) = '\0';
}

static void replace(char **p, char *with)
{
    free(*p);
    *p = with;
}

/* One component of *rest onto *at; false: nothing there. */
static bool step(const struct mb_tree *t, char **at, char **rest, int *links)
{
    size_t n = strcspn(*rest, "/");
    _cleanup_free_ char *name = mb_xstrndup(*rest, n);
    _cleanup_free_ char *next = NULL;
    const struct mb_tree_entry *e;

    replace(rest, mb_xstrdup(*rest + n + ((*rest)[n] == '/')));
    if (name[0] == '\0' || strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        cut_last(*at);
        return true;
    }
    next = mb_xasprintf("%s%s%s", *at, (*at)[0] ? "/" : "", name);
    e = find(t, next);
    if (!e)
        return false;
    if (!S_ISLNK(e->mode)) {
        replace(at, steal_ptr(next));
        return true;
    }
    if (++*links > LINKS_MAX
        || strlen(*rest) + strlen(e->link_target) > MB_PATH_LEN_MAX)
        return false;
    replace(rest, mb_xasprintf("%s/%s", e->link_target, *rest));
    if (e->link_target[0] == '/')
        (*at)[0] = '\0';
    return true;
}

/* The real path of @path, "" for the root; NULL when it leads nowhere. malloc'ed. */
static char *resolve(const struct mb_tree *t, const char *path)
{
    _cleanup_free_ char *at = mb_xstrdup("");
    _cleanup_free_ char *rest = mb_path_clamp(path);
    int links = 0;

    while (rest[0])
        if (!step(t, &at, &rest, &links))
            return NULL;
    return steal_ptr(at);
}

/* Element by element, so that no class or escape reaches over a '/'. */
static int match_elements(const struct mb_strv *pattern, const char *path, bool *ret,
                          struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv names = {0};

    bool hit = true;

    *ret = false;
    mb_strv_split(&names, path, "/");
    if (names.n != pattern->n)
        return 0;
    for (size_t i = 0; i < names.n && hit; i++)
        if (mb_path_match(pattern->v[i], names.v[i], &hit, err) < 0)
            return -1;
    *ret = hit;
    return 0;
}

/* Everything below the directory @base that @pattern matches, as @shown/... */
static int select_below(const struct mb_tree *t, const char *base, const char *shown,
                        const struct mb_strv *pattern, struct mb_strv *ret,
                        struct mb_error *err)
{
    _cleanup_free_ char *prefix = mb_xasprintf("%s%s", base, base[0] ? "/" : "");

    for (size_t i = lower_bound(t, prefix);
         i < t->n && mb_starts_with(t->v[i].path, prefix); i++) {
        const char *rest = t->v[i].path + strlen(prefix);
        bool hit = false;

        if (match_elements(pattern, rest, &hit, err) < 0)
            return -1;
        if (hit)
            mb_strv_addf(ret, "%s%s%s", shown, shown[0] ? "/" : "", rest);
    }
    return 0;
}

/* The first elements without glob characters go to *ret_shown, out of @pattern. */
static void split_literal(struct mb_strv *pattern, char **ret_shown)
{
    struct mb_strv literal = {0};

    while (pattern->n > 0 && !mb_path_has_glob(pattern->v[0])) {
        mb_strv_add(&literal, pattern->v[0]);
        mb_strv_remove(pattern, 0);
    }
    *ret_shown = mb_strv_join(&literal, "/");
    mb_strv_done(&literal);
}

static int check_pattern(const struct mb_strv *pattern, struct mb_error *err)
{
    for (size_t i = 0; i < pattern->n; i++) {
        bool hit;

        if (mb_path_match(pattern->v[i], "", &hit, err) < 0)
            return -1;
    }
    return 0;
}

int mb_tree_select(const struct mb_tree *t, const char *pattern, struct mb_strv *ret,
                   struct mb_error *err)
{
    _cleanup_free_ char *clean = mb_path_clamp(pattern);
    _cleanup_strv_ struct mb_strv elements = {0};
    _cleanup_strv_ struct mb_strv hits = {0};
    _cleanup_free_ char *shown = NULL;
    _cleanup_free_ char *base = NULL;

    if (clean[0])
        mb_strv_split(&elements, clean, "/");
    if (check_pattern(&elements, err) < 0)
        return -1;
    split_literal(&elements, &shown);
    base = resolve(t, shown);
    if (base && elements.n == 0)
        mb_strv_add(&hits, shown);
    else if (base && select_below(t, base, shown, &elements, &hits, err) < 0)
        return -1;
    mb_strv_done(ret);
    *ret = hits;
    hits = (struct mb_strv){0};
    return 0;
}

static void hash_u32(struct mb_sha256 *h, uint32_t v)
{
    const uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                           (uint8_t)v};

    mb_sha256_add(h, be, sizeof(be));
}

static void hash_text(struct mb_sha256 *h, const char *s)
{
    hash_u32(h, (uint32_t)strlen(s));
    mb_sha256_add(h, s, strlen(s));
}

static const char *type_text(mode_t mode)
{
    return S_ISREG(mode) ? "f" : S_ISDIR(mode) ? "d" : S_ISLNK(mode) ? "l" : "p";
}

static void hash_entry(struct mb_sha256 *h, const struct mb_tree_entry *e,
                       const char *name)
{
    mb_sha256_add(h, type_text(e->mode), 1);
    hash_u32(h, S_ISLNK(e->mode) ? 0 : e->mode & 07777);
    hash_text(h, name);
    if (S_ISREG(e->mode))
        mb_sha256_add(h, e->content.bytes, sizeof(e->content.bytes));
    if (S_ISLNK(e->mode))
        hash_text(h, e->link_target);
}

int mb_tree_digest(const struct mb_tree *t, const char *path, struct mb_digest *ret,
                   struct mb_error *err)
{
    static const struct mb_tree_entry root = {.mode = S_IFDIR | 0755};
    _cleanup_(mb_sha256_freep) struct mb_sha256 *h = mb_sha256_new();
    _cleanup_free_ char *real = resolve(t, path);
    _cleanup_free_ char *prefix = NULL;

    if (!real)
        return mb_fail(err, MB_ERR_NOT_FOUND, "there is no %.200s", path);
    prefix = mb_xasprintf("%s%s", real, real[0] ? "/" : "");
    hash_text(h, "mbcluster tree 1");
    hash_entry(h, real[0] ? find(t, real) : &root, "");
    for (size_t i = lower_bound(t, prefix);
         i < t->n && mb_starts_with(t->v[i].path, prefix); i++)
        hash_entry(h, &t->v[i], t->v[i].path + strlen(prefix));
    mb_sha256_end(h, ret->bytes);
    return 0;
}
