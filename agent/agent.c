/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop thread owns the session and the table of running tasks; each task runs on a
 * worker thread (task_runner) that only touches its own struct and the shared task_env.
 * Reports travel back as encoded messages through mb_loop_post(), so order per task is
 * kept.
 */
#include "agent/agent.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "agent/inventory.h"
#include "agent/task_runner.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/peer_socket.h"
#include "net/worker.h"
#include "proto/kinds.h"
#include "session/blob_url.h"

#define HEARTBEAT_MSEC_DEFAULT 2000

struct running {
    struct running *next;
    struct agent *agent;
    struct mb_task task;
    atomic_bool cancel;
    struct mb_task_done result;
};

struct agent {
    struct mb_loop *loop;
    struct mb_peer_client *peer;
    struct mb_workers *workers;
    struct task_env env;
    struct mb_agent_info info;
    uint8_t session[16];
    char *address, *state_dir, *runtime, *step_program;
    struct running *running;
    uint64_t n_running;
    bool welcomed;
    bool greeting_again; /* until WELCOME: further refusals are of the old session */
    int heartbeat_timer;
    agent_ended_fn *ended;
    void *ended_arg;
};

/* --- sending --- */

static void send_msg(struct agent *a, enum mb_kind kind,
                     const struct mb_wire_schema *schema, const void *msg)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);
    struct mb_error err;

    mb_wire_encode(schema, msg, &out);
    if (mb_buf_check(&out, mb_kind_name(kind), &err) < 0
        || mb_peer_client_send(a->peer, (uint8_t)kind, out.data, out.len, &err) < 0)
        mb_log(MB_LOG_WARNING, "send_failed", "kind=%s reason=\"%s\"",
               mb_kind_name(kind), err.msg);
}

/* A report from a worker thread on its way to the loop. */
struct report {
    struct agent *agent;
    enum mb_kind kind;
    struct mb_buf body;
};

static void post_report(void *arg)
{
    struct report *r = arg;
    struct mb_error err;

    if (mb_peer_client_send(r->agent->peer, (uint8_t)r->kind, r->body.data, r->body.len,
                            &err)
        < 0)
        mb_log(MB_LOG_WARNING, "send_failed", "kind=%s reason=\"%s\"",
               mb_kind_name(r->kind), err.msg);
    mb_buf_done(&r->body);
    free(r);
}

static void report(struct agent *a, enum mb_kind kind,
                   const struct mb_wire_schema *schema, const void *msg)
{
    struct report *r = mb_xcalloc(1, sizeof(*r));

    r->agent = a;
    r->kind = kind;
    mb_buf_init(&r->body, MB_MSG_BYTES_MAX);
    mb_wire_encode(schema, msg, &r->body);
    mb_loop_post(a->loop, post_report, r);
}

static void report_started(const struct mb_step_started *m, void *arg)
{
    report(arg, MB_KIND_STEP_STARTED, &mb_step_started_schema, m);
}

static void report_log(const struct mb_step_log *m, void *arg)
{
    report(arg, MB_KIND_STEP_LOG, &mb_step_log_schema, m);
}

static void report_done(const struct mb_step_done *m, void *arg)
{
    report(arg, MB_KIND_STEP_DONE, &mb_step_done_schema, m);
}

/* --- tasks --- */

static void run_job(void *arg)
{
    struct running *r = arg;
    const struct task_reporter reporter = {report_started, report_log, report_done,
                                           r->agent};

    task_run(&r->agent->env, &r->task, &r->cancel, &reporter, &r->result);
    /* Posted like the reports before it, so that it arrives behind them. */
    report(r->agent, MB_KIND_TASK_DONE, &mb_task_done_schema, &r->result);
}

static void job_done(void *arg, bool cancelled _unused_)
{
    struct running *r = arg;
    struct agent *a = r->agent;

    for (struct running **p = &a->running; *p; p = &(*p)->next) {
        if (*p == r) {
            *p = r->next;
            break;
        }
    }
    a->n_running--;
    mb_log(MB_LOG_INFO, "task_ended", "build=%llu task=%llu code=%s",
           (unsigned long long)r->task.build_id, (unsigned long long)r->task.task_id,
           mb_errc_name((enum mb_errc)r->result.code));
    mb_wire_done(&mb_task_done_schema, &r->result);
    mb_task_wipe(&r->task);
    mb_wire_done(&mb_task_schema, &r->task);
    free(r);
}

static void on_task(struct agent *a, const void *data, size_t len)
{
    struct running *r = mb_xcalloc(1, sizeof(*r));
    struct mb_error err;

    if (mb_wire_decode(&mb_task_schema, data, len, &r->task, &err) < 0) {
        mb_log(MB_LOG_ERR, "bad_task", "reason=\"%s\"", err.msg);
        free(r);
        return;
    }
    r->agent = a;
    r->next = a->running;
    a->running = r;
    a->n_running++;
    mb_log(MB_LOG_INFO, "task_started", "build=%llu task=%llu epoch=%llu steps=%zu",
           (unsigned long long)r->task.build_id, (unsigned long long)r->task.task_id,
           (unsigned long long)r->task.epoch, r->task.n_steps);
    mb_workers_submit(a->workers, run_job, job_done, r);
}

