/* SPDX-License-Identifier: Apache-2.0 */
/* image_fetch - a built image, all of it, from the coordinator into a blob store. */
#ifndef CLI_IMAGE_FETCH_H
#define CLI_IMAGE_FETCH_H

#include "cli/transfer.h"

/* Descriptors, each digest once. */
struct blob_list {
    struct mb_descriptor *v;
    size_t n;
};
void blob_list_done(struct blob_list *l);
/* Unless it is there. */
void blob_list_add(struct blob_list *l, const struct mb_descriptor *d);
void blob_list_sort(struct blob_list *l); /* by digest */

/* Every blob below @root (index or manifest) that is in @store: root, manifests,
 * configs and layers.  CORRUPT, LIMIT, NOT_FOUND when one is missing (@fetch NULL),
 * else it is fetched. */
int image_collect(struct mb_blob_store *store, const struct mb_descriptor *root,
                  struct transfer *fetch, struct blob_list *ret, struct mb_error *err)
    _must_check_;

#endif
