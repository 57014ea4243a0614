/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish - what stands at the end of a build: documents in the store, then a registry.
 *
 * A push has two phases over all repositories: first everything that a tag could reach,
 * by digest; then the tags. So a failure in any repository leaves no tag anywhere.
 */
#include "coordinator/publish/publish.h"

#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/mem.h"
#include "registry/registry_client.h"

/* --- assembling --- */

static int put_doc(struct mb_blob_store *store, const struct mb_buf *doc,
                   const char *media_type, struct mb_descriptor *ret,
                   struct mb_error *err)
{
    struct mb_descriptor d = {.size = doc->len};

    if (mb_buf_check(doc, media_type, err) < 0
        || mb_blob_store_put(store, doc->data, doc->len, &d.digest, err) < 0)
        return -1;
    snprintf(d.media_type, sizeof(d.media_type), "%s", media_type);
    *ret = d;
    return 0;
}

static int put_manifest(struct mb_blob_store *store, struct publish_image *im,
                        struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    struct mb_manifest m = {.media_type = MB_MT_OCI_MANIFEST,
                            .config = im->config_desc,
                            .layers = im->layers,
                            .n_layers = im->n_layers}; /* borrows the layers */

    mb_manifest_encode(&m, &doc);
    return put_doc(store, &doc, MB_MT_OCI_MANIFEST, &im->manifest, err);
}

static int assemble_image(struct mb_blob_store *store, struct publish_image *im,
                          struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_CONFIG_BYTES_MAX);
    char text[MB_PLATFORM_TEXT_LEN];

    BUG_ON(im->n_layers != im->config.n_diff_ids);
    for (size_t i = 0; i < im->n_layers; i++) {
        char oci[MB_MEDIA_TYPE_LEN];

        snprintf(oci, sizeof(oci), "%s", mb_media_type_oci(im->layers[i].media_type));
        memcpy(im->layers[i].media_type, oci, sizeof(oci));
    }
    mb_image_config_encode(&im->config, &doc);
    if (put_doc(store, &doc, MB_MT_OCI_CONFIG, &im->config_desc, err) < 0
        || put_manifest(store, im, err) < 0)
        return mb_wrap(err, "image of %s", mb_platform_text(&im->platform, text));
    return 0;
}

int publish_assemble(struct mb_blob_store *store, struct publish_image *images,
                     size_t n, bool force_index, struct mb_descriptor *ret_root,
                     struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_index_done) struct mb_index ix = {.media_type = MB_MT_OCI_INDEX};

    BUG_ON(n == 0);
    for (size_t i = 0; i < n; i++) {
        if (assemble_image(store, &images[i], err) < 0)
            return -1;
        mb_index_add(&ix, &images[i].manifest, &images[i].platform);
    }
    if (n == 1 && !force_index) {
        *ret_root = images[0].manifest;
        return 0;
    }
    mb_index_encode(&ix, &doc);
    return put_doc(store, &doc, MB_MT_OCI_INDEX, ret_root, err);
}

/* --- pushing --- */

struct push {
    struct mb_blob_store *store;
    const struct publish_push_opts *opts;
    struct mb_registry_client *client;
    struct mb_descriptor *blobs; /* layers and configs, each once */
    size_t n_blobs;
    struct mb_reference *refs; /* parsed tags */
    size_t n_refs;
};

static void push_done(struct push *p)
{
    for (size_t i = 0; i < p->n_refs; i++)
        mb_reference_done(&p->refs[i]);
    free(p->refs);
    free(p->blobs);
    mb_registry_client_free(p->client);
}

static void add_blob(struct push *p, const struct mb_descriptor *d)
{
    for (size_t i = 0; i < p->n_blobs; i++)
        if (mb_digest_equal(&p->blobs[i].digest, &d->digest))
            return;
    p->blobs = mb_xreallocarray(p->blobs, p->n_blobs + 1, sizeof(*p->blobs));
    p->blobs[p->n_blobs++] = *d;
}

