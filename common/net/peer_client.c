/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialling end: a DEALER, and a monitor that tells what became of its handshakes.
 *
 * What libzmq 4.3.4 reports, as measured against our own server:
 *   key let in           HANDSHAKE_SUCCEEDED
 *   key refused by ZAP   HANDSHAKE_FAILED_AUTH (400), DISCONNECTED, and no further try
 *   wrong server key     HANDSHAKE_FAILED_NO_DETAIL, DISCONNECTED, tried again without
 * end no ZAP handler       the same as a wrong server key server without CURVE
 * HANDSHAKE_FAILED_PROTOCOL, DISCONNECTED, and no further try nobody listens CLOSED,
 * tried again without end One NO_DETAIL also comes from a server that goes down at the
 * wrong moment, so two in a row are waited for.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/loop_priv.h"
#include "net/peer_priv.h"

#define MESSAGES_PER_WAKEUP 256
#define RECONNECT_MSEC 100
#define RECONNECT_MSEC_MAX 2000
#define BROKEN_HANDSHAKES 2
#define MONITORED                                                                 \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH              \
     | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL \
     | ZMQ_EVENT_DISCONNECTED)

struct mb_peer_client {
    struct mb_loop *loop; /* borrowed */
    void *socket, *monitor;
    struct mb_peer_client_ops ops;
    void *arg;
    bool was_connected, is_connected, said_broken;
    unsigned n_broken; /* handshakes in a row */
    bool in_callback, freed;
};

static void release(struct mb_peer_client *c)
{
    if (c->socket)
        zmq_socket_monitor(c->socket, NULL, 0);
    if (c->monitor)
        zmq_close(c->monitor);
    if (c->socket)
        zmq_close(c->socket);
    mb_net_context_unref();
    free(c);
}

static void leave_callback(struct mb_peer_client *c)
{
    c->in_callback = false;
    if (c->freed)
        release(c);
}

static void on_readable(void *arg)
{
    struct mb_peer_client *c = arg;
    struct peer_frames f;

    c->in_callback = true;
    for (int i = 0; i < MESSAGES_PER_WAKEUP && !c->freed && peer_receive(c->socket, &f);
         i++) {
        if (peer_frames_check(&f, 0)) {
            const uint8_t *head = zmq_msg_data(&f.m[0]);

            c->ops.message(head[2], head[3], zmq_msg_data(&f.m[1]),
                           zmq_msg_size(&f.m[1]), c->arg);
        }
        peer_frames_done(&f);
    }
    leave_callback(c);
}

static void say(struct mb_peer_client *c, enum mb_peer_event ev, const char *detail)
{
    if (c->ops.event)
        c->ops.event(ev, detail, c->arg);
}

static void handshake_broke(struct mb_peer_client *c, unsigned weight,
                            const char *detail)
{
    c->n_broken += weight;
    if (c->was_connected || c->said_broken || c->n_broken < BROKEN_HANDSHAKES)
        return;
    c->said_broken = true;
    say(c, MB_PEER_BAD_SERVER, detail);
}

static void on_event(struct mb_peer_client *c, unsigned event, uint32_t value)
{
    char detail[96];

    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        c->was_connected = c->is_connected = true;
        c->n_broken = 0;
        say(c, MB_PEER_CONNECTED, "connected");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        snprintf(detail, sizeof(detail),
                 "the server does not accept this key (status %" PRIu32 ")", value);
        say(c, MB_PEER_REFUSED, detail);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        snprintf(detail, sizeof(detail),
                 "what answers there is no coordinator (0x%08" PRIx32 ")", value);
        handshake_broke(c, BROKEN_HANDSHAKES, detail);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        handshake_broke(c, 1, "the server closes the connection in the handshake");
        break;
    case ZMQ_EVENT_DISCONNECTED:
        if (!c->is_connected)
            break;
        c->is_connected = false;
        say(c, MB_PEER_DISCONNECTED, "the connection is lost");
        break;
    default:
        break;
    }
}

