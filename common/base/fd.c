/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define CHUNK_BYTES ((size_t)64 * 1024)

ssize_t mb_read(int fd, void *data, size_t len)
{
    ssize_t n;

    do
        n = read(fd, data, len);
    while (n < 0 && errno == EINTR);
    return n;
}

int mb_read_exact(int fd, void *data, size_t len, struct mb_error *err)
{
    char *p = data;
    size_t done = 0;

    while (done < len) {
        ssize_t n = mb_read(fd, p + done, len - done);

        if (n < 0)
            return mb_fail_errno(err, "read");
        if (n == 0)
            return mb_fail(err, MB_ERR_CORRUPT, "the data ends after %zu of %zu bytes",
                           done, len);
        done += (size_t)n;
    }
    return 0;
}

int mb_write_all(int fd, const void *data, size_t len, struct mb_error *err)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mb_fail_errno(err, "write");
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int mb_read_to_end(int fd, struct mb_buf *ret, struct mb_error *err)
{
    _cleanup_free_ char *chunk = mb_xmalloc(CHUNK_BYTES);
    ssize_t n;

    while ((n = mb_read(fd, chunk, CHUNK_BYTES)) > 0) {
        mb_buf_add(ret, chunk, (size_t)n);
        if (mb_buf_check(ret, "the content", err) < 0)
            return -1;
    }
    if (n < 0)
        return mb_fail_errno(err, "read");
    return 0;
}

int mb_read_file(int dir_fd, const char *path, struct mb_buf *ret, struct mb_error *err)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return mb_fail_errno(err, "open %s", path);
    if (mb_read_to_end(fd, ret, err) < 0)
        return mb_wrap(err, "%s", path);
    return 0;
}

/* A name next to @path that nobody else uses. */
static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    int dir_len = slash ? (int)(slash - path + 1) : 0;
    uint8_t random[8];
    char hex[2 * sizeof(random) + 1];

    mb_random_bytes(random, sizeof(random));
    mb_hex(random, sizeof(random), hex);
    return mb_xasprintf("%.*s.tmp-%s", dir_len, path, hex);
}

/* Make a rename in the directory of @path durable. */
static int sync_parent(int dir_fd, const char *path, struct mb_error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent =
        slash ? mb_xstrndup(path, (size_t)(slash - path + 1)) : mb_xstrdup(".");
    _cleanup_close_ int fd = -1;

    if (mb_open_dir(dir_fd, parent, &fd, err) < 0)
        return -1;
    if (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP)
        return mb_fail_errno(err, "sync directory %s", parent);
    return 0;
}

static int fill_file(int dir_fd, const char *path, const void *data, size_t len,
                     mode_t mode, struct mb_error *err)
{
    _cleanup_close_ int fd =
        openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return mb_fail_errno(err, "create a file");
    if (fchmod(fd, mode) < 0)
        return mb_fail_errno(err, "set its mode to %o", (unsigned)mode);
    if (mb_write_all(fd, data, len, err) < 0)
        return -1;
    if (fsync(fd) < 0)
        return mb_fail_errno(err, "sync");
    return 0;
}

int mb_write_file(int dir_fd, const char *path, const void *data, size_t len,
                  mode_t mode, struct mb_error *err)
{
    _cleanup_free_ char *tmp = temporary_name(path);

    if (fill_file(dir_fd, tmp, data, len, mode, err) < 0) {
        (void)unlinkat(dir_fd, tmp, 0);
        return mb_wrap(err, "write %s", path);
    }
    if (renameat(dir_fd, tmp, dir_fd, path) < 0) {
        mb_fail_errno(err, "write %s: rename", path);
        (void)unlinkat(dir_fd, tmp, 0);
        return -1;
    }
    return sync_parent(dir_fd, path, err);
}

int mb_open_dir(int dir_fd, const char *path, int *ret_fd, struct mb_error *err)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return mb_fail_errno(err, "open directory %s", path);
    *ret_fd = fd;
    return 0;
}

int mb_mkdir_p(int dir_fd, const char *path, mode_t mode, struct mb_error *err)
{
    _cleanup_free_ char *prefix = mb_xstrdup(path);
    struct stat st;

    for (char *p = prefix + 1; prefix[0] != '\0'; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char c = *p;
        *p = '\0';
        if (mkdirat(dir_fd, prefix, mode) < 0 && errno != EEXIST)
            return mb_fail_errno(err, "create directory %s", prefix);
        *p = c;
        if (c == '\0')
            break;
    }
    if (fstatat(dir_fd, path, &st, 0) < 0)
        return mb_fail_errno(err, "create directory %s", path);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return mb_fail_errno(err, "create directory %s", path);
    }
    return 0;
}

int mb_pipe(int *ret_read, int *ret_write, struct mb_error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return mb_fail_errno(err, "create a pipe");
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

int mb_copy_fd(int fd, int to, uint64_t *ret_bytes, struct mb_error *err)
{
    _cleanup_free_ char *chunk = mb_xmalloc(CHUNK_BYTES);
    uint64_t total = 0;
    ssize_t n;

    while ((n = mb_read(fd, chunk, CHUNK_BYTES)) > 0) {
        if (mb_write_all(to, chunk, (size_t)n, err) < 0)
            return -1;
        total += (uint64_t)n;
    }
    if (n < 0)
        return mb_fail_errno(err, "read");
    if (ret_bytes)
        *ret_bytes = total;
    return 0;
}
