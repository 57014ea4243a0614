/* SPDX-License-Identifier: Apache-2.0 */
/* words - an instruction's text in pieces; quotes stay for the expansion to take away.
 */
#ifndef COORDINATOR_FRONTEND_WORDS_H
#define COORDINATOR_FRONTEND_WORDS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"

bool words_is_blank(char c); /* any white space */
/* A copy without white space at both ends. */
char *words_trim(const char *s);
/* Split at white space, quotes mean nothing. Appends. */
void words_split(const char *s, struct mb_strv *ret);
/* Split at white space outside quotes; quotes and escapes are kept. Appends. */
void words_quoted(const char *s, char escape, struct mb_strv *ret);
/* Take the leading "--..." words of *s, quotes removed; *s is moved behind them. */
void words_flags(const char **s, struct mb_strv *ret);
/* A JSON array of strings? *ret_json says so and @ret is filled; else both stay.
 * INVALID: an array of something else. */
int words_json(const char *s, bool *ret_json, struct mb_strv *ret, struct mb_error *err)
    _must_check_;

#endif
