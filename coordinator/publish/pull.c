/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - reference, index, manifest, config, layers: each found, verified, stored.
 *
 * Documents are read from the store, where every byte was checked against its digest;
 * what is not there comes from the registry, if there is one (struct source).
 */
#include "coordinator/publish/pull.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "registry/registry_client.h"

struct source {
    struct mb_blob_store *store;
    const char *name;                  /* for messages */
    struct mb_registry_client *client; /* NULL: the store alone */
    const struct mb_reference *ref;    /* with a client */
};

void pulled_image_done(struct pulled_image *p)
{
    mb_image_config_done(&p->config);
    free(p->layers);
    *p = (struct pulled_image){0};
}

/* Fetch a blob that is not there. */
static int need_blob(const struct source *s, const struct mb_descriptor *d,
                     struct mb_error *err)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    uint64_t size;

    if (s->client)
        return mb_registry_get_blob(s->client, s->ref, d, s->store, err);
    if (!mb_blob_store_has(s->store, &d->digest, &size))
        return mb_fail(err, MB_ERR_NOT_FOUND, "blob %s was not uploaded",
                       mb_digest_text(&d->digest, digest));
    if (size != d->size)
        return mb_fail(
            err, MB_ERR_CORRUPT,
            "blob %s has %llu bytes, its descriptor %llu: the layout or the "
            "coordinator's copy is damaged; copy the layout anew, or run the "
            "command again",
            mb_digest_text(&d->digest, digest), (unsigned long long)size,
            (unsigned long long)d->size);
    return 0;
}

/* A manifest or index by its descriptor, from the store or through it. */
static int read_manifest(const struct source *s, const struct mb_descriptor *d,
                         struct mb_buf *ret, struct mb_error *err)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    struct mb_reference by_digest = {0};
    struct mb_descriptor got;
    int r;

    if (!s->client || mb_blob_store_has(s->store, &d->digest, NULL)) {
        r = mb_blob_store_read(s->store, &d->digest, ret, err);
        if (!s->client && r < 0 && err->code == MB_ERR_CORRUPT)
            return mb_fail(
                err, MB_ERR_CORRUPT,
                "blob %s was damaged on disk and is removed: run the command "
                "again, which sends it anew",
                mb_digest_text(&d->digest, digest));
        /* a damaged copy is gone now: fetch it anew */
        if (!s->client || r == 0 || err->code != MB_ERR_CORRUPT)
            return r;
        mb_buf_clear(ret);
    }
    mb_reference_copy(&by_digest, s->ref);
    by_digest.has_digest = true;
    by_digest.digest = d->digest;
    r = mb_registry_get_manifest(s->client, &by_digest, ret, &got, err);
    mb_reference_done(&by_digest);
    if (r < 0)
        return -1;
    return mb_blob_store_put(s->store, ret->data, ret->len, NULL, err);
}

static char *offered(const struct mb_index *ix)
{
    struct mb_platforms l = {0};
    char *text;

    for (size_t i = 0; i < ix->n; i++)
        if (ix->v[i].has_platform && strcmp(ix->v[i].platform.os, "unknown")
            && !mb_platforms_contain(&l, &ix->v[i].platform))
            mb_platforms_add(&l, &ix->v[i].platform);
    text = mb_platforms_text(&l);
    mb_platforms_done(&l);
    return text;
}

static int choose(const struct source *s, const struct mb_index *ix,
                  const struct mb_platform *want, struct mb_index_entry *ret,
                  struct mb_error *err)
{
    const struct mb_index_entry *e = mb_index_find(ix, want);
    char text[MB_PLATFORM_TEXT_LEN];
    _cleanup_free_ char *have = NULL;

    if (!e) {
        have = offered(ix);
        return mb_fail(err, MB_ERR_NOT_FOUND, "%s has %s; not %s", s->name,
                       have[0] ? have : "no platform", mb_platform_text(want, text));
    }
    if (!mb_media_type_is_manifest(e->desc.media_type))
        return mb_fail(err, MB_ERR_INVALID,
                       "%s: its entry for %s is no manifest but %s", s->name,
                       mb_platform_text(want, text), e->desc.media_type);
    *ret = *e;
    ret->ref_name = NULL;
    return 0;
}

/* Entries of an index often leave out the variant in the config (arm32v6/busybox), so
 * there only os and architecture must agree; a plain manifest has nothing but its
 * config. */
static int check_platform(const struct source *s, const struct mb_platform *is,
                          const struct mb_platform *want,
                          const struct mb_index_entry *e, struct mb_error *err)
{
    char is_text[MB_PLATFORM_TEXT_LEN], want_text[MB_PLATFORM_TEXT_LEN];
    bool fits =
        e ? !strcmp(is->os, e->platform.os) && !strcmp(is->arch, e->platform.arch)
          : mb_platform_match(want, is) > 0;

    if (fits)
        return 0;
    mb_platform_text(is, is_text);
    mb_platform_text(want, want_text);
    if (e)
        return mb_fail(
            err, MB_ERR_INVALID,
            "wrong-platform base: the index of %s gives an image of %s for %s; "
            "have it published again, or name another base",
            s->name, is_text, want_text);
    return mb_fail(err, MB_ERR_INVALID,
                   "wrong-platform base: %s is an image of %s alone, not %s; name a "
                   "multi-platform base, or build with --platform %s",
                   s->name, is_text, want_text, is_text);
}

