/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of step_client: one request and its reply. */
#ifndef AGENT_STEP_CLIENT_IMPL_H
#define AGENT_STEP_CLIENT_IMPL_H

#include <poll.h>

#include "agent/step_client.h"
#include "step/protocol.h"

struct step_conn {
    struct step_client *client;   /* borrowed */
    const struct step_call *call; /* borrowed; NULL: cannot be cancelled */
    int reply_fd, data_fd;
    bool stopped; /* the worker did, before it had all data */
};
void step_conn_done(struct step_conn *k);
#define _cleanup_conn_ _cleanup_(step_conn_done)
#define STEP_CONN_INIT ((struct step_conn){.reply_fd = -1, .data_fd = -1})

/* Send the request; @with_data adds a stream socket. */
int step_conn_begin(struct step_client *c, const struct step_call *call,
                    const struct step_request *rq, bool with_data,
                    struct step_conn *ret, struct mb_error *err) _must_check_;
/* poll(2) until something is there, or CANCELLED. */
int step_conn_poll(const struct step_conn *k, struct pollfd *p, nfds_t n,
                   struct mb_error *err) _must_check_;
/* Wait for the reply and check it; *ret is the caller's to free (mb_wire_done) after a
 * success only. On a failure the worker has ended, too. */
int step_conn_reply(struct step_conn *k, struct step_reply *ret, struct mb_error *err)
    _must_check_;
/* Take a datagram that is there: a reply, or (RUN) the descriptors of the logs.
 * *ret_done true with a good reply. */
int step_conn_take(struct step_conn *k, struct step_reply *ret, int fds[STEP_FDS_MAX],
                   bool *ret_done, struct mb_error *err) _must_check_;
/* The worker shall stop, and this waits until it has. Keeps *err as it is. */
void step_conn_cancel(struct step_conn *k);

/* Begin and wait for the reply. */
int step_simple(struct step_client *c, const struct step_call *call,
                const struct step_request *rq, struct step_reply *ret,
                struct mb_error *err) _must_check_;

/* A borrowed view of digests for a request. */
struct mb_bytes step_state_bytes(const struct step_state *s);

int step_client_control_fd(const struct step_client *c);
/* Waits a moment for it. */
bool step_client_ends_soon(const struct step_client *c);
/* Fills *err: the helper is gone, and how it went. */
int step_client_ended(struct step_client *c, struct mb_error *err);

#endif
