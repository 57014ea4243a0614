/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumes - the directories of cache mounts, which outlive steps and builds.
 *
 *   volumes/<name>/<n>        one instance; more than one where `private` found the
 *                             others in use
 *   volumes/<name>/<n>.lock   flock: shared or exclusive, while a step runs
 *
 * The name is a digest of what tells volumes apart: id, platform, owner, mode, and the
 * content they begin with.
 */
#ifndef STEP_VOLUMES_H
#define STEP_VOLUMES_H

#include "step/worker.h"

/* *ret_name of @m, a cache mount of the request: hex digits. */
void volume_name(const struct worker *w, const struct mb_step_mount *m,
                 char ret_name[MB_DIGEST_HEX_LEN + 1]);
/* Wait until the mount may have the volume, and make it when it is not there.
 * @seed_fd: a directory whose content a new one begins with; -1: empty.
 * *ret_path: as mounts are made; *ret_lock_fd: keep open as long as it is in use.
 * CANCELLED when the reply socket ends before. */
int volume_take(struct worker *w, const struct mb_step_mount *m, const char *name,
                int seed_fd, char **ret_path, int *ret_lock_fd, struct mb_error *err)
    _must_check_;

#endif
