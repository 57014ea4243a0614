/* SPDX-License-Identifier: Apache-2.0 */
/* fs_test - archives in memory, and a user namespace, for the tests of common/fs. */
#ifndef MB_FS_TEST_H
#define MB_FS_TEST_H

#include "mb_test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "fs/tar_writer.h"

#define TEST_TAR_BYTES_MAX (64 * MB_MIB)
#define TEST_SKIP 77

static inline int to_buf(const void *data, size_t len, void *arg,
                         struct mb_error *err _unused_)
{
    mb_buf_add(arg, data, len);
    return 0;
}

/* A descriptor at the start of these bytes. */
static inline int fd_of(const void *data, size_t len)
{
    struct mb_error err;
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_ok(mb_write_all(fd, data, len, &err), err);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* What a row of a test says about an entry. */
struct row {
    const char *path;
    mode_t mode;      /* S_IF... | permissions */
    const char *text; /* file data or link target */
    bool is_hardlink;
    uint64_t uid;
    int64_t mtime;
};
#define DIR_755 (S_IFDIR | 0755)
#define FILE_644 (S_IFREG | 0644)
#define LINK (S_IFLNK | 0777)
/* A directory, a file, a symbolic link, a hard link. */
#define D(p)                         \
    {                                \
        .path = (p), .mode = DIR_755 \
    }
#define F(p, t)                                    \
    {                                              \
        .path = (p), .mode = FILE_644, .text = (t) \
    }
#define L(p, t)                                \
    {                                          \
        .path = (p), .mode = LINK, .text = (t) \
    }
#define H(p, t)                                                         \
    {                                                                   \
        .path = (p), .mode = FILE_644, .text = (t), .is_hardlink = true \
    }

static inline void put_row(struct mb_tar_writer *w, const struct row *r)
{
    struct mb_error err;
    bool is_file = S_ISREG(r->mode) && !r->is_hardlink;
    struct mb_tar_entry e = {
        .path = r->path,
        .mode = r->mode,
        .uid = r->uid,
        .gid = r->uid,
        .mtime_sec = r->mtime,
        .size = is_file && r->text ? strlen(r->text) : 0,
        .link_target = is_file ? NULL : r->text,
        .is_hardlink = r->is_hardlink,
    };

    assert_ok(mb_tar_writer_entry(w, &e, &err), err);
    if (e.size > 0)
        assert_ok(mb_tar_writer_data(w, r->text, (size_t)e.size, &err), err);
}

/* An archive of @n rows; the caller empties it. */
static inline struct mb_buf tar_of(const struct row *rows, size_t n)
{
    struct mb_buf out = MB_BUF_INIT(TEST_TAR_BYTES_MAX);
    struct mb_sink sink = {to_buf, &out};
    struct mb_tar_writer *w = mb_tar_writer_new(&sink);
    struct mb_error err;

    for (size_t i = 0; i < n && rows[i].path; i++)
        put_row(w, &rows[i]);
    assert_ok(mb_tar_writer_end(w, &err), err);
    mb_tar_writer_free(w);
    return out;
}

static inline int tar_fd_of(const struct row *rows, size_t n)
{
    struct mb_buf tar = tar_of(rows, n);
    int fd = fd_of(tar.data, tar.len);

    mb_buf_done(&tar);
    return fd;
}

static inline void put_file(int dir_fd, const char *path, const char *text)
{
    int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct mb_error err;

    assert_true(fd >= 0);
    assert_ok(mb_write_all(fd, text, strlen(text), &err), err);
    close(fd);
}

static inline void assert_file(int dir_fd, const char *path, const char *text)
{
    struct mb_buf got = MB_BUF_INIT(MB_MIB);
    struct mb_error err;

    assert_ok(mb_read_file(dir_fd, path, &got, &err), err);
    assert_string_equal(got.data ? got.data : "", text);
    mb_buf_done(&got);
}

static inline void write_proc(pid_t pid, const char *name, const char *text)
{
    char path[64];
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(1);
    close(fd);
}

/* The maps of a namespace can only be written from outside, hence by a child that stays
 * there. */
static inline int write_maps(int ready[2])
{
    pid_t parent = getppid();
    char c;

    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        _exit(1);
    write_proc(parent, "uid_map", "0 100000 65536");
    write_proc(parent, "gid_map", "0 100000 65536");
    _exit(0);
}

/* This process becomes root of a user namespace of 65,536 ids, with mounts of its own.
 * Leaves with TEST_SKIP where that is not possible. */
static inline void enter_namespace(void)
{
    int ready[2];
    int status = 0;
    pid_t child;

    if (getenv("MB_TEST_NAMESPACE"))
        return; /* tests/support/in-namespace made one around us */
    if (geteuid() != 0) {
        print_message("skipped: needs root to map 65536 ids\n");
        exit(TEST_SKIP);
    }
    if (pipe2(ready, O_CLOEXEC) < 0 || (child = fork()) < 0)
        exit(1);
    if (child == 0)
        write_maps(ready);
    close(ready[0]);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
        print_message("skipped: no user namespaces: %s\n", strerror(errno));
        exit(TEST_SKIP);
    }
    if (write(ready[1], "x", 1) != 1 || waitpid(child, &status, 0) < 0 || status != 0
        || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) {
        print_error("cannot set up the user namespace\n");
        exit(1);
    }
    close(ready[1]);
}

#endif
