/* SPDX-License-Identifier: Apache-2.0 */
/* context - the user's files that go with a build: what of them, and as one tar. */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "cli/transfer.h"
#include "fs/ignore.h"

/* "DOCKERFILE.dockerignore" if it is there, else ".dockerignore" of the context; *ret
 * NULL when neither is.  @dockerfile: its path, NULL when it came from standard input.
 */
int context_ignore(int dir_fd, const char *dockerfile, struct mb_ignore **ret,
                   struct mb_error *err) _must_check_;

/* Is @path what one of @patterns (Go Match per element; "." is everything) selects, or
 * below it? For a directory that is not, *ret_inside says whether something in it may
 * be. */
bool context_selects(const struct mb_strv *patterns, const char *path,
                     bool *ret_inside);

/* A deterministic tar of the selected files in an unnamed file at offset 0. */
int context_tar(int dir_fd, const struct mb_ignore *ignore,
                const struct mb_strv *patterns, struct transfer_state *state,
                int *ret_fd, struct mb_descriptor *ret, struct mb_error *err)
    _must_check_;

#endif
