/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/clients.h"
#include "coordinator/call.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/session.h"
#include "proto/task.h"

#define LOST_USEC (30 * MB_USEC_PER_SEC)
#define GONE_USEC (5 * MB_USEC_PER_SEC)
#define HEARTBEAT_MSEC 2000
#define TOKEN_SEC 3600
#define TOKEN_REFRESH_USEC (TOKEN_SEC / 2 * MB_USEC_PER_SEC)

struct client {
    struct client *next;
    char *name;
    char *peer; /* whose blob tokens: "client:NAME#N" */
    struct mb_route route;
    uint64_t seen_usec, gone_usec, token_usec;
};
struct build_item {
    struct build_item *next;
    struct build *build;
    struct mb_route client;
};
struct clients {
    struct build_env *env;
    struct http_server *http;
    struct client *clients;
    struct build_item *builds;
    uint64_t last_client, last_build;
};

struct clients *clients_new(struct build_env *env, struct http_server *http)
{
    struct clients *t = mb_xcalloc(1, sizeof(*t));

    t->env = env;
    t->http = http;
    return t;
}

static void client_free(struct client *c)
{
    free(c->name);
    free(c->peer);
    free(c);
}

void clients_free(struct clients *t)
{
    if (!t)
        return;
    while (t->builds) {
        struct build_item *i = t->builds;
        t->builds = i->next;
        build_free(i->build);
        free(i);
    }
    while (t->clients) {
        struct client *c = t->clients;
        t->clients = c->next;
        client_free(c);
    }
    free(t);
}

static struct client *find(struct clients *t, const struct mb_route *route)
{
    struct client *c = t->clients;

    while (c && !mb_route_equal(&c->route, route))
        c = c->next;
    return c;
}

static struct build_item *find_build(struct clients *t, const struct mb_route *route)
{
    struct build_item *i = t->builds;

    while (i && !mb_route_equal(&i->client, route))
        i = i->next;
    return i;
}

static int send_to(struct clients *t, struct client *c, enum mb_kind kind,
                   const struct mb_wire_schema *schema, const void *msg)
{
    struct mb_error err;

    if (sender_send(t->env->server, &c->route, kind, schema, msg, &err) == 0)
        return 0;
    if (c->gone_usec == 0)
        c->gone_usec = mb_now_usec();
    return -1;
}

/* --- greeting --- */

static struct client *add_client(struct clients *t, const char *name,
                                 const struct mb_route *from)
{
    struct client *c = mb_xcalloc(1, sizeof(*c));

    c->name = mb_xstrdup(name);
    c->peer =
        mb_xasprintf("client:%s#%llu", name, (unsigned long long)++t->last_client);
    c->route = *from;
    c->next = t->clients;
    t->clients = c;
    mb_log(MB_LOG_INFO, "client_joined", "client=%s", name);
    return c;
}

static void on_hello(struct clients *t, const char *name, const struct mb_route *from,
                     const void *data, size_t len, uint64_t now_usec)
{
    struct mb_hello h = {0};
    struct mb_error err;
    struct client *c = find(t, from);

    if (mb_wire_decode(&mb_hello_schema, data, len, &h, &err) < 0) {
        sender_refuse(t->env->server, from, MB_ERR_PROTOCOL,
                      "HELLO is malformed; upgrade mbcluster");
        return;
    }
    enum mb_role role = (enum mb_role)h.role;
    mb_wire_done(&mb_hello_schema, &h);
    if (role == MB_ROLE_AGENT) {
        sender_refuse(t->env->server, from, MB_ERR_DENIED,
                      "this key is a client's; an agent joins with a string from "
                      "mbcluster-coordinator token --role agent");
        return;
    }
    if (!c)
        c = add_client(t, name, from);
    c->seen_usec = now_usec;
    c->gone_usec = 0;
    c->token_usec = now_usec;
    _cleanup_free_ char *token = http_token_new(t->http, c->peer, TOKEN_SEC);
    struct mb_welcome w = {
        .name = c->name,
        .coordinator_version = (char *)MB_VERSION,
        .blob_url = (char *)(uintptr_t)http_url(t->http),
        .blob_token = token,
        .heartbeat_msec = HEARTBEAT_MSEC,
    };
    mb_ignore(send_to(t, c, MB_KIND_WELCOME, &mb_welcome_schema, &w),
              "noted in gone_usec");
}

