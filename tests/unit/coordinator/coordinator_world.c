/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator_world.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define WAIT_MSEC 20000

/* --- the world --- */

void world_start(struct world *w, const struct mb_test_dir *dir)
{
    _cleanup_free_ char *store = mb_xasprintf("%s/store", dir->path);
    struct coordinator_opts opts = {
        .state_dir = dir->path, .listen = "tcp://127.0.0.1:0", .http = "127.0.0.1:0"};
    struct mb_keypair keys;
    struct peers *peers;
    struct mb_error err;
    char name[8];

    memset(w, 0, sizeof(*w));
    w->keys_dir = mb_xasprintf("%s/keys", dir->path);
    assert_ok(peers_server_key(w->keys_dir, &keys, &err), err);
    memcpy(w->server_key, keys.public_key, MB_KEY_LEN);
    peers = peers_new(w->keys_dir);
    for (size_t i = 0; i < 2; i++) {
        mb_keypair_new(&w->agents[i]);
        mb_keypair_new(&w->clients[i]);
        (void)snprintf(name, sizeof(name), "a%zu", i);
        peers_allow(peers, w->agents[i].public_key, MB_ROLE_AGENT, name);
        (void)snprintf(name, sizeof(name), "c%zu", i);
        peers_allow(peers, w->clients[i].public_key, MB_ROLE_CLIENT, name);
    }
    w->loop = mb_loop_new();
    assert_ok(coordinator_new_with(w->loop, &opts, &keys, peers, &w->coordinator, &err),
              err);
    assert_ok(mb_blob_store_open(store, &w->store, &err), err);
}

void world_stop(struct world *w)
{
    coordinator_free(w->coordinator);
    mb_blob_store_free(w->store);
    mb_loop_free(w->loop);
    free(w->keys_dir);
}

struct mb_layer_ref world_layer(struct world *w, const char *content)
{
    struct mb_layer_ref l = {.diff_id = mb_digest_of(content, strlen(content))};
    struct mb_error err;

    l.blob.size = strlen(content);
    (void)snprintf(l.blob.media_type, sizeof(l.blob.media_type), "%s",
                   MB_MT_OCI_LAYER_GZIP);
    assert_ok(
        mb_blob_store_put(w->store, content, strlen(content), &l.blob.digest, &err),
        err);
    return l;
}

/* --- waiting --- */

struct deadline {
    struct mb_loop *loop;
    bool passed;
};

static void on_deadline(void *arg)
{
    struct deadline *d = arg;

    d->passed = true;
    mb_loop_stop(d->loop);
}

/* Until something happens to some peer. */
static void wait_event(struct actor *p, const char *what)
{
    struct deadline d = {.loop = p->w->loop};
    int timer = mb_loop_add_once(d.loop, WAIT_MSEC, on_deadline, &d);

    mb_loop_run(d.loop);
    if (d.passed)
        fail_msg("waited in vain for %s", what);
    mb_loop_remove_timer(d.loop, timer);
}

/* --- peers --- */

static void on_message(uint8_t version _unused_, uint8_t kind, const void *data,
                       size_t len, void *arg)
{
    struct actor *p = arg;
    struct message *m = mb_xcalloc(1, sizeof(*m));

    m->kind = kind;
    mb_buf_init(&m->body, MB_MSG_BYTES_MAX);
    mb_buf_add(&m->body, data, len);
    if (!p->inbox)
        p->inbox_end = &p->inbox;
    *p->inbox_end = m;
    p->inbox_end = &m->next;
    mb_loop_stop(p->w->loop);
}

static void on_event(enum mb_peer_event ev, const char *detail _unused_, void *arg)
{
    struct actor *p = arg;

    p->connected = ev == MB_PEER_CONNECTED;
    p->refused = ev == MB_PEER_REFUSED;
    mb_loop_stop(p->w->loop);
}

void actor_dial(struct actor *p, struct world *w, const struct mb_keypair *keys)
{
    static const struct mb_peer_client_ops ops = {on_message, on_event};
    struct mb_error err;

    memset(p, 0, sizeof(*p));
    p->w = w;
    mb_random_bytes(p->session, sizeof(p->session));
    assert_ok(mb_peer_client_new(w->loop, coordinator_endpoint(w->coordinator),
                                 w->server_key, keys, &ops, p, &p->c, &err),
              err);
    while (!p->connected && !p->refused)
        wait_event(p, "the handshake");
}

static void drop_first(struct actor *p)
{
    struct message *m = p->inbox;

    p->inbox = m->next;
    mb_buf_done(&m->body);
    free(m);
}

