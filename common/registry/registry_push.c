/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_push - blobs and manifests to a registry.
 * Spec: distribution-spec v1.1 "Push": HEAD, POST uploads/, PUT LOCATION?digest=.
 *
 * An attempt is the whole sequence: an upload session may be gone when its connection
 * broke, and HEAD finds out whether the last PUT arrived after all.
 */
#include "registry/registry_client.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/client_impl.h"
#include "registry/url.h"

struct push_blob {
    const struct mb_reference *ref;
    const struct mb_digest *digest;
    uint64_t size;
    int fd;   /* -1: only ask */
    bool has; /* the registry has it */
    char text[MB_DIGEST_TEXT_LEN + 1];
};

/* A server whose copy has another length has a damaged one, and may take a good one. */
static bool has_right_length(const struct mb_exchange *x, const struct push_blob *p)
{
    struct mb_error ignored;
    uint64_t length;

    return p->fd < 0 || !x->got_length
           || mb_parse_u64(x->got_length, UINT64_MAX, &length, &ignored) < 0
           || length == 0 || length == p->size;
}

static int head_blob(struct mb_registry_client *c, const struct mb_call *call,
                     struct push_blob *p, struct mb_error *err)
{
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *tail = mb_xasprintf("blobs/%s", p->text);
    _cleanup_free_ char *url = mb_endpoint_url(call->endpoint, call->repository, tail);

    x.method = "HEAD";
    x.url = url;
    if (mb_registry_send(c, call, &x, err) < 0)
        return -1;
    if (x.status != 200 && x.status != 404)
        return mb_exchange_fail(&x, err);
    p->has = x.status == 200 && has_right_length(&x, p);
    return 0;
}

/* Where to PUT, with the digest in its query; malloc'ed. */
static int open_upload(struct mb_registry_client *c, const struct mb_call *call,
                       const struct push_blob *p, char **ret, struct mb_error *err)
{
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *url =
        mb_endpoint_url(call->endpoint, call->repository, "blobs/uploads/");
    _cleanup_free_ char *to = NULL;

    x.method = "POST";
    x.url = url;
    if (mb_registry_send(c, call, &x, err) < 0)
        return -1;
    if (x.status != 202)
        return mb_exchange_fail(&x, err);
    if (!x.got_location)
        return mb_fail(err, MB_ERR_PROTOCOL, "opens an upload without a Location");
    if (mb_url_resolve(url, x.got_location, &to, err) < 0
        || mb_url_add_query(&to, "digest", p->text, err) < 0)
        return -1;
    *ret = steal_ptr(to);
    return 0;
}

static int check_digest(const struct mb_exchange *x, const struct mb_digest *want,
                        struct mb_error *err)
{
    struct mb_error ignored;
    struct mb_digest got;

    if (x->got_digest && mb_digest_parse(x->got_digest, &got, &ignored) == 0
        && !mb_digest_equal(&got, want))
        return mb_fail(err, MB_ERR_CORRUPT, "stored it as %s", x->got_digest);
    return 0;
}

static int send_blob(struct mb_registry_client *c, const struct mb_call *call,
                     const struct push_blob *p, const char *url, struct mb_error *err)
{
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;

    x.method = "PUT";
    x.url = url;
    x.content_type = "application/octet-stream";
    x.fd = p->fd;
    x.size = p->size;
    if (mb_registry_send(c, call, &x, err) < 0)
        return -1;
    if (x.status == 404) /* a new session will do */
        return mb_fail(err, MB_ERR_UNAVAILABLE, "forgot the upload");
    if (x.status != 201 && x.status != 204)
        return mb_exchange_fail(&x, err);
    return check_digest(&x, p->digest, err);
}

static int attempt_blob(struct mb_registry_client *c, struct mb_endpoint *e, void *arg,
                        struct mb_error *err)
{
    struct push_blob *p = arg;
    const struct mb_call call = {e, p->ref->repository, true};
    _cleanup_free_ char *url = NULL;

    if (head_blob(c, &call, p, err) < 0)
        return -1;
    if (p->has || p->fd < 0)
        return 0;
    if (open_upload(c, &call, p, &url, err) < 0)
        return -1;
    return send_blob(c, &call, p, url, err);
}

int mb_registry_has_blob(struct mb_registry_client *c, const struct mb_reference *ref,
                         const struct mb_digest *d, bool *ret, struct mb_error *err)
{
    struct push_blob p = {.ref = ref, .digest = d, .fd = -1};

    mb_digest_text(d, p.text);
    if (mb_registry_attempt(c, ref, true, attempt_blob, &p, err) < 0)
        return mb_wrap(err, "look for blob %s in %s", p.text, ref->repository);
    *ret = p.has;
    return 0;
}

int mb_registry_push_blob(struct mb_registry_client *c, const struct mb_reference *ref,
                          const struct mb_descriptor *desc, int fd,
                          struct mb_error *err)
{
    struct push_blob p = {
        .ref = ref, .digest = &desc->digest, .size = desc->size, .fd = fd};
    struct stat st;

    mb_digest_text(p.digest, p.text);
    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "push blob %s: stat", p.text);
    if ((uint64_t)st.st_size != desc->size)
        return mb_fail(err, MB_ERR_CORRUPT, "push blob %s: has %lld bytes, not %llu",
                       p.text, (long long)st.st_size, (unsigned long long)desc->size);
    if (mb_registry_attempt(c, ref, true, attempt_blob, &p, err) < 0)
        return mb_wrap(err, "push blob %s to %s", p.text, ref->repository);
    return 0;
}

struct put_manifest {
    const struct mb_reference *ref;
    const char *name; /* tag or digest */
    const char *media_type;
    const void *data;
    size_t len;
    struct mb_digest digest;
};

static int attempt_manifest(struct mb_registry_client *c, struct mb_endpoint *e,
                            void *arg, struct mb_error *err)
{
    const struct put_manifest *p = arg;
    const struct mb_call call = {e, p->ref->repository, true};
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *tail = mb_xasprintf("manifests/%s", p->name);
    _cleanup_free_ char *url = mb_endpoint_url(e, p->ref->repository, tail);

    x.method = "PUT";
    x.url = url;
    x.content_type = p->media_type;
    x.data = p->data;
    x.size = p->len;
    if (mb_registry_send(c, &call, &x, err) < 0)
        return -1;
    if (x.status != 200 && x.status != 201 && x.status != 202)
        return mb_exchange_fail(&x, err);
    return check_digest(&x, &p->digest, err);
}

int mb_registry_put_manifest(struct mb_registry_client *c,
                             const struct mb_reference *ref, const char *tag,
                             const char *media_type, const void *data, size_t len,
                             struct mb_error *err)
{
    struct put_manifest p = {
        .ref = ref, .media_type = media_type, .data = data, .len = len};
    char digest[MB_DIGEST_TEXT_LEN + 1];

    p.digest = mb_digest_of(data, len);
    p.name = tag ? tag : mb_digest_text(&p.digest, digest);
    if (mb_registry_attempt(c, ref, true, attempt_manifest, &p, err) < 0)
        return mb_wrap(err, "put manifest %s%s%s", ref->repository, tag ? ":" : "@",
                       p.name);
    return 0;
}
