/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries live in a binary tree by path while the archive is read: a later entry
 * replaces an earlier one, hard links find their file, and the walk at the end is
 * sorted.
 */
#include "fs/tree.h"

#include <search.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "fs/tar_reader.h"

#define IMPLIED_DIR_MODE (S_IFDIR | 0755)

struct builder {
    void *root; /* tsearch tree of struct mb_tree_entry */
    size_t n;
    struct mb_tree_entry *fill; /* while the result is made */
};

static int by_path(const void *a, const void *b)
{
    const struct mb_tree_entry *x = a;
    const struct mb_tree_entry *y = b;

    return strcmp(x->path, y->path);
}

static void entry_clear(struct mb_tree_entry *e)
{
    free(e->path);
    free(e->link_target);
    *e = (struct mb_tree_entry){0};
}

static void entry_free(void *p)
{
    entry_clear(p);
    free(p);
}

static void builder_done(struct builder *b)
{
    tdestroy(b->root, entry_free);
}

void mb_tree_done(struct mb_tree *t)
{
    for (size_t i = 0; i < t->n; i++)
        entry_clear(&t->v[i]);
    free(t->v);
    *t = (struct mb_tree){0};
}

static struct mb_tree_entry *find(struct builder *b, char *path)
{
    struct mb_tree_entry key = {.path = path};
    struct mb_tree_entry **node = tfind(&key, &b->root, by_path);

    return node ? *node : NULL;
}

static int limit(const struct builder *b, struct mb_error *err)
{
    if (b->n < MB_TAR_ENTRIES_MAX)
        return 0;
    return mb_fail(err, MB_ERR_LIMIT, "the archive has more than %d entries",
                   MB_TAR_ENTRIES_MAX);
}

/* Takes what is in *e. */
static void insert(struct builder *b, struct mb_tree_entry *e)
{
    struct mb_tree_entry *copy = mb_xmemdup(e, sizeof(*e));

    *e = (struct mb_tree_entry){0};
    tsearch(copy, &b->root, by_path);
    b->n++;
}

/* The directories above @path, made up where the archive has none for them. */
static int need_parents(struct builder *b, const char *path, struct mb_error *err)
{
    for (const char *end = strrchr(path, '/'); end && end > path;
         end = memrchr(path, '/', (size_t)(end - path))) {
        _cleanup_free_ char *dir = mb_xstrndup(path, (size_t)(end - path));
        struct mb_tree_entry *there = find(b, dir);
        struct mb_tree_entry e = {.mode = IMPLIED_DIR_MODE};

        if (there && S_ISDIR(there->mode))
            return 0;
        if (there)
            return mb_fail(err, MB_ERR_CORRUPT,
                           "%.200s lies in something that is no "
                           "directory",
                           path);
        if (limit(b, err) < 0)
            return -1;
        e.path = steal_ptr(dir);
        insert(b, &e);
    }
    return 0;
}

static int add(struct builder *b, struct mb_tree_entry *e, struct mb_error *err)
{
    struct mb_tree_entry *there = find(b, e->path);

    if (there && S_ISDIR(there->mode) != S_ISDIR(e->mode))
        return mb_fail(err, MB_ERR_CORRUPT, "%.200s is a directory and something else",
                       e->path);
    if (there) {
        entry_clear(there);
        *there = *e;
        *e = (struct mb_tree_entry){0};
        return 0;
    }
    if (limit(b, err) < 0 || need_parents(b, e->path, err) < 0)
        return -1;
    insert(b, e);
    return 0;
}

static void hash_zeros(struct mb_sha256 *h, uint64_t n)
{
    static const uint8_t zeros[4096];

    for (; n > sizeof(zeros); n -= sizeof(zeros))
        mb_sha256_add(h, zeros, sizeof(zeros));
    mb_sha256_add(h, zeros, (size_t)n);
}

