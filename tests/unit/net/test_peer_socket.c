/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"

#include <pthread.h>
#include <sys/mman.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#define N_MESSAGES 1000

static void send_number(struct world *w, unsigned i)
{
    const uint8_t body[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                             (uint8_t)i};
    struct mb_error err;

    assert_ok(mb_peer_client_send(w->client, 42, body, sizeof(body), &err), err);
}

static void assert_numbers(const struct mb_buf *b, unsigned n)
{
    assert_int_equal(b->len, 4 * n);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = (const uint8_t *)b->data + 4 * i;

        assert_int_equal((unsigned)p[0] << 24 | (unsigned)p[1] << 16
                             | (unsigned)p[2] << 8 | p[3],
                         i);
    }
}

static void a_known_key_comes_in_and_messages_go_both_ways(void **state _unused_)
{
    size_t n_fds = mb_test_count_fds();
    struct world w;

    world_start(&w);
    w.echo = true;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    for (unsigned i = 0; i < N_MESSAGES; i++)
        send_number(&w, i); /* also before the handshake is done */
    world_run_until(&w, &w.n_at_client, N_MESSAGES);
    assert_numbers(&w.at_server, N_MESSAGES);
    assert_numbers(&w.at_client, N_MESSAGES);
    assert_string_equal(w.user_id, "agent:a1");
    assert_int_equal(w.version, MB_PROTOCOL_VERSION);
    assert_int_equal(w.kind, 42);
    assert_int_equal(w.n_events[MB_PEER_CONNECTED], 1);
    assert_int_equal(w.n_events[MB_PEER_REFUSED] + w.n_events[MB_PEER_BAD_SERVER], 0);
    world_stop(&w);
    assert_int_equal(mb_test_count_fds(), n_fds);
}

static void an_unknown_key_is_refused(void **state _unused_)
{
    struct mb_keypair stranger;
    struct world w;

    mb_keypair_new(&stranger);
    world_start(&w);
    world_dial(&w, w.server_keys.public_key, &stranger);
    send_number(&w, 1);
    world_run_until(&w, &w.n_events[MB_PEER_REFUSED], 1);
    assert_int_equal(w.n_events[MB_PEER_CONNECTED], 0);
    assert_int_equal(w.n_at_server, 0);
    world_stop(&w);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    while ((text = strstr(text, part))) {
        n++;
        text += strlen(part);
    }
    return n;
}

/* At the level that a server has by default, and not as often as strangers like. */
static void refusals_are_logged_with_their_reason_and_a_flood_is_cut(
    void **state _unused_)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_MIB);
    _cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
    struct mb_keypair stranger;
    struct mb_error err;
    struct world w;

    mb_keypair_new(&stranger);
    world_start(&w);
    mb_log_set_fd(fd);
    for (unsigned i = 0; i < 50; i++) {
        world_dial(&w, w.server_keys.public_key, &stranger);
        world_run_until(&w, &w.n_events[MB_PEER_REFUSED], i + 1);
        mb_peer_client_free(w.client);
        w.client = NULL;
    }
    mb_log_set_fd(STDERR_FILENO);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(mb_read_to_end(fd, &text, &err), err);
    assert_contains(text.data, "event=key_refused address=");
    assert_contains(text.data, "127.0.0.1 reason=\"unknown\"");
    assert_in_range(count(text.data, "event=key_refused "), 10, 40);
    world_stop(&w);
}

static void a_wrong_server_key_is_noticed(void **state _unused_)
{
    struct mb_keypair other;
    struct world w;

    mb_keypair_new(&other);
    world_start(&w);
    world_dial(&w, other.public_key, &w.client_keys);
    send_number(&w, 1);
    world_run_until(&w, &w.n_events[MB_PEER_BAD_SERVER], 1);
    world_run_msec(&w, 500); /* while it tries again */
    assert_int_equal(w.n_events[MB_PEER_BAD_SERVER], 1);
    assert_int_equal(w.n_events[MB_PEER_CONNECTED], 0);
    assert_int_equal(w.n_at_server, 0);
    world_stop(&w);
}

static void nobody_comes_in_when_no_one_checks_keys(void **state _unused_)
{
    struct world w;

    world_start(&w);
    mb_zap_free(w.zap);
    w.zap = NULL;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    send_number(&w, 1);
    world_run_until(&w, &w.n_events[MB_PEER_BAD_SERVER], 1);
    assert_int_equal(w.n_events[MB_PEER_CONNECTED], 0);
    assert_int_equal(w.n_at_server, 0);
    world_stop(&w);
}

