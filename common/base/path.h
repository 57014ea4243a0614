/* SPDX-License-Identifier: Apache-2.0 */
/* path - lexical paths as Go's path package means them, and its Match patterns. */
#ifndef MB_BASE_PATH_H
#define MB_BASE_PATH_H

#include <stdbool.h>

#include "base/error.h"

/* Go path.Clean: "" gives ".", no trailing '/', ".." above '/' dropped.  malloc'ed. */
char *mb_path_clean(const char *path);
/* clean(a + "/" + b); malloc'ed. */
char *mb_path_join(const char *a, const char *b);
/* Clamp to a root: clean("/" + path) without the leading '/'; "" is the root itself. */
char *mb_path_clamp(const char *path);
/* Go path.Match: '*' '?' '[a-z^]' '\\'; the whole name must match; '*' stops at '/'.
 * INVALID for a malformed pattern. */
int mb_path_match(const char *pattern, const char *name, bool *ret,
                  struct mb_error *err) _must_check_;
/* The leading elements of @pattern that hold no glob characters; malloc'ed, "" none. */
char *mb_path_literal(const char *pattern);
/* Does @s hold any of * ? [ \ */
bool mb_path_has_glob(const char *s);

#endif
