/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_coordinator - a scripted peer on a thread of its own: real control channel, real
 * blob endpoint, no builder behind it.
 */
#ifndef TESTS_FAKE_COORDINATOR_H
#define TESTS_FAKE_COORDINATOR_H

#include "mb_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "net/peer_socket.h"
#include "proto/build.h"
#include "store/blob_store.h"

enum fake_script {
    FAKE_GOOD,  /* asks for the context and `layout`, then ends well with `root` */
    FAKE_FAILS, /* ends the build at once with an error at Dockerfile:2 */
    FAKE_HANGS, /* interrupts this process when a build begins; answers BUILD_CANCEL */
    FAKE_STUBBORN,  /* the same, but interrupts again instead of answering */
    FAKE_MUTE,      /* never answers HELLO */
    FAKE_REFUSES,   /* answers HELLO with REFUSED */
    FAKE_SILENT,    /* nothing after WELCOME */
    FAKE_BREAKS,    /* sends a broken WELCOME */
    FAKE_NEEDS_TWO, /* asks for the context twice */
};
struct fake {
    /* set before fake_start() */
    enum fake_script script;
    struct mb_build_done done; /* borrowed parts; FAKE_GOOD */
    const char *layout;        /* name of a build context to ask for, or NULL */
    /* for the test */
    char address[MB_ADDRESS_LEN_MAX + 1];
    struct mb_keypair server_keys, token;
    struct mb_blob_store *store;
    atomic_uint n_joins, n_hellos, n_builds, n_cancels, n_byes, n_heartbeats;
    atomic_uint want_joins;      /* own keys are known from so many JOINs on */
    atomic_bool refuse_all;      /* ZAP lets nobody in */
    atomic_bool refuse_token;    /* nor the token */
    struct mb_build_ready ready; /* as BUILD_READY said; read it after fake_stop() */
    struct mb_build_request request;
    /* inside */
    struct mb_loop *loop;
    struct mb_zap *zap;
    struct mb_peer_server *server;
    struct http_server *http;
    pthread_t thread;
};
/* A store in @dir. */
void fake_start(struct fake *f, const char *dir);
void fake_stop(struct fake *f);
void fake_done(struct fake *f); /* what the test still wanted to read */
/* A join string of role client; malloc'ed. */
char *fake_join_string(const struct fake *f);

#endif
