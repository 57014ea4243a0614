/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases:  ASKED --BUILD_NEEDS--> UPLOADING --uploaded--> BUILDING --BUILD_DONE ok-->
 * EXPORTING and from each of them to ENDED.  BUILD_DONE with a failure may come in any
 * phase.
 *
 * Ctrl-C: BUILD_CANCEL, then up to 5 s for the coordinator's BUILD_DONE; the second
 * ends at once.
 */
#include "cli/build_run.h"

#include <stdlib.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/export.h"
#include "cli/upload.h"
#include "net/worker.h"
#include "proto/kinds.h"

#define TICK_MSEC 100
#define CANCEL_MSEC 5000
#define WORKERS 1

enum phase { IDLE, ASKED, UPLOADING, BUILDING, EXPORTING, ENDED };

struct build_run {
    const struct build_options *opts; /* borrowed */
    struct progress *progress;        /* borrowed */
    const char *state_dir;            /* borrowed */
    struct client *client;            /* borrowed */
    struct mb_workers *workers;
    enum phase phase;
    unsigned interrupts;
    struct upload_job *upload;
    struct export_job *export;
    uint64_t vertex; /* of the upload or export */
    struct mb_build_done done;
    bool has_done;
    bool giving_up; /* on our account: `error` says why */
    int tick_timer, cancel_timer;
    int result;
    struct mb_error error;
};

static const struct {
    enum phase from, to;
} moves[] = {
    {IDLE, ASKED},      {ASKED, UPLOADING},    {ASKED, BUILDING},
    {ASKED, EXPORTING}, {UPLOADING, BUILDING}, {BUILDING, EXPORTING},
    {IDLE, ENDED},      {ASKED, ENDED},        {UPLOADING, ENDED},
    {BUILDING, ENDED},  {EXPORTING, ENDED},
};

static bool may_enter(const struct build_run *b, enum phase to)
{
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
        if (moves[i].from == b->phase && moves[i].to == to)
            return true;
    return false;
}

static void enter(struct build_run *b, enum phase to)
{
    BUG_ON(!may_enter(b, to));
    b->phase = to;
    if (to == ENDED)
        mb_loop_stop(client_loop(b->client));
}

static void end_ok(struct build_run *b)
{
    b->result = 0;
    enter(b, ENDED);
}

static void end_failed(struct build_run *b, const struct mb_error *why)
{
    if (b->phase == ENDED)
        return;
    if (!b->giving_up)
        b->error = *why;
    b->result = -1;
    enter(b, ENDED);
}

static void end_canceled(void *arg);

/* Ask the coordinator to give the build up; its BUILD_DONE ends the run, or a timer
 * does. */
static void tell_cancel(struct build_run *b)
{
    struct mb_error err;
    uint8_t nothing = 0;

    mb_ignore(session_send(client_session(b->client), MB_KIND_BUILD_CANCEL,
                           &mb_empty_schema, &nothing, &err),
              "the coordinator gives a build up whose client is gone");
    if (!b->cancel_timer)
        b->cancel_timer =
            mb_loop_add_once(client_loop(b->client), CANCEL_MSEC, end_canceled, b);
}

/* Something failed on our side: the build ends there as well, before this program does.
 */
static void fail_build(struct build_run *b, const struct mb_error *why)
{
    if (b->phase == ENDED)
        return;
    if (b->has_done) {
        end_failed(b, why);
    } else if (!b->giving_up) {
        b->giving_up = true;
        b->error = *why;
        tell_cancel(b);
    }
}

/* --- what the workers do --- */

static void show_transfer(struct build_run *b, bool done)
{
    const struct transfer_state *s = b->upload   ? &b->upload->state
                                     : b->export ? &b->export->state
                                                 : NULL;
    const char *what = b->upload ? "transferring context:" : "fetching image:";

    if (s)
        progress_local_status(b->progress, b->vertex, what, atomic_load(&s->bytes),
                              atomic_load(&s->total), done, mb_now_usec());
}

static void end_vertex(struct build_run *b, int result, const struct mb_error *why)
{
    enum mb_vertex_state state = result == 0                     ? MB_VERTEX_DONE
                                 : why->code == MB_ERR_CANCELLED ? MB_VERTEX_CANCELED
                                                                 : MB_VERTEX_ERROR;

    if (result == 0)
        show_transfer(b, true);
    progress_local_end(b->progress, b->vertex, state,
                       state == MB_VERTEX_ERROR ? why->msg : NULL, mb_now_usec());
}

static void send_ready(struct build_run *b, const struct mb_build_ready *ready)
{
    struct mb_error err;

    if (session_send(client_session(b->client), MB_KIND_BUILD_READY,
                     &mb_build_ready_schema, ready, &err)
        < 0)
        end_failed(b, &err);
    else
        enter(b, BUILDING);
}

