/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every entry is made by its last name in a directory that was resolved inside the
 * target (unpack_path.c), with O_EXCL: whatever was there before is removed first, so
 * no existing link is ever written through.  The target begins empty and nobody else
 * writes to it, hence what exists in it came from this layer.
 *
 * Order per file: data, owner, mode, attributes, time; writing and chown clear the
 * set-id bits and the capability.
 */
#include "fs/layer_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "fs/tar_reader.h"
#include "fs/unpack_path.h"
#include "fs/walk.h"
#include "fs/xattr.h"

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."
#define OPAQUE ".wh..wh..opq"

struct unpack {
    int dir_fd;
    struct mb_tar_reader *tar;
    struct mb_dir_times dir_times;
    bool has_root; /* an entry for the target directory itself */
};

/* The entry in hand. */
struct target {
    struct archive_entry *entry;
    const char *path;
    int parent_fd;
    const char *name; /* in parent_fd */
    uid_t uid;
    gid_t gid;
    struct timespec times[2];
};

static void unpack_done(struct unpack *u)
{
    mb_tar_reader_free(u->tar);
    mb_dir_times_done(&u->dir_times);
}

/* -1 as an id would mean "leave as it is" to chown. */
static int read_owner(struct target *t, struct mb_error *err)
{
    int64_t uid = archive_entry_uid(t->entry);
    int64_t gid = archive_entry_gid(t->entry);

    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return mb_fail(err, MB_ERR_INVALID, "%" PRId64 ":%" PRId64 " is no valid owner",
                       uid, gid);
    t->uid = (uid_t)uid;
    t->gid = (gid_t)gid;
    return 0;
}

static int owner_fail(const struct target *t, struct mb_error *err)
{
    if (errno == EINVAL)
        return mb_fail(
            err, MB_ERR_INVALID,
            "its owner %u:%u is outside the ids of the user namespace; grant "
            "more subordinate ids in /etc/subuid and /etc/subgid",
            t->uid, t->gid);
    return mb_fail_errno(err, "set owner %u:%u", t->uid, t->gid);
}

static int set_xattr(int fd, const char *name, const void *value, size_t len,
                     struct mb_error *err)
{
    bool must =
        mb_starts_with(name, "user.") || strcmp(name, "security.capability") == 0;

    if (mb_xattr_is_overlay(name) || strcmp(name, "security.selinux") == 0)
        return 0;
    if (fsetxattr(fd, name, value, len, 0) == 0)
        return 0;
    if (!must && (errno == EOPNOTSUPP || errno == EPERM))
        return 0;
    return mb_fail_errno(err, "set attribute %.100s", name);
}

static int set_xattrs(const struct target *t, int fd, struct mb_error *err)
{
    uint8_t value[MB_XATTR_BYTES_MAX];
    const char *name = NULL;
    const void *data = NULL;
    size_t len = 0;
    size_t total = 0;

    archive_entry_xattr_reset(t->entry);
    while (archive_entry_xattr_next(t->entry, &name, &data, &len) == ARCHIVE_OK) {
        if (!name)
            continue;
        if (len > sizeof(value) || total + len + strlen(name) > MB_XATTR_BYTES_MAX)
            return mb_fail(err, MB_ERR_LIMIT,
                           "its extended attributes are over %zu bytes", sizeof(value));
        total += len + strlen(name);
        if (len > 0)
            memcpy(value, data, len);
        if (strcmp(name, "security.capability") == 0)
            mb_xattr_capability_v2(value, &len);
        if (set_xattr(fd, name, value, len, err) < 0)
            return -1;
    }
    return 0;
}

/* Owner, mode and attributes of an open file or directory. */
static int set_meta(const struct target *t, int fd, struct mb_error *err)
{
    if (fchown(fd, t->uid, t->gid) < 0)
        return owner_fail(t, err);
    if (fchmod(fd, archive_entry_perm(t->entry) & 07777) < 0)
        return mb_fail_errno(err, "set mode");
    return set_xattrs(t, fd, err);
}

