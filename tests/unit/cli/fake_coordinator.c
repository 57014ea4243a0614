/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_coordinator.h"

#include <signal.h>

#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/http/http.h"
#include "proto/kinds.h"
#include "proto/session.h"

static bool lookup(const uint8_t key[MB_KEY_LEN], char ret_user_id[MB_USER_ID_LEN],
                   char *ret_reason, size_t reason_len, void *arg)
{
    struct fake *f = arg;
    bool is_token = memcmp(key, f->token.public_key, MB_KEY_LEN) == 0;

    if (!is_token && atomic_load(&f->n_joins) < atomic_load(&f->want_joins)) {
        (void)snprintf(ret_reason, reason_len, "never joined");
        return false;
    }
    if (atomic_load(&f->refuse_all) || (is_token && atomic_load(&f->refuse_token))) {
        (void)snprintf(ret_reason, reason_len, "refused by the test");
        return false;
    }
    (void)snprintf(ret_user_id, MB_USER_ID_LEN, "%s",
                   is_token ? "token:1:client" : "client:c1");
    return true;
}

static void reply(struct fake *f, const struct mb_route *to, uint8_t kind,
                  const struct mb_wire_schema *schema, const void *msg)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);
    struct mb_error err;

    mb_wire_encode(schema, msg, &out);
    if (mb_peer_server_send(f->server, to, kind, out.data, out.len, &err) < 0)
        print_message("fake coordinator: %s\n", err.msg);
}

static void on_hello(struct fake *f, const struct mb_route *from)
{
    _cleanup_free_ char *token = http_token_new(f->http, "client:c1", 600);
    _cleanup_free_ char *url = mb_xstrdup(http_url(f->http));
    char name[] = "c1", version[] = "0", why[] = "not today";
    const struct mb_welcome w = {.name = name,
                                 .coordinator_version = version,
                                 .blob_url = url,
                                 .blob_token = token,
                                 .heartbeat_msec = 50};
    const struct mb_refused r = {.code = MB_ERR_DENIED, .message = why};
    struct mb_error err;

    atomic_fetch_add(&f->n_hellos, 1);
    if (f->script == FAKE_REFUSES)
        reply(f, from, MB_KIND_REFUSED, &mb_refused_schema, &r);
    else if (f->script == FAKE_BREAKS)
        mb_ignore(
            mb_peer_server_send(f->server, from, MB_KIND_WELCOME, "\xc1", 1, &err),
            "test");
    else if (f->script != FAKE_MUTE)
        reply(f, from, MB_KIND_WELCOME, &mb_welcome_schema, &w);
}

static void ask_for_needs(struct fake *f, const struct mb_route *from)
{
    char dot[] = ".", amd64[] = "linux/amd64";
    char *dots[] = {dot, NULL}, *platforms[] = {amd64, NULL};
    struct mb_layout_need layout = {.name = (char *)(uintptr_t)f->layout,
                                    .platforms = {platforms, 1}};
    const struct mb_build_needs needs = {.build_id = 1,
                                         .context = true,
                                         .paths = {dots, 1},
                                         .layouts = &layout,
                                         .n_layouts = f->layout ? 1 : 0};

    reply(f, from, MB_KIND_BUILD_NEEDS, &mb_build_needs_schema, &needs);
}

static void show_step(struct fake *f, const struct mb_route *from)
{
    char name[] = "[1/1] COPY . /", line[] = "hello\n";
    struct mb_build_vertex v = {.vertex = 7, .state = MB_VERTEX_STARTED, .name = name};
    const struct mb_build_log l = {
        .vertex = 7, .stream = 1, .usec = 1000, .data = {line, sizeof(line) - 1}};

    reply(f, from, MB_KIND_BUILD_VERTEX, &mb_build_vertex_schema, &v);
    reply(f, from, MB_KIND_BUILD_LOG, &mb_build_log_schema, &l);
    v.state = MB_VERTEX_DONE;
    v.usec = 2000;
    reply(f, from, MB_KIND_BUILD_VERTEX, &mb_build_vertex_schema, &v);
}

static void end_build(struct fake *f, const struct mb_route *from, enum mb_errc code,
                      const char *text, const char *place)
{
    const struct mb_build_done done = {.code = code,
                                       .message = (char *)(uintptr_t)text,
                                       .source = (char *)(uintptr_t)place};

    reply(f, from, MB_KIND_BUILD_DONE, &mb_build_done_schema, &done);
}

