/* SPDX-License-Identifier: Apache-2.0 */
/* build_input - what a build reads on this machine before it asks anything: contexts
 * that are fetched, and the Dockerfile. */
#ifndef CLI_BUILD_INPUT_H
#define CLI_BUILD_INPUT_H

#include "cli/build_options.h"

/* Fills sources, request.dockerfile and dockerfile (the path it was found at, NULL when
 * it is no file of this machine). Blocking. */
int build_input_read(struct build_options *o, struct mb_error *err) _must_check_;

#endif
