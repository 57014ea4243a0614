/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States: OPENING (handshake) -> GREETING (HELLO sent) -> UP (welcomed) -> OVER
 * (failed). A connection that breaks when UP ends the session: a build belongs to its
 * connection, and ZeroMQ's own reconnecting would only talk to a coordinator that has
 * given the build up.
 */
#include "cli/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/kinds.h"
#include "session/blob_url.h"

#define CONNECT_MSEC 10000
#define SILENCE_MSEC 30000
#define HEARTBEAT_MSEC_MIN 50
#define HEARTBEAT_MSEC_MAX 10000
#define HEARTBEAT_MSEC_DEFAULT 2000
#define CLOSE_MSEC 200 /* for messages that came before the connection closed */
#define SESSION_ID_LEN 16
#define HOW_TO_JOIN \
    "ask for a new join string (mbcluster-coordinator token --role client)"

enum session_state { OPENING = 1, GREETING, UP, OVER };

struct session {
    struct mb_loop *loop; /* borrowed */
    struct session_ops ops;
    void *arg;
    struct mb_peer_client *peer;
    enum session_state state;
    char *address;
    enum mb_role role;
    uint32_t connect_msec, silence_msec;
    int deadline_timer, heartbeat_timer, silence_timer, close_timer; /* 0: none */
    uint64_t heard_usec;
    struct mb_welcome welcome;
};

static void stop_timer(struct session *s, int *timer)
{
    if (*timer)
        mb_loop_remove_timer(s->loop, *timer);
    *timer = 0;
}

static void stop_timers(struct session *s)
{
    stop_timer(s, &s->deadline_timer);
    stop_timer(s, &s->heartbeat_timer);
    stop_timer(s, &s->silence_timer);
    stop_timer(s, &s->close_timer);
}

static void fail(struct session *s, const struct mb_error *why)
{
    if (s->state == OVER)
        return;
    s->state = OVER;
    stop_timers(s);
    s->ops.failed(why, s->arg);
}

int session_send(struct session *s, uint8_t kind, const struct mb_wire_schema *schema,
                 const void *msg, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf body = MB_BUF_INIT(MB_MSG_BYTES_MAX);

    if (s->state == OVER)
        return mb_fail(err, MB_ERR_UNAVAILABLE,
                       "the connection to the coordinator is gone");
    mb_wire_encode(schema, msg, &body);
    int rc = mb_buf_check(&body, mb_kind_name(kind), err);
    if (rc == 0)
        rc = mb_peer_client_send(s->peer, kind, body.data, body.len, err);
    if (body.data)
        explicit_bzero(body.data, body.len); /* there may be secrets in it */
    return rc;
}

/* Send, and end the session when that is not possible. */
static void send_or_fail(struct session *s, uint8_t kind,
                         const struct mb_wire_schema *schema, const void *msg)
{
    struct mb_error err;

    if (session_send(s, kind, schema, msg, &err) < 0)
        fail(s, &err);
}

static void greet(struct session *s)
{
    uint8_t id[SESSION_ID_LEN];
    _cleanup_free_ char *version = mb_xstrdup(MB_VERSION);
    struct mb_hello hello = {
        .role = s->role, .session = {id, sizeof(id)}, .version = version};

    s->state = GREETING;
    mb_random_bytes(id, sizeof(id));
    send_or_fail(s, MB_KIND_HELLO, &mb_hello_schema, &hello);
}

static void on_closed(void *arg)
{
    struct session *s = arg;
    struct mb_error err;

    s->close_timer = 0;
    mb_fail(
        &err, MB_ERR_UNAVAILABLE,
        "lost the coordinator at %s: the connection closed; see its log, then run the "
        "command again",
        s->address);
    fail(s, &err);
}

