/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of jobs, one chunk each.  The caller fills the job at `tail`, workers take the
 * job at `next`, the caller writes out the job at `head`:  head <= next <= tail, and
 * tail - head never exceeds the ring.  Cutting depends on the input alone, so the bytes
 * do not depend on the number of threads.  With one thread the caller compresses
 * itself.
 */
#include "fs/gzip.h"

#include <libdeflate.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"

#define THREADS_MAX 64u

struct job {
    uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len;
    bool done; /* under lock */
};

struct worker {
    struct mb_gzip_writer *writer; /* borrowed */
    struct libdeflate_compressor *codec;
    pthread_t thread;
    bool started;
};

struct mb_gzip_writer {
    struct mb_sink out;
    struct libdeflate_compressor *codec; /* the caller's own */
    struct worker *workers;
    size_t n_workers; /* 0: the caller compresses */
    struct job *jobs;
    size_t n_jobs;
    size_t out_cap;
    size_t head; /* caller only */
    pthread_mutex_t lock;
    pthread_cond_t work;     /* tail or stop changed */
    pthread_cond_t finished; /* a job became done */
    size_t next;             /* under lock */
    size_t tail;             /* written by the caller under lock */
    bool stop;               /* under lock */
};

static struct libdeflate_compressor *new_codec(int level)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);

    BUG_ON(!c);
    return c;
}

static void compress_job(struct mb_gzip_writer *w, struct libdeflate_compressor *codec,
                         struct job *j)
{
    j->out_len = libdeflate_gzip_compress(codec, j->in, j->in_len, j->out, w->out_cap);
    BUG_ON(j->out_len == 0);
}

static void *work(void *arg)
{
    struct worker *self = arg;
    struct mb_gzip_writer *w = self->writer;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct job *j;

        while (!w->stop && w->next == w->tail)
            pthread_cond_wait(&w->work, &w->lock);
        if (w->stop)
            break;
        j = &w->jobs[w->next++ % w->n_jobs];
        pthread_mutex_unlock(&w->lock);
        compress_job(w, self->codec, j);
        pthread_mutex_lock(&w->lock);
        j->done = true;
        pthread_cond_signal(&w->finished);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Threads that cannot be had are done without; signals stay with the program's threads.
 */
static void start_workers(struct mb_gzip_writer *w)
{
    sigset_t all;
    sigset_t old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (size_t i = 0; i < w->n_workers; i++) {
        struct worker *k = &w->workers[i];

        k->started = pthread_create(&k->thread, NULL, work, k) == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct mb_gzip_writer *mb_gzip_writer_new(int level, unsigned threads,
                                          const struct mb_sink *out)
{
    struct mb_gzip_writer *w = mb_xcalloc(1, sizeof(*w));

    BUG_ON(level < 1 || level > 12 || threads < 1);
    w->out = *out;
    w->codec = new_codec(level);
    w->out_cap = libdeflate_gzip_compress_bound(w->codec, MB_GZIP_CHUNK_BYTES);
    w->n_workers = threads == 1 ? 0 : threads < THREADS_MAX ? threads : THREADS_MAX;
    w->n_jobs = w->n_workers ? 2 * w->n_workers : 1;
    w->workers = mb_xcalloc(w->n_workers + 1, sizeof(*w->workers));
    w->jobs = mb_xcalloc(w->n_jobs, sizeof(*w->jobs));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->finished, NULL);
    for (size_t i = 0; i < w->n_workers; i++) {
        w->workers[i].writer = w;
        w->workers[i].codec = new_codec(level);
    }
    start_workers(w);
    return w;
}

void mb_gzip_writer_free(struct mb_gzip_writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->n_workers; i++) {
        if (w->workers[i].started)
            pthread_join(w->workers[i].thread, NULL);
        libdeflate_free_compressor(w->workers[i].codec);
    }
    for (size_t i = 0; i < w->n_jobs; i++) {
        free(w->jobs[i].in);
        free(w->jobs[i].out);
    }
    libdeflate_free_compressor(w->codec);
    pthread_cond_destroy(&w->finished);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w->workers);
    free(w->jobs);
    free(w);
}

/* The oldest job: done by a worker, now or soon; by us when none took it yet. */
static void await_oldest(struct mb_gzip_writer *w, struct job *j)
{
    pthread_mutex_lock(&w->lock);
    if (w->next == w->head) {
        w->next++;
        pthread_mutex_unlock(&w->lock);
        compress_job(w, w->codec, j);
        return;
    }
    while (!j->done)
        pthread_cond_wait(&w->finished, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static int emit_oldest(struct mb_gzip_writer *w, struct mb_error *err)
{
    struct job *j = &w->jobs[w->head % w->n_jobs];

    await_oldest(w, j);
    w->head++;
    j->in_len = 0;
    j->done = false;
    return mb_sink_put(&w->out, j->out, j->out_len, err);
}

/* The job being filled, with its memory. */
static struct job *filling(struct mb_gzip_writer *w)
{
    struct job *j = &w->jobs[w->tail % w->n_jobs];

    if (!j->in) {
        j->in = mb_xmalloc(MB_GZIP_CHUNK_BYTES);
        j->out = mb_xmalloc(w->out_cap);
    }
    return j;
}

/* Hand the filled job to the workers; then there is room for the next one. */
static int submit(struct mb_gzip_writer *w, struct mb_error *err)
{
    pthread_mutex_lock(&w->lock);
    w->tail++;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    return w->tail - w->head == w->n_jobs ? emit_oldest(w, err) : 0;
}

int mb_gzip_writer_put(struct mb_gzip_writer *w, const void *data, size_t len,
                       struct mb_error *err)
{
    const uint8_t *p = data;

    while (len > 0) {
        struct job *j = filling(w);
        size_t room = MB_GZIP_CHUNK_BYTES - j->in_len;
        size_t n = len < room ? len : room;

        memcpy(j->in + j->in_len, p, n);
        j->in_len += n;
        p += n;
        len -= n;
        if (j->in_len == MB_GZIP_CHUNK_BYTES && submit(w, err) < 0)
            return -1;
    }
    return 0;
}

int mb_gzip_writer_end(struct mb_gzip_writer *w, struct mb_error *err)
{
    if ((filling(w)->in_len > 0 || w->tail == 0) && submit(w, err) < 0)
        return -1;
    while (w->head != w->tail)
        if (emit_oldest(w, err) < 0)
            return -1;
    return 0;
}

_Static_assert(MB_GZIP_CHUNK_BYTES == 1048576 && MB_GZIP_LEVEL_DEFAULT == 6,
               "mb_gzip_codec() names both");

const char *mb_gzip_codec(void)
{
    return "libdeflate-" LIBDEFLATE_VERSION_STRING "/6/1048576";
}
