/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zlib and zstd are used directly: libarchive's gzip filter does not compare the
 * checksum and length in a member's trailer.  Output is counted before it is handed on,
 * so a small blob that unfolds to terabytes ends at the caller's bound.
 */
#include "fs/gzip.h"

#include <stdbool.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/mem.h"

#define IO_BYTES (128u * 1024u)

struct stream {
    int fd;
    const struct mb_sink *out; /* borrowed */
    uint64_t room;             /* output bytes still allowed */
    uint64_t max;
    uint8_t *in;
    size_t in_len;
    size_t in_pos;
    uint8_t *produced;
};

static void stream_done(struct stream *s)
{
    free(s->in);
    free(s->produced);
}

/* Refill when empty; in_pos == in_len afterwards means end of file. */
static int refill(struct stream *s, struct mb_error *err)
{
    ssize_t n;

    if (s->in_pos < s->in_len)
        return 0;
    n = mb_read(s->fd, s->in, IO_BYTES);
    if (n < 0)
        return mb_fail_errno(err, "read compressed data");
    s->in_len = (size_t)n;
    s->in_pos = 0;
    return 0;
}

/* Enough bytes to tell the format, however small the pieces a pipe gives. */
static int fill_magic(struct stream *s, struct mb_error *err)
{
    while (s->in_len < 4) {
        ssize_t n = mb_read(s->fd, s->in + s->in_len, IO_BYTES - s->in_len);

        if (n < 0)
            return mb_fail_errno(err, "read compressed data");
        if (n == 0)
            break;
        s->in_len += (size_t)n;
    }
    return 0;
}

static int produce(struct stream *s, const void *data, size_t len, struct mb_error *err)
{
    if (len > s->room)
        return mb_fail(err, MB_ERR_LIMIT,
                       "the decompressed data is over the limit of %llu bytes",
                       (unsigned long long)s->max);
    s->room -= len;
    return len ? mb_sink_put(s->out, data, len, err) : 0;
}

static int copy_plain(struct stream *s, struct mb_error *err)
{
    for (;;) {
        if (refill(s, err) < 0)
            return -1;
        if (s->in_pos == s->in_len)
            return 0;
        if (produce(s, s->in + s->in_pos, s->in_len - s->in_pos, err) < 0)
            return -1;
        s->in_pos = s->in_len;
    }
}

/* From the start of one gzip member to its verified end. */
static int inflate_member(struct stream *s, z_stream *z, struct mb_error *err)
{
    int rc = Z_OK;

    while (rc != Z_STREAM_END) {
        if (refill(s, err) < 0)
            return -1;
        if (s->in_pos == s->in_len)
            return mb_fail(err, MB_ERR_CORRUPT, "the gzip data ends too early");
        z->next_in = s->in + s->in_pos;
        z->avail_in = (uInt)(s->in_len - s->in_pos);
        z->next_out = s->produced;
        z->avail_out = IO_BYTES;
        rc = inflate(z, Z_NO_FLUSH);
        BUG_ON(rc == Z_MEM_ERROR || rc == Z_STREAM_ERROR);
        if (rc != Z_OK && rc != Z_STREAM_END)
            return mb_fail(err, MB_ERR_CORRUPT, "the gzip data is damaged: %s",
                           z->msg ? z->msg : "not a gzip stream");
        s->in_pos = s->in_len - z->avail_in;
        if (produce(s, s->produced, IO_BYTES - z->avail_out, err) < 0)
            return -1;
    }
    return 0;
}

static void inflate_done(z_stream *z)
{
    inflateEnd(z);
}

static int inflate_all(struct stream *s, struct mb_error *err)
{
    _cleanup_(inflate_done) z_stream z = {0};
    int rc = inflateInit2(&z, 16 + MAX_WBITS);

    BUG_ON(rc != Z_OK);
    do {
        if (inflate_member(s, &z, err) < 0)
            return -1;
        rc = inflateReset(&z);
        BUG_ON(rc != Z_OK);
        if (refill(s, err) < 0)
            return -1;
    } while (s->in_pos < s->in_len);
    return 0;
}

static void zstd_free(ZSTD_DCtx **d)
{
    ZSTD_freeDCtx(*d);
}

static int unzstd_all(struct stream *s, struct mb_error *err)
{
    _cleanup_(zstd_free) ZSTD_DCtx *d = ZSTD_createDCtx();
    size_t more = 1;   /* 0: at the end of a frame */
    bool full = false; /* the decoder may hold output back */

    BUG_ON(!d);
    for (;;) {
        ZSTD_inBuffer in = {s->in, 0, 0};
        ZSTD_outBuffer out = {s->produced, IO_BYTES, 0};

        if (refill(s, err) < 0)
            return -1;
        if (s->in_pos == s->in_len && !full)
            break;
        in.size = s->in_len;
        in.pos = s->in_pos;
        more = ZSTD_decompressStream(d, &out, &in);
        if (ZSTD_isError(more))
            return mb_fail(err, MB_ERR_CORRUPT, "the zstd data is damaged: %s",
                           ZSTD_getErrorName(more));
        s->in_pos = in.pos;
        full = out.pos == out.size && more != 0;
        if (produce(s, s->produced, out.pos, err) < 0)
            return -1;
    }
    if (more != 0)
        return mb_fail(err, MB_ERR_CORRUPT, "the zstd data ends too early");
    return 0;
}

int mb_decompress_fd(int fd, uint64_t max_bytes, const struct mb_sink *out,
                     struct mb_error *err)
{
    static const uint8_t gzip_magic[] = {0x1f, 0x8b};
    static const uint8_t zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    _cleanup_(stream_done) struct stream s = {
        .fd = fd,
        .out = out,
        .room = max_bytes,
        .max = max_bytes,
        .in = mb_xmalloc(IO_BYTES),
        .produced = mb_xmalloc(IO_BYTES),
    };

    if (fill_magic(&s, err) < 0)
        return -1;
    if (s.in_len >= 2 && memcmp(s.in, gzip_magic, 2) == 0)
        return inflate_all(&s, err);
    if (s.in_len >= 4 && memcmp(s.in, zstd_magic, 4) == 0)
        return unzstd_all(&s, err);
    return copy_plain(&s, err);
}
