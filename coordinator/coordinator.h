/* SPDX-License-Identifier: Apache-2.0 */
/* coordinator - owns sessions, builds, scheduler, cache, store and HTTP endpoint;
 * wiring only. */
#ifndef COORDINATOR_COORDINATOR_H
#define COORDINATOR_COORDINATOR_H

#include "net/keys.h"
#include "net/loop.h"

struct coordinator_opts {
    const char *state_dir;
    const char *listen; /* "tcp://127.0.0.1:7480" */
    const char *http;   /* "127.0.0.1:7481"; port 0 picks one */
    const char *config; /* config.toml, NULL: none */
};
struct coordinator;
int coordinator_new(struct mb_loop *l, const struct coordinator_opts *opts,
                    struct coordinator **ret, struct mb_error *err) _must_check_;
/* Where it listens, with the port that the kernel gave; borrowed. */
const char *coordinator_endpoint(const struct coordinator *c);
void coordinator_free(struct coordinator *c);
DEFINE_CLEANUP(struct coordinator *, coordinator_free)

/* --- embedded: on a thread of its own, loopback ports picked by the kernel; knows
 * exactly two keys, made for this process and kept in memory only --- */
struct coordinator_embed;
struct coordinator_embed_peer {
    char address[MB_ADDRESS_LEN_MAX + 1];
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair client_keys, agent_keys;
};
int coordinator_embed_start(const char *state_dir, const char *config,
                            struct coordinator_embed **ret,
                            struct coordinator_embed_peer *ret_peer,
                            struct mb_error *err) _must_check_;
void coordinator_embed_stop(struct coordinator_embed *e);

#endif