static void on_event(enum mb_peer_event ev, const char *detail, void *arg)
{
    struct session *s = arg;
    struct mb_error err;

    switch (ev) {
    case MB_PEER_CONNECTED:
        if (s->state == OPENING)
            greet(s);
        break;
    case MB_PEER_DISCONNECTED:
        if (s->state == UP && !s->close_timer)
            s->close_timer = mb_loop_add_once(s->loop, CLOSE_MSEC, on_closed, s);
        else if (s->state == GREETING)
            s->state = OPENING; /* ZeroMQ tries again until the deadline */
        break;
    case MB_PEER_REFUSED:
        mb_fail(&err, MB_ERR_DENIED,
                "the coordinator at %s does not know this key, or its token was used "
                "or has "
                "expired: " HOW_TO_JOIN,
                s->address);
        fail(s, &err);
        break;
    case MB_PEER_BAD_SERVER:
        mb_fail(&err, MB_ERR_DENIED,
                "the coordinator at %s is not the one that the join string names (%s): "
                "check "
                "the address, or " HOW_TO_JOIN,
                s->address, detail ? detail : "its key is another");
        fail(s, &err);
        break;
    }
}

static void on_deadline(void *arg)
{
    struct session *s = arg;
    struct mb_error err;

    s->deadline_timer = 0;
    if (s->state == OPENING)
        mb_fail(&err, MB_ERR_UNAVAILABLE,
                "no coordinator answers at %s (waited %u s): is mbcluster-coordinator "
                "running, "
                "and can this machine reach that address?",
                s->address, s->connect_msec / 1000);
    else
        mb_fail(&err, MB_ERR_UNAVAILABLE,
                "the coordinator at %s let us in but does not answer (waited %u s): "
                "see its log",
                s->address, s->connect_msec / 1000);
    fail(s, &err);
}

static void on_silence_check(void *arg)
{
    struct session *s = arg;
    struct mb_error err;

    if (mb_now_usec() - s->heard_usec < (uint64_t)s->silence_msec * 1000)
        return;
    mb_fail(&err, MB_ERR_UNAVAILABLE,
            "lost the coordinator at %s: silent for %u s; see its log, then run the "
            "command "
            "again",
            s->address, s->silence_msec / 1000);
    fail(s, &err);
}

static void on_heartbeat(void *arg)
{
    const struct mb_heartbeat beat = {0};

    send_or_fail(arg, MB_KIND_HEARTBEAT, &mb_heartbeat_schema, &beat);
}

static void enter_up(struct session *s)
{
    uint64_t msec = s->welcome.heartbeat_msec;

    if (msec == 0)
        msec = HEARTBEAT_MSEC_DEFAULT;
    if (msec < HEARTBEAT_MSEC_MIN)
        msec = HEARTBEAT_MSEC_MIN;
    if (msec > HEARTBEAT_MSEC_MAX)
        msec = HEARTBEAT_MSEC_MAX;
    s->state = UP;
    stop_timer(s, &s->deadline_timer);
    s->heartbeat_timer = mb_loop_add_timer(s->loop, (uint32_t)msec, on_heartbeat, s);
    s->silence_timer =
        mb_loop_add_timer(s->loop, s->silence_msec / 8 + 1, on_silence_check, s);
    s->ops.welcome(s->arg);
}

static int take_welcome(struct session *s, const void *data, size_t len,
                        struct mb_error *err)
{
    struct mb_welcome w = {0};

    if (mb_wire_decode(&mb_welcome_schema, data, len, &w, err) < 0)
        return mb_wrap(err, "the coordinator at %s", s->address);
    if (w.blob_url) {
        char *url = mb_blob_url_for(w.blob_url, s->address);
        free(w.blob_url);
        w.blob_url = url;
    }
    mb_wire_done(&mb_welcome_schema, &s->welcome);
    s->welcome = w;
    enter_up(s);
    return 0;
}

static int take_refused(struct session *s, const void *data, size_t len,
                        struct mb_error *err)
{
    struct mb_refused r = {0};
    enum mb_errc code;

    if (mb_wire_decode(&mb_refused_schema, data, len, &r, err) < 0)
        return mb_wrap(err, "the coordinator at %s", s->address);
    code =
        r.code > 0 && r.code <= MB_ERR_EMULATION ? (enum mb_errc)r.code : MB_ERR_DENIED;
    mb_fail(err, code, "the coordinator at %s refused: %s", s->address,
            r.message ? r.message : "no reason given");
    mb_wire_done(&mb_refused_schema, &r);
    return -1;
}