static int check_layers(const struct mb_manifest *m, const struct mb_image_config *c,
                        struct mb_error *err)
{
    if (m->n_layers != c->n_diff_ids)
        return mb_fail(err, MB_ERR_CORRUPT,
                       "the manifest has %zu layers, the config %zu diff_ids",
                       m->n_layers, c->n_diff_ids);
    for (size_t i = 0; i < m->n_layers; i++)
        if (!mb_media_type_is_layer(m->layers[i].media_type))
            return mb_fail(err, MB_ERR_INVALID, "layer %zu has unknown media type %s",
                           i + 1, m->layers[i].media_type);
    return 0;
}

static int read_config(const struct source *s, const struct mb_descriptor *d,
                       struct mb_image_config *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_CONFIG_BYTES_MAX);

    if (d->size > MB_CONFIG_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "the image config is over %llu bytes",
                       (unsigned long long)MB_CONFIG_BYTES_MAX);
    if (need_blob(s, d, err) < 0
        || mb_blob_store_read(s->store, &d->digest, &doc, err) < 0)
        return -1;
    return mb_image_config_decode(doc.data ? doc.data : "", doc.len, ret, err);
}

/* The image behind ret->manifest; @e is its entry when it came from an index. */
static int take_image(const struct source *s, const struct mb_buf *doc,
                      const struct mb_platform *want, const struct mb_index_entry *e,
                      struct pulled_image *ret, struct mb_error *err)
{
    _cleanup_(mb_manifest_done) struct mb_manifest m = {0};

    if (mb_manifest_decode(doc->data ? doc->data : "", doc->len, &m, err) < 0
        || read_config(s, &m.config, &ret->config, err) < 0
        || check_platform(s, &ret->config.platform, want, e, err) < 0
        || check_layers(&m, &ret->config, err) < 0)
        return -1;
    for (size_t i = 0; i < m.n_layers; i++)
        if (need_blob(s, &m.layers[i], err) < 0)
            return mb_wrap(err, "layer %zu of %zu", i + 1, m.n_layers);
    ret->n_layers = m.n_layers;
    ret->layers = steal_ptr(m.layers);
    m.n_layers = 0;
    return 0;
}

/* From the bytes of the root, which ret->root describes. */
static int take_root(const struct source *s, const struct mb_buf *doc,
                     const struct mb_platform *want, struct pulled_image *ret,
                     struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf inner = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_index_done) struct mb_index ix = {0};
    struct mb_index_entry e;

    if (!mb_media_type_is_index(ret->root.media_type)) {
        ret->manifest = ret->root;
        return take_image(s, doc, want, NULL, ret, err);
    }
    if (mb_index_decode(doc->data ? doc->data : "", doc->len, &ix, err) < 0
        || choose(s, &ix, want, &e, err) < 0
        || read_manifest(s, &e.desc, &inner, err) < 0)
        return -1;
    ret->manifest = e.desc;
    return take_image(s, &inner, want, &e, ret, err);
}

/* By digest from the store if it is there, else from the registry. */
static int read_reference(const struct source *s, struct mb_buf *doc,
                          struct mb_descriptor *ret, struct mb_error *err)
{
    struct mb_descriptor d = {.digest = s->ref->digest};

    if (!s->ref->has_digest) {
        if (mb_registry_get_manifest(s->client, s->ref, doc, &d, err) < 0
            || mb_blob_store_put(s->store, doc->data, doc->len, NULL, err) < 0)
            return -1;
        *ret = d;
        return 0;
    }
    if (read_manifest(s, &d, doc, err) < 0
        || mb_manifest_kind(doc->data ? doc->data : "", doc->len, d.media_type, err)
               < 0)
        return -1;
    d.size = doc->len;
    *ret = d;
    return 0;
}

static int pull_reference(const struct source *s, const struct mb_platform *platform,
                          struct pulled_image *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(pulled_image_done) struct pulled_image p = {0};

    if (read_reference(s, &doc, &p.root, err) < 0
        || take_root(s, &doc, platform, &p, err) < 0)
        return -1;
    *ret = p;
    p = (struct pulled_image){0};
    return 0;
}

int pull_image(struct mb_blob_store *store, const char *reference,
               const struct mb_platform *platform, const struct pull_opts *opts,
               struct pulled_image *ret, struct mb_error *err)
{
    const struct mb_registry_opts ro = {.config = opts->config,
                                        .docker_config = opts->docker_config,
                                        .cancel = opts->cancel};
    _cleanup_(mb_registry_client_freep) struct mb_registry_client *client = NULL;
    _cleanup_(mb_reference_done) struct mb_reference ref = {0};
    struct source s = {.store = store, .name = reference, .ref = &ref};

    if (mb_reference_parse(reference, &ref, err) < 0)
        return mb_wrap(err, "pull");
    client = mb_registry_client_new(&ro);
    s.client = client;
    if (pull_reference(&s, platform, ret, err) < 0)
        return mb_wrap(err, "pull %s", reference);
    return 0;
}

int pull_from_store(struct mb_blob_store *store, const char *name,
                    const struct mb_descriptor *root,
                    const struct mb_platform *platform, struct pulled_image *ret,
                    struct mb_error *err)
{
    const struct source s = {.store = store, .name = name};
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(pulled_image_done) struct pulled_image p = {.root = *root};

    /* What it is, its content says; the client's word for it may be anything. */
    if (mb_blob_store_read(store, &root->digest, &doc, err) < 0
        || mb_manifest_kind(doc.data ? doc.data : "", doc.len, p.root.media_type, err)
               < 0)
        return mb_wrap(err, "read %s", name);
    p.root.size = doc.len;
    if (take_root(&s, &doc, platform, &p, err) < 0)
        return mb_wrap(err, "read %s", name);
    *ret = p;
    p = (struct pulled_image){0};
    return 0;
}
