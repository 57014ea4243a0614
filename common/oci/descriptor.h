/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor - media type, digest and size of some content. Spec: image-spec
 * descriptor.md. */
#ifndef MB_OCI_DESCRIPTOR_H
#define MB_OCI_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "oci/digest.h"

#define MB_MEDIA_TYPE_LEN 128

#define MB_MT_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MB_MT_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MB_MT_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MB_MT_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MB_MT_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MB_MT_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MB_MT_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MB_MT_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MB_MT_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MB_MT_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MB_MT_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define MB_MT_DOCKER_LAYER_ZSTD "application/vnd.docker.image.rootfs.diff.tar.zstd"

struct mb_descriptor {
    char media_type[MB_MEDIA_TYPE_LEN];
    struct mb_digest digest;
    uint64_t size; /* bytes as stored */
};

/* From {"mediaType","digest","size"}. INVALID, LIMIT (MB_BLOB_BYTES_MAX). */
int mb_descriptor_read(json_t *obj, struct mb_descriptor *ret, struct mb_error *err)
    _must_check_;
/* New object with those three keys in this order (as Go's Descriptor); caller's
 * reference. */
json_t *mb_descriptor_json(const struct mb_descriptor *d);

bool mb_media_type_is_index(const char *mt);
bool mb_media_type_is_manifest(const char *mt);
/* Any layer type we can unpack (plain, gzip, zstd; OCI or Docker). */
bool mb_media_type_is_layer(const char *mt);
/* The OCI name of a Docker media type; others unchanged. */
const char *mb_media_type_oci(const char *mt);

#endif
