/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the upper directory in path order, writing as it goes.  What an overlay
 * leaves in its upper: Documentation/filesystems/overlayfs.rst.  What a layer holds:
 * image-spec layer.md "Whiteouts".
 */
#include "fs/layer_diff.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "fs/tar_writer.h"
#include "fs/walk.h"
#include "fs/xattr.h"

#define OPAQUE_NAME ".wh..wh..opq"

struct diff {
    int dir_fd;
    const struct mb_layer_diff_opts *opts; /* borrowed */
    struct mb_tar_writer *tar;
    void *links; /* tsearch tree of struct link_name */
    uint64_t n_entries;
};

/* The first path of a file that has more than one. */
struct link_name {
    dev_t dev;
    ino_t ino;
    char *path;
};

static int by_inode(const void *a, const void *b)
{
    const struct link_name *x = a;
    const struct link_name *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

static void link_name_free(void *p)
{
    struct link_name *l = p;

    free(l->path);
    free(l);
}

static void diff_done(struct diff *d)
{
    mb_tar_writer_free(d->tar);
    tdestroy(d->links, link_name_free);
}

/* The path that holds the data already, or NULL: this one does. */
static const char *earlier_link(struct diff *d, const char *path, const struct stat *st)
{
    struct link_name *l = mb_xmalloc(sizeof(*l));
    struct link_name **found;

    *l = (struct link_name){st->st_dev, st->st_ino, NULL};
    found = tsearch(l, &d->links, by_inode);
    if (*found != l) {
        free(l);
        return (*found)->path;
    }
    l->path = mb_xstrdup(path);
    return NULL;
}

static int open_entry(const struct diff *d, const char *path, int *ret_fd,
                      struct mb_error *err)
{
    return mb_open_beneath(d->dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, ret_fd,
                           err);
}

static int is_whiteout(const char *path, const struct stat *st, bool *ret, void *arg,
                       struct mb_error *err)
{
    const struct diff *d = arg;
    _cleanup_close_ int fd = -1;
    _cleanup_(mb_xattrs_done) struct mb_xattrs xattrs = {0};

    *ret = S_ISCHR(st->st_mode) && st->st_rdev == 0;
    if (!S_ISREG(st->st_mode) || st->st_size != 0)
        return 0;
    if (open_entry(d, path, &fd, err) < 0)
        return -1;
    if (mb_xattrs_read(fd, &xattrs, err) < 0)
        return mb_wrap(err, "%s", path);
    *ret = mb_xattrs_has_overlay(&xattrs, "whiteout", 0);
    return 0;
}

static int64_t mtime_of(const struct diff *d, const struct stat *st)
{
    int64_t t = st->st_mtim.tv_sec;

    return d->opts->clamp_mtime && t > d->opts->max_mtime_sec ? d->opts->max_mtime_sec
                                                              : t;
}

/* An empty file of root's; its time says nothing, but it must be the same every time.
 */
static int put_marker(struct diff *d, const char *dir, size_t dir_len, const char *name,
                      struct mb_error *err)
{
    _cleanup_free_ char *path =
        mb_xasprintf("%.*s%s%s", (int)dir_len, dir, dir_len ? "/" : "", name);
    struct mb_tar_entry e = {.path = path, .mode = S_IFREG};

    d->n_entries++;
    return mb_tar_writer_entry(d->tar, &e, err);
}

static int put_whiteout(struct diff *d, const char *path, struct mb_error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *name = mb_xasprintf(".wh.%s", slash ? slash + 1 : path);

    return put_marker(d, path, slash ? (size_t)(slash - path) : 0, name, err);
}

static int refuse_redirect(const struct mb_xattrs *x, const char *path,
                           struct mb_error *err)
{
    if (mb_xattrs_has_overlay(x, "redirect", 0)
        || mb_xattrs_has_overlay(x, "metacopy", 0))
        return mb_fail(err, MB_ERR_CORRUPT,
                       "%s refers to a lower directory; the overlay must be mounted "
                       "with redirect_dir=off,metacopy=off",
                       path);
    return 0;
}

static void describe(const struct diff *d, const char *path, const struct stat *st,
                     struct mb_tar_entry *e)
{
    *e = (struct mb_tar_entry){
        .path = path,
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .mtime_sec = mtime_of(d, st),
        .size = (uint64_t)st->st_size,
    };
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
        e->dev_major = major(st->st_rdev);
        e->dev_minor = minor(st->st_rdev);
    }
}

