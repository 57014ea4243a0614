/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cluster_config.h"
#include "cli/embedded.h"
#include "cli/state_dir.h"

#define EMBEDDED_CHECK_MSEC 200

struct client {
    struct client_ops ops;
    void *arg;
    struct mb_loop *loop;
    struct session *session;
    struct embedded *embedded;
    char *state_dir;
    int check_timer;
    bool opening; /* client_open() runs the loop */
    bool welcomed;
    bool over;        /* ops.failed was called */
    bool has_problem; /* while opening */
    struct mb_error problem;
};

static void on_welcome(void *arg)
{
    struct client *c = arg;

    c->welcomed = true;
    mb_loop_stop(c->loop);
}

static void on_failed(const struct mb_error *why, void *arg)
{
    struct client *c = arg;

    if (c->opening) {
        c->has_problem = true;
        c->problem = *why;
        mb_loop_stop(c->loop);
    } else if (!c->over) {
        c->over = true;
        c->ops.failed(why, c->arg);
    }
}

static void on_message(uint8_t kind, const void *data, size_t len, void *arg)
{
    struct client *c = arg;

    if (!c->opening && !c->over)
        c->ops.message(kind, data, len, c->arg);
}

static void on_signal(int signo _unused_, void *arg)
{
    struct client *c = arg;
    struct mb_error err;

    if (c->opening) {
        mb_fail(&err, MB_ERR_CANCELLED, "interrupted");
        on_failed(&err, c);
    } else {
        c->ops.interrupted(c->arg);
    }
}

static void on_embedded_check(void *arg)
{
    struct client *c = arg;
    struct mb_error err;

    if (embedded_failed(c->embedded, &err)) {
        mb_wrap(&err, "the agent on this machine ended");
        on_failed(&err, c);
    }
}

static const struct session_ops session_ops = {
    .welcome = on_welcome, .message = on_message, .failed = on_failed};

/* Run a session until its welcome; it stays in c->session. */
static int connect_once(struct client *c, const struct session_opts *opts,
                        struct mb_error *err)
{
    session_free(steal_ptr(c->session));
    c->welcomed = false;
    c->has_problem = false;
    if (session_new(c->loop, opts, &session_ops, c, &c->session, err) < 0)
        return -1;
    while (!c->welcomed && !c->has_problem)
        mb_loop_run(c->loop);
    if (!c->has_problem)
        return 0;
    *err = c->problem;
    return -1;
}

static int greet(struct client *c, const struct mb_membership *m, enum mb_role role,
                 struct mb_error *err)
{
    struct session_opts opts = {.address = m->address, .keys = m->keys, .role = role};

    memcpy(opts.server_key, m->server_key, MB_KEY_LEN);
    return connect_once(c, &opts, err);
}

static int open_cluster(struct client *c, const struct cluster *cl,
                        struct mb_error *err)
{
    struct mb_membership m = {0};
    bool stored = false;

    if (cluster_member(cl, false, &stored, &m, err) < 0)
        return -1;
    if (greet(c, &m, cl->join.role, err) == 0)
        return 0;
    if (!stored || err->code != MB_ERR_DENIED)
        return -1;
    /* The coordinator does not know our key any more; the join string may be a new one.
     */
    if (cluster_member(cl, true, &stored, &m, err) < 0)
        return -1;
    return greet(c, &m, cl->join.role, err);
}

static int open_embedded(struct client *c, const char *state_dir, struct mb_error *err)
{
    struct embedded_peer peer = {0};
    struct session_opts opts = {.address = peer.address, .role = MB_ROLE_CLIENT};

    if (state_dir_open(state_dir, &c->state_dir, err) < 0
        || embedded_start(c->state_dir, &c->embedded, &peer, err) < 0)
        return -1;
    memcpy(opts.server_key, peer.server_key, MB_KEY_LEN);
    opts.keys = peer.keys;
    c->check_timer =
        mb_loop_add_timer(c->loop, EMBEDDED_CHECK_MSEC, on_embedded_check, c);
    return connect_once(c, &opts, err);
}

int client_open(const struct client_opts *opts, const struct client_ops *ops, void *arg,
                struct client **ret, struct mb_error *err)
{
    _cleanup_(client_closep) struct client *c = mb_xcalloc(1, sizeof(*c));
    _cleanup_(cluster_done) struct cluster cl = {0};

    c->ops = *ops;
    c->arg = arg;
    c->opening = true;
    if (cluster_given(opts->cluster, &cl, err) < 0)
        return -1;
    c->loop = mb_loop_new();
    if (mb_loop_on_signal(c->loop, on_signal, c, err) < 0)
        return -1;
    if (cl.join_text ? open_cluster(c, &cl, err)
                     : open_embedded(c, opts->state_dir, err))
        return -1;
    c->opening = false;
    *ret = steal_ptr(c);
    return 0;
}

/* Nothing reads the signals any more: they end the process, should the rest take long.
 */
static void unblock_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void client_close(struct client *c)
{
    if (!c)
        return;
    c->over = true;
    if (c->session)
        session_bye(c->session);
    session_free(c->session);
    if (c->check_timer)
        mb_loop_remove_timer(c->loop, c->check_timer);
    mb_loop_free(c->loop);
    unblock_signals();
    embedded_stop(c->embedded);
    free(c->state_dir);
    free(c);
}

struct mb_loop *client_loop(struct client *c)
{
    return c->loop;
}

struct session *client_session(struct client *c)
{
    return c->session;
}

bool client_is_embedded(const struct client *c)
{
    return c->embedded != NULL;
}

char *client_title(const struct client *c)
{
    if (c->embedded)
        return mb_xstrdup("building on this machine (no cluster given)");
    return mb_xasprintf("building with \"%s\" at %s", session_peer_name(c->session),
                        session_address(c->session));
}
