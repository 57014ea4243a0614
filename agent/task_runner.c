/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass per layer: the step helper's tar goes through the diffID hash and the
 * compressor into a blob writer, and nothing is read twice. A step is reported only
 * after its blob is with the coordinator, so that a reported step survives this agent.
 */
#include "agent/task_runner.h"

#include <string.h>

#include "agent/layer_pipe.h"
#include "agent/log_limit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "fs/gzip.h"
#include "registry/registry_client.h"

/* Any repository name serves: the endpoint addresses by digest. */
#define BLOB_REPOSITORY "localhost/mbcluster/build"

struct runner {
    struct task_env *env;
    const struct mb_task *task;
    const atomic_bool *cancel;
    const struct task_reporter *reporter;
    struct step_holder *holder;
    struct step_client *step; /* borrowed from holder */
    struct mb_registry_client *http;
    struct mb_reference repository;
    struct mb_digest *diff_ids; /* the state so far */
    size_t n_diff_ids;
    const struct mb_step *current;
    uint64_t step_began_usec;
};

void task_env_init(struct task_env *env)
{
    pthread_mutex_init(&env->step_lock, NULL);
    pthread_mutex_init(&env->unpack_lock, NULL);
    pthread_mutex_init(&env->http_lock, NULL);
}

struct step_holder {
    struct step_client *client;
    unsigned users; /* the environment, while it is the current one, and each task */
};

static void unref_step(struct step_holder *h)
{
    if (--h->users > 0)
        return;
    step_client_free(h->client);
    free(h);
}

void task_env_done(struct task_env *env)
{
    if (env->step)
        unref_step(env->step);
    free(env->blob_url);
    free(env->blob_token);
    pthread_mutex_destroy(&env->step_lock);
    pthread_mutex_destroy(&env->unpack_lock);
    pthread_mutex_destroy(&env->http_lock);
}

static int start_step(struct task_env *env, struct mb_error *err)
{
    struct step_client *client = NULL;

    if (step_client_start(&env->step_opts, &client, err) < 0)
        return -1;
    env->step = mb_xcalloc(1, sizeof(*env->step));
    env->step->client = client;
    env->step->users = 1;
    return 0;
}

int task_env_step(struct task_env *env, struct step_holder **ret, struct mb_error *err)
{
    int r = 0;

    pthread_mutex_lock(&env->step_lock);
    if (env->step && !step_client_alive(env->step->client)) {
        unref_step(env->step);
        env->step = NULL;
    }
    if (!env->step)
        r = start_step(env, err);
    if (r == 0) {
        env->step->users++;
        *ret = env->step;
    }
    pthread_mutex_unlock(&env->step_lock);
    return r;
}

void task_env_step_done(struct task_env *env, struct step_holder *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&env->step_lock);
    unref_step(h);
    pthread_mutex_unlock(&env->step_lock);
}

struct step_client *step_holder_client(struct step_holder *h)
{
    return h->client;
}

void task_env_set_http(struct task_env *env, const char *url, const char *token)
{
    pthread_mutex_lock(&env->http_lock);
    if (url) {
        free(env->blob_url);
        env->blob_url = mb_xstrdup(url);
    }
    if (token) {
        free(env->blob_token);
        env->blob_token = mb_xstrdup(token);
    }
    pthread_mutex_unlock(&env->http_lock);
}

static struct mb_registry_client *open_http(struct task_env *env,
                                            const atomic_bool *cancel)
{
    struct mb_registry_opts opts = {.cancel = cancel};

    pthread_mutex_lock(&env->http_lock);
    opts.base_url = env->blob_url;
    opts.bearer_token = env->blob_token;
    struct mb_registry_client *c = mb_registry_client_new(&opts);
    pthread_mutex_unlock(&env->http_lock);
    return c;
}

static int check_cancelled(const struct runner *r, struct mb_error *err)
{
    if (atomic_load(r->cancel))
        return mb_fail(err, MB_ERR_CANCELLED, "the task was cancelled");
    return 0;
}

/* --- inputs --- */

struct feed {
    struct mb_blob_store *store;
    const struct mb_layer_ref *layer;
};

static int feed_layer(const struct mb_sink *out, void *arg, struct mb_error *err)
{
    const struct feed *f = arg;
    _cleanup_close_ int fd = -1;

    if (mb_blob_store_open_blob(f->store, &f->layer->blob.digest, &fd, NULL, err) < 0)
        return -1;
    return layer_pipe_unpack(fd, &f->layer->blob, &f->layer->diff_id, out, err);
}

static int fetch_and_unpack(struct runner *r, const struct mb_layer_ref *layer,
                            struct mb_error *err)
{
    struct step_call call = {.cancel = r->cancel};
    struct feed feed = {r->env->store, layer};
    bool there = false;

