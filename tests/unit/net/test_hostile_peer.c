/* SPDX-License-Identifier: Apache-2.0 */
/* A peer with a good key, or none, that sends what it likes; and a server that does. */
#include "peer_world.h"

#include <zmq.h>

#include "base/limits.h"
#include "base/mem.h"

struct raw {
    void *context, *socket;
};

static void raw_dial(struct raw *r, const struct world *w,
                     const struct mb_keypair *keys, const struct mb_route *claim)
{
    const int linger = 0;

    r->context = zmq_ctx_new();
    r->socket = zmq_socket(r->context, ZMQ_DEALER);
    zmq_setsockopt(r->socket, ZMQ_LINGER, &linger, sizeof(linger));
    if (claim)
        zmq_setsockopt(r->socket, ZMQ_ROUTING_ID, claim->id, claim->len);
    if (keys) {
        zmq_setsockopt(r->socket, ZMQ_CURVE_SERVERKEY, w->server_keys.public_key,
                       MB_KEY_LEN);
        zmq_setsockopt(r->socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, MB_KEY_LEN);
        zmq_setsockopt(r->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, MB_KEY_LEN);
    }
    assert_int_equal(zmq_connect(r->socket, w->address), 0);
}

static void raw_send(struct raw *r, const void *data, size_t len, bool more)
{
    assert_true(zmq_send(r->socket, data, len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0))
                >= 0);
}

static void raw_close(struct raw *r)
{
    zmq_close(r->socket);
    zmq_ctx_term(r->context);
}

static void broken_frames_are_dropped(void **state _unused_)
{
    static const struct {
        const char *frames[4];
        size_t n;
    } rows[] = {
        {{""}, 1},
        {{"x"}, 1},
        {{"MB\1\3"}, 1}, /* a head alone */
        {{"", ""}, 2},
        {{"MB\1", "x"}, 2},    /* a short head */
        {{"MB\1\3x", "x"}, 2}, /* a long one */
        {{"BM\1\3", "x"}, 2},  /* another magic */
        {{"MB\1\3", "x", "x"}, 3},
        {{"", "MB\1\3", "x"}, 3}, /* as a REQ would */
        {{"MB\1\3", "x", "x", "x"}, 4},
    };
    _cleanup_free_ char *big = mb_xcalloc(1, MB_MSG_BYTES_MAX + 1);
    struct world w;
    struct raw r;

    world_start(&w);
    raw_dial(&r, &w, &w.client_keys, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (size_t k = 0; k < rows[i].n; k++)
            raw_send(&r, rows[i].frames[k], strlen(rows[i].frames[k]),
                     k + 1 < rows[i].n);
    raw_send(&r, "MB\1\3", 4, true);
    raw_send(&r, big, MB_MSG_BYTES_MAX + 1, false);
    raw_send(&r, "MB\xff\3", 4, true); /* another version is the callback's to judge */
    raw_send(&r, "good", 4, false);
    world_run_until(&w, &w.n_at_server, 1);
    assert_int_equal(w.n_at_server, 1);
    assert_memory_equal(w.at_server.data, "good", 4);
    assert_int_equal(w.version, 255);
    assert_int_equal(w.kind, 3);
    raw_close(&r);
    world_stop(&w);
}

/* The first event of that kind at the raw socket. */
static void *raw_monitor(struct raw *r, int event)
{
    void *monitor = zmq_socket(r->context, ZMQ_PAIR);
    const int msec = WORLD_MSEC_MAX;

    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &msec, sizeof(msec));
    assert_int_equal(zmq_socket_monitor(r->socket, "inproc://raw", event), 0);
    assert_int_equal(zmq_connect(monitor, "inproc://raw"), 0);
    return monitor;
}