static void on_uploaded(void *job, bool dropped)
{
    struct upload_job *j = job;
    struct build_run *b = j->owner;

    if (dropped) {
        j->result = -1;
        mb_fail(&j->error, MB_ERR_CANCELLED, "interrupted");
    }
    end_vertex(b, j->result, &j->error);
    b->upload = NULL;
    if (b->phase == UPLOADING && b->interrupts == 0 && !b->giving_up) {
        if (j->result == 0)
            send_ready(b, &j->ready);
        else
            fail_build(b, &j->error);
    } /* else the answer to BUILD_CANCEL, or the end, is on its way */
    upload_job_free(j);
}

static void on_exported(void *job, bool dropped)
{
    struct export_job *j = job;
    struct build_run *b = j->owner;

    if (dropped) {
        j->result = -1;
        mb_fail(&j->error, MB_ERR_CANCELLED, "interrupted");
    }
    end_vertex(b, j->result, &j->error);
    b->export = NULL;
    if (b->phase == EXPORTING && j->result == 0)
        end_ok(b);
    else
        end_failed(b, &j->error);
    export_job_free(j);
}

/* --- what the coordinator says --- */

static int take_needs(struct build_run *b, const void *data, size_t len,
                      struct mb_error *err)
{
    const struct session *s = client_session(b->client);
    struct mb_build_needs needs = {0};

    if (b->phase != ASKED)
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "the coordinator asked for the context twice");
    if (mb_wire_decode(&mb_build_needs_schema, data, len, &needs, err) < 0)
        return -1;
    if (!needs.context && needs.n_layouts == 0 && needs.n_locals == 0) {
        const struct mb_build_ready nothing = {0};

        mb_wire_done(&mb_build_needs_schema, &needs);
        send_ready(b, &nothing);
        return 0;
    }
    b->upload =
        upload_job_new(b->opts, &needs, session_blob_url(s), session_blob_token(s));
    b->upload->owner = b;
    b->vertex = progress_local_begin(b->progress, "[internal] load build context",
                                     mb_now_usec());
    enter(b, UPLOADING);
    mb_workers_submit(b->workers, upload_job_run, on_uploaded, b->upload);
    return 0;
}

static int take_vertex(struct build_run *b, const void *data, size_t len,
                       struct mb_error *err)
{
    struct mb_build_vertex m = {0};

    if (mb_wire_decode(&mb_build_vertex_schema, data, len, &m, err) < 0)
        return -1;
    progress_vertex(b->progress, &m, mb_now_usec());
    mb_wire_done(&mb_build_vertex_schema, &m);
    return 0;
}

static int take_log(struct build_run *b, const void *data, size_t len,
                    struct mb_error *err)
{
    struct mb_build_log m = {0};

    if (mb_wire_decode(&mb_build_log_schema, data, len, &m, err) < 0)
        return -1;
    progress_log(b->progress, &m, mb_now_usec());
    mb_wire_done(&mb_build_log_schema, &m);
    return 0;
}

static int take_status(struct build_run *b, const void *data, size_t len,
                       struct mb_error *err)
{
    struct mb_build_status m = {0};

    if (mb_wire_decode(&mb_build_status_schema, data, len, &m, err) < 0)
        return -1;
    progress_status(b->progress, &m, mb_now_usec());
    mb_wire_done(&mb_build_status_schema, &m);
    return 0;
}

static void start_export(struct build_run *b)
{
    const struct session *s = client_session(b->client);

    b->export = export_job_new(b->opts, &b->done.root, session_blob_url(s),
                               session_blob_token(s), b->state_dir);
    b->export->owner = b;
    b->vertex = progress_local_begin(b->progress, "exporting to oci image format",
                                     mb_now_usec());
    enter(b, EXPORTING);
    mb_workers_submit(b->workers, export_job_run, on_exported, b->export);
}

static int take_done(struct build_run *b, const void *data, size_t len,
                     struct mb_error *err)
{
    struct mb_error why;

    if (b->has_done)
        return mb_fail(err, MB_ERR_PROTOCOL, "the coordinator ended the build twice");
    if (mb_wire_decode(&mb_build_done_schema, data, len, &b->done, err) < 0)
        return -1;
    b->has_done = true;
    if (b->giving_up) {
        end_failed(b, &b->error);
    } else if (!b->done.ok) {
        enum mb_errc code = b->done.code > 0 && b->done.code <= MB_ERR_EMULATION
                                ? (enum mb_errc)b->done.code
                                : MB_ERR_FAILED;

        mb_fail(&why, code, "%s",
                b->done.message ? b->done.message : "the build failed");
        end_failed(b, &why);
    } else if (mb_digest_is_zero(&b->done.root.digest)) {
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "the coordinator ended the build without a result");
    } else if (!export_wanted(b->opts)) {
        end_ok(b);
    } else if (b->interrupts > 0) {
        mb_fail(&why, MB_ERR_CANCELLED, "build canceled");
        end_failed(b, &why);
    } else if (may_enter(b, EXPORTING)) {
        start_export(b);
    } else {
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "the coordinator ended the build too early");
    }
    return 0;
}

