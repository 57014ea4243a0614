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

#endif
