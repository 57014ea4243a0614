/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agents - the sessions of agents: greeting, heartbeats, who is torpid, who is lost.
 *
 * A session is one start of an agent (its UUID), whatever connections it uses. Torpid
 * (no new work) after 10 s of silence, lost after 30 s, or 5 s after its connection was
 * found gone. Messages that do not come over the session's own connection are dropped.
 */
#ifndef COORDINATOR_AGENTS_H
#define COORDINATOR_AGENTS_H

#include "coordinator/http/http.h"
#include "coordinator/sender.h"
#include "proto/session.h"

enum agent_state { AGENT_READY, AGENT_TORPID, AGENT_LOST };
const char *agent_state_name(enum agent_state s);

struct agent_session {
    struct agent_session *next;
    char *name;
    uint8_t session[16];
    struct mb_route route;
    struct mb_agent_info info;
    char *version;
    enum agent_state state;
    uint64_t seen_usec;
    uint64_t gone_usec;  /* when its connection was found gone; 0: it is there */
    uint64_t token_usec; /* when its blob token was made */
    uint64_t running;    /* tasks, counted by whoever assigns */
};

struct agents_ops {
    /* The session ended: everything it ran is to be done elsewhere. Freed after the
     * call. */
    void (*lost)(struct agent_session *a, const char *reason, void *arg);
    /* Somebody new can take work. */
    void (*changed)(void *arg);
};
struct agents;
struct agents *agents_new(struct mb_peer_server *server, struct http_server *http,
                          const struct agents_ops *ops, void *arg);
void agents_free(struct agents *t);

void agents_hello(struct agents *t, const char *name, const struct mb_route *from,
                  const void *data, size_t len, uint64_t now_usec);
/* The session whose connection this is, seen now; NULL: not greeted (drop the message).
 */
struct agent_session *agents_seen(struct agents *t, const char *name,
                                  const struct mb_route *from, uint64_t now_usec);
void agents_bye(struct agents *t, struct agent_session *a);
/* Once a second: heartbeats out, states by silence. */
void agents_tick(struct agents *t, uint64_t now_usec);

struct agent_session *agents_first(
    struct agents *t); /* then ->next; lost ones are not in it */
size_t agents_count(const struct agents *t);
int agents_send(struct agents *t, struct agent_session *a, enum mb_kind kind,
                const struct mb_wire_schema *schema, const void *msg,
                struct mb_error *err) _must_check_;
/* For LS_REPLY: all borrowed but the array itself (free it). */
void agents_list(struct agents *t, uint64_t now_usec, struct mb_ls_reply *ret);
/* "linux/amd64 (a1), linux/arm64 (a2 emulated)"; malloc'ed. */
char *agents_platforms_text(struct agents *t);

#endif