static void on_message(uint8_t kind, const void *data, size_t len, void *arg)
{
    static const struct {
        uint8_t kind;
        int (*take)(struct build_run *b, const void *data, size_t len,
                    struct mb_error *err);
    } rows[] = {
        {MB_KIND_BUILD_NEEDS, take_needs}, {MB_KIND_BUILD_VERTEX, take_vertex},
        {MB_KIND_BUILD_LOG, take_log},     {MB_KIND_BUILD_STATUS, take_status},
        {MB_KIND_BUILD_DONE, take_done},
    };
    struct build_run *b = arg;
    struct mb_error err;

    for (size_t i = 0; b->phase != ENDED && i < ARRAY_SIZE(rows); i++)
        if (rows[i].kind == kind && rows[i].take(b, data, len, &err) < 0) {
            mb_wrap(&err, "build");
            fail_build(b, &err);
        }
}

static void on_failed(const struct mb_error *why, void *arg)
{
    end_failed(arg, why);
}

/* --- interrupting --- */

static void cancel_transfers(struct build_run *b)
{
    if (b->upload)
        atomic_store(&b->upload->state.cancel, true);
    if (b->export)
        atomic_store(&b->export->state.cancel, true);
}

static void end_canceled(void *arg)
{
    struct build_run *b = arg;
    struct mb_error err;

    b->cancel_timer = 0; /* when it was the timer that called */
    mb_fail(&err, MB_ERR_CANCELLED, "build canceled");
    end_failed(b, &err);
}

static void on_interrupted(void *arg)
{
    struct build_run *b = arg;

    if (b->phase == ENDED)
        return;
    cancel_transfers(b);
    if (b->interrupts++ > 0) {
        end_canceled(b);
        return;
    }
    if (!b->has_done)
        tell_cancel(b);
}

const struct client_ops build_run_ops = {
    .message = on_message, .failed = on_failed, .interrupted = on_interrupted};

/* --- the run --- */

static void on_tick(void *arg)
{
    struct build_run *b = arg;

    show_transfer(b, false);
    progress_tick(b->progress, mb_now_usec());
}

struct build_run *build_run_new(const struct build_options *opts,
                                struct progress *progress, const char *state_dir)
{
    struct build_run *b = mb_xcalloc(1, sizeof(*b));

    b->opts = opts;
    b->progress = progress;
    b->state_dir = state_dir;
    return b;
}

void build_run_free(struct build_run *b)
{
    if (!b)
        return;
    mb_wire_done(&mb_build_done_schema, &b->done);
    free(b);
}

static void show_dockerfile(struct build_run *b)
{
    _cleanup_free_ char *name = mb_xasprintf("[internal] load build definition from %s",
                                             b->opts->request.dockerfile_name);
    uint64_t now = mb_now_usec();
    uint64_t id = progress_local_begin(b->progress, name, now);

    progress_local_status(b->progress, id,
                          "transferring dockerfile:", b->opts->request.dockerfile.len,
                          0, true, now);
    progress_local_end(b->progress, id, MB_VERTEX_DONE, NULL, now);
}

static void run_loop(struct build_run *b)
{
    struct mb_loop *l = client_loop(b->client);

    b->workers = mb_workers_new(l, WORKERS);
    b->tick_timer = mb_loop_add_timer(l, TICK_MSEC, on_tick, b);
    if (b->phase != ENDED)
        mb_loop_run(l);
    cancel_transfers(b);
    mb_workers_free(b->workers);
    mb_loop_remove_timer(l, b->tick_timer);
    if (b->cancel_timer)
        mb_loop_remove_timer(l, b->cancel_timer);
}

int build_run(struct build_run *b, struct client *client,
              const struct mb_build_done **ret_done, struct mb_error *err)
{
    b->client = client;
    b->result = -1;
    *ret_done = NULL;
    if (session_send(client_session(client), MB_KIND_BUILD, &mb_build_request_schema,
                     &b->opts->request, err)
        < 0) {
        if (err->code == MB_ERR_LIMIT)
            mb_wrap(err, "Dockerfile and flags together are too big for one request");
        return -1;
    }
    show_dockerfile(b);
    enter(b, ASKED);
    run_loop(b);
    if (b->has_done && !b->giving_up)
        *ret_done = &b->done;
    if (b->result < 0)
        *err = b->error;
    return b->result;
}
