/* SPDX-License-Identifier: Apache-2.0 */
/* pull - a base image for one platform: found, verified, stored. Blocking: from a
 * worker. */
#ifndef COORDINATOR_PULL_H
#define COORDINATOR_PULL_H

#include <stdatomic.h>

#include "oci/image_config.h"
#include "oci/manifest.h"
#include "registry/registry_config.h"
#include "store/blob_store.h"

struct pulled_image {
    struct mb_descriptor
        root; /* what the reference named: index or manifest (pins the tag) */
    struct mb_descriptor manifest;
    struct mb_image_config config;
    struct mb_descriptor *layers;
    size_t n_layers;
};
void pulled_image_done(struct pulled_image *p);

struct pull_opts {
    const struct mb_registry_config *config;
    const char *docker_config;
    const atomic_bool *cancel;
};
/* From a registry. NOT_FOUND for a platform lists those available ("busybox:1 has
 * linux/amd64, ..; not linux/riscv64"); a plain manifest of another platform is INVALID
 * (wrong-platform base). Layers are fetched too. */
int pull_image(struct mb_blob_store *store, const char *reference,
               const struct mb_platform *platform, const struct pull_opts *opts,
               struct pulled_image *ret, struct mb_error *err) _must_check_;
/* The same from content that a client uploaded, by its root descriptor; @name for
 * messages. */
int pull_from_store(struct mb_blob_store *store, const char *name,
                    const struct mb_descriptor *root,
                    const struct mb_platform *platform, struct pulled_image *ret,
                    struct mb_error *err) _must_check_;

#endif
