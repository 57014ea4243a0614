/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle - config.json of one step's container. Spec: OCI runtime-spec 1.0 config.md,
 * config-linux.md; defaults as Docker's.
 */
#ifndef STEP_BUNDLE_H
#define STEP_BUNDLE_H

#include "base/buf.h"
#include "base/limits.h"
#include "proto/task.h"
#include "step/image_user.h"

struct run_mounts;

/* Places in the root that something is mounted on. */
enum bundle_place {
    PLACE_PROC,
    PLACE_DEV,
    PLACE_SYS,
    PLACE_RESOLV,
    PLACE_HOSTS,
    N_PLACES,
};
/* What each is: "/proc", ...; and whether a directory. */
extern const char *const bundle_place_path[N_PLACES];
extern const bool bundle_place_is_dir[N_PLACES];

struct bundle {
    const char *root;             /* absolute, as the runtime sees it */
    const char *places[N_PLACES]; /* real paths in the root */
    const char *resolv_source, *hosts_source;
    const struct mb_step *step;
    const struct image_user *user;
    const char *arch; /* of the platform */
    bool emulated;
    const struct run_mounts *mounts; /* of the step, in order; NULL: none */
};
#define BUNDLE_BYTES_MAX (2 * MB_MIB)
#define BUNDLE_HOSTNAME "mbcluster"
void bundle_config(const struct bundle *b, struct mb_buf *out);

#endif
