/* SPDX-License-Identifier: Apache-2.0 */
/* What agents report, and what follows from it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"

#define TRIES_MAX 5
#define RETRY_FIRST_USEC (200 * 1000)
#define COMMAND_SHOWN_MAX 200 /* so that the exit code finds room behind it */

static struct task *find_task(struct build *b, uint64_t id, uint64_t epoch,
                              const struct agent_session *from)
{
    struct task *t = b->tasks;

    while (t && (t->id != id || t->epoch != epoch || t->agent != from))
        t = t->next;
    return t;
}

static void bad_message(struct build *b, struct agent_session *from,
                        const struct mb_error *err)
{
    mb_log(MB_LOG_WARNING, "bad_task_message", "build=%llu agent=%s reason=\"%s\"",
           (unsigned long long)b->id, from->name, err->msg);
}

/* The step that the task is at, when the message names it. */
static struct plan_step *current_step(struct build *b, const struct task *t,
                                      uint64_t step_id)
{
    if (t->n_done >= t->n_steps || step_id != t->steps[t->n_done] + 1)
        return NULL;
    return &b->plan->steps[t->steps[t->n_done]];
}

/* --- failures --- */

/* Another try or another agent may succeed; everything else is the user's to know. */
static bool is_infrastructure(enum mb_errc code)
{
    switch (code) {
    case MB_ERR_UNAVAILABLE:
    case MB_ERR_IO:
    case MB_ERR_CORRUPT:
    case MB_ERR_PROTOCOL:
    case MB_ERR_CANCELLED: /* by the agent itself, when it is told to stop */
    case MB_ERR_EMULATION:
        return true;
    default:
        return false;
    }
}

static void requeue(struct build *b, struct task *t, const char *reason)
{
    uint64_t wait = RETRY_FIRST_USEC;
    struct plan_step *first = &b->plan->steps[t->steps[t->n_done]];

    for (size_t i = t->n_done; i < t->n_steps; i++)
        b->plan->steps[t->steps[i]].state = PLAN_STEP_WAITING;
    for (unsigned i = 0; i < first->tries; i++)
        wait *= 3;
    first->tries++;
    if (!mb_strv_contains(&first->failed_on, t->agent->name))
        mb_strv_add(&first->failed_on, t->agent->name);
    b->retry_usec = mb_now_usec() + wait;
    mb_log(MB_LOG_WARNING, "task_requeued",
           "build=%llu task=%llu agent=%s try=%u reason=\"%s\"",
           (unsigned long long)b->id, (unsigned long long)t->id, t->agent->name,
           first->tries, reason);
}

static void fail_build(struct build *b, struct plan_step *s, const struct mb_error *err,
                       uint64_t exit_code)
{
    _cleanup_free_ char *where = build_step_where(s);
    _cleanup_free_ char *command = mb_strv_join(&s->fe->argv, " ");
    _cleanup_free_ char *source =
        mb_xasprintf("%s:%u", build_file_name(b), s->fe->line);
    struct mb_error what = *err, full;

    if (err->code == MB_ERR_FAILED)
        mb_fail(&what, err->code,
                "process \"%.*s%s\" did not complete successfully: exit code: %llu",
                COMMAND_SHOWN_MAX, command,
                strlen(command) > COMMAND_SHOWN_MAX ? "..." : "",
                (unsigned long long)exit_code);
    mb_fail(&full, what.code, "%s: %s: %s", source, where, what.msg);
    build_step_vertex(b, s, MB_VERTEX_ERROR, what.msg);
    build_fail(b, &full, source);
}

static bool somebody_else_can(const struct build *b, const struct plan_step *s,
                              const struct agent_session *failed)
{
    for (struct agent_session *a = agents_first(b->env->agents); a; a = a->next) {
        if (a == failed || mb_strv_contains(&s->failed_on, a->name))
            continue;
        for (size_t i = 0; i < a->info.n_platforms; i++)
            if (mb_platform_equal(&a->info.platforms[i].platform, &s->platform))
                return true;
    }
    return false;
}

/* An emulator that crashed on a machine crashes there again: only another may do
 * better. */
static bool is_worth_a_try(const struct build *b, const struct task *t,
                           const struct plan_step *s, enum mb_errc code)
{
    if (!is_infrastructure(code) || s->tries + 1 >= TRIES_MAX)
        return false;
    return code != MB_ERR_EMULATION || somebody_else_can(b, s, t->agent);
}

void build_step_failed(struct build *b, struct task *t, const struct mb_error *err,
                       uint64_t exit_code)
{
    struct plan_step *s = &b->plan->steps[t->steps[t->n_done]];

    if (b->state != BUILD_RUNNING)
        return;
    if (is_worth_a_try(b, t, s, err->code))
        requeue(b, t, err->msg);
    else
        fail_build(b, s, err, exit_code);
}

/* --- messages --- */

static void on_step_started(struct build *b, struct agent_session *from,
                            const void *data, size_t len)
{
    struct mb_step_started m = {0};
    struct mb_error err;
    struct plan_step *s;
    struct task *t;

    if (mb_wire_decode(&mb_step_started_schema, data, len, &m, &err) < 0) {
        bad_message(b, from, &err);
        return;
    }
    t = find_task(b, m.task_id, m.epoch, from);
    s = t ? current_step(b, t, m.step_id) : NULL;
    if (!s || task_move(t, b->id, EV_STEP_STARTED, &err) < 0)
        return;
    t->began_usec = mb_now_usec();
    s->usec = 0;
    if (b->state == BUILD_RUNNING)
        build_step_vertex(b, s, MB_VERTEX_STARTED, NULL);
}

