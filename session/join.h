/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join - a peer's first contact: trade the token of a join string for a key of its own,
 * and keep that with the coordinator's address in a directory. PROTOCOL.md section 3.
 * Blocking, for start-up only.
 *
 *   DIR/key           the peer's own CURVE secret, 0600
 *   DIR/coordinator   JSON {"address", "server_key", "name"}
 */
#ifndef SESSION_JOIN_H
#define SESSION_JOIN_H

#include "net/keys.h"

struct mb_membership {
    char address[MB_ADDRESS_LEN_MAX + 1];
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair keys; /* known to the coordinator */
};

/* A stored membership. NOT_FOUND when DIR holds none. */
int mb_membership_load(const char *dir, struct mb_membership *ret, struct mb_error *err)
    _must_check_;
/* The stored membership of DIR when it is with the join string's coordinator (the
 * address of the string wins), else join now and store it. DENIED: token unknown,
 * expired or used, or a wrong server key; UNAVAILABLE: nobody answered within 10 s. */
int mb_membership_join(const char *dir, const char *join_string, const char *name,
                       struct mb_membership *ret, struct mb_error *err) _must_check_;

#endif
