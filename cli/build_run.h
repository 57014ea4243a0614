/* SPDX-License-Identifier: Apache-2.0 */
/* build_run - one build over a welcomed session: ask, upload, watch, fetch the outputs.
 */
#ifndef CLI_BUILD_RUN_H
#define CLI_BUILD_RUN_H

#include "cli/build_options.h"
#include "cli/client.h"
#include "cli/progress.h"

struct build_run;
/* What client_open() wants, with the build_run as its argument. */
extern const struct client_ops build_run_ops;

/* All borrowed, and complete: request with the Dockerfile's bytes, dockerfile path. */
struct build_run *build_run_new(const struct build_options *opts,
                                struct progress *progress, const char *state_dir);
void build_run_free(struct build_run *b);
DEFINE_CLEANUP(struct build_run *, build_run_free)

/* Until the build and its outputs are done, or it failed: -1.  Then *ret_done
 * (borrowed) is the coordinator's answer when there was one with a failure, else NULL,
 * and *err is set. Outputs and answer of a good build: 0. Frees nothing that runs:
 * workers have ended when it returns. */
int build_run(struct build_run *b, struct client *client,
              const struct mb_build_done **ret_done, struct mb_error *err) _must_check_;

#endif