static void on_step_log(struct build *b, struct agent_session *from, const void *data,
                        size_t len)
{
    struct mb_step_log m = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_step_log_schema, data, len, &m, &err) < 0) {
        bad_message(b, from, &err);
        return;
    }
    struct task *t = find_task(b, m.task_id, m.epoch, from);
    struct plan_step *s = t ? current_step(b, t, m.step_id) : NULL;
    if (s && b->state == BUILD_RUNNING) {
        struct mb_build_log log = {s->vertex, m.stream, m.usec, m.data};
        build_send(b, MB_KIND_BUILD_LOG, &mb_build_log_schema, &log);
    }
    mb_wire_done(&mb_step_log_schema, &m);
}

static void remember(struct build *b, const struct plan_step *s)
{
    struct cache_result r = {
        .has_layer = s->has_layer,
        .layer = s->layer,
        .emulated = s->emulated,
        .usec = s->usec,
    };
    struct mb_error err;

    snprintf(r.agent, sizeof(r.agent), "%s", s->agent);
    if (cache_put(b->env->cache, &s->key, &r, &err) < 0)
        mb_log(MB_LOG_WARNING, "cache_put_failed",
               "reason=\"%s\" effect=\"not cached\"", err.msg);
}

/* What the agent says of a layer goes into manifests and to other agents. */
static int check_layer(struct build *b, const struct agent_session *from,
                       const struct mb_descriptor *blob, struct mb_error *err)
{
    uint64_t size = 0;

    if (strcmp(blob->media_type, MB_MT_OCI_LAYER_GZIP) != 0)
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "agent %s reported a layer of media type \"%s\"", from->name,
                       blob->media_type);
    if (!mb_blob_store_has(b->env->store, &blob->digest, &size) || size != blob->size)
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "agent %s reported a layer that it did not upload", from->name);
    return 0;
}

static void accept_result(struct build *b, struct task *t, struct plan_step *s,
                          const struct mb_step_done *m)
{
    s->state = PLAN_STEP_DONE;
    s->has_layer = m->has_layer;
    s->layer = m->layer;
    s->usec = m->usec;
    t->n_done++;
    remember(b, s);
    if (b->state == BUILD_RUNNING)
        build_step_vertex(b, s, MB_VERTEX_DONE, NULL);
}

static void on_step_done(struct build *b, struct agent_session *from, const void *data,
                         size_t len)
{
    struct mb_step_done m = {0};
    struct mb_error err;

    if (mb_wire_decode(&mb_step_done_schema, data, len, &m, &err) < 0) {
        bad_message(b, from, &err);
        return;
    }
    struct task *t = find_task(b, m.task_id, m.epoch, from);
    struct plan_step *s = t ? current_step(b, t, m.step_id) : NULL;
    if (!s || task_move(t, b->id, EV_STEP_DONE, &err) < 0)
        return;
    if (m.has_layer && check_layer(b, from, &m.layer.blob, &err) < 0) {
        bad_message(b, from, &err);
        return; /* its next message does not fit, so the task ends as failed */
    }
    accept_result(b, t, s, &m);
    build_dispatch(b);
}

static void on_task_done(struct build *b, struct agent_session *from, const void *data,
                         size_t len)
{
    struct mb_task_done m = {0};
    struct mb_error err = {0}, why;

    if (mb_wire_decode(&mb_task_done_schema, data, len, &m, &err) < 0) {
        bad_message(b, from, &err);
        return;
    }
    struct task *t = find_task(b, m.task_id, m.epoch, from);
    bool ok = t && m.code == MB_OK && t->n_done == t->n_steps;
    if (!t || task_move(t, b->id, ok ? EV_RESULT_OK : EV_RESULT_ERROR, &err) < 0) {
        mb_wire_done(&mb_task_done_schema, &m);
        return;
    }
    if (!ok && t->n_done < t->n_steps) {
        mb_fail(&why, m.code == MB_OK ? MB_ERR_PROTOCOL : (enum mb_errc)m.code, "%s",
                m.message ? m.message : "the agent ended the task without its results");
        build_step_failed(b, t, &why, m.exit_code);
    }
    build_drop_task(b, t);
    mb_wire_done(&mb_task_done_schema, &m);
    build_dispatch(b);
}

void build_task_message(struct build *b, struct agent_session *from, uint8_t kind,
                        const void *data, size_t len)
{
    switch (kind) {
    case MB_KIND_STEP_STARTED:
        on_step_started(b, from, data, len);
        break;
    case MB_KIND_STEP_LOG:
        on_step_log(b, from, data, len);
        break;
    case MB_KIND_STEP_DONE:
        on_step_done(b, from, data, len);
        break;
    case MB_KIND_TASK_DONE:
        on_task_done(b, from, data, len);
        break;
    }
}

void build_agent_lost(struct build *b, struct agent_session *a, const char *reason)
{
    struct mb_error err, why;
    struct task *next;

    mb_fail(&why, MB_ERR_UNAVAILABLE, "agent %s was lost: %s", a->name, reason);
    for (struct task *t = b->tasks; t; t = next) {
        next = t->next;
        if (t->agent != a)
            continue;
        mb_ignore(task_move(t, b->id, EV_AGENT_LOST, &err),
                  "every live state has this move");
        if (t->n_done < t->n_steps)
            build_step_failed(b, t, &why, 0);
        build_drop_task(b, t);
    }
    build_dispatch(b);
}
