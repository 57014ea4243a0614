/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/build.h"

#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"

#define AGENTS_WAIT_USEC (10 * MB_USEC_PER_SEC)

static const char *state_name(enum build_state s)
{
    static const char *const names[] = {"waiting_agents", "waiting_input", "resolving",
                                        "running",        "publishing",    "ended"};

    return names[s];
}

/* States only go forward. */
void build_set_state(struct build *b, enum build_state to)
{
    BUG_ON(to <= b->state);
    mb_log(MB_LOG_INFO, "build_state", "build=%llu from=%s to=%s",
           (unsigned long long)b->id, state_name(b->state), state_name(to));
    b->state = to;
}

struct build *build_new(struct build_env *env, uint64_t id,
                        const struct mb_route *client, const void *data, size_t len)
{
    struct build *b = mb_xcalloc(1, sizeof(*b));
    struct mb_error err;

    b->env = env;
    b->id = id;
    b->client = *client;
    b->began_usec = mb_now_usec();
    mb_log(MB_LOG_INFO, "build_began", "build=%llu", (unsigned long long)id);
    if (mb_wire_decode(&mb_build_request_schema, data, len, &b->request, &err) < 0) {
        build_fail(b, &err, NULL);
        return b;
    }
    build_wake(b);
    return b;
}

void build_free(struct build *b)
{
    if (!b)
        return;
    while (b->tasks) {
        struct task *t = b->tasks;
        b->tasks = t->next;
        task_free(t);
    }
    build_drop_outbox(b);
    plan_free(b->plan);
    mb_tree_done(&b->tree);
    mb_build_request_wipe(&b->request);
    mb_wire_done(&mb_build_request_schema, &b->request);
    mb_wire_done(&mb_build_ready_schema, &b->ready);
    free(b->error_source);
    free(b->images);
    free(b);
}

uint64_t build_id(const struct build *b)
{
    return b->id;
}

bool build_is_over(const struct build *b)
{
    return b->state == BUILD_ENDED && b->n_jobs == 0 && !b->tasks && !b->outbox;
}

bool build_has_task(const struct build *b, uint64_t task_id)
{
    for (const struct task *t = b->tasks; t; t = t->next)
        if (t->id == task_id)
            return true;
    return false;
}

/* --- the end --- */

static void end(struct build *b)
{
    build_set_state(b, BUILD_ENDED);
    atomic_store(&b->cancel, true);
    build_cancel_tasks(b);
    build_send_done(b);
    mb_log(MB_LOG_INFO, "build_ended", "build=%llu code=%s msec=%llu reason=\"%s\"",
           (unsigned long long)b->id, mb_errc_name(b->error.code),
           (unsigned long long)((mb_now_usec() - b->began_usec) / 1000), b->error.msg);
}

void build_fail(struct build *b, const struct mb_error *err, const char *source)
{
    if (b->state == BUILD_ENDED)
        return;
    b->error = *err;
    b->error_source = mb_xstrdup(source);
    end(b);
}

void build_finish(struct build *b)
{
    if (b->state != BUILD_ENDED)
        end(b);
}

void build_cancel(struct build *b, const char *why)
{
    struct mb_error err;

    mb_fail(&err, MB_ERR_CANCELLED, "canceled: %s", why);
    build_fail(b, &err, NULL);
}

void build_client_gone(struct build *b, const char *why)
{
    b->client_gone = true;
    build_drop_outbox(b);
    build_cancel(b, why);
}

void build_abandon(struct build *b)
{
    b->client_gone = true;
    atomic_store(&b->cancel, true);
}

/* --- waking --- */

void build_wake(struct build *b)
{
    struct mb_error err;

    build_flush_outbox(b);
    if (b->state == BUILD_RUNNING)
        build_dispatch(b);
    if (b->state != BUILD_WAITING_AGENTS)
        return;
    if (agents_count(b->env->agents) > 0) {
        build_begin(b);
    } else if (mb_now_usec() - b->began_usec > AGENTS_WAIT_USEC) {
        mb_fail(&err, MB_ERR_UNAVAILABLE,
                "the cluster has no agents; start one: mbcluster-agent --join STRING, "
                "with a string "
                "from mbcluster-coordinator token --role agent");
        build_fail(b, &err, NULL);
    }
}

void build_ready(struct build *b, const void *data, size_t len)
{
    struct mb_error err;

    if (b->state != BUILD_WAITING_INPUT)
        return;
    if (mb_wire_decode(&mb_build_ready_schema, data, len, &b->ready, &err) < 0)
        build_fail(b, &err, NULL);
    else
        build_resolve(b);
}
