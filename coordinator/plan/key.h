/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key - the cache key of a step: SHA-256 over the canonical bytes of everything its
 * result depends on.
 *
 * Not in it: names of stages, proxy settings, limits, and the node that runs it. The
 * bytes are those of proto/wire (fields in table order, shortest integers), the same on
 * every byte order; tests hold vectors. A change of meaning changes KEY_FORMAT.
 */
#ifndef COORDINATOR_PLAN_KEY_H
#define COORDINATOR_PLAN_KEY_H

#include "proto/wire.h"

#define KEY_FORMAT 1

struct key_material {
    uint64_t format; /* KEY_FORMAT */
    struct mb_platform platform;
    uint64_t kind; /* enum mb_step_kind */
    struct mb_digest
        parent; /* key of the step before, or chainID of the base; zero: scratch */
    struct mb_strv argv, env;
    char *cwd, *user, *network;
    struct mb_digest
        source; /* COPY: key or chainID of another state; zero: the context */
    struct mb_strv
        selection; /* COPY from the context: "path digest" of each selected path */
    struct mb_strv paths;
    char *dest, *chown, *chmod;
    bool clamp_mtime;
    int64_t max_mtime_sec;
    uint64_t gzip_level;
    struct mb_strv mounts;          /* RUN: what plan_mount_texts() says of each */
    bool insecure;                  /* RUN */
    struct mb_strv excludes, files; /* COPY */
    bool unpack, link, parents;     /* COPY */
    struct mb_strv hosts;           /* RUN: of --add-host */
};
/* All pointers are borrowed. */
struct mb_digest key_of(const struct key_material *m);

#endif
