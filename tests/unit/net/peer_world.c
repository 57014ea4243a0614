/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"

/* The world's client may come in, and is called after its role. */
static bool lookup(const uint8_t key[MB_KEY_LEN], char ret_user_id[MB_USER_ID_LEN],
                   char *ret_reason, size_t reason_len, void *arg)
{
    const struct world *w = arg;

    if (memcmp(key, w->client_keys.public_key, MB_KEY_LEN) != 0) {
        (void)snprintf(ret_reason, reason_len, "unknown");
        return false;
    }
    (void)snprintf(ret_user_id, MB_USER_ID_LEN, "agent:a1");
    return true;
}

static void check(struct world *w)
{
    if (w->watch && *w->watch >= w->want)
        mb_loop_stop(w->loop);
}

static void server_got(const struct mb_route *from, const char *user_id,
                       uint8_t version, uint8_t kind, const void *data, size_t len,
                       void *arg)
{
    struct world *w = arg;
    struct mb_error err;

    w->from = *from;
    (void)snprintf(w->user_id, sizeof(w->user_id), "%s", user_id);
    w->version = version;
    w->kind = kind;
    mb_buf_add(&w->at_server, data, len);
    w->n_at_server++;
    if (w->echo)
        assert_ok(mb_peer_server_send(w->server, from, kind, data, len, &err), err);
    check(w);
}

static void drop_client(struct world *w)
{
    mb_peer_client_free(w->client);
    w->client = NULL;
}

static void client_got(uint8_t version _unused_, uint8_t kind _unused_,
                       const void *data, size_t len, void *arg)
{
    struct world *w = arg;

    mb_buf_add(&w->at_client, data, len);
    w->n_at_client++;
    if (w->free_on_message)
        drop_client(w);
    check(w);
}

static void client_event(enum mb_peer_event ev, const char *detail, void *arg)
{
    struct world *w = arg;

    assert_non_null(detail);
    w->n_events[ev]++;
    if (w->free_on_event)
        drop_client(w);
    check(w);
}

void world_listen(struct world *w, const char *endpoint)
{
    struct mb_error err;

    assert_ok(mb_peer_server_new(w->loop, endpoint, &w->server_keys, server_got, w,
                                 &w->server, &err),
              err);
    (void)snprintf(w->address, sizeof(w->address), "%s",
                   mb_peer_server_endpoint(w->server));
}

void world_start(struct world *w)
{
    struct mb_error err;

    memset(w, 0, sizeof(*w));
    mb_buf_init(&w->at_server, 64 << 20);
    mb_buf_init(&w->at_client, 64 << 20);
    w->loop = mb_loop_new();
    mb_keypair_new(&w->server_keys);
    mb_keypair_new(&w->client_keys);
    assert_ok(mb_zap_start(lookup, w, &w->zap, &err), err);
    world_listen(w, "tcp://127.0.0.1:0");
}

void world_dial(struct world *w, const uint8_t server_key[MB_KEY_LEN],
                const struct mb_keypair *keys)
{
    static const struct mb_peer_client_ops ops = {.message = client_got,
                                                  .event = client_event};
    struct mb_error err;

    assert_ok(mb_peer_client_new(w->loop, w->address, server_key, keys, &ops, w,
                                 &w->client, &err),
              err);
}

static void stop_loop(void *arg)
{
    mb_loop_stop(arg);
}

void world_run_msec(struct world *w, uint32_t msec)
{
    w->watch = NULL;
    mb_loop_add_once(w->loop, msec, stop_loop, w->loop);
    mb_loop_run(w->loop);
}

static bool port_refuses(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;
    struct mb_error err;
    _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_non_null(colon);
    assert_ok(mb_parse_u64(colon + 1, UINT16_MAX, &port, &err), err);
    to.sin_port = htons((uint16_t)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == ECONNREFUSED;
}

void world_stop_listening(struct world *w)
{
    uint64_t end = mb_now_usec() + WORLD_MSEC_MAX * UINT64_C(1000);

    mb_peer_server_free(w->server);
    w->server = NULL;
    while (!port_refuses(w->address))
        assert_true(mb_now_usec() < end);
}

void world_run_until(struct world *w, const unsigned *counter, unsigned want)
{
    int id = mb_loop_add_once(w->loop, WORLD_MSEC_MAX, stop_loop, w->loop);

    w->watch = counter;
    w->want = want;
    if (*counter < want)
        mb_loop_run(w->loop);
    w->watch = NULL;
    mb_loop_remove_timer(w->loop, id);
    if (*counter < want)
        fail_msg("%u of %u, and no more in time", *counter, want);
}

void world_stop(struct world *w)
{
    mb_peer_client_free(w->client);
    mb_peer_server_free(w->server);
    mb_zap_free(w->zap);
    mb_loop_free(w->loop);
    mb_buf_done(&w->at_server);
    mb_buf_done(&w->at_client);
}
