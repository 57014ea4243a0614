/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layouts.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/layout.h"

#define SCHEME "oci-layout://"

/* What one upload has sent, so that layers that platforms share go once. */
struct sent {
    struct mb_digest *v;
    size_t n;
};
struct upload {
    struct transfer *t;
    struct mb_layout *layout;
    struct sent sent;
};

void layout_spec_done(struct layout_spec *s)
{
    free(s->dir);
    free(s->tag);
    *s = (struct layout_spec){0};
}

int layout_spec_parse(const char *text, struct layout_spec *ret, struct mb_error *err)
{
    _cleanup_(layout_spec_done) struct layout_spec s = {0};
    const char *path, *at, *colon;

    if (!mb_starts_with(text, SCHEME))
        return mb_fail(err, MB_ERR_INVALID, "\"%s\" does not begin with " SCHEME, text);
    path = text + strlen(SCHEME);
    at = strrchr(path, '@');
    colon = strrchr(path, ':');
    if (at && mb_starts_with(at + 1, "sha256:")) {
        if (mb_digest_parse(at + 1, &s.digest, err) < 0)
            return mb_wrap(err, "%s", text);
        s.has_digest = true;
        s.dir = mb_xstrndup(path, (size_t)(at - path));
    } else if (colon && !strchr(colon, '/')) {
        s.dir = mb_xstrndup(path, (size_t)(colon - path));
        s.tag = mb_xstrdup(colon + 1);
    } else {
        s.dir = mb_xstrdup(path);
    }
    if (!*s.dir || (s.tag && !*s.tag))
        return mb_fail(err, MB_ERR_INVALID, "\"%s\" is not " SCHEME "DIR[:TAG|@DIGEST]",
                       text);
    *ret = s;
    s = (struct layout_spec){0};
    return 0;
}

static bool already_sent(const struct sent *s, const struct mb_digest *d)
{
    for (size_t i = 0; i < s->n; i++)
        if (mb_digest_equal(&s->v[i], d))
            return true;
    return false;
}

static void mark_sent(struct sent *s, const struct mb_digest *d)
{
    s->v = mb_xreallocarray(s->v, s->n + 1, sizeof(*s->v));
    s->v[s->n++] = *d;
}

static int send_document(struct upload *u, const struct mb_descriptor *d,
                         struct mb_buf *ret, struct mb_error *err)
{
    if (mb_layout_read(u->layout, d, ret, err) < 0)
        return -1;
    if (already_sent(&u->sent, &d->digest))
        return 0;
    if (transfer_push_bytes(u->t, d, ret->data, ret->len, err) < 0)
        return -1;
    mark_sent(&u->sent, &d->digest);
    return 0;
}

static int send_layer(struct upload *u, const struct mb_descriptor *d,
                      struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (already_sent(&u->sent, &d->digest))
        return 0;
    if (mb_layout_open_blob(u->layout, d, &fd, err) < 0
        || transfer_push(u->t, d, fd, err) < 0)
        return -1;
    mark_sent(&u->sent, &d->digest);
    return 0;
}

/* A manifest that was sent: what it names. */
static int send_parts(struct upload *u, const struct mb_buf *bytes,
                      struct mb_error *err)
{
    _cleanup_(mb_manifest_done) struct mb_manifest m = {0};
    _cleanup_buf_ struct mb_buf config = MB_BUF_INIT(MB_CONFIG_BYTES_MAX);

    if (mb_manifest_decode(bytes->data, bytes->len, &m, err) < 0
        || send_document(u, &m.config, &config, err) < 0)
        return -1;
    for (size_t i = 0; i < m.n_layers; i++)
        if (send_layer(u, &m.layers[i], err) < 0)
            return -1;
    return 0;
}

static int send_platform(struct upload *u, const struct mb_index *ix, const char *text,
                         struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf bytes = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    const struct mb_index_entry *entry;
    struct mb_platform want;

    if (mb_platform_parse(text, &want, err) < 0)
        return -1;
    entry = mb_index_find(ix, &want);
    if (!entry)
        return 0;
    if (!mb_media_type_is_manifest(entry->desc.media_type))
        return mb_fail(err, MB_ERR_INVALID,
                       "the entry for %s is no image manifest but %s", text,
                       entry->desc.media_type);
    if (send_document(u, &entry->desc, &bytes, err) < 0)
        return -1;
    return send_parts(u, &bytes, err);
}

static int send_image(struct upload *u, const struct layout_spec *spec,
                      const struct mb_strv *platforms, struct mb_descriptor *ret_root,
                      struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf bytes = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_index_done) struct mb_index ix = {0};
    struct mb_descriptor root;
    char kind[MB_MEDIA_TYPE_LEN];

    if (mb_layout_resolve(u->layout, spec->tag, spec->has_digest ? &spec->digest : NULL,
                          &root, err)
            < 0
        || send_document(u, &root, &bytes, err) < 0
        || mb_manifest_kind(bytes.data, bytes.len, kind, err) < 0)
        return -1;
    *ret_root = root;
    if (!mb_media_type_is_index(kind))
        return send_parts(u, &bytes, err);
    if (mb_index_decode(bytes.data, bytes.len, &ix, err) < 0)
        return -1;
    for (size_t i = 0; i < platforms->n; i++)
        if (send_platform(u, &ix, platforms->v[i], err) < 0)
            return -1;
    return 0;
}

int layout_upload(struct transfer *t, const char *spec, const struct mb_strv *platforms,
                  struct mb_descriptor *ret_root, struct mb_error *err)
{
    _cleanup_(layout_spec_done) struct layout_spec s = {0};
    struct upload u = {.t = t};
    struct mb_descriptor root = {0};
    int r;

    if (layout_spec_parse(spec, &s, err) < 0)
        return -1;
    if (mb_layout_open(s.dir, &u.layout, err) < 0)
        return mb_wrap(err, "%s", spec);
    r = send_image(&u, &s, platforms, &root, err);
    mb_layout_free(u.layout);
    free(u.sent.v);
    if (r < 0)
        return mb_wrap(err, "%s", spec);
    *ret_root = root;
    return 0;
}
