/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_pull - manifests and blobs from a registry, verified.
 * Spec: distribution-spec v1.1 "Pull".
 *
 * One blob writer lives through all attempts: what arrived before a connection broke is
 * kept, and the next attempt asks for the rest, even of another mirror, since the
 * content is the same by its digest.
 */
#include "registry/registry_client.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/manifest.h"
#include "registry/client_impl.h"

/* So much between two broken connections counts as a working one. */
#define PROGRESS_BYTES (1 * MB_MIB)

static const char accept_manifests[] = MB_MT_OCI_INDEX
    ", " MB_MT_OCI_MANIFEST ", " MB_MT_DOCKER_LIST ", " MB_MT_DOCKER_MANIFEST;

struct get_manifest {
    const struct mb_reference *ref;
    const char *name; /* tag or digest */
    struct mb_buf data;
    struct mb_descriptor desc;
};

static int keep_manifest(const struct mb_exchange *x, const void *data, size_t len,
                         void *arg, struct mb_error *err)
{
    struct get_manifest *g = arg;

    (void)x;
    mb_buf_add(&g->data, data, len);
    return mb_buf_check(&g->data, "manifest", err);
}

/* Content-Type and content must agree on what it is: else one registry's manifest is
 * another's index (CVE-2021-41190). */
static int find_media_type(struct get_manifest *g, const struct mb_exchange *x,
                           struct mb_error *err)
{
    _cleanup_free_ char *said = NULL;

    if (mb_manifest_kind(g->data.data ? g->data.data : "", g->data.len,
                         g->desc.media_type, err)
        < 0)
        return -1;
    if (!x->got_type)
        return 0;
    said = mb_xstrndup(x->got_type, strcspn(x->got_type, "; \t"));
    if ((mb_media_type_is_index(said) && !mb_media_type_is_index(g->desc.media_type))
        || (mb_media_type_is_manifest(said)
            && !mb_media_type_is_manifest(g->desc.media_type)))
        return mb_fail(err, MB_ERR_CORRUPT, "is sent as %s but holds %s", said,
                       g->desc.media_type);
    return 0;
}

static int verify_manifest(struct get_manifest *g, const struct mb_exchange *x,
                           struct mb_error *err)
{
    struct mb_digest sent;
    struct mb_error ignored;

    g->desc.size = g->data.len;
    g->desc.digest = mb_digest_of(g->data.data ? g->data.data : "", g->data.len);
    if (g->ref->has_digest && !mb_digest_equal(&g->desc.digest, &g->ref->digest))
        return mb_fail(err, MB_ERR_CORRUPT,
                       "the content does not match the digest that was asked for");
    if (!g->ref->has_digest && x->got_digest
        && mb_digest_parse(x->got_digest, &sent, &ignored) == 0
        && !mb_digest_equal(&g->desc.digest, &sent))
        return mb_fail(err, MB_ERR_CORRUPT,
                       "the content does not match its Docker-Content-Digest");
    return find_media_type(g, x, err);
}

static int attempt_manifest(struct mb_registry_client *c, struct mb_endpoint *e,
                            void *arg, struct mb_error *err)
{
    struct get_manifest *g = arg;
    const struct mb_call call = {e, g->ref->repository, false};
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *tail = mb_xasprintf("manifests/%s", g->name);
    _cleanup_free_ char *url = mb_endpoint_url(e, g->ref->repository, tail);

    mb_buf_clear(&g->data);
    x.url = url;
    x.accept = accept_manifests;
    x.receive = keep_manifest;
    x.arg = g;
    if (mb_registry_send(c, &call, &x, err) < 0)
        return -1;
    if (x.status != 200)
        return mb_exchange_fail(&x, err);
    return verify_manifest(g, &x, err);
}

int mb_registry_get_manifest(struct mb_registry_client *c,
                             const struct mb_reference *ref, struct mb_buf *ret,
                             struct mb_descriptor *ret_desc, struct mb_error *err)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    struct get_manifest g = {.ref = ref, .data = MB_BUF_INIT(ret->max - ret->len)};
    int r;

    g.name = ref->has_digest ? mb_digest_text(&ref->digest, digest) : ref->tag;
    r = mb_registry_attempt(c, ref, false, attempt_manifest, &g, err);
    if (r < 0) {
        mb_wrap(err, "get manifest %s%s%s", ref->repository,
                ref->has_digest ? "@" : ":", g.name);
    } else {
        mb_buf_add(ret, g.data.data, g.data.len);
        *ret_desc = g.desc;
    }
    mb_buf_done(&g.data);
    return r;
}

struct get_blob {
    const struct mb_reference *ref;
    const struct mb_descriptor *desc;
    struct mb_blob_store *store;
    struct mb_blob_writer *w;
    uint64_t have;        /* bytes that the writer took */
    uint64_t have_before; /* ... when this attempt began */
    uint64_t skip;        /* bytes of this answer that we have already */
    bool started;         /* the answer's headers were judged */
};

static void get_blob_done(struct get_blob *g)
{
    mb_blob_writer_free(g->w);
    g->w = NULL;
}

