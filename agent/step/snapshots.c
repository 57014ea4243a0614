/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two locks. tmp itself is locked while owners are made or looked for, so that nobody
 * takes a new owner for a dead one before it has its lock; an owner's own lock lives as
 * long as the helper (its workers share the open file, and die with it).
 */
#include "step/snapshots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"

#define DEAD "dead-"
#define BOOT "boot"
#define BOOT_BYTES_MAX 128

static void new_id(char ret[WORK_ID_LEN + 1])
{
    uint8_t random[WORK_ID_LEN / 2];

    mb_random_bytes(random, sizeof(random));
    mb_hex(random, sizeof(random), ret);
}

static int check_id(const char *work, struct mb_error *err)
{
    uint8_t ignored[WORK_ID_LEN / 2];

    if (!work || mb_unhex(work, ignored, sizeof(ignored), err) < 0)
        return mb_fail(err, MB_ERR_INVALID, "not the name of a work directory");
    return 0;
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Move @name into our owner when nobody holds its lock. The sweep looks for number 0
 * first, so numbers have no gaps. */
static bool take_if_dead(struct holder *h, int tmp_fd, const char *name, unsigned n)
{
    _cleanup_close_ int fd =
        openat(tmp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    char dead[32];

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    (void)snprintf(dead, sizeof(dead), DEAD "%u", n);
    return renameat(tmp_fd, name, h->owner_fd, dead) == 0;
}

static int take_dead_owners(struct holder *h, int tmp_fd, unsigned n,
                            struct mb_error *err)
{
    _cleanup_(close_dir) DIR *d = NULL;
    const struct dirent *e;
    int fd = -1;

    if (mb_open_dir(tmp_fd, ".", &fd, err) < 0)
        return -1;
    d = fdopendir(fd);
    if (!d) {
        close(fd);
        return mb_fail_errno(err, "list layers/tmp");
    }
    while ((e = readdir(d)))
        if (e->d_name[0] != '.' && strcmp(e->d_name, h->owner) != 0)
            n += take_if_dead(h, tmp_fd, e->d_name, n);
    return 0;
}

/* Where neither locks nor overlays can be relied on. */
static int check_file_system(int fd, struct mb_error *err)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return mb_fail_errno(err, "look at the file system of the state directory");
    if (fs.f_type == NFS_SUPER_MAGIC || fs.f_type == OVERLAYFS_SUPER_MAGIC)
        return mb_fail(
            err, MB_ERR_INVALID,
            "the state directory is on %s, which cannot hold layers: choose a "
            "directory on a local ext4, xfs or btrfs",
            fs.f_type == NFS_SUPER_MAGIC ? "NFS" : "an overlay");
    return 0;
}

/* Layers are written without waiting for the disk, so after a crash of the machine a
 * good name may stand for files that are empty. *ret_n: how many dead there are now. */
static int forget_last_boot(struct holder *h, const char *boot, unsigned *ret_n,
                            struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf last = MB_BUF_INIT(BOOT_BYTES_MAX);
    struct mb_error ignored;
    bool known = mb_read_file(h->layers_fd, BOOT, &last, &ignored) == 0 && last.len > 0;

    if (known && strcmp(last.data, boot) == 0)
        return 0;
    if (known) {
        if (renameat(h->layers_fd, "sha256", h->owner_fd, DEAD "0") < 0)
            return mb_fail_errno(err, "set the layers of the last boot aside");
        *ret_n = 1;
        if (mkdirat(h->layers_fd, "sha256", 0700) < 0)
            return mb_fail_errno(err, "create layers/sha256");
    }
    _cleanup_close_ int fd =
        openat(h->layers_fd, BOOT,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return mb_fail_errno(err, "create layers/" BOOT);
    return mb_write_all(fd, boot, strlen(boot), err);
}

static int check_boot(struct holder *h, unsigned *ret_n, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf boot = MB_BUF_INIT(BOOT_BYTES_MAX);
    struct mb_error ignored;

    if (mb_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &boot, &ignored) < 0
        || boot.len == 0)
        return 0;
    return forget_last_boot(h, boot.data, ret_n, err);
}

int snapshots_open(struct holder *h, struct mb_error *err)
{
    _cleanup_close_ int tmp_fd = -1;
    unsigned n_dead = 0;

    if (check_file_system(h->layers_fd, err) < 0)
        return -1;
    if (mb_mkdir_p(h->layers_fd, "sha256", 0700, err) < 0
        || mb_mkdir_p(h->layers_fd, "tmp", 0700, err) < 0
        || mb_open_dir(h->layers_fd, "tmp", &tmp_fd, err) < 0)
        return -1;
    if (flock(tmp_fd, LOCK_EX) < 0)
        return mb_fail_errno(err, "lock layers/tmp");
    new_id(h->owner);
    if (mkdirat(tmp_fd, h->owner, 0700) < 0)
        return mb_fail_errno(err, "create layers/tmp/%s", h->owner);
    if (mb_open_dir(tmp_fd, h->owner, &h->owner_fd, err) < 0)
        return -1;
    if (flock(h->owner_fd, LOCK_EX | LOCK_NB) < 0)
        return mb_fail_errno(err, "lock layers/tmp/%s", h->owner);
    if (check_boot(h, &n_dead, err) < 0)
        return -1;
    return take_dead_owners(h, tmp_fd, n_dead, err);
}

void snapshots_sweep(struct holder *h)
{
    struct mb_error ignored;
    char dead[32];

    if (faccessat(h->owner_fd, DEAD "0", F_OK, AT_SYMLINK_NOFOLLOW) < 0 || fork() != 0)
        return;
    for (unsigned n = 0; n < UINT16_MAX; n++) {
        (void)snprintf(dead, sizeof(dead), DEAD "%u", n);
        mb_ignore(mb_remove_tree(h->owner_fd, dead, &ignored),
                  "the next helper tries again");
    }
    _exit(0);
}

void snapshots_close(const struct holder *h)
{
    char path[WORK_ID_LEN + 8];

    (void)snprintf(path, sizeof(path), "tmp/%s", h->owner);
    (void)unlinkat(h->layers_fd, path, AT_REMOVEDIR);
}

int snapshots_has(const struct holder *h, const struct mb_digest *diff_id, bool *ret,
                  struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1], path[MB_DIGEST_HEX_LEN + 16];

    (void)snprintf(path, sizeof(path), "sha256/%s/fs", mb_digest_hex(diff_id, hex));
    *ret = faccessat(h->layers_fd, path, F_OK, 0) == 0;
    if (!*ret && errno != ENOENT)
        return mb_fail_errno(err, "look for layer %s", path);
    return 0;
}

