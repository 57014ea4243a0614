/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish - finished images to manifests, an index, and a registry.
 *
 * Order of a push (DESIGN: a tag never points to something incomplete): blobs (HEAD
 * first, each once), configs, image manifests by digest, the index last by digest, then
 * each tag.
 */
#ifndef COORDINATOR_PUBLISH_H
#define COORDINATOR_PUBLISH_H

#include <stdatomic.h>

#include "oci/image_config.h"
#include "oci/manifest.h"
#include "registry/registry_config.h"
#include "store/blob_store.h"

struct publish_image {
    struct mb_platform platform;
    struct mb_image_config config; /* complete: diff_ids, history, created */
    struct mb_descriptor
        *layers; /* bottom first, as many as diff_ids; media types are made OCI's */
    size_t n_layers;
    /* filled by publish_assemble */
    struct mb_descriptor config_desc, manifest;
};
/* Writes configs, manifests and (more than one image, or @force_index) the index into
 * @store. *ret_root: index or manifest. IO, INVALID (layer count differs from diff_ids:
 * our own mistake is BUG). */
int publish_assemble(struct mb_blob_store *store, struct publish_image *images,
                     size_t n, bool force_index, struct mb_descriptor *ret_root,
                     struct mb_error *err) _must_check_;

typedef void publish_progress_fn(const char *id, uint64_t current, uint64_t total,
                                 bool done, void *arg);
struct publish_push_opts {
    const struct mb_registry_config *config;
    const char *docker_config;
    const struct mb_strv *tags; /* references as typed, at least one */
    const atomic_bool *cancel;
    publish_progress_fn *progress; /* may be NULL; called in this thread */
    void *progress_arg;
};
/* Blocking: from a worker. Everything must be in @store. Names the registry in every
 * error. */
int publish_push(struct mb_blob_store *store, const struct publish_image *images,
                 size_t n, const struct mb_descriptor *root,
                 const struct publish_push_opts *opts, struct mb_error *err)
    _must_check_;

#endif