static void a_frame_over_the_limit_costs_its_sender_the_connection(
    void **state _unused_)
{
    _cleanup_free_ char *huge = mb_xcalloc(1, 2 * MB_ZMQ_MSG_BYTES_MAX);
    struct world w;
    struct raw r;
    void *monitor;
    char event[6];

    world_start(&w);
    raw_dial(&r, &w, &w.client_keys, NULL);
    monitor = raw_monitor(&r, ZMQ_EVENT_DISCONNECTED);
    raw_send(&r, "MB\1\1", 4, true);
    raw_send(&r, huge, 2 * MB_ZMQ_MSG_BYTES_MAX, false);
    /* Another peer does not notice. */
    w.echo = true;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    assert_int_equal(mb_peer_client_send(w.client, 9, "ok", 2, &(struct mb_error){0}),
                     0);
    world_run_until(&w, &w.n_at_client, 1);
    assert_memory_equal(w.at_client.data, "ok", 2);
    assert_int_equal(zmq_recv(monitor, event, sizeof(event), 0), sizeof(event));
    assert_int_equal(w.n_at_server, 1);
    zmq_close(monitor);
    raw_close(&r);
    world_stop(&w);
}

static void a_peer_without_curve_gets_nowhere(void **state _unused_)
{
    struct world w;
    struct raw r;

    world_start(&w);
    raw_dial(&r, &w, NULL, NULL);
    raw_send(&r, "MB\1\1", 4, true);
    raw_send(&r, "evil", 4, false);
    w.echo = true;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    assert_int_equal(mb_peer_client_send(w.client, 9, "ok", 2, &(struct mb_error){0}),
                     0);
    world_run_until(&w, &w.n_at_client, 1);
    world_run_msec(&w, 300);
    assert_int_equal(w.n_at_server, 1);
    raw_close(&r);
    world_stop(&w);
}

/* Two peers with the same routing id: the second must not take over the first. */
static void a_routing_id_cannot_be_taken_over(void **state _unused_)
{
    struct mb_error err;
    struct mb_route first;
    struct world w;
    struct raw a, b;
    char got[8] = "";

    world_start(&w);
    raw_dial(&a, &w, &w.client_keys, NULL);
    raw_send(&a, "MB\1\1", 4, true);
    raw_send(&a, "a", 1, false);
    world_run_until(&w, &w.n_at_server, 1);
    first = w.from;
    raw_dial(&b, &w, &w.client_keys, &first);
    raw_send(&b, "MB\1\1", 4, true);
    raw_send(&b, "b", 1, false);
    world_run_msec(&w, 300);
    assert_int_equal(w.n_at_server, 1);
    assert_ok(mb_peer_server_send(w.server, &first, 2, "to a", 4, &err), err);
    assert_int_equal(zmq_recv(a.socket, got, sizeof(got), 0), 4);
    assert_memory_equal(got, "MB\1\2", 4);
    raw_close(&a);
    raw_close(&b);
    world_stop(&w);
}

static void *context_of_null_server(char address[64], void **ret_socket)
{
    void *context = zmq_ctx_new();
    size_t len = 64;

    *ret_socket = zmq_socket(context, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(*ret_socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(*ret_socket, ZMQ_LAST_ENDPOINT, address, &len), 0);
    return context;
}

static void a_server_without_curve_is_a_bad_server(void **state _unused_)
{
    struct world w;
    void *context, *socket;

    world_start(&w);
    context = context_of_null_server(w.address, &socket);
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    world_run_until(&w, &w.n_events[MB_PEER_BAD_SERVER], 1);
    assert_int_equal(w.n_events[MB_PEER_CONNECTED], 0);
    zmq_close(socket);
    zmq_ctx_term(context);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_frames_are_dropped),
        cmocka_unit_test(a_frame_over_the_limit_costs_its_sender_the_connection),
        cmocka_unit_test(a_peer_without_curve_gets_nowhere),
        cmocka_unit_test(a_routing_id_cannot_be_taken_over),
        cmocka_unit_test(a_server_without_curve_is_a_bad_server),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
