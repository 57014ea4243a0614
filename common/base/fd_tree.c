/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mb_remove_tree() of fd.h: removing a tree that something hostile may have made.
 *
 * Links are removed, never followed.  Directories are opened one component at a time
 * without crossing a mount, so that a bind mount left behind in a tree is an error
 * and not the loss of what is mounted there.  Directories deeper than DEPTH_MAX are
 * moved up to the top of the tree and removed from there: neither the stack nor the
 * number of open descriptors grows with the depth of the tree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define DEPTH_MAX 64

struct removal {
    int top_fd;     /* of the tree's root directory; borrowed */
    unsigned moved; /* names given out at the top */
};

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* For kernels and emulators without openat2(2). */
static int open_below_by_device(int dir_fd, const char *name)
{
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat parent, st;

    if (fd < 0 || fstat(dir_fd, &parent) < 0 || fstat(fd, &st) < 0)
        return -1;
    if (parent.st_dev != st.st_dev) {
        errno = EXDEV;
        return -1;
    }
    return steal_fd(&fd);
}

static int open_below(int dir_fd, const char *name)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };
    int fd;

    do
        fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_below_by_device(dir_fd, name);
    return fd;
}

/* Open a directory of ours even if its mode forbids it, and allow changing it. */
static int open_for_removal(int dir_fd, const char *name)
{
    int fd = open_below(dir_fd, name);

    if (fd < 0 && errno == EACCES) {
        char proc[64];
        _cleanup_close_ int path_fd =
            openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (path_fd < 0)
            return -1;
        (void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path_fd);
        if (chmod(proc, 0700) < 0) {
            errno = EACCES;
            return -1;
        }
        fd = open_below(dir_fd, name);
    }
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
        (void)fchmod(fd, 0700); /* failing shows at the first entry */
    return fd;
}

static int remove_dir(struct removal *r, int dir_fd, const char *name, int depth,
                      struct mb_error *err);

/* Let the top of the tree have @name, which is too deep; its turn comes there. */
static int move_up(struct removal *r, int dir_fd, const char *name,
                   struct mb_error *err)
{
    char moved[64];

    do {
        (void)snprintf(moved, sizeof(moved), ".deep-%u", r->moved++);
        /* Without RENAME_NOREPLACE: replacing an empty directory does no harm. */
        if (renameat(dir_fd, name, r->top_fd, moved) == 0)
            return 0;
    } while (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR);
    return mb_fail_errno(err, "remove %s: move it up", name);
}

static int remove_entry(struct removal *r, int dir_fd, const char *name, int depth,
                        struct mb_error *err)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return mb_fail_errno(err, "remove %s", name);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
        return mb_fail_errno(err, "remove %s", name);
    if (depth >= DEPTH_MAX)
        return move_up(r, dir_fd, name, err);
    return remove_dir(r, dir_fd, name, depth, err);
}

/* One pass over the entries of the directory @fd, which it takes. */
static int remove_entries(struct removal *r, int fd, int depth, bool *ret_any,
                          struct mb_error *err)
{
    _cleanup_(close_dir) DIR *d = fdopendir(fd);
    struct dirent *e;

    if (!d) {
        close(fd);
        return mb_fail_errno(err, "read a directory");
    }
    while ((errno = 0, e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        *ret_any = true;
        if (remove_entry(r, dirfd(d), e->d_name, depth, err) < 0)
            return -1;
    }
    if (errno != 0)
        return mb_fail_errno(err, "read a directory");
    return 0;
}

static int remove_dir(struct removal *r, int dir_fd, const char *name, int depth,
                      struct mb_error *err)
{
    struct removal top = {0};
    bool any;

    do {
        int fd = open_for_removal(dir_fd, name);

        if (fd < 0)
            return mb_fail_errno(err, "remove %s", name);
        if (!r) {
            r = &top;
            depth = 0;
        }
        if (depth == 0)
            r->top_fd = fd;
        any = false;
        if (remove_entries(r, fd, depth + 1, &any, err) < 0)
            return mb_wrap(err, "%s", name);
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return 0;
        /* Again, for what was moved up and what a readdir has missed. */
    } while (any && (errno == ENOTEMPTY || errno == EEXIST));
    return mb_fail_errno(err, "remove %s", name);
}

/* Open the directory that @name is in: an absolute one as the caller wrote it, a
 * relative one without leaving @dir_fd. */
static int open_parent(int dir_fd, const char *name, size_t dir_len)
{
    _cleanup_free_ char *parent = mb_xstrndup(name, dir_len);

    if (name[0] == '/')
        return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return open_below(dir_fd, parent);
}

int mb_remove_tree(int dir_fd, const char *name, struct mb_error *err)
{
    _cleanup_close_ int parent_fd = -1;
    const char *slash = strrchr(name, '/');

    if (slash) {
        parent_fd = open_parent(dir_fd, name, (size_t)(slash - name + 1));
        if (parent_fd < 0 && errno == ENOENT)
            return 0;
        if (parent_fd < 0)
            return mb_fail_errno(err, "remove %s", name);
        dir_fd = parent_fd;
        name = slash + 1;
    }
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return mb_fail_errno(err, "remove %s", name);
    return remove_dir(NULL, dir_fd, name, 0, err);
}