static int hash_data(struct mb_tar_reader *r, struct mb_tree_entry *e,
                     struct mb_error *err)
{
    _cleanup_(mb_sha256_freep) struct mb_sha256 *h = mb_sha256_new();
    uint64_t at = 0;

    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        uint64_t offset = 0;

        if (mb_tar_reader_data(r, &data, &len, &offset, err) < 0)
            return -1;
        if (len == 0)
            break;
        if (offset < at)
            return mb_fail(err, MB_ERR_CORRUPT, "the archive places data out of order");
        hash_zeros(h, offset - at);
        mb_sha256_add(h, data, len);
        at = offset + len;
    }
    if (at < e->size)
        hash_zeros(h, e->size - at);
    mb_sha256_end(h, e->content.bytes);
    return 0;
}

static int copy_linked(struct builder *b, const char *to, struct mb_tree_entry *e,
                       struct mb_error *err)
{
    _cleanup_free_ char *clean = NULL;
    struct mb_tree_entry *file;

    if (mb_tar_name_clean(to, &clean, err) < 0)
        return -1;
    file = find(b, clean);
    if (!file || !S_ISREG(file->mode))
        return mb_fail(err, MB_ERR_CORRUPT,
                       "%.200s is a hard link to %.200s, which is not in the archive",
                       e->path, to);
    e->mode = file->mode;
    e->size = file->size;
    e->content = file->content;
    return 0;
}

static void tree_entry_done(struct mb_tree_entry *e)
{
    entry_clear(e);
}

static int read_entry(struct builder *b, struct mb_tar_reader *r,
                      struct archive_entry *ae, struct mb_error *err)
{
    _cleanup_(tree_entry_done) struct mb_tree_entry e = {.mode =
                                                             archive_entry_mode(ae)};
    const char *link = archive_entry_symlink(ae);

    if (mb_tar_name_clean(archive_entry_pathname(ae), &e.path, err) < 0)
        return -1;
    if (e.path[0] == '\0')
        return 0;
    if (archive_entry_hardlink(ae)) {
        if (copy_linked(b, archive_entry_hardlink(ae), &e, err) < 0)
            return -1;
    } else if (S_ISREG(e.mode)) {
        e.size = (uint64_t)archive_entry_size(ae);
        if (hash_data(r, &e, err) < 0)
            return -1;
    } else if (S_ISLNK(e.mode)) {
        if (!link || !link[0] || strlen(link) > MB_PATH_LEN_MAX)
            return mb_fail(err, MB_ERR_CORRUPT, "%.200s is a link to nothing", e.path);
        e.link_target = mb_xstrdup(link);
    } else if (!S_ISDIR(e.mode) && !S_ISFIFO(e.mode)) {
        return 0;
    }
    return add(b, &e, err);
}

static void move_out(const void *node, VISIT visit, void *arg)
{
    struct builder *b = arg;
    struct mb_tree_entry *e = *(struct mb_tree_entry *const *)node;

    if (visit != postorder && visit != leaf)
        return;
    *b->fill++ = *e;
    e->link_target = NULL;
    e->path = NULL; /* nothing compares any more */
}

int mb_tree_from_tar(int tar_fd, struct mb_tree *ret, struct mb_error *err)
{
    _cleanup_(builder_done) struct builder b = {0};
    _cleanup_(mb_tar_reader_freep) struct mb_tar_reader *r = NULL;

    if (mb_tar_reader_new(tar_fd, &r, err) < 0)
        return -1;
    for (;;) {
        struct archive_entry *ae = NULL;

        if (mb_tar_reader_next(r, &ae, err) < 0)
            return -1;
        if (!ae)
            break;
        if (read_entry(&b, r, ae, err) < 0)
            return -1;
    }
    ret->n = b.n;
    ret->v = mb_xcalloc(b.n ? b.n : 1, sizeof(*ret->v));
    b.fill = ret->v;
    twalk_r(b.root, move_out, &b);
    return 0;
}
