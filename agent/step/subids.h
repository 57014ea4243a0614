/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subids - which ids of the host a user's containers get (subuid(5), subgid(5)).
 */
#ifndef STEP_SUBIDS_H
#define STEP_SUBIDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define STEP_IDS_COUNT 65536u /* container ids 0 .. 65535 */
/* Root without an entry: far above what systemd and useradd give out. */
#define STEP_IDS_ROOT_DEFAULT 1879048192u

struct subids {
    uint32_t uid_start, gid_start; /* STEP_IDS_COUNT each */
    bool by_root;                  /* written directly, not by newuidmap */
};

/* The first range of at least STEP_IDS_COUNT in the text of /etc/subuid for a user
 * named
 * @name or with the id @uid. Lines that are malformed are skipped, as newuidmap does.
 * NOT_FOUND: no range at all; LIMIT: only smaller ones; both say how to mend it. */
int subids_find(const char *text, const char *file, const char *name, uid_t uid,
                uint32_t *ret_start, struct mb_error *err) _must_check_;
/* A range at or above STEP_IDS_ROOT_DEFAULT that overlaps no line of either text. */
uint32_t subids_free_range(const char *subuid_text, const char *subgid_text);
/* For the user who runs this program. NOT_FOUND, LIMIT. */
int subids_get(struct subids *ret, struct mb_error *err) _must_check_;

#endif