    if (step_has_layer(r->step, &layer->diff_id, &there, err) < 0)
        return -1;
    if (there)
        return 0;
    if (mb_registry_get_blob(r->http, &r->repository, &layer->blob, r->env->store, err)
        < 0)
        return mb_wrap(err, "fetch a layer from the coordinator");
    if (step_unpack(r->step, &call, &layer->diff_id, feed_layer, &feed, err) == 0)
        return 0;
    if (err->code == MB_ERR_CORRUPT) {
        /* Never keep what failed its check: the next try fetches it again. */
        struct mb_error ignored;
        mb_ignore(mb_blob_store_remove(r->env->store, &layer->blob.digest, &ignored),
                  "the first error is the one to report");
    }
    return -1;
}

static int ensure_state(struct runner *r, const struct mb_state_ref *state,
                        struct mb_error *err)
{
    for (size_t i = 0; i < state->n_layers; i++) {
        if (check_cancelled(r, err) < 0)
            return -1;
        pthread_mutex_lock(&r->env->unpack_lock);
        int res = fetch_and_unpack(r, &state->layers[i], err);
        pthread_mutex_unlock(&r->env->unpack_lock);
        if (res < 0)
            return -1;
    }
    return 0;
}

static struct mb_digest *state_diff_ids(const struct mb_state_ref *state, size_t extra)
{
    struct mb_digest *ids = mb_xcalloc(state->n_layers + extra + 1, sizeof(*ids));

    for (size_t i = 0; i < state->n_layers; i++)
        ids[i] = state->layers[i].diff_id;
    return ids;
}

/* --- one step --- */

static void on_log(int stream, const void *data, size_t len, void *arg)
{
    struct runner *r = arg;
    struct mb_step_log m = {
        .task_id = r->task->task_id,
        .epoch = r->task->epoch,
        .step_id = r->current->step_id,
        .stream = (uint64_t)stream,
        .usec = mb_now_usec() - r->step_began_usec,
    };

    for (size_t at = 0; at < len; at += MB_LOG_LINE_BYTES_MAX) {
        size_t n = len - at < MB_LOG_LINE_BYTES_MAX ? len - at : MB_LOG_LINE_BYTES_MAX;
        m.data.data = (char *)data + at;
        m.data.len = n;
        r->reporter->log(&m, r->reporter->arg);
    }
}

/* The states that mounts refer to. */
struct sources {
    struct step_state *v;
    size_t n;
};

static void sources_fill(struct sources *s, const struct mb_task *t)
{
    s->v = mb_xcalloc(t->n_sources + 1, sizeof(*s->v));
    for (; s->n < t->n_sources; s->n++)
        s->v[s->n] = (struct step_state){state_diff_ids(&t->sources[s->n], 0),
                                         t->sources[s->n].n_layers};
}

static void sources_done(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++)
        free((void *)(uintptr_t)s->v[i].diff_ids);
    free(s->v);
}

static int execute_run(struct runner *r, const struct step_state *state,
                       const struct mb_step *step, char work[STEP_WORK_ID_LEN + 1],
                       int *ret_status, struct mb_error *err)
{
    _cleanup_(log_limit_freep) struct log_limit *log = log_limit_new(on_log, r);
    _cleanup_(sources_done) struct sources s = {0};
    struct step_call call = {.cancel = r->cancel, .log = log_limit_put, .log_arg = log};

    if (step->n_mounts > 0)
        sources_fill(&s, r->task);
    call.sources = s.v;
    call.n_sources = s.n;
    int rc = step_run(r->step, &call, state, step, &r->task->platform, work, ret_status,
                      err);

    log_limit_end(log);
    return rc;
}

static int execute_copy(struct runner *r, const struct step_call *call,
                        const struct step_state *state, const struct mb_step *step,
                        char work[STEP_WORK_ID_LEN + 1], struct mb_error *err)
{
    _cleanup_free_ struct mb_digest *ids = NULL;

    if (step->paths.n == 0)
        return step_copy(r->step, call, state, &(struct step_state){0}, step, work,
                         err);
    if (step->source >= r->task->n_sources)
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "step %llu copies from a source that is not there",
                       (unsigned long long)step->step_id);
    ids = state_diff_ids(&r->task->sources[step->source], 0);
    struct step_state source = {ids, r->task->sources[step->source].n_layers};
    return step_copy(r->step, call, state, &source, step, work, err);
}

/* *ret_made false: the step changed nothing and has no layer. */
static int execute(struct runner *r, const struct mb_step *step,
                   char work[STEP_WORK_ID_LEN + 1], bool *ret_made,
                   struct mb_task_done *result, struct mb_error *err)
{
    struct step_call call = {.cancel = r->cancel};
    struct step_state state = {r->diff_ids, r->n_diff_ids};
    int status = 0;

