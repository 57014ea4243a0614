/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destination is named by a path in its root, resolved again for each entry by
 * openat2(RESOLVE_IN_ROOT); so a directory of the source that meets a link to a
 * directory in the image goes where that link points, without leaving the root.
 */
#include "step/copy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/mode.h"
#include "base/strv.h"
#include "step/rootpath.h"

#define DEPTH_MAX 1024

struct seen {
    dev_t dev;
    ino_t ino;
    char *dest;
};

static void seen_free(void *p)
{
    struct seen *s = p;

    free(s->dest);
    free(s);
}

static int by_inode(const void *a, const void *b)
{
    const struct seen *x = a;
    const struct seen *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

void copy_tree_done(struct copy_tree *c)
{
    tdestroy(c->links, seen_free);
    c->links = NULL;
}

static const char *seen_as(const struct copy_tree *c, const struct stat *st)
{
    const struct seen key = {.dev = st->st_dev, .ino = st->st_ino};
    struct seen **found = tfind(&key, &c->links, by_inode);

    return found ? (*found)->dest : NULL;
}

static void remember(struct copy_tree *c, const struct stat *st, const char *dest)
{
    struct seen *s = mb_xmalloc(sizeof(*s));

    *s = (struct seen){.dev = st->st_dev, .ino = st->st_ino, .dest = mb_xstrdup(dest)};
    struct seen **found = tsearch(s, &c->links, by_inode);
    if (*found != s) /* not a regular file, so it was copied again */
        seen_free(s);
}

static mode_t mode_of(const struct copy_tree *c, const struct stat *st)
{
    return c->chmod ? mb_mode_apply(c->chmod, st->st_mode) : st->st_mode & 07777;
}

static uid_t uid_of(const struct copy_tree *c, const struct stat *st)
{
    return c->archive ? st->st_uid : c->uid;
}

static gid_t gid_of(const struct copy_tree *c, const struct stat *st)
{
    return c->archive ? st->st_gid : c->gid;
}

/* Owner first: changing it clears set-id bits. */
static int set_attributes(const struct copy_tree *c, int fd, const struct stat *st,
                          struct mb_error *err)
{
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};

    if (fchown(fd, uid_of(c, st), gid_of(c, st)) < 0)
        return mb_fail_errno(err, "set owner %u:%u", uid_of(c, st), gid_of(c, st));
    if (fchmod(fd, mode_of(c, st)) < 0)
        return mb_fail_errno(err, "set mode %o", (unsigned)mode_of(c, st));
    if (futimens(fd, times) < 0)
        return mb_fail_errno(err, "set times");
    return 0;
}

/* What a copied file or link would replace. */
static int make_room(const struct copy_tree *c, int dir_fd, const char *name,
                     const char *dest, struct mb_error *err)
{
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : mb_fail_errno(err, "look at /%s", dest);
    if (S_ISDIR(st.st_mode) && c->archive)
        return mb_remove_tree(dir_fd, name, err);
    if (S_ISDIR(st.st_mode))
        return mb_fail(err, MB_ERR_INVALID,
                       "cannot replace the directory /%s by a file", dest);
    if (unlinkat(dir_fd, name, 0) < 0)
        return mb_fail_errno(err, "replace /%s", dest);
    return 0;
}

