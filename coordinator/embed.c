/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded coordinator: the same one, on a thread, with two keys that live as long
 * as it does. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "coordinator/coordinator_internal.h"

struct coordinator_embed {
    pthread_t thread;
    struct mb_loop *loop;
    struct coordinator *coordinator;
};

static void *thread_main(void *arg)
{
    struct coordinator_embed *e = arg;

    mb_loop_run(e->loop);
    coordinator_free(e->coordinator);
    return NULL;
}

int coordinator_embed_start(const char *state_dir, const char *config,
                            struct coordinator_embed **ret,
                            struct coordinator_embed_peer *ret_peer,
                            struct mb_error *err)
{
    struct coordinator_embed *e = mb_xcalloc(1, sizeof(*e));
    struct coordinator_opts opts = {
        .state_dir = state_dir,
        .listen = "tcp://127.0.0.1:0",
        .http = "127.0.0.1:0",
        .config = config,
    };
    struct coordinator_embed_peer peer = {0};
    struct peers *peers = peers_new(NULL);
    struct mb_keypair keys;

    mb_keypair_new(&keys);
    mb_keypair_new(&peer.client_keys);
    mb_keypair_new(&peer.agent_keys);
    peers_allow(peers, peer.client_keys.public_key, MB_ROLE_CLIENT, "local");
    peers_allow(peers, peer.agent_keys.public_key, MB_ROLE_AGENT, "local");
    e->loop = mb_loop_new();
    if (coordinator_new_with(e->loop, &opts, &keys, peers, &e->coordinator, err) < 0) {
        mb_loop_free(e->loop);
        free(e);
        return -1;
    }
    memcpy(peer.server_key, keys.public_key, MB_KEY_LEN);
    mb_keypair_clear(&keys);
    snprintf(peer.address, sizeof(peer.address), "%s",
             coordinator_endpoint(e->coordinator));
    BUG_ON(pthread_create(&e->thread, NULL, thread_main, e) != 0);
    *ret = e;
    *ret_peer = peer;
    return 0;
}

static void post_stop(void *arg)
{
    mb_loop_stop(arg);
}

void coordinator_embed_stop(struct coordinator_embed *e)
{
    if (!e)
        return;
    mb_loop_post(e->loop, post_stop, e->loop);
    pthread_join(e->thread, NULL);
    mb_loop_free(e->loop);
    free(e);
}
