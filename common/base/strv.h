/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strv - a list of strings that owns them; v is NULL-terminated after any add
 * (use mb_strv_argv() to be sure).  Zero-initialised is an empty list.
 */
#ifndef MB_BASE_STRV_H
#define MB_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct mb_strv {
    char **v;
    size_t n;
};

void mb_strv_done(struct mb_strv *l);               /* frees all; becomes empty */
void mb_strv_add(struct mb_strv *l, const char *s); /* copies */
void mb_strv_add_take(struct mb_strv *l, char *s);  /* takes a malloc'ed string */
void mb_strv_addf(struct mb_strv *l, const char *fmt, ...) _printf_(2, 3);
void mb_strv_add_all(struct mb_strv *l, const struct mb_strv *from);
void mb_strv_copy(struct mb_strv *ret, const struct mb_strv *from);
void mb_strv_insert(struct mb_strv *l, size_t at, const char *s);
void mb_strv_remove(struct mb_strv *l, size_t at);
bool mb_strv_contains(const struct mb_strv *l, const char *s);
bool mb_strv_equal(const struct mb_strv *a, const struct mb_strv *b);
void mb_strv_sort(struct mb_strv *l); /* by bytes */
/* Split at each of @sep's characters; empty pieces are kept.  Replaces *ret. */
void mb_strv_split(struct mb_strv *ret, const char *s, const char *sep);
/* malloc'ed; "" for an empty list. */
char *mb_strv_join(const struct mb_strv *l, const char *sep);
/* Never NULL; NULL-terminated; borrowed from the list. */
char **mb_strv_argv(struct mb_strv *l);

#define _cleanup_strv_ _cleanup_(mb_strv_done)

#endif
