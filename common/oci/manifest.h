/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - config and layers of ONE platform, and the index over many platforms.
 * Spec: image-spec manifest.md, image-index.md; Docker schema 2. Digests are of the
 * bytes that were fetched, never of a re-encoded value.
 */
#ifndef MB_OCI_MANIFEST_H
#define MB_OCI_MANIFEST_H

#include "base/buf.h"
#include "oci/descriptor.h"
#include "oci/platform.h"

struct mb_manifest {
    char media_type[MB_MEDIA_TYPE_LEN];
    struct mb_descriptor config;
    struct mb_descriptor *layers;
    size_t n_layers;
};
struct mb_index_entry {
    struct mb_descriptor desc;
    bool has_platform;
    struct mb_platform platform;
    char *ref_name; /* annotation org.opencontainers.image.ref.name, or NULL */
};
struct mb_index {
    char media_type[MB_MEDIA_TYPE_LEN];
    struct mb_index_entry *v;
    size_t n;
};

/* What a manifest document is when the transport did not say: by "mediaType", else by
 * "manifests" / "layers". Writes one of the MB_MT_ values. INVALID. */
int mb_manifest_kind(const void *data, size_t len, char ret[MB_MEDIA_TYPE_LEN],
                     struct mb_error *err) _must_check_;

/* @media_type "" = find out. INVALID, LIMIT. */
int mb_manifest_decode(const void *data, size_t len, struct mb_manifest *ret,
                       struct mb_error *err) _must_check_;
/* Bytes as Go's MarshalIndent("", "  ") in BuildKit's field order (schemaVersion,
 * mediaType, config, layers); no trailing newline. */
void mb_manifest_encode(const struct mb_manifest *m, struct mb_buf *out);
void mb_manifest_done(struct mb_manifest *m);

int mb_index_decode(const void *data, size_t len, struct mb_index *ret,
                    struct mb_error *err) _must_check_;
void mb_index_encode(const struct mb_index *ix, struct mb_buf *out);
void mb_index_add(struct mb_index *ix, const struct mb_descriptor *d,
                  const struct mb_platform *p);
/* The entry that serves @want best, skipping attestations (unknown/unknown) and entries
 * without a platform; NULL when none does. */
const struct mb_index_entry *mb_index_find(const struct mb_index *ix,
                                           const struct mb_platform *want);
void mb_index_done(struct mb_index *ix);

#endif
