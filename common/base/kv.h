/* SPDX-License-Identifier: Apache-2.0 */
/* kv - an ordered list of key/value strings (environment, labels, build args). */
#ifndef MB_BASE_KV_H
#define MB_BASE_KV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct mb_kv {
    char *key;
    char *value; /* never NULL */
};
struct mb_kvlist {
    struct mb_kv *v;
    size_t n;
};

void mb_kv_done(struct mb_kvlist *l);
/* Replace the value in place when the key is there, else append.  Copies. */
void mb_kv_set(struct mb_kvlist *l, const char *key, const char *value);
void mb_kv_unset(struct mb_kvlist *l, const char *key);
/* NULL when the key is not there; borrowed. */
const char *mb_kv_get(const struct mb_kvlist *l, const char *key);
void mb_kv_copy(struct mb_kvlist *ret, const struct mb_kvlist *from);
/* In key order by bytes. */
void mb_kv_sort(struct mb_kvlist *l);

#define _cleanup_kv_ _cleanup_(mb_kv_done)

#endif