static void drop_client(struct clients *t, struct client *c, const char *reason)
{
    for (struct build_item *i = t->builds; i; i = i->next) {
        if (mb_route_equal(&i->client, &c->route))
            build_client_gone(i->build, reason);
    }
    for (struct client **p = &t->clients; *p; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    http_token_revoke(t->http, c->peer);
    mb_log(MB_LOG_INFO, "client_left", "client=%s reason=\"%s\"", c->name, reason);
    client_free(c);
}

/* --- requests --- */

static void on_ls(struct clients *t, struct client *c, uint64_t now_usec)
{
    struct mb_ls_reply reply = {0};

    agents_list(t->env->agents, now_usec, &reply);
    mb_ignore(send_to(t, c, MB_KIND_LS_REPLY, &mb_ls_reply_schema, &reply),
              "noted in gone_usec");
    free(reply.agents); /* its fields are borrowed */
}

static void on_call(struct clients *t, struct client *c, const void *data, size_t len)
{
    struct mb_call_reply reply = {0};

    call_answer(data, len, &reply);
    mb_ignore(send_to(t, c, MB_KIND_CALL_REPLY, &mb_call_reply_schema, &reply),
              "noted in gone_usec");
    mb_wire_done(&mb_call_reply_schema, &reply);
}

static void on_build(struct clients *t, struct client *c, const void *data, size_t len)
{
    struct build_item *i;

    if (find_build(t, &c->route)) {
        sender_refuse(t->env->server, &c->route, MB_ERR_PROTOCOL,
                      "one connection has one build at a time");
        return;
    }
    i = mb_xcalloc(1, sizeof(*i));
    i->client = c->route;
    i->build = build_new(t->env, ++t->last_build, &c->route, data, len);
    i->next = t->builds;
    t->builds = i;
}

void clients_message(struct clients *t, const char *name, const struct mb_route *from,
                     uint8_t kind, const void *data, size_t len, uint64_t now_usec)
{
    struct client *c = find(t, from);
    struct build_item *i = find_build(t, from);

    if (kind == MB_KIND_HELLO) {
        on_hello(t, name, from, data, len, now_usec);
        return;
    }
    if (!c)
        return; /* not greeted */
    c->seen_usec = now_usec;
    c->gone_usec = 0;
    if (kind == MB_KIND_LS)
        on_ls(t, c, now_usec);
    else if (kind == MB_KIND_CALL)
        on_call(t, c, data, len);
    else if (kind == MB_KIND_BUILD)
        on_build(t, c, data, len);
    else if (kind == MB_KIND_BUILD_READY && i)
        build_ready(i->build, data, len);
    else if (kind == MB_KIND_BUILD_CANCEL && i)
        build_cancel(i->build, "by the user");
    else if (kind == MB_KIND_BYE)
        drop_client(t, c, "the client said goodbye");
}

/* --- agents --- */

/* The id and epoch that every task message starts with are read by the build itself;
 * here they only route. */
static struct mb_task_ref task_ref_of(uint8_t kind, const void *data, size_t len)
{
    const struct mb_wire_schema *schema =
        kind == MB_KIND_STEP_STARTED ? &mb_step_started_schema
        : kind == MB_KIND_STEP_LOG   ? &mb_step_log_schema
        : kind == MB_KIND_STEP_DONE  ? &mb_step_done_schema
                                     : &mb_task_done_schema;
    union {
        struct mb_step_started started;
        struct mb_step_log log;
        struct mb_step_done done;
        struct mb_task_done end;
    } m = {0};
    struct mb_task_ref ref = {0};
    struct mb_error err;

    if (mb_wire_decode(schema, data, len, &m, &err) == 0) {
        ref = (struct mb_task_ref){m.started.task_id, m.started.epoch};
        mb_wire_done(schema, &m);
    }
    return ref;
}

/* Nobody waits for this task any more: the agent's slot is better used. */
static void cancel_orphan(struct clients *t, struct agent_session *from, uint8_t kind,
                          const struct mb_task_ref *ref)
{
    struct mb_error err;

    mb_log(MB_LOG_DEBUG, "late_task_message", "agent=%s task=%llu", from->name,
           (unsigned long long)ref->task_id);
    if (kind != MB_KIND_TASK_DONE)
        mb_ignore(agents_send(t->env->agents, from, MB_KIND_TASK_CANCEL,
                              &mb_task_ref_schema, ref, &err),
                  "the next late message asks again");
}

void clients_task_message(struct clients *t, struct agent_session *from, uint8_t kind,
                          const void *data, size_t len)
{
    struct mb_task_ref ref = task_ref_of(kind, data, len);

    for (struct build_item *i = t->builds; i; i = i->next) {
        if (build_has_task(i->build, ref.task_id)) {
            build_task_message(i->build, from, kind, data, len);
            return;
        }
    }
    cancel_orphan(t, from, kind, &ref);
}

void clients_agent_lost(struct clients *t, struct agent_session *a, const char *reason)
{
    for (struct build_item *i = t->builds; i; i = i->next)
        build_agent_lost(i->build, a, reason);
}

void clients_wake(struct clients *t)
{
    for (struct build_item *i = t->builds; i; i = i->next)
        build_wake(i->build);
}

/* --- time --- */

static void reap_builds(struct clients *t)
{
    struct build_item **p = &t->builds;

    while (*p) {
        struct build_item *i = *p;
        if (build_is_over(i->build)) {
            *p = i->next;
            build_free(i->build);
            free(i);
        } else {
            p = &i->next;
        }
    }
}

static void heartbeat(struct clients *t, struct client *c, uint64_t now_usec)
{
    _cleanup_free_ char *token = NULL;
    struct mb_heartbeat hb = {0};

    if (now_usec - c->token_usec >= TOKEN_REFRESH_USEC) {
        hb.blob_token = token = http_token_new(t->http, c->peer, TOKEN_SEC);
        c->token_usec = now_usec;
    }
    mb_ignore(send_to(t, c, MB_KIND_HEARTBEAT, &mb_heartbeat_schema, &hb),
              "noted in gone_usec");
}

void clients_tick(struct clients *t, uint64_t now_usec)
{
    struct client *next;

    for (struct client *c = t->clients; c; c = next) {
        next = c->next;
        heartbeat(t, c, now_usec);
        if (c->gone_usec > 0 && now_usec - c->gone_usec >= GONE_USEC)
            drop_client(t, c, "the client's connection is gone");
        else if (now_usec - c->seen_usec >= LOST_USEC)
            drop_client(t, c, "the client fell silent");
    }
    clients_wake(t);
    reap_builds(t);
}

void clients_abandon(struct clients *t)
{
    for (struct build_item *i = t->builds; i; i = i->next)
        build_abandon(i->build);
}
