/* SPDX-License-Identifier: Apache-2.0 */
/* The index of manifest.h: image-spec v1.1 image-index.md; Docker manifest list. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/document.h"
#include "oci/manifest.h"

#define REF_NAME "org.opencontainers.image.ref.name"

struct raw_platform {
    char *os, *architecture, *variant;
};

static const struct mb_json_field platform_fields[] = {
    {"architecture", MB_JSON_STR, offsetof(struct raw_platform, architecture), false},
    {"os", MB_JSON_STR, offsetof(struct raw_platform, os), false},
    {"variant", MB_JSON_STR, offsetof(struct raw_platform, variant), false},
};

static void raw_platform_done(struct raw_platform *p)
{
    free(p->os);
    free(p->architecture);
    free(p->variant);
}

struct raw_entry {
    json_t *platform, *annotations; /* borrowed */
};

static const struct mb_json_field entry_fields[] = {
    {"platform", MB_JSON_OBJECT, offsetof(struct raw_entry, platform), false},
    {"annotations", MB_JSON_OBJECT, offsetof(struct raw_entry, annotations), false},
};

void mb_index_done(struct mb_index *ix)
{
    for (size_t i = 0; i < ix->n; i++)
        free(ix->v[i].ref_name);
    free(ix->v);
    *ix = (struct mb_index){0};
}

/* An object that names no os or no architecture says nothing. */
static int read_platform(json_t *obj, struct mb_index_entry *e, struct mb_error *err)
{
    _cleanup_(raw_platform_done) struct raw_platform p = {0};

    if (mb_json_read(obj, platform_fields, ARRAY_SIZE(platform_fields), &p, err) < 0)
        return -1;
    if (!p.os || !p.os[0] || !p.architecture || !p.architecture[0])
        return 0;
    if (mb_platform_make(p.os, p.architecture, p.variant, &e->platform, err) < 0)
        return -1;
    e->has_platform = true;
    return 0;
}

static int read_entry(json_t *obj, struct mb_index_entry *e, struct mb_error *err)
{
    struct raw_entry raw = {0};

    if (mb_descriptor_read(obj, &e->desc, err) < 0
        || mb_json_read(obj, entry_fields, ARRAY_SIZE(entry_fields), &raw, err) < 0)
        return -1;
    if (raw.platform && read_platform(raw.platform, e, err) < 0)
        return mb_wrap(err, "platform");
    if (raw.annotations)
        e->ref_name =
            mb_xstrdup(json_string_value(json_object_get(raw.annotations, REF_NAME)));
    return 0;
}

static int decode(const void *data, size_t len, struct mb_index *ix,
                  struct mb_error *err)
{
    _cleanup_json_ json_t *doc = NULL;
    json_t *list = NULL; /* borrowed */

    if (mb_document_index(data, len, ix->media_type, &doc, &list, err) < 0)
        return -1;

    size_t n = json_array_size(list);
    if (n > MB_INDEX_ENTRIES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "%zu manifests are over the limit of %d", n,
                       MB_INDEX_ENTRIES_MAX);
    ix->v = mb_xcalloc(n, sizeof(*ix->v));
    for (ix->n = 0; ix->n < n; ix->n++)
        if (read_entry(json_array_get(list, ix->n), &ix->v[ix->n], err) < 0)
            return mb_wrap(err, "manifest %zu", ix->n);
    return 0;
}

int mb_index_decode(const void *data, size_t len, struct mb_index *ret,
                    struct mb_error *err)
{
    struct mb_index ix = {0};

    if (decode(data, len, &ix, err) < 0) {
        mb_index_done(&ix);
        return mb_wrap(err, "image index");
    }
    *ret = ix;
    return 0;
}

/* Keys in the order of Go's ocispec.Platform. */
static json_t *platform_json(const struct mb_platform *p)
{
    json_t *obj = json_object();

    json_object_set_new(obj, "architecture", json_string(p->arch));
    json_object_set_new(obj, "os", json_string(p->os));
    if (p->variant[0])
        json_object_set_new(obj, "variant", json_string(p->variant));
    return obj;
}

static json_t *entry_json(const struct mb_index_entry *e)
{
    json_t *obj = mb_descriptor_json(&e->desc);

    if (e->ref_name) {
        json_t *annotations = json_object();

        json_object_set_new(annotations, REF_NAME, json_string(e->ref_name));
        json_object_set_new(obj, "annotations", annotations);
    }
    if (e->has_platform)
        json_object_set_new(obj, "platform", platform_json(&e->platform));
    return obj;
}

void mb_index_encode(const struct mb_index *ix, struct mb_buf *out)
{
    _cleanup_json_ json_t *doc = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < ix->n; i++)
        json_array_append_new(list, entry_json(&ix->v[i]));
    json_object_set_new(doc, "schemaVersion", json_integer(2));
    json_object_set_new(doc, "mediaType", json_string(ix->media_type));
    json_object_set_new(doc, "manifests", list);
    mb_json_write(doc, 2, false, out);
}

void mb_index_add(struct mb_index *ix, const struct mb_descriptor *d,
                  const struct mb_platform *p)
{
    struct mb_index_entry e = {.desc = *d};

    if (p) {
        e.has_platform = true;
        e.platform = *p;
    }
    ix->v = mb_xreallocarray(ix->v, ix->n + 1, sizeof(*ix->v));
    ix->v[ix->n++] = e;
}

static bool is_attestation(const struct mb_platform *p)
{
    return strcmp(p->os, "unknown") == 0 && strcmp(p->arch, "unknown") == 0;
}

const struct mb_index_entry *mb_index_find(const struct mb_index *ix,
                                           const struct mb_platform *want)
{
    const struct mb_index_entry *best = NULL;
    int best_match = 0;

    for (size_t i = 0; i < ix->n; i++) {
        const struct mb_index_entry *e = &ix->v[i];
        int match;

        if (!e->has_platform || is_attestation(&e->platform))
            continue;
        match = mb_platform_match(want, &e->platform);
        if (match > best_match) {
            best = e;
            best_match = match;
        }
    }
    return best;
}
