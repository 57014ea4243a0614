/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_config - which cluster, and this user's key for it.
 *
 * A cluster is given by its join string each time; the first time joins and keeps an
 * own key below CONFIG/clusters/<server key>/, later times find that key by the
 * server's.
 */
#ifndef CLI_CLUSTER_CONFIG_H
#define CLI_CLUSTER_CONFIG_H

#include <stdbool.h>

#include "session/join.h"

struct cluster {
    char *join_text; /* NULL: none given, build on this machine */
    struct mb_join join;
};
/* --cluster, else $MBCLUSTER_CLUSTER: a join string, or a file that holds one;
 * "embedded" is none.  INVALID also for a string of an agent's role. */
int cluster_given(const char *flag, struct cluster *ret, struct mb_error *err)
    _must_check_;
void cluster_done(struct cluster *c);

/* This user's membership, stored or joined now; *ret_stored says which.  @afresh: join
 * even when there is a stored key, which is replaced once the new one is accepted.
 * Blocks (10 s and more when another process joins as well).  Errors as
 * mb_membership_join(). */
int cluster_member(const struct cluster *c, bool afresh, bool *ret_stored,
                   struct mb_membership *ret, struct mb_error *err) _must_check_;

#endif
