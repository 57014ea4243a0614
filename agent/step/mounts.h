/* SPDX-License-Identifier: Apache-2.0 */
/* mounts - what the holder and its workers mount. */
#ifndef STEP_MOUNTS_H
#define STEP_MOUNTS_H

#include "oci/digest.h"
#include "step/holder.h"

/* The holder's own view: nothing leaves it, /run is its own, proc and cgroup are those
 * of its namespaces, HOLDER_LAYERS is the working directory. */
int mounts_holder(struct mb_error *err) _must_check_;
/* A new proc over /proc, for a process in a new pid namespace. */
int mounts_proc(struct mb_error *err) _must_check_;

/* The layers (diffIDs, bottom first) as one tree at @target, in the mount namespace of
 * the caller; changes go to @work (a work directory's id; NULL: read-only). @dir: a
 * directory of the caller for short names. NOT_FOUND names a layer that is not there.
 */
int mounts_overlay(const struct holder *h, const char *dir,
                   const struct mb_bytes *layers, const char *work, const char *target,
                   struct mb_error *err) _must_check_;

#endif
