/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring only: who gets which message, what is made first, what ends last. */
#include "coordinator/coordinator.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/clients.h"
#include "coordinator/coordinator_internal.h"
#include "coordinator/peers.h"
#include "proto/kinds.h"
#include "proto/session.h"

#define TICK_MSEC 1000
#define WORKER_THREADS 6

struct coordinator {
    struct mb_loop *loop; /* borrowed */
    struct peers *peers;
    struct mb_zap *zap;
    struct mb_peer_server *server;
    struct http_server *http;
    struct mb_blob_store *store;
    struct cache *cache;
    struct mb_workers *workers;
    struct mb_registry_config registries;
    char *docker_config;
    struct agents *agents;
    struct clients *clients;
    struct build_env env;
    int timer;
};

/* --- messages --- */

static void on_join(struct coordinator *c, const struct peer_identity *who,
                    const struct mb_route *from, const void *data, size_t len)
{
    struct mb_join_request req = {0};
    struct mb_join_reply reply = {0};
    struct mb_error err, ignored;

    if (mb_wire_decode(&mb_join_request_schema, data, len, &req, &err) < 0
        || peers_join(c->peers, who, req.public_key.data, req.public_key.len, req.name,
                      &reply.name, &err)
               < 0) {
        mb_log(MB_LOG_WARNING, "join_refused", "role=%s reason=\"%s\"",
               mb_role_name(who->role), err.msg);
        sender_refuse(c->server, from, err.code, err.msg);
    } else {
        mb_log(MB_LOG_NOTICE, "peer_joined", "role=%s name=%s", mb_role_name(who->role),
               reply.name);
        mb_ignore(sender_send(c->server, from, MB_KIND_JOINED, &mb_join_reply_schema,
                              &reply, &ignored),
                  "a peer that left joins again with a new token");
    }
    mb_wire_done(&mb_join_request_schema, &req);
    mb_wire_done(&mb_join_reply_schema, &reply);
}

/* A session that was given up (the agent was frozen, or this coordinator is new):
 * NOT_FOUND makes the agent drop its tasks and greet again. */
static void refuse_stale(struct coordinator *c, const char *name,
                         const struct mb_route *from, uint8_t kind)
{
    mb_log(MB_LOG_NOTICE, "stale_session", "agent=%s kind=%s", name,
           mb_kind_name(kind));
    sender_refuse(c->server, from, MB_ERR_NOT_FOUND,
                  "this session is over; greet again");
}

static void on_agent(struct coordinator *c, const char *name,
                     const struct mb_route *from, uint8_t kind, const void *data,
                     size_t len)
{
    uint64_t now = mb_now_usec();
    struct agent_session *a;

    if (kind == MB_KIND_HELLO) {
        agents_hello(c->agents, name, from, data, len, now);
        return;
    }
    a = agents_seen(c->agents, name, from, now);
    if (!a && kind != MB_KIND_BYE)
        refuse_stale(c, name, from, kind);
    else if (!a)
        return;
    else if (kind == MB_KIND_BYE)
        agents_bye(c->agents, a);
    else if (kind >= MB_KIND_STEP_STARTED && kind <= MB_KIND_TASK_DONE)
        clients_task_message(c->clients, a, kind, data, len);
}

static void on_message(const struct mb_route *from, const char *user_id,
                       uint8_t version, uint8_t kind, const void *data, size_t len,
                       void *arg)
{
    struct coordinator *c = arg;
    struct peer_identity who;

    if (!peers_identity(user_id, &who)) {
        mb_log(MB_LOG_ERR, "bad_user_id", "user_id=\"%s\"", user_id);
        return;
    }
    if (version != MB_PROTOCOL_VERSION) {
        char text[96];
        snprintf(text, sizeof(text),
                 "protocol version %u here, %u there: upgrade the %s",
                 MB_PROTOCOL_VERSION, version,
                 version > MB_PROTOCOL_VERSION ? "coordinator" : "peer");
        sender_refuse(c->server, from, MB_ERR_PROTOCOL, text);
    } else if (who.is_token) {
        if (kind == MB_KIND_JOIN)
            on_join(c, &who, from, data, len);
    } else if (who.role == MB_ROLE_AGENT) {
        on_agent(c, who.name, from, kind, data, len);
    } else {
        clients_message(c->clients, who.name, from, kind, data, len, mb_now_usec());
    }
}

static void on_agent_lost(struct agent_session *a, const char *reason, void *arg)
{
    struct coordinator *c = arg;

    clients_agent_lost(c->clients, a, reason);
}

static void on_agents_changed(void *arg)
{
    struct coordinator *c = arg;

    clients_wake(c->clients);
}

