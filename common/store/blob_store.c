/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory is an OCI image layout (image-spec image-layout.md) with two additions,
 * `lock` and `tmp`.  A blob's name appears only after its bytes were verified and
 * synced (stage.c), so a reader needs no lock: what it can open is whole.
 */
#include "store/blob_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/mem.h"
#include "store/blob_store_impl.h"
#include "store/stage.h"

#define MAGIC_NFS 0x6969
#define MAGIC_SMB 0x517b
#define MAGIC_CIFS 0xff534d42u
#define MAGIC_SMB2 0xfe534d42u

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define INDEX_TEXT "{\"schemaVersion\":2,\"manifests\":[]}"

static int refuse_network_fs(int dir_fd, const char *dir, struct mb_error *err)
{
    struct statfs st;
    uint32_t magic;

    if (fstatfs(dir_fd, &st) < 0)
        return mb_fail_errno(err, "statfs %s", dir);
    magic = (uint32_t)st.f_type;
    if (magic != MAGIC_NFS && magic != MAGIC_SMB && magic != MAGIC_CIFS
        && magic != MAGIC_SMB2)
        return 0;
    return mb_fail(
        err, MB_ERR_INVALID,
        "%s is on a network file system, where locks and renames do not hold; "
        "choose a local directory (--state-dir, MBCLUSTER_STATE)",
        dir);
}

static int lock_file(int fd, int how)
{
    int rc;

    do
        rc = flock(fd, how);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Left behind by killed writers; only while nobody else has the store. */
static int empty_tmp(struct mb_blob_store *s, struct mb_error *err)
{
    int fd = openat(s->tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(close_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return mb_fail_errno(err, "read tmp");
    }
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            unlinkat(s->tmp_fd, e->d_name, 0);
    return 0;
}

static int take_lock(struct mb_blob_store *s, struct mb_error *err)
{
    s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return mb_fail_errno(err, "open lock");
    if (lock_file(s->lock_fd, LOCK_EX | LOCK_NB) == 0 && empty_tmp(s, err) < 0)
        return -1;
    if (lock_file(s->lock_fd, LOCK_SH) < 0)
        return mb_fail_errno(err, "lock");
    return 0;
}

static int write_once(struct mb_blob_store *s, const char *name, const char *text,
                      struct mb_error *err)
{
    _cleanup_(mb_stage_done) struct mb_stage st = MB_STAGE_INIT;

    if (faccessat(s->dir_fd, name, F_OK, 0) == 0)
        return 0;
    if (mb_stage_open(s->tmp_fd, false, &st, err) < 0
        || mb_write_all(st.fd, text, strlen(text), err) < 0)
        return -1;
    return mb_stage_publish(&st, s->dir_fd, name, err);
}

static int open_parts(struct mb_blob_store *s, const char *dir, struct mb_error *err)
{
    if (mb_mkdir_p(AT_FDCWD, dir, 0700, err) < 0
        || mb_open_dir(AT_FDCWD, dir, &s->dir_fd, err) < 0
        || refuse_network_fs(s->dir_fd, dir, err) < 0
        || mb_mkdir_p(s->dir_fd, "blobs/sha256", 0700, err) < 0
        || mb_open_dir(s->dir_fd, "blobs/sha256", &s->blobs_fd, err) < 0
        || mb_mkdir_p(s->dir_fd, "tmp", 0700, err) < 0
        || mb_open_dir(s->dir_fd, "tmp", &s->tmp_fd, err) < 0)
        return -1;
    if (take_lock(s, err) < 0 || write_once(s, "oci-layout", LAYOUT_TEXT, err) < 0)
        return -1;
    return write_once(s, "index.json", INDEX_TEXT, err);
}

int mb_blob_store_open(const char *dir, struct mb_blob_store **ret,
                       struct mb_error *err)
{
    _cleanup_(mb_blob_store_freep) struct mb_blob_store *s = mb_xmalloc(sizeof(*s));

    *s = (struct mb_blob_store){-1, -1, -1, -1};
    if (open_parts(s, dir, err) < 0)
        return mb_wrap(err, "open blob store %s", dir);
    *ret = steal_ptr(s);
    return 0;
}

void mb_blob_store_free(struct mb_blob_store *s)
{
    if (!s)
        return;
    mb_cleanup_close(&s->tmp_fd);
    mb_cleanup_close(&s->blobs_fd);
    mb_cleanup_close(&s->lock_fd);
    mb_cleanup_close(&s->dir_fd);
    free(s);
}

bool mb_blob_store_has(struct mb_blob_store *s, const struct mb_digest *d,
                       uint64_t *ret_size_bytes)
{
    char hex[MB_DIGEST_HEX_LEN + 1];
    struct stat st;

    if (fstatat(s->blobs_fd, mb_digest_hex(d, hex), &st, AT_SYMLINK_NOFOLLOW) < 0
        || !S_ISREG(st.st_mode))
        return false;
    if (ret_size_bytes)
        *ret_size_bytes = (uint64_t)st.st_size;
    return true;
}

int mb_blob_store_open_blob(struct mb_blob_store *s, const struct mb_digest *d,
                            int *ret_fd, uint64_t *ret_size_bytes, struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1];
    _cleanup_close_ int fd = -1;
    struct stat st;

    fd = openat(s->blobs_fd, mb_digest_hex(d, hex), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return mb_fail_errno(err, "blob sha256:%s", hex);
    if (ret_size_bytes)
        *ret_size_bytes = (uint64_t)st.st_size;
    *ret_fd = steal_fd(&fd);
    return 0;
}

int mb_blob_store_read(struct mb_blob_store *s, const struct mb_digest *d,
                       struct mb_buf *ret, struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1];
    _cleanup_close_ int fd = -1;
    _cleanup_buf_ struct mb_buf bytes = MB_BUF_INIT(ret->max - ret->len);
    struct mb_digest got;

    if (mb_blob_store_open_blob(s, d, &fd, NULL, err) < 0)
        return -1;
    mb_digest_hex(d, hex);
    if (mb_read_to_end(fd, &bytes, err) < 0)
        return mb_wrap(err, "read blob sha256:%s", hex);
    got = mb_digest_of(bytes.data ? bytes.data : "", bytes.len);
    if (!mb_digest_equal(&got, d)) {
        unlinkat(s->blobs_fd, hex, 0);
        return mb_fail(err, MB_ERR_CORRUPT,
                       "blob sha256:%s is damaged on disk and was removed", hex);
    }
    mb_buf_add(ret, bytes.data, bytes.len);
    return 0;
}

int mb_blob_store_put(struct mb_blob_store *s, const void *data, size_t len,
                      struct mb_digest *ret, struct mb_error *err)
{
    _cleanup_(mb_blob_writer_freep) struct mb_blob_writer *w = NULL;
    struct mb_descriptor d;

    if (mb_blob_writer_new(s, NULL, len, &w, err) < 0
        || mb_blob_writer_append(w, data, len, err) < 0
        || mb_blob_writer_commit(w, &d, err) < 0)
        return -1;
    if (ret)
        *ret = d.digest;
    return 0;
}

int mb_blob_store_remove(struct mb_blob_store *s, const struct mb_digest *d,
                         struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1];

    if (unlinkat(s->blobs_fd, mb_digest_hex(d, hex), 0) < 0 && errno != ENOENT)
        return mb_fail_errno(err, "remove blob sha256:%s", hex);
    return 0;
}