    *ret_made = true;
    switch (step->kind) {
    case MB_STEP_RUN:
        if (execute_run(r, &state, step, work, &status, err) < 0)
            return -1;
        if (status == 0)
            return 0;
        mb_ignore(step_discard(r->step, work, err),
                  "the command's status is what matters");
        result->exit_code = (uint64_t)status;
        return mb_fail(err, MB_ERR_FAILED,
                       "did not complete successfully: exit code: %d", status);
    case MB_STEP_COPY:
        return execute_copy(r, &call, &state, step, work, err);
    case MB_STEP_WORKDIR:
        return step_workdir(r->step, &call, &state, step, work, ret_made, err);
    default:
        return mb_fail(err, MB_ERR_PROTOCOL, "step kind %llu is unknown to this agent",
                       (unsigned long long)step->kind);
    }
}

static int upload(struct runner *r, const struct mb_descriptor *blob,
                  struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (mb_blob_store_open_blob(r->env->store, &blob->digest, &fd, NULL, err) < 0
        || mb_registry_push_blob(r->http, &r->repository, blob, fd, err) < 0)
        return mb_wrap(err, "upload the layer to the coordinator");
    return 0;
}

/* From a work directory to a named, stored and uploaded layer. */
static int commit_layer(struct runner *r, const char *work, struct mb_layer_ref *ret,
                        struct mb_error *err)
{
    struct step_call call = {.cancel = r->cancel};
    _cleanup_(layer_pipe_freep) struct layer_pipe *pipe = NULL;

    if (layer_pipe_new(r->env->store, (int)r->task->gzip_level, &pipe, err) < 0)
        return -1;
    struct mb_sink sink = layer_pipe_sink(pipe);
    if (step_diff(r->step, &call, work, r->task->clamp_mtime, r->task->max_mtime_sec,
                  &sink, err)
            < 0
        || layer_pipe_end(pipe, ret, err) < 0
        || step_commit(r->step, work, &ret->diff_id, err) < 0)
        return -1;
    return upload(r, &ret->blob, err);
}

static int run_step(struct runner *r, const struct mb_step *step,
                    struct mb_task_done *result, struct mb_error *err)
{
    struct mb_step_started started = {r->task->task_id, r->task->epoch, step->step_id};
    struct mb_step_done done = {
        .task_id = r->task->task_id, .epoch = r->task->epoch, .step_id = step->step_id};
    char work[STEP_WORK_ID_LEN + 1] = "";

    r->current = step;
    r->step_began_usec = mb_now_usec();
    r->reporter->started(&started, r->reporter->arg);
    if (execute(r, step, work, &done.has_layer, result, err) < 0)
        return -1;
    if (done.has_layer) {
        if (commit_layer(r, work, &done.layer, err) < 0) {
            struct mb_error ignored;
            mb_ignore(step_discard(r->step, work, &ignored),
                      "the first error is reported");
            return -1;
        }
        r->diff_ids[r->n_diff_ids++] = done.layer.diff_id;
    }
    done.usec = mb_now_usec() - r->step_began_usec;
    r->reporter->done(&done, r->reporter->arg);
    return 0;
}

static int run_task(struct runner *r, struct mb_task_done *result, struct mb_error *err)
{
    const struct mb_task *t = r->task;

    if (mb_reference_parse(BLOB_REPOSITORY, &r->repository, err) < 0
        || task_env_step(r->env, &r->holder, err) < 0)
        return -1;
    r->step = step_holder_client(r->holder);
    r->http = open_http(r->env, r->cancel);
    if (ensure_state(r, &t->start, err) < 0)
        return -1;
    for (size_t i = 0; i < t->n_sources; i++)
        if (ensure_state(r, &t->sources[i], err) < 0)
            return -1;
    r->diff_ids = state_diff_ids(&t->start, t->n_steps);
    r->n_diff_ids = t->start.n_layers;
    for (size_t i = 0; i < t->n_steps; i++) {
        result->step_id = t->steps[i].step_id;
        if (check_cancelled(r, err) < 0 || run_step(r, &t->steps[i], result, err) < 0)
            return -1;
    }
    result->step_id = 0;
    return 0;
}

void task_run(struct task_env *env, const struct mb_task *task,
              const atomic_bool *cancel, const struct task_reporter *reporter,
              struct mb_task_done *ret)
{
    struct runner r = {
        .env = env, .task = task, .cancel = cancel, .reporter = reporter};
    struct mb_task_done result = {.task_id = task->task_id, .epoch = task->epoch};
    struct mb_error err = {0};

    if (run_task(&r, &result, &err) < 0) {
        result.code = (uint64_t)err.code;
        result.message = mb_xstrdup(err.msg);
    }
    task_env_step_done(env, r.holder);
    mb_registry_client_free(r.http);
    mb_reference_done(&r.repository);
    free(r.diff_ids);
    *ret = result;
}
