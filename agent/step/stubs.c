/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stub in an existing directory makes the overlay copy that directory, and all above
 * it, into the upper one. Each is remembered as it was; after the step one that is
 * empty and still like that is there for no other reason and goes.
 */
#include "step/stubs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"
#include "step/rootpath.h"

struct touched {
    char *path;
    struct stat st;
};
struct stub {
    char *path;
    bool is_dir;
};
struct stubs {
    struct touched *touched; /* parents before children */
    size_t n_touched;
    struct stub *v; /* in the order they were made */
    size_t n;
};

struct stubs *stubs_new(void)
{
    return mb_xcalloc(1, sizeof(struct stubs));
}

void stubs_free(struct stubs *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_touched; i++)
        free(s->touched[i].path);
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i].path);
    free(s->touched);
    free(s->v);
    free(s);
}

static bool is_stub(const struct stubs *s, const char *path)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i].path, path) == 0)
            return true;
    return false;
}

static int remember(struct stubs *s, int root_fd, const char *path,
                    struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    struct touched t = {0};

    if (is_stub(s, path))
        return 0;
    for (size_t i = 0; i < s->n_touched; i++)
        if (strcmp(s->touched[i].path, path) == 0)
            return 0;
    if (rootpath_open(root_fd, path, O_PATH | O_DIRECTORY, &fd, err) < 0)
        return -1;
    if (fstat(fd, &t.st) < 0)
        return mb_fail_errno(err, "look at /%s", path);
    t.path = mb_xstrdup(path);
    s->touched = mb_xreallocarray(s->touched, s->n_touched + 1, sizeof(t));
    s->touched[s->n_touched++] = t;
    return 0;
}

/* Remember the directories above the missing part, then make it. */
static int make_one(struct stubs *s, int root_fd, const char *path, bool is_dir,
                    struct mb_error *err)
{
    _cleanup_close_ int dir_fd = -1;
    const char *name = NULL;
    struct stat before;

    if (rootpath_open_parent(root_fd, path, &dir_fd, &name, err) < 0)
        return -1;
    if (fstat(dir_fd, &before) < 0)
        return mb_fail_errno(err, "look at the directory of /%s", path);
    if (is_dir) {
        if (mkdirat(dir_fd, name, 0755) < 0)
            return mb_fail_errno(err, "create the mount point /%s", path);
    } else {
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

        if (fd < 0)
            return mb_fail_errno(err, "create the mount point /%s", path);
        close(fd);
    }
    s->v = mb_xreallocarray(s->v, s->n + 1, sizeof(*s->v));
    s->v[s->n++] = (struct stub){.path = mb_xstrdup(path), .is_dir = is_dir};

    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    if (futimens(dir_fd, times) < 0)
        return mb_fail_errno(err, "restore the times of the directory of /%s", path);
    return 0;
}

static int make_missing(struct stubs *s, int root_fd, const struct rootpath *p,
                        bool is_dir, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv parts = {0};

    mb_strv_split(&parts, p->path, "/");
    for (size_t i = 0; i < parts.n; i++) {
        struct mb_strv front = {.v = parts.v, .n = i + 1};
        _cleanup_free_ char *path = mb_strv_join(&front, "/");
        bool last = i + 1 == parts.n;
        int rc = i < parts.n - p->n_missing
                     ? remember(s, root_fd, path, err)
                     : make_one(s, root_fd, path, last ? is_dir : true, err);

        if (rc < 0)
            return -1;
    }
    return 0;
}

static void rootpath_cleanup(struct rootpath *p)
{
    rootpath_done(p);
}

int stubs_need(struct stubs *s, int root_fd, const char *path, bool is_dir, char **ret,
               struct mb_error *err)
{
    _cleanup_(rootpath_cleanup) struct rootpath p = {0};
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (rootpath_resolve(root_fd, path, &p, err) < 0)
        return -1;
    if (p.n_missing > 0 && make_missing(s, root_fd, &p, is_dir, err) < 0)
        return -1;
    if (rootpath_open(root_fd, p.path, O_PATH | O_NOFOLLOW, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "look at %s", path);
    if (S_ISDIR(st.st_mode) != is_dir)
        return mb_fail(err, MB_ERR_INVALID,
                       "%s in the image is %sa directory, so nothing can "
                       "be mounted there",
                       path, is_dir ? "not " : "");
    *ret = mb_xasprintf("/%s", p.path);
    return 0;
}

/* --- afterwards --- */

/* What the step made of the upper directory is not trusted: no link is followed. */
static int open_upper(int upper_fd, const char *path)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return (int)syscall(SYS_openat2, upper_fd, path[0] ? path : ".", &how, sizeof(how));
}

/* Remove one name without a trace in its directory's times. */
static void remove_quietly(int upper_fd, const char *path, bool is_dir)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = mb_xstrndup(path, slash ? (size_t)(slash - path) : 0);
    const char *name = slash ? slash + 1 : path;
    _cleanup_close_ int dir_fd = open_upper(upper_fd, parent);
    struct stat dir, st;

    if (dir_fd < 0 || fstat(dir_fd, &dir) < 0
        || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (!is_dir && (!S_ISREG(st.st_mode) || st.st_size != 0))
        return;
    if (unlinkat(dir_fd, name, is_dir ? AT_REMOVEDIR : 0) == 0) {
        const struct timespec times[2] = {dir.st_atim, dir.st_mtim};

        (void)futimens(dir_fd, times);
    }
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec
           && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void stubs_remove(struct stubs *s, int upper_fd)
{
    for (size_t i = s->n; i > 0; i--)
        remove_quietly(upper_fd, s->v[i - 1].path, s->v[i - 1].is_dir);
    for (size_t i = s->n_touched; i > 0; i--) {
        const struct touched *t = &s->touched[i - 1];
        _cleanup_close_ int fd = open_upper(upper_fd, t->path);
        struct stat st;

        /* An opaque directory hides what was below it: that is a change. */
        if (fd < 0 || fstat(fd, &st) < 0 || !same(&st, &t->st)
            || fgetxattr(fd, "user.overlay.opaque", NULL, 0) >= 0)
            continue;
        remove_quietly(upper_fd, t->path, true); /* only when it is empty */
    }
}
