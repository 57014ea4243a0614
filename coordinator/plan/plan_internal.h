/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of coordinator/plan only. */
#ifndef COORDINATOR_PLAN_INTERNAL_H
#define COORDINATOR_PLAN_INTERNAL_H

#include "coordinator/plan/plan.h"

int plan_walk_needs(struct plan *p, struct mb_error *err) _must_check_;
/* SIZE_MAX when it is not there. */
size_t plan_find_base(const struct plan *p, const struct frontend_from *from);
/* Of a FRONTEND_NAMED that is a local context; else SIZE_MAX. */
size_t plan_find_local(const struct plan *p, const struct frontend_from *from);

/* The name of a state in keys. */
struct mb_digest plan_ref_key(const struct plan *p, struct plan_ref ref);
/* mounts.c: what of a step's mounts its key must tell; content of cache mounts and of
 * secrets is no part of it. Appends. NOT_FOUND with file and line. */
int plan_mount_texts(const struct plan *p, const struct mb_tree *context,
                     const struct plan_step *s, struct mb_strv *ret,
                     struct mb_error *err) _must_check_;

#endif
