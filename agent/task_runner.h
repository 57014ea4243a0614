/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task_runner - executes one task on a worker thread: fetch what is missing, run each
 * step, turn its change into a layer, upload that, report. Blocking; everything it
 * needs is thread-safe.
 */
#ifndef AGENT_TASK_RUNNER_H
#define AGENT_TASK_RUNNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/step_client.h"
#include "store/blob_store.h"

/* What all tasks of one agent share. */
struct task_env {
    struct mb_blob_store *store;
    struct step_client_opts step_opts;
    pthread_mutex_t step_lock; /* guards step and the counts of all helpers */
    struct step_holder *step;  /* NULL until needed */
    pthread_mutex_t
        unpack_lock; /* one extraction at a time: equal layers are extracted once */
    pthread_mutex_t http_lock; /* guards the two strings */
    char *blob_url;
    char *blob_token;
};
void task_env_init(struct task_env *env);
void task_env_done(struct task_env *env);
/* The live step helper, started again when the last one died. The caller's use of it
 * ends with task_env_step_done(); a dead helper is freed by its last user. UNAVAILABLE,
 * DENIED ... */
int task_env_step(struct task_env *env, struct step_holder **ret, struct mb_error *err)
    _must_check_;
void task_env_step_done(struct task_env *env, struct step_holder *h); /* NULL is fine */
struct step_client *step_holder_client(struct step_holder *h);
void task_env_set_http(struct task_env *env, const char *url, const char *token);

/* Called on the worker's thread; must not block. */
struct task_reporter {
    void (*started)(const struct mb_step_started *m, void *arg);
    void (*log)(const struct mb_step_log *m, void *arg);
    void (*done)(const struct mb_step_done *m, void *arg);
    void *arg;
};
/* Fills *ret (message malloc'ed; release by mb_wire_done) whatever happens. */
void task_run(struct task_env *env, const struct mb_task *task,
              const atomic_bool *cancel, const struct task_reporter *reporter,
              struct mb_task_done *ret);

#endif
