/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: image-spec v1.1 manifest.md; Docker image manifest schema 2.  A document
 * that can be read both as a manifest and as an index is refused: two readers could
 * take the same digest for two images.
 */
#include "oci/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/document.h"

struct raw {
    char *media_type;
    uint64_t schema_version;
    json_t *config, *layers, *manifests; /* borrowed */
};

static const struct mb_json_field raw_fields[] = {
    {"schemaVersion", MB_JSON_U64, offsetof(struct raw, schema_version), false},
    {"mediaType", MB_JSON_STR, offsetof(struct raw, media_type), false},
    {"config", MB_JSON_OBJECT, offsetof(struct raw, config), false},
    {"layers", MB_JSON_ARRAY, offsetof(struct raw, layers), false},
    {"manifests", MB_JSON_ARRAY, offsetof(struct raw, manifests), false},
};

static void raw_done(struct raw *r)
{
    free(r->media_type);
}

/* The media type of what @r must be; NULL with *err filled. */
static const char *kind_of(const struct raw *r, struct mb_error *err)
{
    const char *mt = r->media_type ? r->media_type : "";
    bool index_keys = r->manifests != NULL;
    bool manifest_keys = r->layers || r->config;

    if (index_keys && manifest_keys) {
        mb_fail(err, MB_ERR_INVALID, "it is both a manifest and an index");
        return NULL;
    }
    if (mt[0] == '\0' && index_keys)
        return MB_MT_OCI_INDEX;
    if (mt[0] == '\0' && manifest_keys)
        return MB_MT_OCI_MANIFEST;
    if ((mb_media_type_is_index(mt) && manifest_keys)
        || (mb_media_type_is_manifest(mt) && index_keys)) {
        mb_fail(err, MB_ERR_INVALID, "its mediaType '%.127s' does not fit its content",
                mt);
        return NULL;
    }
    if (mb_media_type_is_index(mt) || mb_media_type_is_manifest(mt))
        return mt;
    mb_fail(err, MB_ERR_INVALID,
            "it is neither an image manifest nor an image index (mediaType '%.127s')",
            mt);
    return NULL;
}

static int parse(const void *data, size_t len, json_t **ret_doc, struct raw *ret,
                 char ret_kind[MB_MEDIA_TYPE_LEN], struct mb_error *err)
{
    if (mb_json_parse(data, len, MB_MANIFEST_BYTES_MAX, ret_doc, err) < 0
        || mb_json_read(*ret_doc, raw_fields, ARRAY_SIZE(raw_fields), ret, err) < 0)
        return -1;

    const char *kind = kind_of(ret, err);
    if (!kind)
        return -1;
    memcpy(ret_kind, kind, strlen(kind) + 1); /* one of the MB_MT_ values */
    if (ret->schema_version != 2)
        return mb_fail(err, MB_ERR_INVALID, "schemaVersion is %llu, not 2",
                       (unsigned long long)ret->schema_version);
    return 0;
}

int mb_manifest_kind(const void *data, size_t len, char ret[MB_MEDIA_TYPE_LEN],
                     struct mb_error *err)
{
    _cleanup_json_ json_t *doc = NULL;
    _cleanup_(raw_done) struct raw r = {0};
    char kind[MB_MEDIA_TYPE_LEN];

    if (parse(data, len, &doc, &r, kind, err) < 0)
        return mb_wrap(err, "image manifest");
    memcpy(ret, kind, strlen(kind) + 1);
    return 0;
}

int mb_document_index(const void *data, size_t len, char ret_kind[MB_MEDIA_TYPE_LEN],
                      json_t **ret_doc, json_t **ret_manifests, struct mb_error *err)
{
    _cleanup_(raw_done) struct raw r = {0};

    if (parse(data, len, ret_doc, &r, ret_kind, err) < 0)
        return -1;
    if (!mb_media_type_is_index(ret_kind))
        return mb_fail(err, MB_ERR_INVALID, "this is the manifest of one platform");
    *ret_manifests = r.manifests;
    return 0;
}

void mb_manifest_done(struct mb_manifest *m)
{
    free(m->layers);
    *m = (struct mb_manifest){0};
}

static int read_layers(json_t *list, struct mb_manifest *m, struct mb_error *err)
{
    size_t n = json_array_size(list);

    if (n > MB_LAYERS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "%zu layers are over the limit of %d", n,
                       MB_LAYERS_MAX);
    m->layers = mb_xcalloc(n, sizeof(*m->layers));
    for (size_t i = 0; i < n; i++)
        if (mb_descriptor_read(json_array_get(list, i), &m->layers[i], err) < 0)
            return mb_wrap(err, "layer %zu", i);
    m->n_layers = n;
    return 0;
}

static int decode(const void *data, size_t len, struct mb_manifest *m,
                  struct mb_error *err)
{
    _cleanup_json_ json_t *doc = NULL;
    _cleanup_(raw_done) struct raw r = {0};

    if (parse(data, len, &doc, &r, m->media_type, err) < 0)
        return -1;
    if (!mb_media_type_is_manifest(m->media_type))
        return mb_fail(err, MB_ERR_INVALID, "this is an index over many platforms");
    if (!r.config)
        return mb_fail(err, MB_ERR_INVALID, "'config' is missing");
    if (mb_descriptor_read(r.config, &m->config, err) < 0)
        return mb_wrap(err, "config");
    return read_layers(r.layers, m, err);
}

int mb_manifest_decode(const void *data, size_t len, struct mb_manifest *ret,
                       struct mb_error *err)
{
    struct mb_manifest m = {0};

    if (decode(data, len, &m, err) < 0) {
        mb_manifest_done(&m);
        return mb_wrap(err, "image manifest");
    }
    *ret = m;
    return 0;
}

void mb_manifest_encode(const struct mb_manifest *m, struct mb_buf *out)
{
    _cleanup_json_ json_t *doc = json_object();
    json_t *layers = json_array();

    for (size_t i = 0; i < m->n_layers; i++)
        json_array_append_new(layers, mb_descriptor_json(&m->layers[i]));
    json_object_set_new(doc, "schemaVersion", json_integer(2));
    json_object_set_new(doc, "mediaType", json_string(m->media_type));
    json_object_set_new(doc, "config", mb_descriptor_json(&m->config));
    json_object_set_new(doc, "layers", layers);
    mb_json_write(doc, 2, false, out);
}