static int copy_regular(struct copy_tree *c, int src_fd, const char *name, int dir_fd,
                        const char *dest_name, const struct stat *st,
                        struct mb_error *err)
{
    _cleanup_close_ int from =
        openat(src_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    _cleanup_close_ int to = -1;

    if (from < 0)
        return mb_fail_errno(err, "open it");
    to = openat(dir_fd, dest_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return mb_fail_errno(err, "create it");
    if (copy_file_data(from, to, (uint64_t)st->st_size, err) < 0
        || set_attributes(c, to, st, err) < 0)
        return -1;
    return copy_file_xattrs(from, to, err); /* last: chown drops capabilities */
}

static int copy_symlink(const struct copy_tree *c, int src_fd, const char *name,
                        int dir_fd, const char *dest_name, const struct stat *st,
                        struct mb_error *err)
{
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};
    char target[PATH_MAX];
    ssize_t n = readlinkat(src_fd, name, target, sizeof(target) - 1);

    if (n < 0)
        return mb_fail_errno(err, "read the link");
    target[n] = '\0';
    if (symlinkat(target, dir_fd, dest_name) < 0
        || fchownat(dir_fd, dest_name, uid_of(c, st), gid_of(c, st),
                    AT_SYMLINK_NOFOLLOW)
               < 0
        || utimensat(dir_fd, dest_name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return mb_fail_errno(err, "create the link");
    return 0;
}

static int copy_fifo(const struct copy_tree *c, int dir_fd, const char *dest_name,
                     const struct stat *st, struct mb_error *err)
{
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};

    if (mknodat(dir_fd, dest_name, S_IFIFO | 0600, 0) < 0
        || fchownat(dir_fd, dest_name, uid_of(c, st), gid_of(c, st),
                    AT_SYMLINK_NOFOLLOW)
               < 0
        || fchmodat(dir_fd, dest_name, mode_of(c, st), 0) < 0
        || utimensat(dir_fd, dest_name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return mb_fail_errno(err, "create the fifo");
    return 0;
}

/* Everything but directories. */
static int copy_leaf(struct copy_tree *c, int src_fd, const char *name,
                     const char *dest, const struct stat *st, struct mb_error *err)
{
    const char *linked =
        st->st_nlink > 1 && !S_ISLNK(st->st_mode) ? seen_as(c, st) : NULL;
    _cleanup_close_ int dir_fd = -1;
    const char *dest_name = NULL;
    int rc;

    if (!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode) && !S_ISFIFO(st->st_mode))
        return 0; /* sockets and devices, whiteouts of an overlay among them */
    if (rootpath_open_parent(c->root_fd, dest, &dir_fd, &dest_name, err) < 0
        || make_room(c, dir_fd, dest_name, dest, err) < 0)
        return -1;
    if (linked) {
        _cleanup_close_ int old_dir_fd = -1;
        const char *old_name = NULL;

        if (rootpath_open_parent(c->root_fd, linked, &old_dir_fd, &old_name, err) < 0)
            return -1;
        if (linkat(old_dir_fd, old_name, dir_fd, dest_name, 0) < 0)
            return mb_fail_errno(err, "link /%s to /%s", dest, linked);
        return 0;
    }
    if (S_ISREG(st->st_mode))
        rc = copy_regular(c, src_fd, name, dir_fd, dest_name, st, err);
    else if (S_ISLNK(st->st_mode))
        rc = copy_symlink(c, src_fd, name, dir_fd, dest_name, st, err);
    else
        rc = copy_fifo(c, dir_fd, dest_name, st, err);
    if (rc < 0)
        return mb_wrap(err, "copy to /%s", dest);
    if (st->st_nlink > 1)
        remember(c, st, dest);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, *(char *const *)b);
}

/* Is the directory at @dest spoken of by the archive? */
static bool is_explicit(const struct copy_tree *c, const char *dest)
{
    const char *below = dest + c->front;

    below += c->front > 0 && *below == '/';
    return c->archive && *below
           && (c->implied->n == 0
               || !bsearch(below, c->implied->v, c->implied->n, sizeof(char *),
                           by_text));
}

/* Of an archive: a link to a directory is no directory. */
static int replace_link(const struct copy_tree *c, int dir_fd, const char *name,
                        const char *dest, struct mb_error *err)
{
    struct stat st;

    if (!is_explicit(c, dest) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0
        || S_ISDIR(st.st_mode))
        return 0;
    return make_room(c, dir_fd, name, dest, err);
}

/* Open the destination directory, made when nothing is there. */
static int enter_dest(struct copy_tree *c, const char *dest, int *ret_fd,
                      bool *ret_made, struct mb_error *err)
{
    _cleanup_close_ int dir_fd = -1;
    const char *name = NULL;
    bool made;

    if (rootpath_open_parent(c->root_fd, dest, &dir_fd, &name, err) < 0)
        return -1;
    if (replace_link(c, dir_fd, name, dest, err) < 0)
        return -1;
    made = mkdirat(dir_fd, name, 0700) == 0;
    if (!made && errno != EEXIST)
        return mb_fail_errno(err, "create directory /%s", dest);
    if (rootpath_open(c->root_fd, dest, O_RDONLY | O_DIRECTORY, ret_fd, err) < 0)
        return err->sys_errno == ENOTDIR
                   ? mb_fail(err, MB_ERR_INVALID,
                             "cannot replace /%s, which is not a directory, by one",
                             dest)
                   : -1;
    *ret_made = made;
    return 0;
}

static int list_names(int dir_fd, struct mb_strv *ret, struct mb_error *err)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;

    if (!d) {
        mb_fail_errno(err, "list a directory");
        mb_cleanup_close(&fd);
        return -1;
    }
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            mb_strv_add(ret, e->d_name);
    closedir(d);
    mb_strv_sort(ret);
    return 0;
}

/* A directory of the source that is being copied. */
struct frame {
    struct frame *up; /* or NULL */
    const char *dest;
    unsigned depth;
    int to; /* -1: nothing of it was taken yet */
    bool made;
    struct timespec times[2]; /* before */
};

static void frame_done(struct frame *f)
{
    mb_cleanup_close(&f->to);
}

/* Make the destination of @f, and of what is above it. */
static int enter(struct copy_tree *c, struct frame *f, struct mb_error *err)
{
    struct stat before;

    if (!f || f->to >= 0)
        return 0;
    if (enter(c, f->up, err) < 0 || enter_dest(c, f->dest, &f->to, &f->made, err) < 0)
        return -1;
    if (fstat(f->to, &before) < 0)
        return mb_fail_errno(err, "look at /%s", f->dest);
    f->times[0] = before.st_atim;
    f->times[1] = before.st_mtim;
    return 0;
}

enum verdict { TAKE, LOOK_INSIDE, LEAVE };

static enum verdict judge(const struct copy_tree *c, const char *dest,
                          const struct stat *st)
{
    const char *below = dest + c->front;

    const struct mb_ignore *const lists[] = {c->excludes, c->select};
    enum verdict v = TAKE;

    below += c->front > 0 && *below == '/';
    for (size_t i = 0; *below && i < ARRAY_SIZE(lists); i++) {
        if (!mb_ignore_match(lists[i], below))
            continue;
        if (!S_ISDIR(st->st_mode) || !mb_ignore_may_reinclude(lists[i], below))
            return LEAVE;
        v = LOOK_INSIDE;
    }
    return v;
}

static int copy_any(struct copy_tree *c, int src_fd, const char *name, const char *dest,
                    struct frame *up, struct mb_error *err);

static int copy_names(struct copy_tree *c, int from, struct frame *f, size_t *ret_n,
                      struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv names = {0};

    if (list_names(from, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_free_ char *below =
            mb_xasprintf("%s%s%s", f->dest, f->dest[0] ? "/" : "", names.v[i]);

        if (copy_any(c, from, names.v[i], below, f, err) < 0)
            return -1;
    }
    *ret_n = names.n;
    return 0;
}

static int copy_dir(struct copy_tree *c, int src_fd, const char *name, const char *dest,
                    const struct stat *st, struct frame *up, bool taken,
                    struct mb_error *err)
{
    _cleanup_close_ int from =
        openat(src_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_(frame_done) struct frame f = {
        .up = up, .dest = dest, .depth = up ? up->depth + 1 : 0, .to = -1};
    size_t n = 0;

    if (f.depth > DEPTH_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "/%s: directories are nested too deep", dest);
    if (from < 0)
        return mb_fail_errno(err, "open the directory for /%s", dest);
    if ((taken && enter(c, &f, err) < 0) || copy_names(c, from, &f, &n, err) < 0)
        return -1;
    if (f.to < 0)
        return 0;
    if (f.made || is_explicit(c, dest)) {
        if (copy_file_xattrs(from, f.to, err) < 0
            || set_attributes(c, f.to, st, err) < 0)
            return mb_wrap(err, "/%s", dest);
        return 0;
    }
    /* It stays as it was, so that equal copies give equal layers. */
    if (n > 0 && futimens(f.to, f.times) < 0)
        return mb_fail_errno(err, "restore the times of /%s", dest);
    return 0;
}

static int copy_any(struct copy_tree *c, int src_fd, const char *name, const char *dest,
                    struct frame *up, struct mb_error *err)
{
    enum verdict v;
    struct stat st;

    if (fstatat(src_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return mb_fail_errno(err, "look at %s", name);
    v = judge(c, dest, &st);
    if (v == LEAVE)
        return 0;
    if (S_ISDIR(st.st_mode))
        return copy_dir(c, src_fd, name, dest, &st, up, v == TAKE, err);
    if (enter(c, up, err) < 0)
        return -1;
    return copy_leaf(c, src_fd, name, dest, &st, err);
}

int copy_tree_entry(struct copy_tree *c, int src_fd, const char *name, const char *dest,
                    struct mb_error *err)
{
    c->front = strlen(dest);
    return copy_any(c, src_fd, name, dest, NULL, err);
}
