/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "oci/manifest.h"

struct walk {
    struct mb_blob_store *store;
    struct transfer *fetch; /* or NULL */
    struct blob_list list;
};

void blob_list_done(struct blob_list *l)
{
    free(l->v);
    *l = (struct blob_list){0};
}

void blob_list_add(struct blob_list *l, const struct mb_descriptor *d)
{
    for (size_t i = 0; i < l->n; i++)
        if (mb_digest_equal(&l->v[i].digest, &d->digest))
            return;
    l->v = mb_xreallocarray(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = *d;
}

static int by_digest(const void *a, const void *b)
{
    const struct mb_descriptor *x = a, *y = b;

    return memcmp(x->digest.bytes, y->digest.bytes, sizeof(x->digest.bytes));
}

void blob_list_sort(struct blob_list *l)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof(*l->v), by_digest);
}

static int have(struct walk *w, const struct mb_descriptor *d, struct mb_error *err)
{
    char text[MB_DIGEST_TEXT_LEN + 1];
    uint64_t size = 0;
    bool stored = mb_blob_store_has(w->store, &d->digest, &size) && size == d->size;

    if (!w->fetch && !stored)
        return mb_fail(err, MB_ERR_NOT_FOUND, "blob %s is missing",
                       mb_digest_text(&d->digest, text));
    if (w->fetch) {
        if (transfer_check(w->fetch->state, err) < 0)
            return -1;
        if (!stored
            && mb_registry_get_blob(w->fetch->client, &w->fetch->ref, d, w->store, err)
                   < 0)
            return -1;
        atomic_fetch_add(&w->fetch->state->bytes, d->size);
    }
    blob_list_add(&w->list, d);
    return 0;
}

static int read_document(struct walk *w, const struct mb_descriptor *d,
                         struct mb_buf *ret, struct mb_error *err)
{
    if (have(w, d, err) < 0)
        return -1;
    return mb_blob_store_read(w->store, &d->digest, ret, err);
}

static int collect_manifest(struct walk *w, const struct mb_descriptor *d,
                            struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf bytes = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_manifest_done) struct mb_manifest m = {0};

    if (read_document(w, d, &bytes, err) < 0
        || mb_manifest_decode(bytes.data, bytes.len, &m, err) < 0
        || have(w, &m.config, err) < 0)
        return -1;
    for (size_t i = 0; i < m.n_layers; i++)
        if (have(w, &m.layers[i], err) < 0)
            return -1;
    return 0;
}

static int collect_root(struct walk *w, const struct mb_descriptor *root,
                        struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf bytes = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_index_done) struct mb_index ix = {0};

    if (!mb_media_type_is_index(root->media_type))
        return collect_manifest(w, root, err);
    if (read_document(w, root, &bytes, err) < 0
        || mb_index_decode(bytes.data, bytes.len, &ix, err) < 0)
        return -1;
    for (size_t i = 0; i < ix.n; i++)
        if (collect_manifest(w, &ix.v[i].desc, err) < 0)
            return -1;
    return 0;
}

int image_collect(struct mb_blob_store *store, const struct mb_descriptor *root,
                  struct transfer *fetch, struct blob_list *ret, struct mb_error *err)
{
    struct walk w = {.store = store, .fetch = fetch};

    if (collect_root(&w, root, err) < 0) {
        blob_list_done(&w.list);
        return -1;
    }
    blob_list_sort(&w.list);
    *ret = w.list;
    return 0;
}
