/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends do. Raw libzmq: its calls report errors where czmq's zsock asserts.
 * PROTOCOL.md section 2.
 */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "net/peer_priv.h"

#define HEAD_LEN 4
#define QUEUE_MESSAGES 10000 /* towards one peer; then sending says UNAVAILABLE */
#define HANDSHAKE_MSEC 10000
/* Only to notice connections that died without a word. A peer that is busy, or on a
 * slow link with full buffers, answers late, and a connection that ends loses what is
 * under way; who is alive is for the heartbeats of the protocol to say. */
#define HEARTBEAT_MSEC 10000
#define HEARTBEAT_LOST_MSEC 60000

bool mb_route_equal(const struct mb_route *a, const struct mb_route *b)
{
    return a->len == b->len && memcmp(a->id, b->id, a->len) == 0;
}

int peer_receive(void *socket, struct peer_frames *ret)
{
    bool more = true;

    for (ret->n = 0; more; ret->n++) {
        zmq_msg_t spare, *m = ret->n < PEER_FRAMES_MAX ? &ret->m[ret->n] : &spare;

        zmq_msg_init(m);
        if (zmq_msg_recv(m, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(m);
            peer_frames_done(ret);
            return 0;
        }
        more = zmq_msg_more(m) != 0;
        if (m == &spare)
            zmq_msg_close(m);
    }
    return 1;
}

void peer_frames_done(struct peer_frames *f)
{
    for (size_t i = 0; i < f->n && i < PEER_FRAMES_MAX; i++)
        zmq_msg_close(&f->m[i]);
    f->n = 0;
}

bool peer_frames_check(struct peer_frames *f, size_t n_before)
{
    const char *why = NULL;

    if (f->n != n_before + 2) {
        why = "frame count";
    } else {
        const uint8_t *head = zmq_msg_data(&f->m[n_before]);

        if (zmq_msg_size(&f->m[n_before]) != HEAD_LEN || head[0] != 'M'
            || head[1] != 'B')
            why = "head";
        else if (zmq_msg_size(&f->m[n_before + 1]) > MB_MSG_BYTES_MAX)
            why = "size";
    }
    if (why)
        mb_log(MB_LOG_DEBUG, "message_dropped", "reason=\"%s\"", why);
    return !why;
}

int peer_check_len(uint8_t kind, size_t len, struct mb_error *err)
{
    if (len > MB_MSG_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT,
                       "a message of kind %u has %zu bytes, over %zu", kind, len,
                       (size_t)MB_MSG_BYTES_MAX);
    return 0;
}

int peer_send(void *socket, uint8_t kind, const void *data, size_t len,
              struct mb_error *err)
{
    const uint8_t head[HEAD_LEN] = {'M', 'B', MB_PROTOCOL_VERSION, kind};

    if (zmq_send(socket, head, HEAD_LEN, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0
        || zmq_send(socket, len > 0 ? data : "", len, ZMQ_DONTWAIT) < 0)
        return mb_fail(err, MB_ERR_UNAVAILABLE, "send a message of kind %u: %s", kind,
                       zmq_errno() == EAGAIN ? "the peer does not keep up"
                                             : zmq_strerror(zmq_errno()));
    return 0;
}

int peer_set_bytes(void *socket, int option, const void *value, size_t len,
                   struct mb_error *err)
{
    if (zmq_setsockopt(socket, option, value, len) < 0)
        return mb_fail(err, MB_ERR_IO, "libzmq refuses option %d: %s", option,
                       zmq_strerror(zmq_errno()));
    return 0;
}

int peer_set_int(void *socket, int option, int value, struct mb_error *err)
{
    return peer_set_bytes(socket, option, &value, sizeof(value), err);
}

int peer_open(void *context, int type, void **ret, struct mb_error *err)
{
    static const struct {
        int option, value;
    } options[] = {
        {ZMQ_SNDHWM, QUEUE_MESSAGES},
        {ZMQ_RCVHWM, 1000},
        {ZMQ_LINGER, MB_PEER_LINGER_MSEC},
        {ZMQ_IPV6, 1},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MSEC},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MSEC},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LOST_MSEC},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_LOST_MSEC},
    };
    const int64_t max = MB_ZMQ_MSG_BYTES_MAX;
    void *socket = zmq_socket(context, type);
    int rc;

    if (!socket)
        return mb_fail(err, MB_ERR_IO, "open a socket: %s", zmq_strerror(zmq_errno()));
    rc = peer_set_bytes(socket, ZMQ_MAXMSGSIZE, &max, sizeof(max), err);
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(options); i++)
        rc = peer_set_int(socket, options[i].option, options[i].value, err);
    if (rc < 0)
        zmq_close(socket);
    else
        *ret = socket;
    return rc;
}
