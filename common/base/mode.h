/* SPDX-License-Identifier: Apache-2.0 */
/* mode - permission bits as chmod(1) takes them: octal, or "u=rwX,go=rX". */
#ifndef MB_BASE_MODE_H
#define MB_BASE_MODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define MB_MODE_TEXT_MAX 255

/* INVALID: neither form, over 07777, longer than MB_MODE_TEXT_MAX. */
int mb_mode_check(const char *text, struct mb_error *err) _must_check_;
/* The bits that a file of @mode (type and bits) gets by a checked @text; without a
 * class, all classes are meant (the umask has no say). 'X': execute for directories and
 * for files that somebody may execute. */
mode_t mb_mode_apply(const char *text, mode_t mode);

#endif
