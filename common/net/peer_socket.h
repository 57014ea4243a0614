/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_socket - the control channel: ROUTER (server) and DEALER (client) with CURVE.
 *
 * A message is exactly two frames: a 4-byte head ('M', 'B', protocol version, kind) and
 * a body of at most MB_MSG_BYTES_MAX bytes; anything else is dropped (counted, logged
 * at debug) before it reaches the callback. MAXMSGSIZE is set before bind/connect;
 * heartbeats of ZeroMQ itself are on. Freeing a socket leaves MB_PEER_LINGER_MSEC for
 * what was sent last (a BYE) to get out.
 *
 * Everything is called from the loop's thread. A callback may send, and may free its
 * own socket.
 */
#ifndef MB_NET_PEER_SOCKET_H
#define MB_NET_PEER_SOCKET_H

#include "net/loop.h"
#include "net/zap.h"

#define MB_PROTOCOL_VERSION 1
#define MB_ROUTE_LEN_MAX 255
#define MB_PEER_LINGER_MSEC 200

/* Opaque routing id of one connection. */
struct mb_route {
    uint8_t len;
    uint8_t id[MB_ROUTE_LEN_MAX];
};
bool mb_route_equal(const struct mb_route *a, const struct mb_route *b);

/* --- server --- */
struct mb_peer_server;
/* @user_id is what ZAP said (never the peer's claim). @version is the peer's protocol
 * version, which may differ from ours. Data is borrowed for the call. */
typedef void mb_peer_server_fn(const struct mb_route *from, const char *user_id,
                               uint8_t version, uint8_t kind, const void *data,
                               size_t len, void *arg);
/* @endpoint "tcp://127.0.0.1:0" picks a port. IO/INVALID name the endpoint and why. */
int mb_peer_server_new(struct mb_loop *l, const char *endpoint,
                       const struct mb_keypair *keys, mb_peer_server_fn *fn, void *arg,
                       struct mb_peer_server **ret, struct mb_error *err) _must_check_;
/* "tcp://127.0.0.1:41873", borrowed. */
const char *mb_peer_server_endpoint(const struct mb_peer_server *s);
/* Queues, never blocks. LIMIT (@len); UNAVAILABLE when the route is gone or its queue
 * is full (ROUTER_MANDATORY). */
int mb_peer_server_send(struct mb_peer_server *s, const struct mb_route *to,
                        uint8_t kind, const void *data, size_t len,
                        struct mb_error *err) _must_check_;
void mb_peer_server_free(struct mb_peer_server *s);

/* --- client --- */
/* A server that is not there gives no event: ZeroMQ tries again and again, so callers
 * have a deadline of their own. */
enum mb_peer_event {
    MB_PEER_CONNECTED,    /* handshake done */
    MB_PEER_DISCONNECTED, /* after CONNECTED; ZeroMQ reconnects by itself */
    MB_PEER_REFUSED, /* ZAP said no: unknown, expired or used key. ZeroMQ gives up: free
                        it */
    MB_PEER_BAD_SERVER, /* never CONNECTED and the handshake broke twice: most likely a
                         * wrong server key, or a server that cannot check keys now;
                         * said once */
};
struct mb_peer_client;
struct mb_peer_client_ops {
    void (*message)(uint8_t version, uint8_t kind, const void *data, size_t len,
                    void *arg);
    void (*event)(enum mb_peer_event ev, const char *detail,
                  void *arg); /* from the socket monitor */
};
int mb_peer_client_new(struct mb_loop *l, const char *address,
                       const uint8_t server_key[MB_KEY_LEN],
                       const struct mb_keypair *keys,
                       const struct mb_peer_client_ops *ops, void *arg,
                       struct mb_peer_client **ret, struct mb_error *err) _must_check_;
/* Queues, also before CONNECTED (it goes out then) and while disconnected (it goes out
 * before anything that is sent later). LIMIT; UNAVAILABLE when the queue is full. */
int mb_peer_client_send(struct mb_peer_client *c, uint8_t kind, const void *data,
                        size_t len, struct mb_error *err) _must_check_;
void mb_peer_client_free(struct mb_peer_client *c);

#endif
