/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "fs/tar_writer.h"
#include "fs/tree.h"
#include "fs/walk.h"

struct packer {
    int dir_fd;
    const struct mb_tar_filter *filter; /* borrowed; may be NULL */
    struct mb_tar_writer *tar;
    void *dirs; /* tsearch tree of the directories that are written */
    uint64_t bytes;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void packer_done(struct packer *p)
{
    mb_tar_writer_free(p->tar);
    tdestroy(p->dirs, free);
}

static void describe(const char *path, const struct stat *st, struct mb_tar_entry *e)
{
    *e = (struct mb_tar_entry){
        .path = path,
        .mode = st->st_mode,
        .mtime_sec = st->st_mtim.tv_sec,
        .size = (uint64_t)st->st_size,
    };
}

static int put_dir(struct packer *p, const char *path, const struct stat *st,
                   struct mb_error *err)
{
    struct mb_tar_entry e;

    describe(path, st, &e);
    tsearch(mb_xstrdup(path), &p->dirs, by_text);
    return mb_tar_writer_entry(p->tar, &e, err);
}

/* Directories that were left out themselves but hold @path. */
static int put_parents(struct packer *p, const char *path, struct mb_error *err)
{
    for (const char *end = strchr(path, '/'); end; end = strchr(end + 1, '/')) {
        _cleanup_free_ char *dir = mb_xstrndup(path, (size_t)(end - path));
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (tfind(dir, &p->dirs, by_text))
            continue;
        if (mb_open_beneath(p->dir_fd, dir, O_PATH | O_DIRECTORY, &fd, err) < 0)
            return -1;
        if (fstat(fd, &st) < 0)
            return mb_fail_errno(err, "stat %s", dir);
        if (put_dir(p, dir, &st, err) < 0)
            return -1;
    }
    return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec
           && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec
           && a->st_ctim.tv_sec == b->st_ctim.tv_sec
           && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int changed(const char *path, struct mb_error *err)
{
    return mb_fail(
        err, MB_ERR_IO,
        "%.200s changed while it was read; try again when nothing writes to it", path);
}

static int put_file(struct packer *p, const char *path, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    struct mb_tar_entry e;
    struct stat before;
    struct stat after;

    if (mb_open_beneath(p->dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err)
        < 0)
        return -1;
    if (fstat(fd, &before) < 0)
        return mb_fail_errno(err, "stat %s", path);
    if (!S_ISREG(before.st_mode))
        return changed(path, err);
    describe(path, &before, &e);
    if (mb_tar_writer_entry(p->tar, &e, err) < 0)
        return -1;
    if (mb_tar_writer_data_fd(p->tar, fd, err) < 0)
        return err->code == MB_ERR_CORRUPT ? changed(path, err)
                                           : mb_wrap(err, "%.200s", path);
    if (fstat(fd, &after) < 0 || !is_same(&before, &after))
        return changed(path, err);
    p->bytes += e.size;
    return 0;
}

static int put_symlink(struct packer *p, const char *path, const struct stat *st,
                       struct mb_error *err)
{
    char target[MB_PATH_LEN_MAX + 1];
    _cleanup_close_ int fd = -1;
    struct mb_tar_entry e;
    ssize_t n;

    if (mb_open_beneath(p->dir_fd, path, O_PATH, &fd, err) < 0)
        return -1;
    n = readlinkat(fd, "", target, sizeof(target));
    if (n < 0 || (size_t)n >= sizeof(target))
        return mb_fail_errno(err, "read link %s", path);
    target[n] = '\0';
    describe(path, st, &e);
    e.link_target = target;
    return mb_tar_writer_entry(p->tar, &e, err);
}

static int put_entry(struct packer *p, const char *path, const struct stat *st,
                     struct mb_error *err)
{
    struct mb_tar_entry e;

    if (put_parents(p, path, err) < 0)
        return -1;
    if (S_ISDIR(st->st_mode))
        return put_dir(p, path, st, err);
    if (S_ISREG(st->st_mode))
        return put_file(p, path, err);
    if (S_ISLNK(st->st_mode))
        return put_symlink(p, path, st, err);
    describe(path, st, &e);
    return mb_tar_writer_entry(p->tar, &e, err);
}

static int visit(const char *path, const struct stat *st, void *arg,
                 struct mb_error *err)
{
    struct packer *p = arg;
    bool is_dir = S_ISDIR(st->st_mode);
    bool look_inside = true;
    bool take = true;

    if (S_ISSOCK(st->st_mode) || S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        return MB_WALK_SKIP;
    if (p->filter) {
        look_inside = false;
        take = p->filter->take(path, is_dir, &look_inside, p->filter->arg);
    }
    if (take && put_entry(p, path, st, err) < 0)
        return -1;
    return is_dir && (take || look_inside) ? MB_WALK_DESCEND : MB_WALK_SKIP;
}

int mb_tar_directory(int dir_fd, const struct mb_tar_filter *filter,
                     const struct mb_sink *out, uint64_t *ret_bytes,
                     struct mb_error *err)
{
    static const struct mb_walk_fns fns = {.visit = visit};
    _cleanup_(packer_done) struct packer p = {
        .dir_fd = dir_fd,
        .filter = filter,
        .tar = mb_tar_writer_new(out),
    };

    if (mb_walk(dir_fd, &fns, &p, err) < 0 || mb_tar_writer_end(p.tar, err) < 0)
        return -1;
    if (ret_bytes)
        *ret_bytes = p.bytes;
    return 0;
}
