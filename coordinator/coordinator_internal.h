/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by coordinator.c and embed.c only. */
#ifndef COORDINATOR_INTERNAL_H
#define COORDINATOR_INTERNAL_H

#include "coordinator/coordinator.h"
#include "coordinator/peers.h"

/* With these keys and peers (taken, also on failure). */
int coordinator_new_with(struct mb_loop *l, const struct coordinator_opts *opts,
                         const struct mb_keypair *keys, struct peers *peers,
                         struct coordinator **ret, struct mb_error *err) _must_check_;

#endif
