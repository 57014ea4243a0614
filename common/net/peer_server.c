/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coordinator's end: a ROUTER that nobody talks to whom ZAP has not let in.
 * ROUTER_HANDOVER stays off, so that a peer cannot take over another's connection by
 * claiming its routing id.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/loop_priv.h"
#include "net/peer_priv.h"

/* In libzmq since 4.3, but declared with the draft options only; without it a server
 * whose ZAP handler is gone lets everybody in. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

#define BACKLOG 1024
#define MESSAGES_PER_WAKEUP 256 /* then others have their turn */
#define ENDPOINT_LEN 320

struct mb_peer_server {
    struct mb_loop *loop; /* borrowed */
    void *socket;
    mb_peer_server_fn *fn;
    void *arg;
    bool in_callback, freed;
    char endpoint[ENDPOINT_LEN];
};

static void release(struct mb_peer_server *s)
{
    if (s->socket)
        zmq_close(s->socket);
    mb_net_context_unref();
    free(s);
}

/* Frames: routing id, head, body. */
static void deliver(struct mb_peer_server *s, struct peer_frames *f)
{
    const char *user_id = zmq_msg_gets(&f->m[2], "User-Id");
    const uint8_t *head = zmq_msg_data(&f->m[1]);
    struct mb_route from = {.len = (uint8_t)zmq_msg_size(&f->m[0])};

    if (!user_id) {
        mb_log(MB_LOG_DEBUG, "message_dropped", "reason=\"no user id\"");
        return;
    }
    memcpy(from.id, zmq_msg_data(&f->m[0]), from.len);
    s->fn(&from, user_id, head[2], head[3], zmq_msg_data(&f->m[2]),
          zmq_msg_size(&f->m[2]), s->arg);
}

static void on_readable(void *arg)
{
    struct mb_peer_server *s = arg;
    struct peer_frames f;

    s->in_callback = true;
    for (int i = 0; i < MESSAGES_PER_WAKEUP && !s->freed && peer_receive(s->socket, &f);
         i++) {
        if (peer_frames_check(&f, 1))
            deliver(s, &f);
        peer_frames_done(&f);
    }
    s->in_callback = false;
    if (s->freed)
        release(s);
}

static int set_up(struct mb_peer_server *s, const struct mb_keypair *keys,
                  struct mb_error *err)
{
    if (peer_set_int(s->socket, ZMQ_ROUTER_MANDATORY, 1, err) < 0
        || peer_set_int(s->socket, ZMQ_BACKLOG, BACKLOG, err) < 0
        || peer_set_int(s->socket, ZMQ_CURVE_SERVER, 1, err) < 0
        || peer_set_bytes(s->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, MB_KEY_LEN,
                          err)
               < 0
        || peer_set_bytes(s->socket, ZMQ_ZAP_DOMAIN, MB_ZAP_DOMAIN,
                          strlen(MB_ZAP_DOMAIN), err)
               < 0)
        return -1;
    return peer_set_int(s->socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1, err);
}

/* libzmq takes port 99999 for 34463. */
static bool is_endpoint(const char *endpoint)
{
    const char *host = endpoint + strlen("tcp://"), *port = strrchr(endpoint, ':');
    struct mb_error ignored;
    uint64_t n;

    return mb_starts_with(endpoint, "tcp://") && port && port > host
           && (strcmp(port, ":*") == 0
               || mb_parse_u64(port + 1, UINT16_MAX, &n, &ignored) == 0);
}

/* "tcp://[::ffff:127.0.0.1]:80", as libzmq has it with IPv6 on, to
 * "tcp://127.0.0.1:80".
 */
static void unmap_ipv4(char *endpoint)
{
    static const char head[] = "tcp://[::ffff:";
    char *rest = endpoint + strlen(head), *close = strchr(endpoint, ']');

    if (!mb_starts_with(endpoint, head) || !close || !strchr(rest, '.'))
        return;
    memmove(close, close + 1, strlen(close));
    memmove(endpoint + strlen("tcp://"), rest, strlen(rest) + 1);
}

static int listen_on(struct mb_peer_server *s, const char *endpoint,
                     struct mb_error *err)
{
    size_t len = sizeof(s->endpoint);
    bool valid = is_endpoint(endpoint);

    if (!valid || zmq_bind(s->socket, endpoint) < 0) {
        if (!valid || zmq_errno() == EINVAL || zmq_errno() == ENODEV)
            return mb_fail(
                err, MB_ERR_INVALID,
                "'%s' is not an address to listen on: write tcp://ADDRESS:PORT with "
                "an address of this machine, or tcp://*:PORT for all of them",
                endpoint);
        errno = zmq_errno();
        return mb_fail_errno(err, "listen on %s", endpoint);
    }
    if (zmq_getsockopt(s->socket, ZMQ_LAST_ENDPOINT, s->endpoint, &len) < 0)
        return mb_fail(err, MB_ERR_IO, "listen on %s: %s", endpoint,
                       zmq_strerror(zmq_errno()));
    unmap_ipv4(s->endpoint);
    return 0;
}

int mb_peer_server_new(struct mb_loop *l, const char *endpoint,
                       const struct mb_keypair *keys, mb_peer_server_fn *fn, void *arg,
                       struct mb_peer_server **ret, struct mb_error *err)
{
    struct mb_peer_server *s = mb_xcalloc(1, sizeof(*s));

    *s = (struct mb_peer_server){.loop = l, .fn = fn, .arg = arg};
    if (peer_open(mb_net_context_ref(), ZMQ_ROUTER, &s->socket, err) < 0
        || set_up(s, keys, err) < 0 || listen_on(s, endpoint, err) < 0) {
        release(s);
        return -1;
    }
    mb_loop_add_socket(l, s->socket, on_readable, s);
    *ret = s;
    return 0;
}

const char *mb_peer_server_endpoint(const struct mb_peer_server *s)
{
    return s->endpoint;
}

int mb_peer_server_send(struct mb_peer_server *s, const struct mb_route *to,
                        uint8_t kind, const void *data, size_t len,
                        struct mb_error *err)
{
    if (peer_check_len(kind, len, err) < 0)
        return -1;
    if (zmq_send(s->socket, to->id, to->len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return mb_fail(err, MB_ERR_UNAVAILABLE, "send a message of kind %u: %s", kind,
                       zmq_errno() == EAGAIN ? "the peer does not keep up"
                                             : "the peer is gone");
    return peer_send(s->socket, kind, data, len, err);
}

void mb_peer_server_free(struct mb_peer_server *s)
{
    if (!s)
        return;
    mb_loop_remove_socket(s->loop, s->socket);
    s->freed = true;
    if (!s->in_callback)
        release(s);
}