static void on_tick(void *arg)
{
    struct coordinator *c = arg;
    uint64_t now = mb_now_usec();

    agents_tick(c->agents, now);
    clients_tick(c->clients, now);
}

/* --- life --- */

static char *default_docker_config(void)
{
    const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

    if (dir)
        return mb_xasprintf("%s/config.json", dir);
    return home ? mb_xasprintf("%s/.docker/config.json", home) : NULL;
}

static int open_stores(struct coordinator *c, const struct coordinator_opts *opts,
                       struct mb_error *err)
{
    _cleanup_free_ char *store = mb_xasprintf("%s/store", opts->state_dir);
    _cleanup_free_ char *cache = mb_xasprintf("%s/cache.db", opts->state_dir);

    if (mb_mkdir_p(AT_FDCWD, opts->state_dir, 0700, err) < 0
        || mb_blob_store_open(store, &c->store, err) < 0
        || cache_open(cache, &c->cache, err) < 0
        || mb_registry_config_load(opts->config, &c->registries, err) < 0)
        return -1;
    c->docker_config = default_docker_config();
    return 0;
}

static int open_endpoints(struct coordinator *c, const struct coordinator_opts *opts,
                          const struct mb_keypair *keys, struct mb_error *err)
{
    if (mb_zap_start(peers_lookup, c->peers, &c->zap, err) < 0
        || http_start(opts->http, c->store, &c->http, err) < 0)
        return -1;
    return mb_peer_server_new(c->loop, opts->listen, keys, on_message, c, &c->server,
                              err);
}

/* Ids of an earlier coordinator's tasks, which agents may still report, must not come
 * again. */
static uint64_t first_task_id(void)
{
    uint32_t r;

    mb_random_bytes(&r, sizeof(r));
    return (uint64_t)r << 20;
}

static void wire_parts(struct coordinator *c)
{
    static const struct agents_ops ops = {on_agent_lost, on_agents_changed};

    c->workers = mb_workers_new(c->loop, WORKER_THREADS);
    c->agents = agents_new(c->server, c->http, &ops, c);
    c->env = (struct build_env){
        .server = c->server,
        .agents = c->agents,
        .store = c->store,
        .cache = c->cache,
        .workers = c->workers,
        .registries = &c->registries,
        .docker_config = c->docker_config,
        .last_task_id = first_task_id(),
    };
    c->clients = clients_new(&c->env, c->http);
    c->timer = mb_loop_add_timer(c->loop, TICK_MSEC, on_tick, c);
}

int coordinator_new_with(struct mb_loop *l, const struct coordinator_opts *opts,
                         const struct mb_keypair *keys, struct peers *peers,
                         struct coordinator **ret, struct mb_error *err)
{
    _cleanup_(coordinator_freep) struct coordinator *c = mb_xcalloc(1, sizeof(*c));

    c->loop = l;
    c->timer = -1;
    c->peers = peers;
    if (open_stores(c, opts, err) < 0 || open_endpoints(c, opts, keys, err) < 0)
        return -1;
    wire_parts(c);
    mb_log(MB_LOG_NOTICE, "coordinator_started", "listen=%s http=%s state_dir=\"%s\"",
           mb_peer_server_endpoint(c->server), http_url(c->http), opts->state_dir);
    *ret = steal_ptr(c);
    return 0;
}

int coordinator_new(struct mb_loop *l, const struct coordinator_opts *opts,
                    struct coordinator **ret, struct mb_error *err)
{
    _cleanup_free_ char *dir = mb_xasprintf("%s/keys", opts->state_dir);
    struct mb_keypair keys;
    int r;

    if (mb_mkdir_p(AT_FDCWD, opts->state_dir, 0700, err) < 0
        || peers_server_key(dir, &keys, err) < 0)
        return -1;
    r = coordinator_new_with(l, opts, &keys, peers_new(dir), ret, err);
    mb_keypair_clear(&keys);
    return r;
}

const char *coordinator_endpoint(const struct coordinator *c)
{
    return mb_peer_server_endpoint(c->server);
}

void coordinator_free(struct coordinator *c)
{
    if (!c)
        return;
    if (c->timer >= 0)
        mb_loop_remove_timer(c->loop, c->timer);
    if (c->clients)
        clients_abandon(c->clients);
    mb_workers_free(c->workers);
    clients_free(c->clients);
    agents_free(c->agents);
    mb_peer_server_free(c->server);
    if (c->http)
        http_stop(c->http);
    mb_zap_free(c->zap);
    cache_free(c->cache);
    mb_blob_store_free(c->store);
    mb_registry_config_done(&c->registries);
    peers_free(c->peers);
    free(c->docker_config);
    free(c);
}
