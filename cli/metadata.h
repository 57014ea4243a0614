/* SPDX-License-Identifier: Apache-2.0 */
/* metadata - what scripts read after a build: --metadata-file, --iidfile, -q. */
#ifndef CLI_METADATA_H
#define CLI_METADATA_H

#include "proto/build.h"

/* The image id: the config's digest for a single manifest, else the index's. */
struct mb_digest metadata_image_id(const struct mb_build_done *done);
/* buildx's keys, plus mbcluster.images and mbcluster.steps; indented by 2, keys sorted.
 */
void metadata_json(const struct mb_build_done *done, const struct mb_strv *tags,
                   struct mb_buf *out);
/* Each when its path is not NULL. */
int metadata_write(const char *metadata_file, const char *iid_file,
                   const struct mb_build_done *done, const struct mb_strv *tags,
                   struct mb_error *err) _must_check_;

#endif