static int range_start(const char *content_range, uint64_t *ret, struct mb_error *err)
{
    _cleanup_free_ char *first = NULL;

    if (!content_range || strncasecmp(content_range, "bytes ", 6))
        return mb_fail(err, MB_ERR_PROTOCOL, "answered 206 without Content-Range");
    first = mb_xstrndup(content_range + 6, strcspn(content_range + 6, "-"));
    return mb_parse_u64(first, UINT64_MAX, ret, err);
}

/* Where does this answer start? */
static int judge_answer(struct get_blob *g, const struct mb_exchange *x,
                        struct mb_error *err)
{
    uint64_t n = 0;

    if (x->status == 206) {
        if (range_start(x->got_range, &n, err) < 0 || n != g->have)
            return mb_fail(err, MB_ERR_PROTOCOL, "answered with another range (%s)",
                           x->got_range ? x->got_range : "none");
        g->skip = 0;
    } else {
        if (x->got_length
            && (mb_parse_u64(x->got_length, UINT64_MAX, &n, err) < 0
                || n != g->desc->size))
            return mb_fail(err, MB_ERR_CORRUPT, "has %s bytes, not %llu", x->got_length,
                           (unsigned long long)g->desc->size);
        g->skip = g->have;
    }
    g->started = true;
    return 0;
}

static int keep_blob(const struct mb_exchange *x, const void *data, size_t len,
                     void *arg, struct mb_error *err)
{
    struct get_blob *g = arg;
    const char *p = data;
    size_t drop;

    if (!g->started && judge_answer(g, x, err) < 0)
        return -1;
    drop = g->skip < len ? (size_t)g->skip : len;
    g->skip -= drop;
    p += drop;
    len -= drop;
    if (len > g->desc->size - g->have)
        return mb_fail(err, MB_ERR_CORRUPT, "is longer than %llu bytes",
                       (unsigned long long)g->desc->size);
    if (!len)
        return 0;
    if (mb_blob_writer_append(g->w, p, len, err) < 0)
        return -1;
    g->have += len;
    return 0;
}

static int begin_blob(struct get_blob *g, struct mb_error *err)
{
    if (!g->w
        && mb_blob_writer_new(g->store, g->desc, MB_BLOB_BYTES_MAX, &g->w, err) < 0)
        return -1;
    g->have_before = g->have;
    g->started = false;
    return 0;
}

static int commit_blob(struct get_blob *g, struct mb_error *err)
{
    if (g->have < g->desc->size)
        return mb_fail(err, MB_ERR_CORRUPT, "ends after %llu of %llu bytes",
                       (unsigned long long)g->have, (unsigned long long)g->desc->size);
    return mb_blob_writer_commit(g->w, NULL, err);
}

static int fetch_blob(struct mb_registry_client *c, struct mb_endpoint *e,
                      struct get_blob *g, struct mb_error *err)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    const struct mb_call call = {e, g->ref->repository, false};
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *tail =
        mb_xasprintf("blobs/%s", mb_digest_text(&g->desc->digest, digest));
    _cleanup_free_ char *url = mb_endpoint_url(e, g->ref->repository, tail);

    if (g->have == g->desc->size && g->have)
        return 0; /* it was the end of the answer that got lost */
    x.url = url;
    x.range_from = g->have;
    x.receive = keep_blob;
    x.arg = g;
    if (mb_registry_send(c, &call, &x, err) < 0)
        return -1;
    if (x.status != 200 && x.status != 206)
        return mb_exchange_fail(&x, err);
    return 0;
}

static int attempt_blob(struct mb_registry_client *c, struct mb_endpoint *e, void *arg,
                        struct mb_error *err)
{
    struct get_blob *g = arg;

    if (begin_blob(g, err) < 0)
        return -1;
    if (fetch_blob(c, e, g, err) == 0 && commit_blob(g, err) == 0)
        return 0;
    c->progressed = g->have - g->have_before >= PROGRESS_BYTES;
    if (err->code != MB_ERR_UNAVAILABLE) { /* what we have may be what is wrong */
        get_blob_done(g);
        g->have = 0;
    }
    return -1;
}

int mb_registry_get_blob(struct mb_registry_client *c, const struct mb_reference *ref,
                         const struct mb_descriptor *desc, struct mb_blob_store *store,
                         struct mb_error *err)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    _cleanup_(get_blob_done) struct get_blob g = {
        .ref = ref, .desc = desc, .store = store};
    uint64_t size;

    if (mb_blob_store_has(store, &desc->digest, &size) && size == desc->size)
        return 0;
    if (desc->size > MB_BLOB_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "blob %s is over %llu bytes",
                       mb_digest_text(&desc->digest, digest),
                       (unsigned long long)MB_BLOB_BYTES_MAX);
    if (mb_registry_attempt(c, ref, false, attempt_blob, &g, err) < 0)
        return mb_wrap(err, "get blob %s of %s", mb_digest_text(&desc->digest, digest),
                       ref->repository);
    return 0;
}
