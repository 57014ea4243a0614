/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/unpack_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/limits.h"
#include "base/mem.h"

#define DIR_MODE 0755

void mb_dir_times_add(struct mb_dir_times *l, const char *path, struct timespec mtime)
{
    if ((l->n & (l->n - 1)) == 0)
        l->v = mb_xreallocarray(l->v, l->n ? 2 * l->n : 1, sizeof(*l->v));
    l->v[l->n++] = (struct mb_dir_time){mb_xstrdup(path), mtime};
}

void mb_dir_times_done(struct mb_dir_times *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].path);
    free(l->v);
    tdestroy(l->implied, free);
    *l = (struct mb_dir_times){0};
}

static int by_inode(const void *a, const void *b)
{
    const ino_t *x = a;
    const ino_t *y = b;

    return *x == *y ? 0 : *x < *y ? -1 : 1;
}

bool mb_dir_times_is_implied(const struct mb_dir_times *l, ino_t ino)
{
    return tfind(&ino, &l->implied, by_inode) != NULL;
}

void mb_dir_times_forget_implied(struct mb_dir_times *l, ino_t ino)
{
    ino_t **found = tfind(&ino, &l->implied, by_inode);
    ino_t *old = found ? *found : NULL;

    if (!old)
        return;
    tdelete(old, &l->implied, by_inode);
    free(old);
}

static int note_implied(struct mb_dir_times *l, int fd, struct mb_error *err)
{
    ino_t *ino = mb_xmalloc(sizeof(*ino));
    ino_t **found;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        free(ino);
        return mb_fail_errno(err, "look at a directory");
    }
    *ino = st.st_ino;
    found = tsearch(ino, &l->implied, by_inode);
    if (*found != ino)
        free(ino);
    return 0;
}

/* As a process whose root is @dir_fd; -1 and errno. */
static int open_dir_in_root(int dir_fd, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    do
        fd = syscall(SYS_openat2, dir_fd, path[0] ? path : ".", &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return (int)fd;
}

/* A directory that a later entry replaced has no time to set. */
int mb_dir_times_apply(const struct mb_dir_times *l, int dir_fd, struct mb_error *err)
{
    for (size_t i = 0; i < l->n; i++) {
        struct timespec times[2] = {l->v[i].mtime, l->v[i].mtime};
        _cleanup_close_ int fd = open_dir_in_root(dir_fd, l->v[i].path);

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
            continue;
        if (fd < 0 || futimens(fd, times) < 0)
            return mb_fail_errno(err, "set the time of %s", l->v[i].path);
    }
    return 0;
}

int mb_unpack_opaque(int fd, struct mb_error *err)
{
    if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
        return mb_fail_errno(err, "mark a directory as opaque");
    return 0;
}

/* Not through mkdir's mode, which the umask would cut. */
static int make_dir(int parent_fd, const char *name, int *ret_fd, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (mkdirat(parent_fd, name, 0700) < 0)
        return mb_fail_errno(err, "make directory %s", name);
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, DIR_MODE) < 0)
        return mb_fail_errno(err, "make directory %s", name);
    *ret_fd = steal_fd(&fd);
    return 0;
}

int mb_unpack_mkdir_opaque(int parent_fd, const char *name, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (unlinkat(parent_fd, name, 0) < 0)
        return mb_fail_errno(err, "remove whiteout %s", name);
    if (make_dir(parent_fd, name, &fd, err) < 0)
        return -1;
    return mb_unpack_opaque(fd, err);
}

/* @name does not lead to a directory: make it one, if nothing but a whiteout is there.
 */
static int make_parent(int fd, const char *name, const char *prefix,
                       struct mb_dir_times *made, struct mb_error *err)
{
    _cleanup_close_ int new_fd = -1;
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return mb_fail_errno(err, "stat %s", prefix);
        if (!made)
            return mb_fail(err, MB_ERR_NOT_FOUND, "there is no directory %s", prefix);
        if (make_dir(fd, name, &new_fd, err) < 0 || note_implied(made, new_fd, err) < 0)
            return -1;
    } else if (S_ISCHR(st.st_mode) && st.st_rdev == 0 && made) {
        if (mb_unpack_mkdir_opaque(fd, name, err) < 0)
            return -1;
        /* it may have got the inode of one that was replaced */
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            mb_dir_times_forget_implied(made, st.st_ino);
    } else {
        return mb_fail(err, made ? MB_ERR_INVALID : MB_ERR_NOT_FOUND,
                       "its parent %.200s is %s in this layer", prefix,
                       S_ISLNK(st.st_mode)
                           ? "a symbolic link that leads to no directory"
                           : "no directory");
    }
    mb_dir_times_add(made, prefix, (struct timespec){0});
    return 0;
}

/* Component by component; @dir is changed and restored on the way. */
static int make_parents(int dir_fd, char *dir, struct mb_dir_times *made, int *ret_fd,
                        struct mb_error *err)
{
    _cleanup_close_ int fd = open_dir_in_root(dir_fd, "");

    if (fd < 0)
        return mb_fail_errno(err, "open the directory");
    for (char *name = dir, *end; name; name = end ? end + 1 : NULL) {
        int next;

        end = strchr(name, '/');
        if (end)
            *end = '\0';
        next = open_dir_in_root(dir_fd, dir);
        if (next < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
            if (make_parent(fd, name, dir, made, err) < 0)
                return -1;
            next = open_dir_in_root(dir_fd, dir);
        }
        if (next < 0)
            return mb_fail_errno(err, "open directory %s", dir);
        close(fd);
        fd = next;
        if (end)
            *end = '/';
    }
    *ret_fd = steal_fd(&fd);
    return 0;
}

int mb_unpack_parent(int dir_fd, const char *path, struct mb_dir_times *made,
                     int *ret_fd, const char **ret_base, struct mb_error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *dir = mb_xstrndup(path, slash ? (size_t)(slash - path) : 0);
    int fd = open_dir_in_root(dir_fd, dir);

    if (fd < 0 && make_parents(dir_fd, dir, made, &fd, err) < 0)
        return -1;
    *ret_fd = fd;
    *ret_base = slash ? slash + 1 : path;
    return 0;
}
