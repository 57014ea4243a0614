/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agent/doctor.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif
#ifndef V9FS_MAGIC
#define V9FS_MAGIC 0x01021997
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

#define FREE_BYTES_MIN (256 * MB_MIB)
#define FREE_BYTES_GOOD (10 * MB_GIB)
#define FREE_FILES_GOOD 100000u

static const struct {
    uint32_t magic;
    const char *name, *why; /* no good, since */
} unfit[] = {
    {NFS_SUPER_MAGIC, "NFS", "it keeps no owners of other ids and no overlay"},
    {SMB2_SUPER_MAGIC, "SMB", "it keeps no owners and no overlay"},
    {CIFS_SUPER_MAGIC, "SMB", "it keeps no owners and no overlay"},
    {SMB_SUPER_MAGIC, "SMB", "it keeps no owners and no overlay"},
    {V9FS_MAGIC, "9p", "it cannot hold the upper part of an overlay"},
    {MSDOS_SUPER_MAGIC, "FAT", "it keeps no owners"},
    {OVERLAYFS_SUPER_MAGIC, "overlayfs",
     "it cannot hold the upper part of another overlay (a container's own root?)"},
};

static const char *fs_name(uint32_t magic)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } known[] = {
        {EXT4_SUPER_MAGIC, "ext4"},   {XFS_SUPER_MAGIC, "xfs"},
        {BTRFS_SUPER_MAGIC, "btrfs"}, {TMPFS_MAGIC, "tmpfs"},
        {F2FS_SUPER_MAGIC, "f2fs"},   {FUSE_SUPER_MAGIC, "fuse"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].magic == magic)
            return known[i].name;
    return "a file system of another kind";
}

static void check_space(const char *dir, const struct statfs *fs,
                        struct doctor_report *r)
{
    uint64_t bytes = (uint64_t)fs->f_bavail * (uint64_t)fs->f_bsize;
    char size[MB_SIZE_TEXT_LEN];

    mb_size_text(bytes, size);
    if (bytes < FREE_BYTES_GOOD) {
        doctor_add(r, "disk", bytes < FREE_BYTES_MIN ? DOCTOR_FAIL : DOCTOR_WARN,
                   "%s free at %s: bases and layers of several builds want 10GB and "
                   "more",
                   size, dir);
        doctor_fix(r, "free some space there, or choose another --state-dir");
    } else if (fs->f_files > 0 && fs->f_ffree < FREE_FILES_GOOD) {
        doctor_add(r, "disk", DOCTOR_WARN, "only %llu more files fit on %s",
                   (unsigned long long)fs->f_ffree, dir);
        doctor_fix(r, "remove files there, or choose another --state-dir");
    } else {
        doctor_add(r, "disk", DOCTOR_OK, "%s free at %s", size, dir);
    }
}

bool doctor_file_system(const char *dir, const struct statfs *fs,
                        struct doctor_report *r)
{
    uint32_t magic = (uint32_t)fs->f_type;

    for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
        if (unfit[i].magic != magic)
            continue;
        doctor_add(r, "file-system", DOCTOR_FAIL, "%s is on %s: %s", dir, unfit[i].name,
                   unfit[i].why);
        doctor_fix(r, "choose a --state-dir on a local disk (ext4, xfs, btrfs)");
        return false;
    }
    if ((unsigned long)fs->f_flags & ST_NOEXEC) {
        doctor_add(r, "file-system", DOCTOR_FAIL,
                   "%s is mounted noexec: no step could run a program", dir);
        doctor_fix(r, "mount it with exec, or choose another --state-dir");
        return false;
    }
    if (magic == TMPFS_MAGIC) {
        doctor_add(r, "file-system", DOCTOR_WARN,
                   "%s is in memory: layers take memory and are gone after a reboot",
                   dir);
        doctor_fix(r, "choose a --state-dir on a disk");
    } else {
        doctor_add(r, "file-system", DOCTOR_OK, "%s is on %s", dir, fs_name(magic));
    }
    check_space(dir, fs, r);
    return true;
}

/* Whose it is matters: layers belong to the subordinate ids of the agent's user. */
static bool check_owner(const struct doctor_host *h, const char *dir,
                        struct doctor_report *r)
{
    const struct passwd *pw;
    struct stat st;

    if (stat(dir, &st) < 0) {
        if (errno == ENOENT)
            return true;
        doctor_add(r, "state-directory", DOCTOR_FAIL, "%s: %s", dir, strerror(errno));
        doctor_fix(r, "run this as the agent's user, or as root");
        return false;
    }
    if (st.st_uid == h->uid)
        return true;
    pw = getpwuid(st.st_uid);
    doctor_add(r, "state-directory", DOCTOR_FAIL,
               "%s belongs to %s, so %s cannot try what its agent does", dir,
               pw ? pw->pw_name : "another user", h->user);
    doctor_fix(r, "runuser -u %s -- mbcluster doctor --state-dir %s",
               pw ? pw->pw_name : "USER", dir);
    return false;
}

bool doctor_state_dir(const struct doctor_host *h, const char *dir,
                      struct doctor_report *r)
{
    _cleanup_free_ char *there = mb_xstrdup(dir);
    struct statfs fs;

    if (!check_owner(h, dir, r))
        return false;
    while (statfs(there, &fs) < 0) {
        char *slash = strrchr(there, '/');

        if (errno != ENOENT || !slash || slash == there) {
            doctor_add(r, "file-system", DOCTOR_FAIL, "%s: %s", there, strerror(errno));
            doctor_fix(r, "choose another --state-dir");
            return false;
        }
        *slash = '\0';
    }
    return doctor_file_system(dir, &fs, r);
}