/* Make room for an entry that is no directory. */
static int clear_way(const struct target *t, struct mb_error *err)
{
    if (unlinkat(t->parent_fd, t->name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return mb_fail_errno(err, "replace what was there");
    return mb_remove_tree(t->parent_fd, t->name, err);
}

static int write_data(struct unpack *u, int fd, struct mb_error *err)
{
    uint64_t at = 0;

    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        uint64_t offset = 0;

        if (mb_tar_reader_data(u->tar, &data, &len, &offset, err) < 0)
            return -1;
        if (len == 0)
            return 0;
        if (offset != at && lseek(fd, (off_t)offset, SEEK_SET) < 0)
            return mb_fail_errno(err, "seek");
        if (mb_write_all(fd, data, len, err) < 0)
            return -1;
        at = offset + len;
    }
}

static int make_file(struct unpack *u, struct target *t, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (clear_way(t, err) < 0)
        return -1;
    fd = openat(t->parent_fd, t->name,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return mb_fail_errno(err, "create file");
    if (write_data(u, fd, err) < 0)
        return -1;
    if (ftruncate(fd, archive_entry_size(t->entry)) < 0)
        return mb_fail_errno(err, "set size");
    if (set_meta(t, fd, err) < 0)
        return -1;
    if (futimens(fd, t->times) < 0)
        return mb_fail_errno(err, "set time");
    return 0;
}

static int make_dir(struct unpack *u, struct target *t, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    struct stat st;
    bool there = fstatat(t->parent_fd, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0;

    if (there && S_ISCHR(st.st_mode)) {
        if (mb_unpack_mkdir_opaque(t->parent_fd, t->name, err) < 0)
            return -1;
    } else if (!there || !S_ISDIR(st.st_mode)) {
        if (clear_way(t, err) < 0)
            return -1;
        if (mkdirat(t->parent_fd, t->name, 0700) < 0)
            return mb_fail_errno(err, "make directory");
    }
    fd = openat(t->parent_fd, t->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return mb_fail_errno(err, "open directory");
    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "look at a directory");
    mb_dir_times_add(&u->dir_times, t->path, t->times[1]);
    mb_dir_times_forget_implied(&u->dir_times, st.st_ino);
    return set_meta(t, fd, err);
}

/* A symbolic link or a FIFO: what is described by name, without being opened. */
static int make_special(struct target *t, struct mb_error *err)
{
    const char *link = archive_entry_symlink(t->entry);
    bool is_link = archive_entry_filetype(t->entry) == AE_IFLNK;

    if (is_link && (!link || !link[0] || strlen(link) > MB_PATH_LEN_MAX))
        return mb_fail(err, MB_ERR_INVALID, "a link's target is empty or over %d bytes",
                       MB_PATH_LEN_MAX);
    if (clear_way(t, err) < 0)
        return -1;
    if (is_link ? symlinkat(link, t->parent_fd, t->name) < 0
                : mkfifoat(t->parent_fd, t->name, 0600) < 0)
        return mb_fail_errno(err, is_link ? "make link" : "make fifo");
    if (fchownat(t->parent_fd, t->name, t->uid, t->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return owner_fail(t, err);
    if (!is_link
        && fchmodat(t->parent_fd, t->name, archive_entry_perm(t->entry) & 07777, 0) < 0)
        return mb_fail_errno(err, "set mode");
    if (utimensat(t->parent_fd, t->name, t->times, AT_SYMLINK_NOFOLLOW) < 0)
        return mb_fail_errno(err, "set time");
    return 0;
}

static int link_fail(const char *to, struct mb_error *err)
{
    return mb_fail(err, MB_ERR_INVALID,
                   "it is a hard link to %.200s, which is not in this layer", to);
}

static int make_hardlink(struct unpack *u, struct target *t, struct mb_error *err)
{
    const char *to = archive_entry_hardlink(t->entry);
    _cleanup_free_ char *clean = NULL;
    _cleanup_close_ int fd = -1;
    const char *name = NULL;
    struct mb_error why;
    struct stat st;
    struct stat old;

    if (mb_tar_name_clean(to, &clean, err) < 0)
        return mb_wrap(err, "hard link");
    if (mb_unpack_parent(u->dir_fd, clean, NULL, &fd, &name, &why) < 0
        || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0
        || !(S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) || S_ISFIFO(st.st_mode)))
        return link_fail(to, err);
    if (fstatat(t->parent_fd, t->name, &old, AT_SYMLINK_NOFOLLOW) == 0
        && old.st_ino == st.st_ino && old.st_dev == st.st_dev)
        return 0;
    if (clear_way(t, err) < 0)
        return -1;
    if (linkat(fd, name, t->parent_fd, t->name, 0) == 0)
        return 0;
    /* clearing the way took the directory that held it */
    return errno == ENOENT ? link_fail(to, err) : mb_fail_errno(err, "make hard link");
}

/* Something of this layer at that name stays; only what lies below is hidden. */
static int make_whiteout(struct target *t, struct mb_error *err)
{
    const char *name = t->name + strlen(WHITEOUT);
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return mb_fail(err, MB_ERR_INVALID, "it is a whiteout of no name");
    if (mknodat(t->parent_fd, name, S_IFCHR, 0) == 0)
        return 0;
    if (errno != EEXIST)
        return mb_fail_errno(err, "make whiteout");
    if (fstatat(t->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return mb_fail_errno(err, "stat");
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = openat(t->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return mb_fail_errno(err, "open directory");
    return mb_unpack_opaque(fd, err);
}

static int make_entry(struct unpack *u, struct target *t, struct mb_error *err)
{
    if (strcmp(t->name, OPAQUE) == 0)
        return mb_unpack_opaque(t->parent_fd, err);
    if (mb_starts_with(t->name, WHITEOUT))
        return make_whiteout(t, err);
    if (archive_entry_hardlink(t->entry))
        return make_hardlink(u, t, err);
    if (read_owner(t, err) < 0)
        return -1;
    switch (archive_entry_filetype(t->entry)) {
    case AE_IFREG:
        return make_file(u, t, err);
    case AE_IFDIR:
        return make_dir(u, t, err);
    case AE_IFLNK:
    case AE_IFIFO:
        return make_special(t, err);
    default: /* devices: a container gets its own */
        return 0;
    }
}

/* The target directory itself. */
static int set_root(struct unpack *u, struct target *t, struct mb_error *err)
{
    if (archive_entry_filetype(t->entry) != AE_IFDIR)
        return mb_fail(err, MB_ERR_INVALID, "the root of a layer is no directory");
    if (read_owner(t, err) < 0)
        return -1;
    u->has_root = true;
    mb_dir_times_add(&u->dir_times, "", t->times[1]);
    return set_meta(t, u->dir_fd, err);
}

static bool is_in_whiteout(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *hit = strstr(path, "/" WHITEOUT);

    return slash && (mb_starts_with(path, WHITEOUT) || (hit && hit < slash));
}

/* Bookkeeping of aufs (".wh..wh.plnk/...") that old tools left in layers. */
static bool is_aufs(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return mb_starts_with(path, WHITEOUT_META "plnk/")
           || (mb_starts_with(name, WHITEOUT_META) && strcmp(name, OPAQUE) != 0);
}

static int unpack_entry(struct unpack *u, struct archive_entry *e, const char *path,
                        struct mb_error *err)
{
    struct timespec mtime = {archive_entry_mtime(e), archive_entry_mtime_nsec(e)};
    _cleanup_close_ int parent_fd = -1;
    struct target t = {.entry = e, .path = path, .times = {mtime, mtime}};

    if (path[0] == '\0')
        return set_root(u, &t, err);
    if (is_aufs(path))
        return 0;
    if (is_in_whiteout(path))
        return mb_fail(err, MB_ERR_INVALID, "it lies inside of a whiteout");
    if (mb_unpack_parent(u->dir_fd, path, &u->dir_times, &parent_fd, &t.name, err) < 0)
        return -1;
    t.parent_fd = parent_fd;
    return make_entry(u, &t, err);
}

static int unpack_all(struct unpack *u, struct mb_error *err)
{
    for (;;) {
        struct archive_entry *e = NULL;
        _cleanup_free_ char *path = NULL;

        if (mb_tar_reader_next(u->tar, &e, err) < 0)
            return -1;
        if (!e)
            return mb_dir_times_apply(&u->dir_times, u->dir_fd, err);
        if (mb_tar_name_clean(archive_entry_pathname(e), &path, err) < 0)
            return -1;
        if (unpack_entry(u, e, path, err) < 0)
            return mb_wrap(err, "entry %.200s", path[0] ? path : "./");
    }
}

/* --- directories without an entry --- */

struct noting {
    const struct unpack *u;
    struct mb_strv *implied;
};

static int note(const char *path, const struct stat *st, void *arg,
                struct mb_error *err _unused_)
{
    const struct noting *n = arg;

    if (!S_ISDIR(st->st_mode))
        return MB_WALK_SKIP;
    if (mb_dir_times_is_implied(&n->u->dir_times, st->st_ino))
        mb_strv_add(n->implied, path);
    return MB_WALK_DESCEND;
}

/* By what they are: a name may lead to them by way of links. */
static int list_implied(const struct unpack *u, struct mb_strv *ret,
                        struct mb_error *err)
{
    static const struct mb_walk_fns fns = {.visit = note};
    struct noting n = {u, ret};

    if (!u->has_root)
        mb_strv_add(ret, "");
    return u->dir_times.implied ? mb_walk(u->dir_fd, &fns, &n, err) : 0;
}

static int unpack_noting(struct unpack *u, struct mb_strv *ret_implied,
                         struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv implied = {0};

    if (unpack_all(u, err) < 0 || (ret_implied && list_implied(u, &implied, err) < 0))
        return -1;
    if (ret_implied) {
        *ret_implied = implied;
        implied = (struct mb_strv){0};
    }
    return 0;
}

int mb_layer_unpack_noting(int tar_fd, int dir_fd, struct mb_strv *ret_implied,
                           struct mb_error *err)
{
    _cleanup_(unpack_done) struct unpack u = {.dir_fd = dir_fd};

    if (mb_tar_reader_new(tar_fd, &u.tar, err) < 0
        || unpack_noting(&u, ret_implied, err) < 0)
        return mb_wrap(err, "unpack layer");
    return 0;
}

int mb_archive_unpack(int fd, int dir_fd, struct mb_strv *ret_implied,
                      struct mb_error *err)
{
    _cleanup_(unpack_done) struct unpack u = {.dir_fd = dir_fd};

    if (mb_tar_reader_new_any(fd, &u.tar, err) < 0
        || unpack_noting(&u, ret_implied, err) < 0)
        return mb_wrap(err, "unpack the archive");
    return 0;
}

int mb_archive_probe(int fd, bool *ret, struct mb_error *err)
{
    _cleanup_(mb_tar_reader_freep) struct mb_tar_reader *r = NULL;
    struct archive_entry *e = NULL;
    bool is_tar = false;

    if (mb_tar_reader_new_any(fd, &r, err) == 0 && mb_tar_reader_next(r, &e, err) == 0)
        is_tar = e != NULL;
    else if (err->code != MB_ERR_CORRUPT)
        return -1;
    *ret = is_tar;
    return 0;
}

int mb_layer_unpack(int tar_fd, int dir_fd, struct mb_error *err)
{
    return mb_layer_unpack_noting(tar_fd, dir_fd, NULL, err);
}