void actor_hang_up(struct actor *p)
{
    mb_peer_client_free(p->c);
    while (p->inbox)
        drop_first(p);
}

void actor_send_bytes(struct actor *p, uint8_t kind, const void *data, size_t len)
{
    struct mb_error err;

    assert_ok(mb_peer_client_send(p->c, kind, data, len, &err), err);
}

void actor_send(struct actor *p, uint8_t kind, const struct mb_wire_schema *schema,
                const void *msg)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);

    mb_wire_encode(schema, msg, &out);
    assert_false(out.overflow);
    actor_send_bytes(p, kind, out.data, out.len);
}

void actor_expect(struct actor *p, uint8_t kind, void *ret)
{
    struct mb_error err;

    for (;;) {
        while (!p->inbox)
            wait_event(p, mb_kind_name(kind));
        if (p->inbox->kind == kind)
            break;
        drop_first(p);
    }
    if (ret)
        assert_ok(mb_wire_decode(mb_kind_schema(kind), p->inbox->body.data,
                                 p->inbox->body.len, ret, &err),
                  err);
    drop_first(p);
}

bool actor_has(const struct actor *p, uint8_t kind)
{
    const struct message *m = p->inbox;

    while (m && m->kind != kind)
        m = m->next;
    return m != NULL;
}

void actor_pause(struct actor *p)
{
    wait_event(p, "anything");
}

/* --- what good peers say --- */

void actor_greet_agent(struct actor *p, uint64_t slots)
{
    struct mb_agent_platform platform = {.platform = {.os = "linux", .arch = "amd64"}};
    struct mb_hello h = {
        .role = MB_ROLE_AGENT,
        .session = {p->session, sizeof(p->session)},
        .version = (char *)(uintptr_t) "test",
        .agent = {.arch = (char *)(uintptr_t) "amd64",
                  .platforms = &platform,
                  .n_platforms = 1,
                  .slots = slots},
    };

    actor_send(p, MB_KIND_HELLO, &mb_hello_schema, &h);
    actor_expect(p, MB_KIND_WELCOME, NULL);
}

void actor_greet_client(struct actor *p)
{
    struct mb_hello h = {.role = MB_ROLE_CLIENT,
                         .session = {p->session, sizeof(p->session)},
                         .version = (char *)(uintptr_t) "test"};

    actor_send(p, MB_KIND_HELLO, &mb_hello_schema, &h);
    actor_expect(p, MB_KIND_WELCOME, NULL);
}

void actor_build(struct actor *p, const char *dockerfile)
{
    struct mb_build_request r = {
        .dockerfile_name = (char *)(uintptr_t) "Dockerfile",
        .dockerfile = {(char *)(uintptr_t)dockerfile, strlen(dockerfile)}};

    mb_strv_add(&r.platforms, "linux/amd64");
    actor_send(p, MB_KIND_BUILD, &mb_build_request_schema, &r);
    mb_strv_done(&r.platforms);
}

void actor_ready(struct actor *p)
{
    const struct mb_build_ready nothing = {0};

    actor_expect(p, MB_KIND_BUILD_NEEDS, NULL);
    actor_send(p, MB_KIND_BUILD_READY, &mb_build_ready_schema, &nothing);
}

void actor_expect_failure(struct actor *p, const char *part)
{
    struct mb_build_done done = {0};

    actor_expect(p, MB_KIND_BUILD_DONE, &done);
    assert_false(done.ok);
    assert_non_null(done.message);
    assert_contains(done.message, part);
    mb_wire_done(&mb_build_done_schema, &done);
}

void actor_do_task(struct actor *p, const struct mb_task *t, size_t first)
{
    const struct mb_task_done end = {.task_id = t->task_id, .epoch = t->epoch};
    const struct mb_layer_ref layer = world_layer(p->w, "some layer");

    for (size_t i = first; i < t->n_steps; i++) {
        const uint64_t id = t->steps[i].step_id;
        const struct mb_step_started started = {t->task_id, t->epoch, id};
        const struct mb_step_done done = {.task_id = t->task_id,
                                          .epoch = t->epoch,
                                          .step_id = id,
                                          .has_layer = i == first,
                                          .layer = layer};

        actor_send(p, MB_KIND_STEP_STARTED, &mb_step_started_schema, &started);
        actor_send(p, MB_KIND_STEP_DONE, &mb_step_done_schema, &done);
    }
    actor_send(p, MB_KIND_TASK_DONE, &mb_task_done_schema, &end);
}
