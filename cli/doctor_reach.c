/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor_reach.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/client.h"
#include "cli/cluster_config.h"
#include "net/peer_socket.h"
#include "session/join.h"

#define HANDSHAKE_MSEC 10000
#define URL_BYTES_MAX (4 * MB_KIB)
#define MEMBERSHIP "membership"
#define BLOB_URL_FILE "blob-url" /* the agent writes down what WELCOME said */

/* --- as a client --- */

static void ignore_message(uint8_t kind _unused_, const void *data _unused_,
                           size_t len _unused_, void *arg _unused_)
{
}

static void ignore_failure(const struct mb_error *why _unused_, void *arg _unused_)
{
}

static void ignore_signal(void *arg _unused_)
{
}

static void reach_as_client(const char *cluster, struct doctor_report *r)
{
    static const struct client_ops ops = {.message = ignore_message,
                                          .failed = ignore_failure,
                                          .interrupted = ignore_signal};
    const struct client_opts opts = {.cluster = cluster};
    struct client *c = NULL;
    struct mb_error err;

    if (client_open(&opts, &ops, NULL, &c, &err) < 0) {
        doctor_add(r, "coordinator", DOCTOR_FAIL, "%s", err.msg);
        doctor_fix(r, "do what the message says; then: mbcluster ls");
        doctor_clock(mb_wall_sec(), 0, NULL, r);
        return;
    }
    _cleanup_free_ char *url = mb_xstrdup(session_blob_url(client_session(c)));
    _cleanup_free_ char *token = mb_xstrdup(session_blob_token(client_session(c)));

    doctor_add(r, "coordinator", DOCTOR_OK, "%s welcomes the client \"%s\"",
               session_address(client_session(c)),
               session_peer_name(client_session(c)));
    doctor_blobs(url, token, r);
    client_close(c);
}

/* --- as an agent --- */

struct handshake {
    struct mb_loop *loop;
    const char *address;
    bool ok;
    struct mb_error error;
};

static void on_event(enum mb_peer_event ev, const char *detail _unused_, void *arg)
{
    struct handshake *s = arg;

    if (ev == MB_PEER_CONNECTED)
        s->ok = true;
    else if (ev == MB_PEER_REFUSED)
        mb_fail(&s->error, MB_ERR_DENIED,
                "the coordinator at %s does not know this agent's key any more",
                s->address);
    else if (ev == MB_PEER_BAD_SERVER)
        mb_fail(&s->error, MB_ERR_DENIED,
                "the coordinator at %s is not the one this agent has joined",
                s->address);
    else
        return;
    mb_loop_stop(s->loop);
}

static void on_message(uint8_t version _unused_, uint8_t kind _unused_,
                       const void *data _unused_, size_t len _unused_,
                       void *arg _unused_)
{
}

static void on_deadline(void *arg)
{
    struct handshake *s = arg;

    mb_fail(&s->error, MB_ERR_UNAVAILABLE, "nobody answers at %s (waited %d s)",
            s->address, HANDSHAKE_MSEC / 1000);
    mb_loop_stop(s->loop);
}

static int shake_hands(const struct mb_membership *m, struct mb_error *err)
{
    static const struct mb_peer_client_ops ops = {on_message, on_event};
    struct handshake s = {.loop = mb_loop_new(), .address = m->address};
    struct mb_peer_client *peer = NULL;

    mb_loop_add_once(s.loop, HANDSHAKE_MSEC, on_deadline, &s);
    if (mb_peer_client_new(s.loop, m->address, m->server_key, &m->keys, &ops, &s, &peer,
                           &s.error)
        == 0)
        mb_loop_run(s.loop);
    mb_peer_client_free(peer);
    mb_loop_free(s.loop);
    if (s.ok)
        return 0;
    *err = s.error;
    return -1;
}

static void check_stored_blob_url(const char *state_dir, struct doctor_report *r)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/" BLOB_URL_FILE, state_dir);
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(URL_BYTES_MAX);
    struct mb_error err;

    if (mb_read_file(AT_FDCWD, path, &text, &err) < 0 || text.len == 0) {
        doctor_add(r, "blob-endpoint", DOCTOR_WARN,
                   "not known before the agent has been welcomed once");
        doctor_fix(r, "systemctl enable --now mbcluster-agent, then run this again");
        doctor_clock(mb_wall_sec(), 0, NULL, r);
        return;
    }
    text.data[strcspn(text.data, "\n")] = '\0';
    doctor_blobs(text.data, NULL, r);
}

static void reach_as_agent(const char *state_dir, const struct mb_membership *m,
                           struct doctor_report *r)
{
    struct mb_error err;

    if (shake_hands(m, &err) < 0) {
        bool denied = err.code == MB_ERR_DENIED;

        doctor_add(r, "coordinator", DOCTOR_FAIL, "%s", err.msg);
        doctor_fix(r, "%s",
                   denied ? "on the coordinator: mbcluster-coordinator token --role "
                            "agent; then here: mbcluster-agent --join STRING"
                          : "is mbcluster-coordinator running, and may this machine "
                            "reach that address and port (firewall)?");
        doctor_clock(mb_wall_sec(), 0, NULL, r);
        return;
    }
    doctor_add(r, "coordinator", DOCTOR_OK, "%s knows this agent's key", m->address);
    check_stored_blob_url(state_dir, r);
}

void doctor_reach(const char *cluster, const char *state_dir, struct doctor_report *r)
{
    _cleanup_free_ char *dir = mb_xasprintf("%s/" MEMBERSHIP, state_dir);
    const char *given = cluster ? cluster : getenv("MBCLUSTER_CLUSTER");
    struct mb_membership m = {0};
    struct mb_error err;

    if (given && *given && strcmp(given, "embedded") != 0) {
        reach_as_client(cluster, r);
    } else if (mb_membership_load(dir, &m, &err) == 0) {
        reach_as_agent(state_dir, &m, r);
        mb_keypair_clear(&m.keys);
    } else if (err.code == MB_ERR_NOT_FOUND) {
        doctor_clock(mb_wall_sec(), 0, NULL, r);
    } else {
        doctor_add(r, "coordinator", DOCTOR_FAIL, "%s", err.msg);
        doctor_fix(r, "run this as the agent's user, or as root");
        doctor_clock(mb_wall_sec(), 0, NULL, r);
    }
}
