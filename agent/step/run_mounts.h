/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_mounts - what RUN --mount asks for: sources made ready, targets in the root.
 *
 * Nothing of it gets into the step's layer: targets that the root lacks are stubs, and
 * what is written to a bind mount lands in a work directory that is thrown away.
 */
#ifndef STEP_RUN_MOUNTS_H
#define STEP_RUN_MOUNTS_H

#include "step/stubs.h"
#include "step/worker.h"

/* As config.json says it. */
struct run_mount {
    char *target;     /* real path in the root */
    const char *type; /* "bind", "tmpfs" */
    char *source;
    char *options; /* with commas */
};
struct run_mounts {
    struct run_mount *v; /* outer targets before inner ones */
    size_t n;
};
/* For the life of this process: locks of volumes are held until it ends. Secrets that
 * are variables go into the request's environment. INVALID, NOT_FOUND (a source),
 * CANCELLED (while waiting for a volume). */
int run_mounts_prepare(struct worker *w, int root_fd, struct stubs *stubs,
                       struct run_mounts *ret, struct mb_error *err) _must_check_;

#endif
