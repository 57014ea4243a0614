/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context_source.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cli/context_git.h"
#include "cli/transfer.h"
#include "fs/gzip.h"
#include "fs/tar_repack.h"
#include "registry/fetch.h"

#define IO_BYTES (128u * 1024u)

int context_kind_of(const char *text, enum context_kind *ret, struct mb_error *err)
{
    *ret = CONTEXT_DIR;
    if (strcmp(text, "-") == 0)
        *ret = CONTEXT_STDIN;
    else if (context_git_is(text))
        *ret = CONTEXT_GIT;
    else if (strncasecmp(text, "http://", 7) == 0
             || strncasecmp(text, "https://", 8) == 0)
        *ret = CONTEXT_URL;
    else if (strstr(text, "://"))
        return mb_fail(err, MB_ERR_INVALID,
                       "\"%s\" is neither a directory nor an address of http(s) or "
                       "git",
                       text);
    return 0;
}

void context_source_done(struct context_source *s)
{
    struct mb_error err;

    if (s->has_tar)
        (void)close(s->tar_fd);
    if (s->temp)
        mb_ignore(mb_remove_tree(AT_FDCWD, s->temp, &err),
                  "a temporary directory that is left is no failure of the build");
    mb_buf_done(&s->text);
    free(s->dir);
    free(s->temp);
    *s = (struct context_source){0};
}

/* --- archives --- */

static int copy_bounded(int from, int to, struct mb_error *err)
{
    _cleanup_free_ uint8_t *chunk = mb_xmalloc(IO_BYTES);
    uint64_t total = 0;
    ssize_t n;

    while ((n = mb_read(from, chunk, IO_BYTES)) > 0) {
        total += (uint64_t)n;
        if (total > MB_BLOB_BYTES_MAX)
            return mb_fail(err, MB_ERR_LIMIT, "it is over %llu GiB",
                           (unsigned long long)(MB_BLOB_BYTES_MAX / MB_GIB));
        if (mb_write_all(to, chunk, (size_t)n, err) < 0)
            return -1;
    }
    return n < 0 ? mb_fail_errno(err, "read") : 0;
}

/* The first bytes of a file; its offset stays at 0. */
static int read_head(int fd, uint8_t head[MB_TAR_HEAD_BYTES], size_t *ret_len,
                     struct mb_error *err)
{
    ssize_t n = pread(fd, head, MB_TAR_HEAD_BYTES, 0);

    if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "temporary file");
    *ret_len = (size_t)n;
    return 0;
}

struct packing {
    int fd;
    struct mb_sha256 *hash;
    uint64_t size;
};

static int pack_put(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct packing *p = arg;

    if (p->size + len > MB_BLOB_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "it unpacks to more than %llu GiB",
                       (unsigned long long)(MB_BLOB_BYTES_MAX / MB_GIB));
    if (mb_write_all(p->fd, data, len, err) < 0)
        return -1;
    mb_sha256_add(p->hash, data, len);
    p->size += len;
    return 0;
}

