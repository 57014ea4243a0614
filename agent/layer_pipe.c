/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/layer_pipe.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "fs/gzip.h"

#define GZIP_THREADS 2
#define COPY_BYTES (64u * 1024u)

struct layer_pipe {
    struct mb_sha256 *plain;
    struct mb_gzip_writer *gzip;
    struct mb_blob_writer *blob;
};

static int put_blob(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct layer_pipe *p = arg;

    return mb_blob_writer_append(p->blob, data, len, err);
}

static int put_plain(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct layer_pipe *p = arg;

    mb_sha256_add(p->plain, data, len);
    return mb_gzip_writer_put(p->gzip, data, len, err);
}

int layer_pipe_new(struct mb_blob_store *store, int gzip_level, struct layer_pipe **ret,
                   struct mb_error *err)
{
    struct layer_pipe *p = mb_xcalloc(1, sizeof(*p));
    struct mb_sink to_blob = {put_blob, p};

    if (mb_blob_writer_new(store, NULL, MB_BLOB_BYTES_MAX, &p->blob, err) < 0) {
        free(p);
        return -1;
    }
    p->plain = mb_sha256_new();
    p->gzip = mb_gzip_writer_new(gzip_level, GZIP_THREADS, &to_blob);
    *ret = p;
    return 0;
}

struct mb_sink layer_pipe_sink(struct layer_pipe *p)
{
    return (struct mb_sink){put_plain, p};
}

int layer_pipe_end(struct layer_pipe *p, struct mb_layer_ref *ret, struct mb_error *err)
{
    struct mb_layer_ref layer = {0};

    if (mb_gzip_writer_end(p->gzip, err) < 0
        || mb_blob_writer_commit(p->blob, &layer.blob, err) < 0)
        return -1;
    mb_sha256_end(p->plain, layer.diff_id.bytes);
    snprintf(layer.blob.media_type, sizeof(layer.blob.media_type), "%s",
             MB_MT_OCI_LAYER_GZIP);
    *ret = layer;
    return 0;
}

void layer_pipe_free(struct layer_pipe *p)
{
    if (!p)
        return;
    mb_gzip_writer_free(p->gzip);
    mb_blob_writer_free(p->blob);
    mb_sha256_free(p->plain);
    free(p);
}

/* --- reading --- */

struct tee {
    struct mb_sha256 *hash;
    const struct mb_sink *out;
};

static int put_tee(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct tee *t = arg;

    mb_sha256_add(t->hash, data, len);
    return mb_sink_put(t->out, data, len, err);
}

static bool is_plain(const char *media_type)
{
    return strcmp(media_type, MB_MT_OCI_LAYER) == 0
           || strcmp(media_type, MB_MT_DOCKER_LAYER) == 0;
}

static int copy_plain(int fd, const struct mb_sink *out, struct mb_error *err)
{
    _cleanup_free_ char *chunk = mb_xmalloc(COPY_BYTES);
    ssize_t n;

    while ((n = mb_read(fd, chunk, COPY_BYTES)) > 0)
        if (mb_sink_put(out, chunk, (size_t)n, err) < 0)
            return -1;
    return n < 0 ? mb_fail_errno(err, "read a stored layer") : 0;
}

int layer_pipe_unpack(int fd, const struct mb_descriptor *blob,
                      const struct mb_digest *diff_id, const struct mb_sink *out,
                      struct mb_error *err)
{
    _cleanup_(mb_sha256_freep) struct mb_sha256 *hash = mb_sha256_new();
    struct tee tee = {hash, out};
    struct mb_sink sink = {put_tee, &tee};
    struct mb_digest got;
    char want_text[MB_DIGEST_TEXT_LEN + 1], got_text[MB_DIGEST_TEXT_LEN + 1];

    if (is_plain(blob->media_type)) {
        if (copy_plain(fd, &sink, err) < 0)
            return -1;
    } else if (mb_decompress_fd(fd, MB_BLOB_BYTES_MAX, &sink, err) < 0) {
        return -1;
    }
    mb_sha256_end(hash, got.bytes);
    if (!mb_digest_equal(&got, diff_id))
        return mb_fail(err, MB_ERR_CORRUPT, "layer %s unpacks to %s, its image says %s",
                       mb_digest_text(&blob->digest, (char[MB_DIGEST_TEXT_LEN + 1]){0}),
                       mb_digest_text(&got, got_text),
                       mb_digest_text(diff_id, want_text));
    return 0;
}
