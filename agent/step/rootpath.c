/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links to nowhere must be followed too (an image's /etc/resolv.conf often is one),
 * which openat2 cannot say. So the walk is ours, and every open() after it is checked
 * once more by the kernel.
 */
#include "step/rootpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"

#define LINKS_MAX 40

void rootpath_done(struct rootpath *p)
{
    free(p->path);
    *p = (struct rootpath){0};
}

int rootpath_open(int root_fd, const char *path, int flags, int *ret_fd,
                  struct mb_error *err)
{
    const struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd;

    do
        fd =
            (int)syscall(SYS_openat2, root_fd, path[0] ? path : ".", &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0)
        return mb_fail_errno(err, "open /%s", path);
    *ret_fd = fd;
    return 0;
}

int rootpath_open_parent(int root_fd, const char *path, int *ret_fd,
                         const char **ret_name, struct mb_error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = mb_xstrndup(path, slash ? (size_t)(slash - path) : 0);

    if (rootpath_open(root_fd, parent, O_RDONLY | O_DIRECTORY, ret_fd, err) < 0)
        return -1;
    *ret_name = slash ? slash + 1 : path[0] ? path : ".";
    return 0;
}

/* --- the walk --- */

struct walk {
    int root_fd;
    struct mb_strv done;
    struct mb_strv todo; /* last first */
    size_t n_missing;
    unsigned n_links;
};

static void walk_done(struct walk *w)
{
    mb_strv_done(&w->done);
    mb_strv_done(&w->todo);
}

static void push_path(struct walk *w, const char *path)
{
    _cleanup_strv_ struct mb_strv parts = {0};

    mb_strv_split(&parts, path, "/");
    for (size_t i = parts.n; i > 0; i--)
        if (parts.v[i - 1][0] != '\0')
            mb_strv_add(&w->todo, parts.v[i - 1]);
}

static void pop_done(struct walk *w)
{
    if (w->done.n == 0)
        return;
    mb_strv_remove(&w->done, w->done.n - 1);
    if (w->n_missing > 0)
        w->n_missing--;
}

static int follow(struct walk *w, int dir_fd, const char *name, struct mb_error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);

    if (n < 0)
        return mb_fail_errno(err, "read link %s", name);
    if (++w->n_links > LINKS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "too many symbolic links at %s", name);
    target[n] = '\0';
    if (target[0] == '/')
        mb_strv_done(&w->done);
    push_path(w, target);
    return 0;
}

static int enter(struct walk *w, const char *name, struct mb_error *err)
{
    _cleanup_free_ char *here = mb_strv_join(&w->done, "/");
    _cleanup_close_ int dir_fd = -1;
    struct stat st;

    if (w->n_missing > 0) {
        w->n_missing++;
        mb_strv_add(&w->done, name);
        return 0;
    }
    if (rootpath_open(w->root_fd, here, O_PATH | O_DIRECTORY, &dir_fd, err) < 0)
        return err->sys_errno == ENOTDIR
                   ? mb_fail(err, MB_ERR_INVALID, "/%s is not a directory", here)
                   : -1;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return mb_fail_errno(err, "look at /%s/%s", here, name);
        w->n_missing = 1;
    } else if (S_ISLNK(st.st_mode)) {
        return follow(w, dir_fd, name, err);
    }
    mb_strv_add(&w->done, name);
    return 0;
}

int rootpath_resolve(int root_fd, const char *path, struct rootpath *ret,
                     struct mb_error *err)
{
    _cleanup_(walk_done) struct walk w = {.root_fd = root_fd};

    push_path(&w, path);
    while (w.todo.n > 0) {
        _cleanup_free_ char *name = mb_xstrdup(w.todo.v[w.todo.n - 1]);

        mb_strv_remove(&w.todo, w.todo.n - 1);
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0)
            pop_done(&w);
        else if (enter(&w, name, err) < 0)
            return -1;
    }
    ret->path = mb_strv_join(&w.done, "/");
    ret->n_missing = w.n_missing;
    return 0;
}

/* --- creating --- */

static int make_one(int root_fd, const char *path, const struct rootpath_mkdir *o,
                    bool last, bool parent_was_there, struct mb_error *err)
{
    _cleanup_close_ int dir_fd = -1;
    const char *name = NULL;
    struct stat before;

    if (rootpath_open_parent(root_fd, path, &dir_fd, &name, err) < 0)
        return -1;
    if (fstat(dir_fd, &before) < 0 || mkdirat(dir_fd, name, 0700) < 0)
        return mb_fail_errno(err, "create directory /%s", path);

    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, last ? o->uid : 0, last ? o->gid : 0) < 0
        || fchmod(fd, last ? o->mode : 0755) < 0
        || (o->times && futimens(fd, o->times) < 0))
        return mb_fail_errno(err, "set owner and mode of /%s", path);

    const struct timespec old[2] = {before.st_atim, before.st_mtim};
    const struct timespec *times =
        parent_was_there ? (o->keep_times ? old : NULL) : o->times;
    if (times && futimens(dir_fd, times) < 0)
        return mb_fail_errno(err, "restore the times of the directory of /%s", path);
    return 0;
}

int rootpath_mkdir(int root_fd, const struct rootpath *p,
                   const struct rootpath_mkdir *opts, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv parts = {0};

    mb_strv_split(&parts, p->path, "/");
    for (size_t i = parts.n - p->n_missing; i < parts.n; i++) {
        struct mb_strv front = {.v = parts.v, .n = i + 1};
        _cleanup_free_ char *path = mb_strv_join(&front, "/");

        if (make_one(root_fd, path, opts, i + 1 == parts.n, i == parts.n - p->n_missing,
                     err)
            < 0)
            return -1;
    }
    return 0;
}