static int take_heartbeat(struct session *s, const void *data, size_t len,
                          struct mb_error *err)
{
    struct mb_heartbeat beat = {0};

    if (mb_wire_decode(&mb_heartbeat_schema, data, len, &beat, err) < 0)
        return -1;
    if (beat.blob_token) {
        free(s->welcome.blob_token);
        s->welcome.blob_token = steal_ptr(beat.blob_token);
    }
    mb_wire_done(&mb_heartbeat_schema, &beat);
    return 0;
}

static int check_version(const struct session *s, uint8_t version, struct mb_error *err)
{
    if (version == MB_PROTOCOL_VERSION)
        return 0;
    return mb_fail(
        err, MB_ERR_PROTOCOL,
        "the coordinator at %s speaks protocol version %u, this program %u: upgrade "
        "%s",
        s->address, version, MB_PROTOCOL_VERSION,
        version > MB_PROTOCOL_VERSION ? "mbcluster on this machine"
                                      : "the coordinator");
}

static int take(struct session *s, uint8_t version, uint8_t kind, const void *data,
                size_t len, struct mb_error *err)
{
    if (kind == MB_KIND_REFUSED)
        return take_refused(s, data, len, err);
    if (check_version(s, version, err) < 0)
        return -1;
    if (s->state == GREETING && kind == MB_KIND_WELCOME)
        return take_welcome(s, data, len, err);
    if (s->state != UP)
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "the coordinator at %s sent %s before its welcome", s->address,
                       mb_kind_name(kind));
    if (kind == MB_KIND_HEARTBEAT)
        return take_heartbeat(s, data, len, err);
    s->ops.message(kind, data, len, s->arg);
    return 0;
}

static void on_message(uint8_t version, uint8_t kind, const void *data, size_t len,
                       void *arg)
{
    struct session *s = arg;
    struct mb_error err;

    if (s->state == OVER)
        return;
    s->heard_usec = mb_now_usec();
    if (s->state == OPENING) /* an answer outran the monitor's report */
        s->state = GREETING;
    if (take(s, version, kind, data, len, &err) < 0)
        fail(s, &err);
}

static const struct mb_peer_client_ops peer_ops = {.message = on_message,
                                                   .event = on_event};

int session_new(struct mb_loop *l, const struct session_opts *opts,
                const struct session_ops *ops, void *arg, struct session **ret,
                struct mb_error *err)
{
    _cleanup_(session_freep) struct session *s = mb_xcalloc(1, sizeof(*s));

    s->loop = l;
    s->ops = *ops;
    s->arg = arg;
    s->state = OPENING;
    s->address = mb_xstrdup(opts->address);
    s->role = opts->role;
    s->connect_msec = opts->connect_msec ? opts->connect_msec : CONNECT_MSEC;
    s->silence_msec = opts->silence_msec ? opts->silence_msec : SILENCE_MSEC;
    s->heard_usec = mb_now_usec();
    if (mb_peer_client_new(l, opts->address, opts->server_key, &opts->keys, &peer_ops,
                           s, &s->peer, err)
        < 0)
        return -1;
    s->deadline_timer = mb_loop_add_once(l, s->connect_msec, on_deadline, s);
    *ret = steal_ptr(s);
    return 0;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    stop_timers(s);
    mb_peer_client_free(s->peer);
    mb_wire_done(&mb_welcome_schema, &s->welcome);
    free(s->address);
    free(s);
}

void session_bye(struct session *s)
{
    struct mb_error err;
    uint8_t nothing = 0;

    if (s->state == UP)
        mb_ignore(session_send(s, MB_KIND_BYE, &mb_empty_schema, &nothing, &err),
                  "the coordinator notices the closed connection as well");
}

const char *session_blob_url(const struct session *s)
{
    return s->welcome.blob_url ? s->welcome.blob_url : "";
}

const char *session_blob_token(const struct session *s)
{
    return s->welcome.blob_token ? s->welcome.blob_token : "";
}

const char *session_peer_name(const struct session *s)
{
    return s->welcome.name ? s->welcome.name : "";
}

const char *session_address(const struct session *s)
{
    return s->address;
}
