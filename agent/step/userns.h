/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns - children in new namespaces and the ids they are mapped to.
 */
#ifndef STEP_USERNS_H
#define STEP_USERNS_H

#include "step/subids.h"

/* fork(2) with clone flags: 0 in the child, its pid in the parent. */
int userns_clone(unsigned long flags, pid_t *ret_pid, struct mb_error *err)
    _must_check_;
/* Map container ids 0 .. STEP_IDS_COUNT-1 of @pid to the range, and nothing else. */
int userns_map(pid_t pid, const struct subids *ids, struct mb_error *err) _must_check_;
/* Become root of the user namespace this process is in. */
int userns_become_root(struct mb_error *err) _must_check_;
/* Make the directory @fd (O_PATH is enough), owned by this user and mode 0700, belong
 * to the first id of the range; it stays as it is when it does already. INVALID when it
 * belongs to somebody else, as after a change of the range. */
int userns_own_dir(int fd, const struct subids *ids, struct mb_error *err) _must_check_;

#endif