static int parse_tags(struct push *p, struct mb_error *err)
{
    for (size_t i = 0; i < p->opts->tags->n; i++) {
        struct mb_reference ref = {0};

        if (mb_reference_parse(p->opts->tags->v[i], &ref, err) < 0)
            return -1;
        p->refs = mb_xreallocarray(p->refs, p->n_refs + 1, sizeof(*p->refs));
        p->refs[p->n_refs++] = ref;
        if (ref.has_digest || !ref.tag)
            return mb_fail(err, MB_ERR_INVALID,
                           "%s: push to a tag; the digest is what comes out",
                           p->opts->tags->v[i]);
    }
    return 0;
}

static void progress(const struct push *p, const struct mb_descriptor *d, bool done)
{
    char id[MB_DIGEST_TEXT_LEN + 1];

    if (p->opts->progress)
        p->opts->progress(mb_digest_text(&d->digest, id), done ? d->size : 0, d->size,
                          done, p->opts->progress_arg);
}

static int push_blob(const struct push *p, const struct mb_reference *ref,
                     const struct mb_descriptor *d, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    progress(p, d, false);
    if (mb_blob_store_open_blob(p->store, &d->digest, &fd, NULL, err) < 0
        || mb_registry_push_blob(p->client, ref, d, fd, err) < 0)
        return -1;
    progress(p, d, true);
    return 0;
}

/* By @tag, or by digest when it is NULL. */
static int push_doc(const struct push *p, const struct mb_reference *ref,
                    const char *tag, const struct mb_descriptor *d,
                    struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);

    if (mb_blob_store_read(p->store, &d->digest, &doc, err) < 0)
        return -1;
    return mb_registry_put_manifest(p->client, ref, tag, d->media_type, doc.data,
                                    doc.len, err);
}

static int push_content(const struct push *p, const struct mb_reference *ref,
                        const struct publish_image *images, size_t n,
                        const struct mb_descriptor *root, struct mb_error *err)
{
    for (size_t i = 0; i < p->n_blobs; i++)
        if (push_blob(p, ref, &p->blobs[i], err) < 0)
            return -1;
    for (size_t i = 0; i < n; i++)
        if (push_doc(p, ref, NULL, &images[i].manifest, err) < 0)
            return -1;
    if (n == 1 && mb_digest_equal(&root->digest, &images[0].manifest.digest))
        return 0;
    return push_doc(p, ref, NULL, root, err);
}

static bool same_repository(const struct mb_reference *a, const struct mb_reference *b)
{
    return !strcmp(a->registry, b->registry) && !strcmp(a->repository, b->repository);
}

/* Was the repository of tag @i served by an earlier tag? */
static bool is_repeated(const struct push *p, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_repository(&p->refs[j], &p->refs[i]))
            return true;
    return false;
}

static int wrap_tag(const struct push *p, size_t i, struct mb_error *err)
{
    return mb_wrap(err, "push %s", p->opts->tags->v[i]);
}

int publish_push(struct mb_blob_store *store, const struct publish_image *images,
                 size_t n, const struct mb_descriptor *root,
                 const struct publish_push_opts *opts, struct mb_error *err)
{
    const struct mb_registry_opts ro = {.config = opts->config,
                                        .docker_config = opts->docker_config,
                                        .cancel = opts->cancel};
    _cleanup_(push_done) struct push p = {.store = store, .opts = opts};

    if (parse_tags(&p, err) < 0)
        return mb_wrap(err, "push");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < images[i].n_layers; k++)
            add_blob(&p, &images[i].layers[k]);
    for (size_t i = 0; i < n; i++)
        add_blob(&p, &images[i].config_desc);

    p.client = mb_registry_client_new(&ro);
    for (size_t i = 0; i < p.n_refs; i++)
        if (!is_repeated(&p, i)
            && push_content(&p, &p.refs[i], images, n, root, err) < 0)
            return wrap_tag(&p, i, err);
    for (size_t i = 0; i < p.n_refs; i++)
        if (push_doc(&p, &p.refs[i], p.refs[i].tag, root, err) < 0)
            return wrap_tag(&p, i, err);
    return 0;
}