/* The archive in @fd, or an empty one for -1, becomes the context's tar. */
static int pack(int fd, struct context_source *s, struct mb_error *err)
{
    _cleanup_close_ int empty = -1, tar_fd = -1;
    struct packing p = {0};
    const struct mb_sink sink = {.fn = pack_put, .arg = &p};
    int r;

    if (transfer_temp_file(&tar_fd, err) < 0
        || (fd < 0 && transfer_temp_file(&empty, err) < 0))
        return -1;
    p.fd = tar_fd;
    p.hash = mb_sha256_new();
    r = mb_tar_repack(fd < 0 ? empty : fd, &sink, err);
    s->tar = (struct mb_descriptor){.media_type = MB_MT_OCI_LAYER, .size = p.size};
    mb_sha256_end(p.hash, s->tar.digest.bytes);
    mb_sha256_free(p.hash);
    if (r < 0)
        return -1;
    if (lseek(tar_fd, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "temporary file for the build context");
    s->tar_fd = steal_fd(&tar_fd);
    s->has_tar = true;
    return 0;
}

static int take_text(int fd, struct context_source *s, struct mb_error *err)
{
    s->text.max = MB_DOCKERFILE_BYTES_MAX;
    if (mb_read_to_end(fd, &s->text, err) < 0)
        return -1;
    if (s->text.len > 0 && memchr(s->text.data, 0, s->text.len))
        return mb_fail(err, MB_ERR_INVALID,
                       "it is neither a tar archive (plain, gzip, bzip2, xz, zstd) nor "
                       "a Dockerfile");
    s->has_text = true;
    return pack(-1, s, err);
}

/* gzip and zstd; the others are undone by the tar reader. */
static int decompress(int fd, int *ret_fd, struct mb_error *err)
{
    _cleanup_close_ int plain = -1;
    struct mb_sink sink = {.fn = mb_sink_to_fd, .arg = &plain};

    if (transfer_temp_file(&plain, err) < 0
        || mb_decompress_fd(fd, MB_BLOB_BYTES_MAX, &sink, err) < 0)
        return -1;
    if (lseek(plain, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "temporary file");
    *ret_fd = steal_fd(&plain);
    return 0;
}

/* A file of which nothing is known: archive or Dockerfile. */
static int take_file(int fd, struct context_source *s, struct mb_error *err)
{
    uint8_t head[MB_TAR_HEAD_BYTES];
    _cleanup_close_ int plain = -1;
    size_t len;

    if (read_head(fd, head, &len, err) < 0)
        return -1;
    if (mb_is_compressed_head(head, len)) {
        if (decompress(fd, &plain, err) < 0)
            return -1;
        return pack(plain, s, err);
    }
    return mb_tar_is_head(head, len) ? pack(fd, s, err) : take_text(fd, s, err);
}

static int take_stdin(struct context_source *s, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (isatty(STDIN_FILENO))
        return mb_fail(err, MB_ERR_INVALID,
                       "standard input is a terminal: redirect a Dockerfile or a tar "
                       "archive into it");
    if (transfer_temp_file(&fd, err) < 0 || copy_bounded(STDIN_FILENO, fd, err) < 0)
        return -1;
    return take_file(fd, s, err);
}

static int take_url(const char *url, struct context_source *s, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (transfer_temp_file(&fd, err) < 0
        || mb_fetch_url(url, MB_BLOB_BYTES_MAX, NULL, fd, err) < 0)
        return -1;
    return take_file(fd, s, err);
}

int context_source_open(const char *text, struct context_source *ret,
                        struct mb_error *err)
{
    _cleanup_(context_source_done) struct context_source s = {0};
    int r = 0;

    if (context_kind_of(text, &s.kind, err) < 0)
        return -1;
    switch (s.kind) {
    case CONTEXT_DIR:
        s.dir = mb_xstrdup(text);
        break;
    case CONTEXT_STDIN:
        r = take_stdin(&s, err);
        break;
    case CONTEXT_URL:
        r = take_url(text, &s, err);
        break;
    case CONTEXT_GIT:
        r = context_git_fetch(text, &s.temp, &s.dir, err);
        break;
    }
    if (r < 0)
        return mb_wrap(err, "build context %s", text);
    *ret = s;
    s = (struct context_source){0};
    return 0;
}

/* --- reading --- */

/* A path that a stranger made: no link in it is followed. */
static int read_beneath(const char *dir, const char *path, struct mb_buf *ret,
                        struct mb_error *err)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    _cleanup_close_ int dir_fd = -1;
    _cleanup_close_ int fd = -1;

    if (mb_open_dir(AT_FDCWD, dir, &dir_fd, err) < 0)
        return -1;
    fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
    if (fd < 0)
        return mb_fail_errno(err, "open %s", path);
    return mb_read_to_end(fd, ret, err);
}

int context_source_read(const struct context_source *s, const char *path,
                        struct mb_buf *ret, struct mb_error *err)
{
    _cleanup_free_ char *clean = mb_path_clamp(path);
    _cleanup_free_ char *full = s->dir ? mb_path_join(s->dir, clean) : NULL;

    if (s->dir && !s->temp)
        return mb_read_file(AT_FDCWD, full, ret, err);
    if (s->dir)
        return read_beneath(s->dir, clean, ret, err);
    if (lseek(s->tar_fd, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "temporary file");
    return mb_tar_read_file(s->tar_fd, clean, ret, err);
}