static void on_build(struct fake *f, const struct mb_route *from, const void *data,
                     size_t len)
{
    struct mb_error err;

    mb_wire_done(&mb_build_request_schema, &f->request);
    assert_ok(mb_wire_decode(&mb_build_request_schema, data, len, &f->request, &err),
              err);
    atomic_fetch_add(&f->n_builds, 1);
    switch (f->script) {
    case FAKE_GOOD:
        ask_for_needs(f, from);
        break;
    case FAKE_NEEDS_TWO:
        ask_for_needs(f, from);
        ask_for_needs(f, from);
        break;
    case FAKE_FAILS:
        end_build(f, from, MB_ERR_INVALID, "unknown instruction: FETCH",
                  "Dockerfile:2");
        break;
    case FAKE_HANGS:
    case FAKE_STUBBORN:
        show_step(f, from);
        kill(getpid(), SIGINT);
        break;
    default:
        break;
    }
}

static void on_message(const struct mb_route *from, const char *user_id _unused_,
                       uint8_t version _unused_, uint8_t kind, const void *data,
                       size_t len, void *arg)
{
    struct fake *f = arg;
    char name[] = "c1";
    const struct mb_join_reply joined = {.name = name};
    const struct mb_heartbeat beat = {0};
    struct mb_error err;

    if (kind == MB_KIND_JOIN) {
        atomic_fetch_add(&f->n_joins, 1);
        reply(f, from, MB_KIND_JOINED, &mb_join_reply_schema, &joined);
    } else if (kind == MB_KIND_HELLO) {
        on_hello(f, from);
    } else if (kind == MB_KIND_HEARTBEAT) {
        atomic_fetch_add(&f->n_heartbeats, 1);
        if (f->script != FAKE_SILENT)
            reply(f, from, MB_KIND_HEARTBEAT, &mb_heartbeat_schema, &beat);
    } else if (kind == MB_KIND_BUILD) {
        on_build(f, from, data, len);
    } else if (kind == MB_KIND_BUILD_READY) {
        mb_wire_done(&mb_build_ready_schema, &f->ready);
        assert_ok(mb_wire_decode(&mb_build_ready_schema, data, len, &f->ready, &err),
                  err);
        show_step(f, from);
        reply(f, from, MB_KIND_BUILD_DONE, &mb_build_done_schema, &f->done);
    } else if (kind == MB_KIND_BUILD_CANCEL) {
        atomic_fetch_add(&f->n_cancels, 1);
        if (f->script == FAKE_STUBBORN)
            kill(getpid(), SIGINT);
        else
            end_build(f, from, MB_ERR_CANCELLED, "build canceled", NULL);
    } else if (kind == MB_KIND_BYE) {
        atomic_fetch_add(&f->n_byes, 1);
    }
}

static void *thread_main(void *arg)
{
    struct fake *f = arg;

    mb_loop_run(f->loop);
    return NULL;
}

void fake_start(struct fake *f, const char *dir)
{
    struct mb_error err;

    mb_keypair_new(&f->server_keys);
    mb_keypair_new(&f->token);
    assert_ok(mb_blob_store_open(dir, &f->store, &err), err);
    assert_ok(http_start("127.0.0.1:0", f->store, &f->http, &err), err);
    f->loop = mb_loop_new();
    assert_ok(mb_zap_start(lookup, f, &f->zap, &err), err);
    assert_ok(mb_peer_server_new(f->loop, "tcp://127.0.0.1:0", &f->server_keys,
                                 on_message, f, &f->server, &err),
              err);
    (void)snprintf(f->address, sizeof(f->address), "%s",
                   mb_peer_server_endpoint(f->server));
    assert_int_equal(pthread_create(&f->thread, NULL, thread_main, f), 0);
}

static void stop_loop(void *arg)
{
    mb_loop_stop(arg);
}

void fake_stop(struct fake *f)
{
    mb_loop_post(f->loop, stop_loop, f->loop);
    pthread_join(f->thread, NULL);
    mb_peer_server_free(f->server);
    mb_zap_free(f->zap);
    mb_loop_free(f->loop);
    http_stop(f->http);
    mb_blob_store_free(f->store);
}

void fake_done(struct fake *f)
{
    mb_wire_done(&mb_build_ready_schema, &f->ready);
    mb_wire_done(&mb_build_request_schema, &f->request);
}

char *fake_join_string(const struct fake *f)
{
    struct mb_join j = {.role = MB_ROLE_CLIENT, .token = f->token};

    memcpy(j.server_key, f->server_keys.public_key, MB_KEY_LEN);
    memcpy(j.address, f->address, sizeof(j.address));
    return mb_join_encode(&j);
}
