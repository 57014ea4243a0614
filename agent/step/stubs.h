/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stubs - mount points that a root lacks: made before a step, gone from its layer after
 * it.
 */
#ifndef STEP_STUBS_H
#define STEP_STUBS_H

#include <stdbool.h>

#include "base/error.h"

struct stubs;
struct stubs *stubs_new(void);
void stubs_free(struct stubs *s);
DEFINE_CLEANUP(struct stubs *, stubs_free)

/* Make sure that @path (links followed) can be mounted on: a directory or a file is
 * made when nothing is there. *ret: the path without links, absolute; the caller frees
 * it. */
int stubs_need(struct stubs *s, int root_fd, const char *path, bool is_dir, char **ret,
               struct mb_error *err) _must_check_;
/* Take the stubs out of the upper directory again, and directories that are in it only
 * because a stub was made below them. Not while the overlay is mounted. */
void stubs_remove(struct stubs *s, int upper_fd);

#endif
