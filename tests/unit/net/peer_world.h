/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_world - a server and a client over real TCP and CURVE on one loop, for tests.
 *
 * Assertions stay on the test's thread; the ZAP thread only compares keys.
 */
#ifndef PEER_WORLD_H
#define PEER_WORLD_H

#include "mb_test.h"

#include "base/buf.h"
#include "net/peer_socket.h"

#define WORLD_MSEC_MAX 30000 /* nothing takes that long unless it is broken */

struct world {
    struct mb_loop *loop;
    struct mb_keypair server_keys, client_keys;
    struct mb_zap *zap;
    struct mb_peer_server *server;
    struct mb_peer_client *client;
    char address[64];
    bool echo; /* the server sends back what it gets */
    bool free_on_event, free_on_message;

    struct mb_route from; /* of the last message the server got */
    char user_id[MB_USER_ID_LEN];
    unsigned version, kind;
    struct mb_buf at_server, at_client; /* bodies, one behind the other */
    unsigned n_at_server, n_at_client;
    unsigned n_events[MB_PEER_BAD_SERVER + 1];

    const unsigned *watch; /* run until it is at least... */
    unsigned want;
};

void world_start(struct world *w);
/* ... with a server key and an own key. */
void world_dial(struct world *w, const uint8_t server_key[MB_KEY_LEN],
                const struct mb_keypair *keys);
void world_listen(struct world *w, const char *endpoint);
/* End the server and wait until its port refuses: ZeroMQ closes in the background. */
void world_stop_listening(struct world *w);
void world_run_until(struct world *w, const unsigned *counter, unsigned want);
void world_run_msec(struct world *w, uint32_t msec);
void world_stop(struct world *w);

#endif