/* Frames: 16 bits of event and 32 of value in the host's order; the endpoint. */
static void on_monitor(void *arg)
{
    struct mb_peer_client *c = arg;
    struct peer_frames f;

    c->in_callback = true;
    while (!c->freed && peer_receive(c->monitor, &f)) {
        uint16_t event = 0;
        uint32_t value = 0;

        if (f.n > 0 && zmq_msg_size(&f.m[0]) == sizeof(event) + sizeof(value)) {
            memcpy(&event, zmq_msg_data(&f.m[0]), sizeof(event));
            memcpy(&value, (char *)zmq_msg_data(&f.m[0]) + sizeof(event),
                   sizeof(value));
        }
        peer_frames_done(&f);
        on_event(c, event, value);
    }
    leave_callback(c);
}

static int start_monitor(struct mb_peer_client *c, void *context, struct mb_error *err)
{
    static atomic_uint counter;
    char name[64];

    snprintf(name, sizeof(name), "inproc://mb-monitor-%u",
             atomic_fetch_add(&counter, 1));
    c->monitor = zmq_socket(context, ZMQ_PAIR);
    if (!c->monitor || zmq_socket_monitor(c->socket, name, MONITORED) < 0
        || zmq_connect(c->monitor, name) < 0)
        return mb_fail(err, MB_ERR_IO, "watch the connection: %s",
                       zmq_strerror(zmq_errno()));
    return 0;
}

static int set_up(struct mb_peer_client *c, const uint8_t server_key[MB_KEY_LEN],
                  const struct mb_keypair *keys, struct mb_error *err)
{
    if (peer_set_int(c->socket, ZMQ_RECONNECT_IVL, RECONNECT_MSEC, err) < 0
        || peer_set_int(c->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MSEC_MAX, err) < 0
        || peer_set_bytes(c->socket, ZMQ_CURVE_SERVERKEY, server_key, MB_KEY_LEN, err)
               < 0
        || peer_set_bytes(c->socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, MB_KEY_LEN,
                          err)
               < 0)
        return -1;
    return peer_set_bytes(c->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, MB_KEY_LEN,
                          err);
}

static int dial(struct mb_peer_client *c, const char *address, struct mb_error *err)
{
    if (mb_address_check(address, err) < 0)
        return mb_wrap(err, "'%s'", address);
    if (zmq_connect(c->socket, address) < 0)
        return mb_fail(err, MB_ERR_INVALID, "connect to %s: %s", address,
                       zmq_strerror(zmq_errno()));
    return 0;
}

int mb_peer_client_new(struct mb_loop *l, const char *address,
                       const uint8_t server_key[MB_KEY_LEN],
                       const struct mb_keypair *keys,
                       const struct mb_peer_client_ops *ops, void *arg,
                       struct mb_peer_client **ret, struct mb_error *err)
{
    struct mb_peer_client *c = mb_xcalloc(1, sizeof(*c));
    void *context = mb_net_context_ref();

    *c = (struct mb_peer_client){.loop = l, .ops = *ops, .arg = arg};
    if (peer_open(context, ZMQ_DEALER, &c->socket, err) < 0
        || set_up(c, server_key, keys, err) < 0 || start_monitor(c, context, err) < 0
        || dial(c, address, err) < 0) {
        release(c);
        return -1;
    }
    mb_loop_add_socket(l, c->monitor, on_monitor, c);
    mb_loop_add_socket(l, c->socket, on_readable, c);
    *ret = c;
    return 0;
}

int mb_peer_client_send(struct mb_peer_client *c, uint8_t kind, const void *data,
                        size_t len, struct mb_error *err)
{
    if (peer_check_len(kind, len, err) < 0)
        return -1;
    return peer_send(c->socket, kind, data, len, err);
}

void mb_peer_client_free(struct mb_peer_client *c)
{
    if (!c)
        return;
    mb_loop_remove_socket(c->loop, c->monitor);
    mb_loop_remove_socket(c->loop, c->socket);
    c->freed = true;
    if (!c->in_callback)
        release(c);
}
