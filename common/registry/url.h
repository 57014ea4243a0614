/* SPDX-License-Identifier: Apache-2.0 */
/* url - the few operations on addresses that a registry client needs (curl's parser).
 */
#ifndef MB_REGISTRY_URL_H
#define MB_REGISTRY_URL_H

#include <stdbool.h>

#include "base/error.h"

/* Same scheme, host and port; false when either is malformed. */
bool mb_url_same_origin(const char *a, const char *b);
/* @to as a Location header of an answer to @base; http and https only. malloc'ed.
 * INVALID. */
int mb_url_resolve(const char *base, const char *to, char **ret, struct mb_error *err)
    _must_check_;
/* Add "key=value" to the query of *url, which is replaced. INVALID. */
int mb_url_add_query(char **url, const char *key, const char *value,
                     struct mb_error *err) _must_check_;

#endif