static void only_one_key_check_runs_in_a_process(void **state _unused_)
{
    struct mb_zap *second = NULL;
    struct mb_error err;
    struct world w;

    world_start(&w);
    assert_fails(mb_zap_start(NULL, NULL, &second, &err), err, MB_ERR_UNAVAILABLE);
    assert_null(second);
    world_stop(&w);
}

static void a_server_that_is_not_there_yet_is_waited_for(void **state _unused_)
{
    struct world w;

    world_start(&w);
    world_stop_listening(&w);
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    send_number(&w, 0);
    world_run_msec(&w, 500); /* some refused connections */
    assert_int_equal(w.n_events[MB_PEER_BAD_SERVER] + w.n_events[MB_PEER_DISCONNECTED],
                     0);
    world_listen(&w, w.address);
    world_run_until(&w, &w.n_at_server, 1);
    assert_numbers(&w.at_server, 1);
    assert_int_equal(w.n_events[MB_PEER_BAD_SERVER] + w.n_events[MB_PEER_REFUSED], 0);
    world_stop(&w);
}

static void a_client_comes_back_when_its_server_does(void **state _unused_)
{
    struct world w;

    world_start(&w);
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    world_run_until(&w, &w.n_events[MB_PEER_CONNECTED], 1);
    mb_peer_server_free(w.server);
    w.server = NULL;
    world_run_until(&w, &w.n_events[MB_PEER_DISCONNECTED], 1);
    send_number(&w, 0); /* waits */
    world_listen(&w, w.address);
    world_run_until(&w, &w.n_events[MB_PEER_CONNECTED], 2);
    world_run_until(&w, &w.n_at_server, 1);
    assert_int_equal(w.n_events[MB_PEER_DISCONNECTED], 1);
    world_stop(&w);
}

static void too_large_a_message_is_not_sent(void **state _unused_)
{
    _cleanup_free_ char *big = mb_xcalloc(1, MB_MSG_BYTES_MAX + 1);
    struct mb_error err;
    struct world w;

    world_start(&w);
    w.echo = true;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    assert_fails(mb_peer_client_send(w.client, 1, big, MB_MSG_BYTES_MAX + 1, &err), err,
                 MB_ERR_LIMIT);
    assert_ok(mb_peer_client_send(w.client, 1, NULL, 0, &err), err);
    assert_ok(mb_peer_client_send(w.client, 1, big, MB_MSG_BYTES_MAX, &err), err);
    world_run_until(&w, &w.n_at_client, 2);
    assert_int_equal(w.at_client.len, MB_MSG_BYTES_MAX);
    assert_fails(
        mb_peer_server_send(w.server, &w.from, 1, big, MB_MSG_BYTES_MAX + 1, &err), err,
        MB_ERR_LIMIT);
    world_stop(&w);
}

static void sending_to_a_route_that_is_gone_is_unavailable(void **state _unused_)
{
    const struct mb_route nobody = {.len = 5, .id = "\0abcd"};
    struct mb_error err;
    struct world w;

    world_start(&w);
    assert_fails(mb_peer_server_send(w.server, &nobody, 1, "x", 1, &err), err,
                 MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, "gone");
    world_stop(&w);
}

/* The client's loop does not run, so its queues fill up; the server must go on. */
static void a_peer_that_does_not_read_never_blocks_the_server(void **state _unused_)
{
    static const char body[8192];
    unsigned n_sent = 0;
    struct mb_error err;
    struct world w;

    world_start(&w);
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    send_number(&w, 0);
    world_run_until(&w, &w.n_at_server, 1);
    while (n_sent < 100000
           && mb_peer_server_send(w.server, &w.from, 1, body, sizeof(body), &err) == 0)
        n_sent++;
    assert_true(n_sent >= 10000 && n_sent < 100000);
    assert_int_equal(err.code, MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, "does not keep up");
    world_run_until(&w, &w.n_at_client, n_sent); /* and nothing of it is lost */
    assert_ok(mb_peer_server_send(w.server, &w.from, 1, body, sizeof(body), &err), err);
    world_stop(&w);
}

