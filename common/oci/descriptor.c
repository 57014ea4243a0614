/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: image-spec v1.1 descriptor.md "Properties"; media types: media-types.md.
 */
#include "oci/descriptor.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

struct raw {
    char *media_type;
    char *digest;
    uint64_t size;
};

static const struct mb_json_field raw_fields[] = {
    {"mediaType", MB_JSON_STR, offsetof(struct raw, media_type), true},
    {"digest", MB_JSON_STR, offsetof(struct raw, digest), true},
    {"size", MB_JSON_U64, offsetof(struct raw, size), true},
};

static void raw_done(struct raw *r)
{
    free(r->media_type);
    free(r->digest);
}

/* RFC 6838 section 4.2 allows no blanks or control characters; neither do we. */
static int check_media_type(const char *mt, struct mb_error *err)
{
    if (strlen(mt) >= MB_MEDIA_TYPE_LEN)
        return mb_fail(err, MB_ERR_LIMIT, "mediaType is over %d bytes",
                       MB_MEDIA_TYPE_LEN - 1);
    if (mt[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "mediaType is empty");
    for (const char *p = mt; *p; p++)
        if (*p <= ' ' || *p > '~')
            return mb_fail(err, MB_ERR_INVALID,
                           "mediaType has blanks or non-ASCII characters");
    return 0;
}

int mb_descriptor_read(json_t *obj, struct mb_descriptor *ret, struct mb_error *err)
{
    _cleanup_(raw_done) struct raw r = {0};
    struct mb_descriptor d = {0};

    if (mb_json_read(obj, raw_fields, ARRAY_SIZE(raw_fields), &r, err) < 0
        || check_media_type(r.media_type, err) < 0
        || mb_digest_parse(r.digest, &d.digest, err) < 0)
        return -1;
    if (r.size > MB_BLOB_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "size %llu is over the limit of %llu bytes",
                       (unsigned long long)r.size,
                       (unsigned long long)MB_BLOB_BYTES_MAX);
    memcpy(d.media_type, r.media_type, strlen(r.media_type) + 1);
    d.size = r.size;
    *ret = d;
    return 0;
}

json_t *mb_descriptor_json(const struct mb_descriptor *d)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    json_t *obj = json_object();

    json_object_set_new(obj, "mediaType", json_string(d->media_type));
    json_object_set_new(obj, "digest", json_string(mb_digest_text(&d->digest, digest)));
    json_object_set_new(obj, "size", json_integer((json_int_t)d->size));
    return obj;
}

static bool is_one_of(const char *mt, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(mt, list[i]) == 0)
            return true;
    return false;
}

bool mb_media_type_is_index(const char *mt)
{
    static const char *const list[] = {MB_MT_OCI_INDEX, MB_MT_DOCKER_LIST};

    return is_one_of(mt, list, ARRAY_SIZE(list));
}

bool mb_media_type_is_manifest(const char *mt)
{
    static const char *const list[] = {MB_MT_OCI_MANIFEST, MB_MT_DOCKER_MANIFEST};

    return is_one_of(mt, list, ARRAY_SIZE(list));
}

bool mb_media_type_is_layer(const char *mt)
{
    static const char *const list[] = {
        MB_MT_OCI_LAYER,    MB_MT_OCI_LAYER_GZIP,    MB_MT_OCI_LAYER_ZSTD,
        MB_MT_DOCKER_LAYER, MB_MT_DOCKER_LAYER_GZIP, MB_MT_DOCKER_LAYER_ZSTD,
    };

    return is_one_of(mt, list, ARRAY_SIZE(list));
}

const char *mb_media_type_oci(const char *mt)
{
    static const struct {
        const char *docker, *oci;
    } pairs[] = {
        {MB_MT_DOCKER_LIST, MB_MT_OCI_INDEX},
        {MB_MT_DOCKER_MANIFEST, MB_MT_OCI_MANIFEST},
        {MB_MT_DOCKER_CONFIG, MB_MT_OCI_CONFIG},
        {MB_MT_DOCKER_LAYER, MB_MT_OCI_LAYER},
        {MB_MT_DOCKER_LAYER_GZIP, MB_MT_OCI_LAYER_GZIP},
        {MB_MT_DOCKER_LAYER_ZSTD, MB_MT_OCI_LAYER_ZSTD},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        if (strcmp(mt, pairs[i].docker) == 0)
            return pairs[i].oci;
    return mt;
}
