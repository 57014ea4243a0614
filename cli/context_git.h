/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_git - a build context from a git repository, by the git program.
 *
 * REPOSITORY[#REF[:SUBDIR]] or REPOSITORY?ref=..&branch=..&tag=..&subdir=..
 */
#ifndef CLI_CONTEXT_GIT_H
#define CLI_CONTEXT_GIT_H

#include <stdbool.h>

#include "base/error.h"

struct git_place {
    char *url;
    char *ref;    /* NULL: HEAD */
    char *subdir; /* clamped; "" the root */
};
/* git://, ssh://, USER@HOST:PATH, github.com/.., or http(s) with a path ending in .git
 */
bool context_git_is(const char *text);
/* INVALID. */
int git_place_parse(const char *text, struct git_place *ret, struct mb_error *err)
    _must_check_;
void git_place_done(struct git_place *p);

/* The newest commit of the ref alone, without .git, hooks and submodules, into a new
 * temporary directory *ret_temp; *ret_dir is the subdirectory in it, reached without
 * links. Both malloc'ed; the caller removes *ret_temp. INVALID, NOT_FOUND, UNAVAILABLE
 * (git's own words), IO. */
int context_git_fetch(const char *text, char **ret_temp, char **ret_dir,
                      struct mb_error *err) _must_check_;

#endif
