/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/agents.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define TORPID_USEC (10 * MB_USEC_PER_SEC)
#define LOST_USEC (30 * MB_USEC_PER_SEC)
#define GONE_USEC (5 * MB_USEC_PER_SEC)
#define HEARTBEAT_MSEC 2000
#define TOKEN_SEC 3600
#define TOKEN_REFRESH_USEC (TOKEN_SEC / 2 * MB_USEC_PER_SEC)
#define PLATFORMS_TEXT_MAX (16 * 1024)

struct agents {
    struct mb_peer_server *server; /* borrowed */
    struct http_server *http;      /* borrowed */
    struct agents_ops ops;
    void *arg;
    struct agent_session *first;
};

const char *agent_state_name(enum agent_state s)
{
    static const char *const names[] = {"ready", "torpid", "lost"};

    return names[s];
}

struct agents *agents_new(struct mb_peer_server *server, struct http_server *http,
                          const struct agents_ops *ops, void *arg)
{
    struct agents *t = mb_xcalloc(1, sizeof(*t));

    t->server = server;
    t->http = http;
    t->ops = *ops;
    t->arg = arg;
    return t;
}

static void session_free(struct agent_session *a)
{
    mb_wire_done(&mb_agent_info_schema, &a->info);
    free(a->name);
    free(a->version);
    free(a);
}

void agents_free(struct agents *t)
{
    if (!t)
        return;
    while (t->first) {
        struct agent_session *a = t->first;
        t->first = a->next;
        session_free(a);
    }
    free(t);
}

static struct agent_session *find(struct agents *t, const char *name)
{
    struct agent_session *a = t->first;

    while (a && strcmp(a->name, name) != 0)
        a = a->next;
    return a;
}

/* The one setter of an agent's state. */
static void set_state(struct agent_session *a, enum agent_state to, const char *reason)
{
    if (a->state == to)
        return;
    mb_log(to == AGENT_READY ? MB_LOG_NOTICE : MB_LOG_WARNING, "agent_state",
           "agent=%s from=%s to=%s reason=\"%s\"", a->name, agent_state_name(a->state),
           agent_state_name(to), reason);
    a->state = to;
}

static void end_session(struct agents *t, struct agent_session *a, const char *reason)
{
    char *peer = mb_xasprintf("agent:%s", a->name);

    for (struct agent_session **p = &t->first; *p; p = &(*p)->next) {
        if (*p == a) {
            *p = a->next;
            break;
        }
    }
    set_state(a, AGENT_LOST, reason);
    http_token_revoke(t->http, peer);
    free(peer);
    t->ops.lost(a, reason, t->arg);
    session_free(a);
}

static char *new_token(struct agents *t, struct agent_session *a, uint64_t now_usec)
{
    _cleanup_free_ char *peer = mb_xasprintf("agent:%s", a->name);

    a->token_usec = now_usec;
    return http_token_new(t->http, peer, TOKEN_SEC);
}

static void welcome(struct agents *t, struct agent_session *a, bool resumed,
                    uint64_t now_usec)
{
    _cleanup_free_ char *token = new_token(t, a, now_usec);
    struct mb_error err;
    struct mb_welcome w = {
        .name = a->name,
        .coordinator_version = (char *)MB_VERSION,
        .blob_url = (char *)(uintptr_t)http_url(t->http),
        .blob_token = token,
        .heartbeat_msec = HEARTBEAT_MSEC,
        .resumed = resumed,
    };

    mb_ignore(agents_send(t, a, MB_KIND_WELCOME, &mb_welcome_schema, &w, &err),
              "a connection that is gone again greets anew");
}

static struct agent_session *add_session(struct agents *t, const char *name,
                                         struct mb_hello *h)
{
    struct agent_session *a = mb_xcalloc(1, sizeof(*a));
    struct agent_session **end = &t->first;

    a->name = mb_xstrdup(name);
    a->state = AGENT_READY;
    a->info = h->agent;
    memset(&h->agent, 0, sizeof(h->agent));
    a->version = steal_ptr(h->version);
    memcpy(a->session, h->session.data, sizeof(a->session));
    while (*end)
        end = &(*end)->next;
    *end = a;
    mb_log(MB_LOG_NOTICE, "agent_joined",
           "agent=%s arch=%s slots=%llu platforms=%zu kernel=%s", name, a->info.arch,
           (unsigned long long)a->info.slots, a->info.n_platforms,
           a->info.kernel ? a->info.kernel : "");
    return a;
}

