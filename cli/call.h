/* SPDX-License-Identifier: Apache-2.0 */
/* call - `build --call METHOD`: ask the coordinator about the Dockerfile. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "cli/build_options.h"

/* Ask, print the answer on stdout; the exit code. */
int call_run(const struct build_options *o, const char *state_dir);

#endif