/* A regular file or a directory: the two that have data or attributes. */
static int put_opened(struct diff *d, const char *path, const struct stat *st,
                      struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    _cleanup_(mb_xattrs_done) struct mb_xattrs x = {0};
    struct mb_tar_entry e;
    bool is_opaque;

    if (open_entry(d, path, &fd, err) < 0)
        return -1;
    if (mb_xattrs_read(fd, &x, err) < 0)
        return mb_wrap(err, "%s", path);
    if (refuse_redirect(&x, path, err) < 0)
        return -1;
    is_opaque = S_ISDIR(st->st_mode) && mb_xattrs_has_overlay(&x, "opaque", 'y');
    mb_xattrs_keep_portable(&x);
    describe(d, path, st, &e);
    e.xattrs = x.v;
    e.n_xattrs = x.n;
    if (mb_tar_writer_entry(d->tar, &e, err) < 0)
        return -1;
    d->n_entries++;
    if (S_ISREG(st->st_mode) && mb_tar_writer_data_fd(d->tar, fd, err) < 0)
        return mb_wrap(err, "%s", path);
    return is_opaque ? put_marker(d, path, strlen(path), OPAQUE_NAME, err) : 0;
}

static int put_hardlink(struct diff *d, const char *path, const struct stat *st,
                        const char *target, struct mb_error *err)
{
    struct mb_tar_entry e;

    describe(d, path, st, &e);
    e.is_hardlink = 1;
    e.link_target = target;
    d->n_entries++;
    return mb_tar_writer_entry(d->tar, &e, err);
}

static int put_symlink(struct diff *d, const char *path, const struct stat *st,
                       struct mb_error *err)
{
    char target[MB_PATH_LEN_MAX + 1];
    _cleanup_close_ int fd = -1;
    struct mb_tar_entry e;
    ssize_t n;

    if (mb_open_beneath(d->dir_fd, path, O_PATH, &fd, err) < 0)
        return -1;
    n = readlinkat(fd, "", target, sizeof(target));
    if (n < 0 || (size_t)n >= sizeof(target))
        return mb_fail_errno(err, "read link %s", path);
    target[n] = '\0';
    describe(d, path, st, &e);
    e.link_target = target;
    d->n_entries++;
    return mb_tar_writer_entry(d->tar, &e, err);
}

/* Readers of the layer would take it for a whiteout. */
static bool is_reserved(const char *path)
{
    const char *slash = strrchr(path, '/');

    return mb_starts_with(slash ? slash + 1 : path, ".wh.");
}

static int visit(const char *path, const struct stat *st, void *arg,
                 struct mb_error *err)
{
    struct diff *d = arg;
    const char *target = NULL;
    struct mb_tar_entry e;
    bool whiteout = false;

    if (is_whiteout(path, st, &whiteout, d, err) < 0)
        return -1;
    if (whiteout)
        return put_whiteout(d, path, err);
    if (is_reserved(path))
        return mb_fail(err, MB_ERR_INVALID,
                       "%s: a file name in an image layer may not begin with \".wh.\"",
                       path);
    if (S_ISDIR(st->st_mode))
        return put_opened(d, path, st, err) < 0 ? -1 : MB_WALK_DESCEND;
    if (S_ISREG(st->st_mode)) {
        if (st->st_nlink > 1)
            target = earlier_link(d, path, st);
        return target ? put_hardlink(d, path, st, target, err)
                      : put_opened(d, path, st, err);
    }
    if (S_ISLNK(st->st_mode))
        return put_symlink(d, path, st, err);
    if (S_ISSOCK(st->st_mode))
        return MB_WALK_SKIP;
    describe(d, path, st, &e);
    d->n_entries++;
    return mb_tar_writer_entry(d->tar, &e, err);
}

int mb_layer_diff(int dir_fd, const struct mb_layer_diff_opts *opts,
                  const struct mb_sink *out, uint64_t *ret_entries,
                  struct mb_error *err)
{
    static const struct mb_walk_fns fns = {.visit = visit, .is_whiteout = is_whiteout};
    _cleanup_(diff_done) struct diff d = {
        .dir_fd = dir_fd,
        .opts = opts,
        .tar = mb_tar_writer_new(out),
    };

    if (mb_walk(dir_fd, &fns, &d, err) < 0 || mb_tar_writer_end(d.tar, err) < 0)
        return mb_wrap(err, "read the changes of a step");
    if (ret_entries)
        *ret_entries = d.n_entries;
    return 0;
}
