/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ignore - .dockerignore: '#' comments, '!' negation, '**', Go Match semantics, last
 * match wins; a pattern matches everything below what it names. Used by the CLI's
 * context scan.
 */
#ifndef MB_FS_IGNORE_H
#define MB_FS_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct mb_ignore;
/* INVALID names line and pattern. */
int mb_ignore_parse(const char *text, size_t len, struct mb_ignore **ret,
                    struct mb_error *err) _must_check_;
void mb_ignore_free(struct mb_ignore *ig);
DEFINE_CLEANUP(struct mb_ignore *, mb_ignore_free)
/* Is @path (relative, clean) left out? NULL ignores nothing. */
bool mb_ignore_match(const struct mb_ignore *ig, const char *path);
/* May something below the left-out directory @path be taken again by a '!' pattern? */
bool mb_ignore_may_reinclude(const struct mb_ignore *ig, const char *path);

#endif
