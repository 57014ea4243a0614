/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job is in one place at a time: queued, with a thread, or finished. Threads wake the
 * loop through an eventfd of the pool's own, so nothing that is queued in the loop can
 * outlive it.
 */
#include "net/worker.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/mem.h"

struct job {
    struct job *next;
    mb_work_run_fn *run;
    mb_work_done_fn *done;
    void *data;
};
struct job_list {
    struct job *first, **last;
};

struct mb_workers {
    struct mb_loop *loop; /* borrowed */
    pthread_t *threads;
    unsigned n_threads;
    int done_fd;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct job_list queued, finished;
    bool stop;
};

static void list_init(struct job_list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

static void list_add(struct job_list *l, struct job *j)
{
    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
}

static struct job *list_take(struct job_list *l)
{
    struct job *j = l->first;

    if (j) {
        l->first = j->next;
        if (!l->first)
            l->last = &l->first;
    }
    return j;
}

static void *thread_main(void *arg)
{
    struct mb_workers *w = arg;
    const uint64_t one = 1;
    ssize_t n;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct job *j;

        while (!w->stop && !w->queued.first)
            pthread_cond_wait(&w->wake, &w->lock);
        if (w->stop)
            break;
        j = list_take(&w->queued);
        pthread_mutex_unlock(&w->lock);
        j->run(j->data);
        pthread_mutex_lock(&w->lock);
        list_add(&w->finished, j);
        n = write(w->done_fd, &one, sizeof(one));
        BUG_ON(n < 0);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Call done() of every job in the list, also of those that come while this runs. */
static void finish(struct mb_workers *w, struct job_list *list, bool cancelled)
{
    struct job *j;

    for (;;) {
        pthread_mutex_lock(&w->lock);
        j = list_take(list);
        pthread_mutex_unlock(&w->lock);
        if (!j)
            return;
        j->done(j->data, cancelled);
        free(j);
    }
}

static void on_finished(int fd, void *arg)
{
    struct mb_workers *w = arg;
    uint64_t n;

    mb_ignore(mb_read(fd, &n, sizeof(n)), "only empties the eventfd; the list counts");
    finish(w, &w->finished, false);
}

struct mb_workers *mb_workers_new(struct mb_loop *l, unsigned n_threads)
{
    struct mb_workers *w = mb_xcalloc(1, sizeof(*w));

    w->loop = l;
    list_init(&w->queued);
    list_init(&w->finished);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    BUG_ON(w->done_fd < 0);
    mb_loop_add_reader(l, w->done_fd, on_finished, w);
    w->threads = mb_xcalloc(n_threads, sizeof(*w->threads));
    for (; w->n_threads < n_threads; w->n_threads++)
        if (pthread_create(&w->threads[w->n_threads], NULL, thread_main, w) != 0)
            break; /* over the user's limit: fewer threads do, but none does not */
    BUG_ON(w->n_threads == 0);
    return w;
}

void mb_workers_submit(struct mb_workers *w, mb_work_run_fn *run, mb_work_done_fn *done,
                       void *job)
{
    struct job *j = mb_xcalloc(1, sizeof(*j));

    *j = (struct job){.run = run, .done = done, .data = job};
    pthread_mutex_lock(&w->lock);
    list_add(&w->queued, j);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void mb_workers_free(struct mb_workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    mb_loop_remove_reader(w->loop, w->done_fd);
    finish(w, &w->finished, false);
    finish(w, &w->queued, true);
    close(w->done_fd);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->threads);
    free(w);
}