void agents_hello(struct agents *t, const char *name, const struct mb_route *from,
                  const void *data, size_t len, uint64_t now_usec)
{
    struct agent_session *a = find(t, name);
    struct mb_hello h = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_hello_schema, data, len, &h, &err) < 0
        || h.session.len != sizeof(a->session) || !h.agent.arch || h.agent.slots == 0) {
        mb_log(MB_LOG_WARNING, "bad_hello", "agent=%s", name);
        sender_refuse(t->server, from, MB_ERR_PROTOCOL,
                      "HELLO is malformed; upgrade the agent");
        mb_wire_done(&mb_hello_schema, &h);
        return;
    }
    if (h.role != MB_ROLE_AGENT) {
        sender_refuse(t->server, from, MB_ERR_DENIED,
                      "this key is an agent's; a client joins with a string from "
                      "mbcluster-coordinator token --role client");
        mb_wire_done(&mb_hello_schema, &h);
        return;
    }
    if (a && memcmp(a->session, h.session.data, sizeof(a->session)) != 0) {
        if (!mb_route_equal(&a->route, from))
            sender_refuse(t->server, &a->route, MB_ERR_DENIED,
                          "another process greeted with this agent's key; each agent "
                          "needs a state "
                          "directory of its own");
        end_session(t, a, "the agent started anew");
        a = NULL;
    }
    bool resumed = a != NULL;
    if (!a)
        a = add_session(t, name, &h);
    a->route = *from;
    a->seen_usec = now_usec;
    a->gone_usec = 0;
    set_state(a, AGENT_READY, "greeted");
    welcome(t, a, resumed, now_usec);
    mb_wire_done(&mb_hello_schema, &h);
    t->ops.changed(t->arg);
}

struct agent_session *agents_seen(struct agents *t, const char *name,
                                  const struct mb_route *from, uint64_t now_usec)
{
    struct agent_session *a = find(t, name);

    if (!a || !mb_route_equal(&a->route, from))
        return NULL;
    a->seen_usec = now_usec;
    a->gone_usec = 0;
    if (a->state == AGENT_TORPID) {
        set_state(a, AGENT_READY, "heard again");
        t->ops.changed(t->arg);
    }
    return a;
}

void agents_bye(struct agents *t, struct agent_session *a)
{
    end_session(t, a, "the agent said goodbye");
}

/* True when the session ended. */
static bool check_silence(struct agents *t, struct agent_session *a, uint64_t now_usec)
{
    uint64_t silent = now_usec - a->seen_usec;

    if (a->gone_usec > 0 && now_usec - a->gone_usec >= GONE_USEC) {
        end_session(t, a, "its connection is gone");
        return true;
    }
    if (silent >= LOST_USEC) {
        end_session(t, a, "no heartbeat for 30 s");
        return true;
    }
    if (silent >= TORPID_USEC)
        set_state(a, AGENT_TORPID, "no heartbeat for 10 s");
    return false;
}

static void send_heartbeat(struct agents *t, struct agent_session *a, uint64_t now_usec)
{
    _cleanup_free_ char *token = NULL;
    struct mb_heartbeat hb = {.running = a->running};
    struct mb_error err;

    if (now_usec - a->token_usec >= TOKEN_REFRESH_USEC)
        hb.blob_token = token = new_token(t, a, now_usec);
    mb_ignore(agents_send(t, a, MB_KIND_HEARTBEAT, &mb_heartbeat_schema, &hb, &err),
              "a gone connection is noted by agents_send");
}

void agents_tick(struct agents *t, uint64_t now_usec)
{
    struct agent_session *next;

    for (struct agent_session *a = t->first; a; a = next) {
        next = a->next;
        send_heartbeat(t, a, now_usec);
        check_silence(t, a, now_usec);
    }
}

struct agent_session *agents_first(struct agents *t)
{
    return t->first;
}

size_t agents_count(const struct agents *t)
{
    size_t n = 0;

    for (const struct agent_session *a = t->first; a; a = a->next)
        n++;
    return n;
}

int agents_send(struct agents *t, struct agent_session *a, enum mb_kind kind,
                const struct mb_wire_schema *schema, const void *msg,
                struct mb_error *err)
{
    if (sender_send(t->server, &a->route, kind, schema, msg, err) == 0)
        return 0;
    if (err->code == MB_ERR_UNAVAILABLE && a->gone_usec == 0)
        a->gone_usec = mb_now_usec();
    return -1;
}

void agents_list(struct agents *t, uint64_t now_usec, struct mb_ls_reply *ret)
{
    ret->coordinator_version = (char *)MB_VERSION;
    ret->agents = mb_xcalloc(agents_count(t) + 1, sizeof(*ret->agents));
    for (struct agent_session *a = t->first; a; a = a->next)
        ret->agents[ret->n_agents++] = (struct mb_ls_agent){
            .name = a->name,
            .state = (char *)(uintptr_t)agent_state_name(a->state),
            .info = a->info,
            .running = a->running,
            .seen_msec_ago = (now_usec - a->seen_usec) / 1000,
            .version = a->version,
        };
}

char *agents_platforms_text(struct agents *t)
{
    struct mb_buf out = MB_BUF_INIT(PLATFORMS_TEXT_MAX);
    char text[MB_PLATFORM_TEXT_LEN];

    for (struct agent_session *a = t->first; a; a = a->next)
        for (size_t i = 0; i < a->info.n_platforms; i++)
            mb_buf_addf(&out, "%s%s (%s%s)", out.len > 0 ? ", " : "",
                        mb_platform_text(&a->info.platforms[i].platform, text), a->name,
                        a->info.platforms[i].emulated ? " emulated" : "");
    if (out.len == 0)
        mb_buf_add_str(&out, "no agents");
    return mb_buf_steal(&out);
}
