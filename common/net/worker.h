/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - blocking work on threads; the request moves in, the result moves back.
 *
 * run() executes on a pool thread; done() afterwards in the loop's thread, exactly
 * once, also for jobs dropped by free (cancelled = true, run() was not called).
 */
#ifndef MB_NET_WORKER_H
#define MB_NET_WORKER_H

#include <stdbool.h>

#include "net/loop.h"

struct mb_workers;
typedef void mb_work_run_fn(void *job);
typedef void mb_work_done_fn(void *job, bool cancelled);

struct mb_workers *mb_workers_new(struct mb_loop *l, unsigned n_threads);
/* Waits for running jobs (make them cancellable), then calls the rest of done()s. Not
 * from done(). */
void mb_workers_free(struct mb_workers *w);
void mb_workers_submit(struct mb_workers *w, mb_work_run_fn *run, mb_work_done_fn *done,
                       void *job);

#endif
