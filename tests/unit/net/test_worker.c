/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "net/worker.h"

#define N_JOBS 500

struct board {
    struct mb_loop *loop;
    pthread_t loop_thread;
    unsigned n_done, n_cancelled;
    atomic_uint n_run;
};
struct job {
    struct board *board;
    sem_t *started, *go_on; /* or NULL */
    unsigned value, n_done;
};

static void run_job(void *arg)
{
    struct job *j = arg;

    atomic_fetch_add(&j->board->n_run, 1);
    j->value++;
    if (j->started)
        sem_post(j->started);
    if (j->go_on)
        sem_wait(j->go_on);
}

static void job_done(void *arg, bool cancelled)
{
    struct job *j = arg;
    struct board *b = j->board;

    j->n_done++;
    b->n_cancelled += cancelled ? 1 : 0;
    if (!pthread_equal(pthread_self(), b->loop_thread))
        abort();
    if (++b->n_done == N_JOBS)
        mb_loop_stop(b->loop);
}

static void every_job_runs_and_is_reported_once(void **state _unused_)
{
    static struct job jobs[N_JOBS];
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct board b = {.loop = l, .loop_thread = pthread_self()};
    struct mb_workers *w = mb_workers_new(l, 4);

    for (size_t i = 0; i < N_JOBS; i++) {
        jobs[i] = (struct job){.board = &b};
        mb_workers_submit(w, run_job, job_done, &jobs[i]);
    }
    mb_loop_run(l);
    mb_workers_free(w);
    for (size_t i = 0; i < N_JOBS; i++)
        assert_true(jobs[i].value == 1 && jobs[i].n_done == 1);
    assert_int_equal(b.n_cancelled, 0);
}

/* One thread holds one job; the others never start. */
static void freeing_finishes_what_runs_and_cancels_the_rest(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct board b = {.loop = l, .loop_thread = pthread_self()};
    struct mb_workers *w = mb_workers_new(l, 1);
    struct job jobs[10];
    sem_t started, go_on;

    sem_init(&started, 0, 0);
    sem_init(&go_on, 0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        jobs[i] = (struct job){.board = &b, .started = &started, .go_on = &go_on};
        mb_workers_submit(w, run_job, job_done, &jobs[i]);
    }
    sem_wait(&started);
    /* With the only thread in job 0, free() must wait for it; whether it gets to job 1
     * depends on who is first, so only the sums are checked. */
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
        sem_post(&go_on);
    mb_workers_free(w);
    assert_int_equal(b.n_done, ARRAY_SIZE(jobs));
    assert_int_equal(b.n_cancelled + atomic_load(&b.n_run), ARRAY_SIZE(jobs));
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
        assert_int_equal(jobs[i].n_done, 1);
    sem_destroy(&started);
    sem_destroy(&go_on);
}

static void a_pool_without_jobs_goes_away(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();

    mb_workers_free(mb_workers_new(l, 3));
    mb_workers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_and_is_reported_once),
        cmocka_unit_test(freeing_finishes_what_runs_and_cancels_the_rest),
        cmocka_unit_test(a_pool_without_jobs_goes_away),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
