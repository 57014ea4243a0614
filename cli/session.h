/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - one connection of a client to a coordinator: greeting, heartbeats, and one
 * clear error for each way in which it can fail.  PROTOCOL.md sections 3 and 5.
 *
 * Also joins: with `join_key` the opening message is JOIN for that key instead of
 * HELLO, and JOINED counts as the welcome.  Everything happens on the loop's thread.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "net/peer_socket.h"
#include "proto/session.h"

struct session_opts {
    const char *address; /* copied */
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair keys;
    enum mb_role role;
    const uint8_t
        *join_key; /* public key to be accepted, or NULL; borrowed for the call */
    const char *join_name; /* wished name; copied */
    uint32_t connect_msec; /* until the welcome; 0: 10 s */
    uint32_t
        silence_msec; /* without any message, then the coordinator is lost; 0: 30 s */
};
struct session_ops {
    void (*welcome)(void *arg);
    void (*message)(uint8_t kind, const void *data, size_t len, void *arg);
    /* At most once, nothing is called afterwards.  DENIED: the coordinator refused this
     * key or is another one; UNAVAILABLE: nobody there, or lost later; PROTOCOL. */
    void (*failed)(const struct mb_error *why, void *arg);
};
struct session;
int session_new(struct mb_loop *l, const struct session_opts *opts,
                const struct session_ops *ops, void *arg, struct session **ret,
                struct mb_error *err) _must_check_;
void session_free(struct session *s); /* not from a callback */
DEFINE_CLEANUP(struct session *, session_free)

/* Encode @msg by @schema and send it. LIMIT when it is over MB_MSG_BYTES_MAX. */
int session_send(struct session *s, uint8_t kind, const struct mb_wire_schema *schema,
                 const void *msg, struct mb_error *err) _must_check_;
/* Say goodbye, if the connection still stands. */
void session_bye(struct session *s);

/* After the welcome; borrowed until the next message. */
const char *session_blob_url(const struct session *s);
const char *session_blob_token(const struct session *s);
const char *session_peer_name(const struct session *s);
const char *session_address(const struct session *s);

#endif