int snapshots_work_new(const struct holder *h, char ret[WORK_ID_LEN + 1],
                       struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    char id[WORK_ID_LEN + 1];

    new_id(id);
    if (mkdirat(h->owner_fd, id, 0700) < 0)
        return mb_fail_errno(err, "create a work directory");
    if (mb_open_dir(h->owner_fd, id, &fd, err) < 0)
        return -1;
    if (mkdirat(fd, "fs", 0755) < 0 || mkdirat(fd, "work", 0700) < 0)
        return mb_fail_errno(err, "create a work directory");
    memcpy(ret, id, sizeof(id));
    return 0;
}

int snapshots_work_open(const struct holder *h, const char *work, int *ret_fd,
                        struct mb_error *err)
{
    char path[WORK_ID_LEN + 8];

    if (check_id(work, err) < 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/fs", work);
    return mb_open_dir(h->owner_fd, path, ret_fd, err);
}

int snapshots_work_remove(const struct holder *h, const char *work,
                          struct mb_error *err)
{
    if (check_id(work, err) < 0)
        return -1;
    return mb_remove_tree(h->owner_fd, work, err);
}

int snapshots_commit(const struct holder *h, const char *work,
                     const struct mb_digest *diff_id, struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1], path[MB_DIGEST_HEX_LEN + 16],
        rest[WORK_ID_LEN + 8];
    _cleanup_close_ int fd = -1;

    if (snapshots_work_open(h, work, &fd, err) < 0)
        return -1;
    (void)snprintf(rest, sizeof(rest), "%s/work", work);
    if (mb_remove_tree(h->owner_fd, rest, err) < 0)
        return -1;
    (void)snprintf(path, sizeof(path), "sha256/%s", mb_digest_hex(diff_id, hex));
    if (renameat2(h->owner_fd, work, h->layers_fd, path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EEXIST)
        return mb_fail_errno(err, "name layer %s", hex);
    return snapshots_work_remove(h, work, err);
}