static void on_task_cancel(struct agent *a, const void *data, size_t len)
{
    struct mb_task_ref ref = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_task_ref_schema, data, len, &ref, &err) < 0)
        return;
    for (struct running *r = a->running; r; r = r->next)
        if (r->task.task_id == ref.task_id && r->task.epoch == ref.epoch)
            atomic_store(&r->cancel, true);
}

static void cancel_all(struct agent *a)
{
    for (struct running *r = a->running; r; r = r->next)
        atomic_store(&r->cancel, true);
}

/* --- session --- */

static void end_agent(struct agent *a, enum mb_errc code, const char *text)
{
    struct mb_error why;

    mb_fail(&why, code, "%s", text);
    a->ended(&why, a->ended_arg);
}

static uint64_t disk_free(const char *dir)
{
    struct statvfs v;

    return statvfs(dir, &v) < 0 ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}

static void send_hello(struct agent *a)
{
    struct mb_hello hello = {
        .role = MB_ROLE_AGENT,
        .session = {a->session, sizeof(a->session)},
        .version = (char *)MB_VERSION,
        .agent = a->info, /* borrowed for the encoding */
    };

    hello.agent.disk_free_bytes = disk_free(a->state_dir);
    send_msg(a, MB_KIND_HELLO, &mb_hello_schema, &hello);
}

static void on_heartbeat_timer(void *arg)
{
    struct agent *a = arg;
    struct mb_heartbeat hb = {.running = a->n_running};

    if (a->welcomed)
        send_msg(a, MB_KIND_HEARTBEAT, &mb_heartbeat_schema, &hb);
}

/* For "mbcluster doctor", which must not greet with our key while we are connected. */
static void remember_blob_url(struct agent *a, const char *url)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/blob-url", a->state_dir);
    _cleanup_free_ char *line = mb_xasprintf("%s\n", url);
    _cleanup_buf_ struct mb_buf old = MB_BUF_INIT(MB_MSG_GREETING_BYTES_MAX);
    struct mb_error err;

    if (mb_read_file(AT_FDCWD, path, &old, &err) == 0 && old.data
        && strcmp(old.data, line) == 0)
        return;
    if (mb_write_file(AT_FDCWD, path, line, strlen(line), 0600, &err) < 0)
        mb_log(MB_LOG_WARNING, "blob_url_not_kept", "reason=\"%s\"", err.msg);
}

static void on_welcome(struct agent *a, const void *data, size_t len)
{
    struct mb_welcome w = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_welcome_schema, data, len, &w, &err) < 0) {
        end_agent(a, err.code, err.msg);
        return;
    }
    if (w.blob_url) {
        _cleanup_free_ char *url = mb_blob_url_for(w.blob_url, a->address);
        task_env_set_http(&a->env, url, w.blob_token);
        remember_blob_url(a, url);
    }
    if (!a->welcomed) {
        uint64_t msec = w.heartbeat_msec ? w.heartbeat_msec : HEARTBEAT_MSEC_DEFAULT;
        a->heartbeat_timer =
            mb_loop_add_timer(a->loop, (uint32_t)msec, on_heartbeat_timer, a);
    }
    if (a->welcomed && !w.resumed)
        cancel_all(a); /* of another session, or of a coordinator that is no more */
    a->welcomed = true;
    a->greeting_again = false;
    mb_log(MB_LOG_NOTICE, "welcomed", "name=%s coordinator_version=%s", w.name,
           w.coordinator_version ? w.coordinator_version : "");
    mb_wire_done(&mb_welcome_schema, &w);
}

/* The coordinator gave this session up (we were silent for too long, or it is a new
 * one): what runs is somebody else's by now. */
static void greet_again(struct agent *a)
{
    if (a->greeting_again)
        return;
    a->greeting_again = true;
    mb_log(MB_LOG_WARNING, "session_lost", "tasks=%llu effect=\"greeting again\"",
           (unsigned long long)a->n_running);
    cancel_all(a);
    mb_random_bytes(a->session, sizeof(a->session));
    send_hello(a);
}

static void on_refused(struct agent *a, const void *data, size_t len)
{
    struct mb_refused r = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_refused_schema, data, len, &r, &err) < 0)
        return;
    if (r.code == MB_ERR_NOT_FOUND)
        greet_again(a);
    else
        end_agent(a, (enum mb_errc)r.code, r.message ? r.message : "refused");
    mb_wire_done(&mb_refused_schema, &r);
}

static void on_heartbeat(struct agent *a, const void *data, size_t len)
{
    struct mb_heartbeat hb = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_heartbeat_schema, data, len, &hb, &err) == 0
        && hb.blob_token)
        task_env_set_http(&a->env, NULL, hb.blob_token);
    mb_wire_done(&mb_heartbeat_schema, &hb);
}

