/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "store/blob_store_impl.h"
#include "store/stage.h"

struct mb_blob_writer {
    struct mb_blob_store *store; /* borrowed */
    struct mb_stage stage;
    struct mb_sha256 *hash;
    bool has_expect;
    struct mb_descriptor expect;
    uint64_t max_bytes;
    uint64_t size;
};

int mb_blob_writer_new(struct mb_blob_store *s, const struct mb_descriptor *expect,
                       uint64_t max_bytes, struct mb_blob_writer **ret,
                       struct mb_error *err)
{
    _cleanup_(mb_blob_writer_freep) struct mb_blob_writer *w =
        mb_xcalloc(1, sizeof(*w));

    w->store = s;
    w->stage = MB_STAGE_INIT;
    w->max_bytes = max_bytes;
    if (expect) {
        w->has_expect = true;
        w->expect = *expect;
    }
    if (expect && expect->size > max_bytes)
        return mb_fail(err, MB_ERR_LIMIT,
                       "the blob has %" PRIu64
                       " bytes, more than the limit of %" PRIu64,
                       expect->size, max_bytes);
    if (mb_stage_open(s->tmp_fd, false, &w->stage, err) < 0)
        return -1;
    w->hash = mb_sha256_new();
    *ret = steal_ptr(w);
    return 0;
}

void mb_blob_writer_free(struct mb_blob_writer *w)
{
    if (!w)
        return;
    mb_stage_done(&w->stage);
    mb_sha256_free(w->hash);
    free(w);
}

int mb_blob_writer_append(struct mb_blob_writer *w, const void *data, size_t len,
                          struct mb_error *err)
{
    if (len > w->max_bytes - w->size)
        return mb_fail(err, MB_ERR_LIMIT,
                       "the blob is over the limit of %" PRIu64 " bytes", w->max_bytes);
    if (w->has_expect && len > w->expect.size - w->size)
        return mb_fail(err, MB_ERR_CORRUPT,
                       "the blob is longer than the %" PRIu64 " bytes it should have",
                       w->expect.size);
    if (mb_write_all(w->stage.fd, data, len, err) < 0)
        return mb_wrap(err, "write blob");
    mb_sha256_add(w->hash, data, len);
    w->size += len;
    return 0;
}

static int verify(const struct mb_blob_writer *w, const struct mb_digest *got,
                  struct mb_error *err)
{
    char want_text[MB_DIGEST_TEXT_LEN + 1];
    char got_text[MB_DIGEST_TEXT_LEN + 1];

    if (!w->has_expect)
        return 0;
    mb_digest_text(&w->expect.digest, want_text);
    if (w->size != w->expect.size)
        return mb_fail(err, MB_ERR_CORRUPT,
                       "blob %s ended after %" PRIu64 " of %" PRIu64 " bytes",
                       want_text, w->size, w->expect.size);
    if (!mb_digest_equal(got, &w->expect.digest))
        return mb_fail(err, MB_ERR_CORRUPT, "the blob's digest is %s, not %s",
                       mb_digest_text(got, got_text), want_text);
    return 0;
}

/* A stored file of another size is damaged, and what we hold was just verified. */
static int publish(struct mb_blob_writer *w, const struct mb_digest *d,
                   struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1];
    uint64_t stored = 0;

    mb_digest_hex(d, hex);
    if (!mb_blob_store_has(w->store, d, &stored))
        return mb_stage_publish(&w->stage, w->store->blobs_fd, hex, err);
    if (stored == w->size)
        return 0;
    return mb_stage_replace(&w->stage, w->store->blobs_fd, hex, err);
}

int mb_blob_writer_commit(struct mb_blob_writer *w, struct mb_descriptor *ret,
                          struct mb_error *err)
{
    struct mb_descriptor d = {.size = w->size};

    mb_sha256_end(w->hash, d.digest.bytes);
    if (verify(w, &d.digest, err) < 0 || publish(w, &d.digest, err) < 0)
        return -1;
    if (w->has_expect)
        memcpy(d.media_type, w->expect.media_type, sizeof(d.media_type));
    if (ret)
        *ret = d;
    return 0;
}