static void a_callback_may_free_its_client(void **state _unused_)
{
    struct world w;

    world_start(&w);
    w.free_on_event = true;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    world_run_until(&w, &w.n_events[MB_PEER_CONNECTED], 1);
    assert_null(w.client);

    w.free_on_event = false;
    w.free_on_message = w.echo = true;
    world_dial(&w, w.server_keys.public_key, &w.client_keys);
    for (unsigned i = 0; i < 10; i++)
        send_number(&w, i);
    world_run_until(&w, &w.n_at_client, 1);
    assert_null(w.client);
    assert_int_equal(w.n_at_client, 1);
    world_stop(&w);
}

static void bad_endpoints_are_refused(void **state _unused_)
{
    static const char *const rows[] = {"",
                                       "tcp://",
                                       "tcp://127.0.0.1",
                                       "127.0.0.1:1",
                                       "tcp://127.0.0.1:99999",
                                       "tcp://192.0.2.1:0",
                                       "udp://127.0.0.1:0"};
    static const char *const addresses[] = {"",          "tcp://",    "tcp://h",
                                            "tcp://h:0", "ipc://x:1", "tcp://*:7480"};
    static const struct mb_peer_client_ops ops = {0};
    struct mb_peer_server *second = NULL;
    struct mb_peer_client *client = NULL;
    struct mb_error err;
    struct world w;

    world_start(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (mb_peer_server_new(w.loop, rows[i], &w.server_keys, NULL, NULL, &second,
                               &err)
            == 0)
            fail_msg("row %zu", i);
        assert_true(err.code == MB_ERR_INVALID || err.code == MB_ERR_IO);
        assert_contains(err.msg, rows[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
        assert_fails(mb_peer_client_new(w.loop, addresses[i], w.server_keys.public_key,
                                        &w.client_keys, &ops, NULL, &client, &err),
                     err, MB_ERR_INVALID);
    assert_fails(mb_peer_server_new(w.loop, w.address, &w.server_keys, NULL, NULL,
                                    &second, &err),
                 err, MB_ERR_IO);
    assert_contains(err.msg, "in use");
    world_stop(&w);
}

static void *dial_from_own_loop(void *arg)
{
    const struct world *other = arg;
    struct world *w = mb_xcalloc(1, sizeof(*w));

    w->loop = mb_loop_new();
    mb_buf_init(&w->at_client, 1 << 20);
    (void)snprintf(w->address, sizeof(w->address), "%s", other->address);
    world_dial(w, other->server_keys.public_key, &other->client_keys);
    for (unsigned i = 0; i < N_MESSAGES; i++)
        send_number(w, i);
    world_run_until(w, &w->n_at_client, N_MESSAGES);
    mb_peer_client_free(w->client);
    mb_loop_free(w->loop);
    mb_buf_done(&w->at_client);
    free(w);
    mb_loop_post(other->loop, (mb_loop_post_fn *)mb_loop_stop, other->loop);
    return NULL;
}

/* Coordinator, agent and client as threads of one process. */
static void three_loops_of_one_process_talk(void **state _unused_)
{
    pthread_t threads[2];
    struct world w;

    world_start(&w);
    w.echo = true;
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, dial_from_own_loop, &w), 0);
    mb_loop_run(w.loop); /* until the first one is done */
    while (w.n_at_server < 2 * N_MESSAGES)
        mb_loop_run(w.loop);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_key_comes_in_and_messages_go_both_ways),
        cmocka_unit_test(an_unknown_key_is_refused),
        cmocka_unit_test(refusals_are_logged_with_their_reason_and_a_flood_is_cut),
        cmocka_unit_test(a_wrong_server_key_is_noticed),
        cmocka_unit_test(nobody_comes_in_when_no_one_checks_keys),
        cmocka_unit_test(only_one_key_check_runs_in_a_process),
        cmocka_unit_test(a_server_that_is_not_there_yet_is_waited_for),
        cmocka_unit_test(a_client_comes_back_when_its_server_does),
        cmocka_unit_test(too_large_a_message_is_not_sent),
        cmocka_unit_test(sending_to_a_route_that_is_gone_is_unavailable),
        cmocka_unit_test(a_peer_that_does_not_read_never_blocks_the_server),
        cmocka_unit_test(a_callback_may_free_its_client),
        cmocka_unit_test(bad_endpoints_are_refused),
        cmocka_unit_test(three_loops_of_one_process_talk),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