static void on_message(uint8_t version, uint8_t kind, const void *data, size_t len,
                       void *arg)
{
    struct agent *a = arg;

    if (version != MB_PROTOCOL_VERSION) {
        end_agent(a, MB_ERR_PROTOCOL,
                  "the coordinator speaks another protocol version; upgrade the older "
                  "of the two");
        return;
    }
    switch (kind) {
    case MB_KIND_WELCOME:
        on_welcome(a, data, len);
        break;
    case MB_KIND_REFUSED:
        on_refused(a, data, len);
        break;
    case MB_KIND_HEARTBEAT:
        on_heartbeat(a, data, len);
        break;
    case MB_KIND_TASK:
        on_task(a, data, len);
        break;
    case MB_KIND_TASK_CANCEL:
        on_task_cancel(a, data, len);
        break;
    default:
        mb_log(MB_LOG_DEBUG, "unknown_message", "kind=%u", kind);
    }
}

static void key_is_unknown(struct agent *a)
{
    struct mb_error err;

    mb_fail(
        &err, MB_ERR_DENIED,
        "the coordinator does not know this agent's key; remove %s/membership and "
        "join again with a new string from: mbcluster-coordinator token --role agent",
        a->state_dir);
    end_agent(a, err.code, err.msg);
}

static void on_event(enum mb_peer_event ev, const char *detail, void *arg)
{
    struct agent *a = arg;

    switch (ev) {
    case MB_PEER_CONNECTED:
        send_hello(a);
        break;
    case MB_PEER_DISCONNECTED:
        mb_log(MB_LOG_WARNING, "coordinator_disconnected", "detail=\"%s\" retry=yes",
               detail);
        break;
    case MB_PEER_REFUSED:
        key_is_unknown(a);
        break;
    case MB_PEER_BAD_SERVER:
        end_agent(a, MB_ERR_DENIED,
                  "the coordinator's key is not the one in the join string; take a new "
                  "string "
                  "from the coordinator you mean");
        break;
    }
}

/* --- life --- */

static int open_env(struct agent *a, const struct agent_opts *opts,
                    struct mb_error *err)
{
    _cleanup_free_ char *store = mb_xasprintf("%s/store", opts->state_dir);
    struct step_holder *step = NULL;
    bool emulate = !opts->emulate || strcmp(opts->emulate, "none") != 0;

    a->state_dir = mb_xstrdup(opts->state_dir);
    a->runtime = mb_xstrdup(opts->runtime ? opts->runtime : "crun");
    a->step_program = mb_xstrdup(opts->step_program);
    a->env.step_opts = (struct step_client_opts){
        .program = a->step_program,
        .state_dir = a->state_dir,
        .runtime = a->runtime,
        .emulate = emulate,
    };
    if (mb_mkdir_p(AT_FDCWD, opts->state_dir, 0700, err) < 0
        || mb_blob_store_open(store, &a->env.store, err) < 0
        || task_env_step(&a->env, &step, err) < 0)
        return -1;
    int r = inventory_read(step_holder_client(step), opts, &a->info, err);
    task_env_step_done(&a->env, step);
    return r;
}

int agent_new(struct mb_loop *l, const struct agent_opts *opts, agent_ended_fn *ended,
              void *arg, struct agent **ret, struct mb_error *err)
{
    static const struct mb_peer_client_ops ops = {on_message, on_event};
    _cleanup_(agent_freep) struct agent *a = mb_xcalloc(1, sizeof(*a));

    task_env_init(&a->env);
    a->loop = l;
    a->address = mb_xstrdup(opts->address);
    a->heartbeat_timer = -1;
    a->ended = ended;
    a->ended_arg = arg;
    mb_random_bytes(a->session, sizeof(a->session));
    if (open_env(a, opts, err) < 0)
        return -1;
    a->workers = mb_workers_new(l, (unsigned)a->info.slots);
    if (mb_peer_client_new(l, opts->address, opts->server_key, &opts->keys, &ops, a,
                           &a->peer, err)
        < 0)
        return -1;
    *ret = steal_ptr(a);
    return 0;
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    cancel_all(a);
    if (a->heartbeat_timer >= 0)
        mb_loop_remove_timer(a->loop, a->heartbeat_timer);
    mb_workers_free(a->workers);
    if (a->peer)
        mb_loop_run_posts(a->loop);
    if (a->peer) {
        struct mb_error ignored;
        uint8_t empty_map = 0x80;
        mb_ignore(mb_peer_client_send(a->peer, MB_KIND_BYE, &empty_map, 1, &ignored),
                  "a coordinator that is gone needs no goodbye");
        mb_peer_client_free(a->peer);
    }
    task_env_done(&a->env);
    mb_blob_store_free(a->env.store);
    mb_wire_done(&mb_agent_info_schema, &a->info);
    free(a->address);
    free(a->state_dir);
    free(a->runtime);
    free(a->step_program);
    free(a);
}
