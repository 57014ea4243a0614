/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache - the index from step keys to results, in SQLite (WAL, shared by processes on
 * one state directory). Soft state: losing it costs work, never correctness; every use
 * checks that the blob is there.
 */
#ifndef COORDINATOR_CACHE_H
#define COORDINATOR_CACHE_H

#include "proto/task.h"

struct cache;
struct cache_result {
    bool has_layer;
    struct mb_layer_ref layer;
    bool emulated;
    char agent[72];
    uint64_t usec;
};
/* A file that is not ours or is damaged is put aside (renamed .bad) and a new one
 * begun. */
int cache_open(const char *path, struct cache **ret, struct mb_error *err) _must_check_;
void cache_free(struct cache *c);
DEFINE_CLEANUP(struct cache *, cache_free)
bool cache_find(struct cache *c, const struct mb_digest *key, struct cache_result *ret);
/* The first result for a key wins. */
int cache_put(struct cache *c, const struct mb_digest *key,
              const struct cache_result *r, struct mb_error *err) _must_check_;
/* A result that proved useless (its blob is gone). */
void cache_forget(struct cache *c, const struct mb_digest *key);

#endif
