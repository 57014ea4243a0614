/* SPDX-License-Identifier: Apache-2.0 */
/* mounts - RUN --mount, from text to what an agent is told. */
#ifndef COORDINATOR_FRONTEND_MOUNTS_H
#define COORDINATOR_FRONTEND_MOUNTS_H

#include "coordinator/frontend/eval.h"

/* Fills s->mounts; on failure they hold what was read so far. INVALID, LIMIT. */
int mounts_eval(struct eval *e, const struct instruction *in, struct frontend_step *s,
                struct mb_error *err) _must_check_;
void frontend_mount_done(struct frontend_mount *m);
/* The names behind from=, appended. INVALID. */
int mounts_froms(const struct instruction *in, struct mb_strv *ret,
                 struct mb_error *err) _must_check_;
/* What of the main context a RUN mounts, appended; as frontend_context_paths(). */
int mounts_context_paths(struct eval *e, const struct instruction *in,
                         struct mb_strv *ret, struct mb_error *err) _must_check_;

#endif
