/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coordinator_world - a real coordinator and scripted peers on one loop.
 *
 * The peers speak the wire themselves, so they can say what no agent or client of ours
 * would. Waiting fails the test after 20 s.
 */
#ifndef TESTS_COORDINATOR_WORLD_H
#define TESTS_COORDINATOR_WORLD_H

#include "mb_test.h"

#include "coordinator/coordinator_internal.h"
#include "net/peer_socket.h"
#include "proto/build.h"
#include "proto/kinds.h"
#include "proto/session.h"
#include "proto/task.h"
#include "store/blob_store.h"

struct world {
    struct mb_loop *loop;
    struct coordinator *coordinator;
    struct mb_blob_store *store; /* the coordinator's */
    char *keys_dir;
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair agents[2], clients[2]; /* "a0", "a1", "c0", "c1" */
};
/* On the directory of mb_test_in_dir(). */
void world_start(struct world *w, const struct mb_test_dir *dir);
void world_stop(struct world *w);

struct message {
    struct message *next;
    uint8_t kind;
    struct mb_buf body;
};
struct actor {
    struct world *w;
    struct mb_peer_client *c;
    bool connected, refused; /* in the handshake */
    uint8_t session[16];
    struct message *inbox, **inbox_end;
};
/* Dials and waits for the handshake. */
void actor_dial(struct actor *p, struct world *w, const struct mb_keypair *keys);
void actor_hang_up(struct actor *p);
void actor_send_bytes(struct actor *p, uint8_t kind, const void *data, size_t len);
void actor_send(struct actor *p, uint8_t kind, const struct mb_wire_schema *schema,
                const void *msg);
/* Wait for a message of @kind, dropping those before it, and decode it into the zeroed
 * *ret, which the caller frees with mb_wire_done(). @ret may be NULL. */
void actor_expect(struct actor *p, uint8_t kind, void *ret);
/* Is there one among those that arrived so far? */
bool actor_has(const struct actor *p, uint8_t kind);

/* Wait until anything happens to any peer. */
void actor_pause(struct actor *p);

/* HELLO of an agent for linux/amd64 with @slots; waits for WELCOME. */
void actor_greet_agent(struct actor *p, uint64_t slots);
void actor_greet_client(struct actor *p);
/* BUILD of this Dockerfile for linux/amd64. */
void actor_build(struct actor *p, const char *dockerfile);
/* BUILD_NEEDS answered by BUILD_READY with nothing in it. */
void actor_ready(struct actor *p);
/* Wait for BUILD_DONE: it failed, and says @part. */
void actor_expect_failure(struct actor *p, const char *part);

/* Store some bytes as a layer. */
struct mb_layer_ref world_layer(struct world *w, const char *content);
/* An agent that does every step of the next task as it should, from step @first on; the
 * first makes a layer, the others change nothing. */
void actor_do_task(struct actor *p, const struct mb_task *t, size_t first);

#endif
