/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - the one event loop of a program's thread, over zloop; its traps stay in here
 * (CONVENTIONS: tolerant pollers, handlers return nothing, stopping is a call).
 * Everything is called from the loop's thread, except mb_loop_post().
 */
#ifndef MB_NET_LOOP_H
#define MB_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct mb_loop;

/* Call once in main() before any other czmq use: blocks SIGINT, SIGTERM, SIGHUP,
 * SIGPIPE for all threads and keeps czmq's own handlers off. */
void mb_net_init(void);

struct mb_loop *mb_loop_new(void);
void mb_loop_free(struct mb_loop *l);
DEFINE_CLEANUP(struct mb_loop *, mb_loop_free)
/* Until mb_loop_stop(), which may also come before. */
void mb_loop_run(struct mb_loop *l);
void mb_loop_stop(struct mb_loop *l);

typedef void mb_loop_fd_fn(int fd, void *arg);
typedef void mb_loop_timer_fn(void *arg);
typedef void mb_loop_signal_fn(int signo, void *arg);
typedef void mb_loop_post_fn(void *arg);

void mb_loop_add_reader(struct mb_loop *l, int fd, mb_loop_fd_fn *fn, void *arg);
void mb_loop_remove_reader(struct mb_loop *l, int fd);
/* Every @msec; returns an id for mb_loop_remove_timer. */
int mb_loop_add_timer(struct mb_loop *l, uint32_t msec, mb_loop_timer_fn *fn,
                      void *arg);
int mb_loop_add_once(struct mb_loop *l, uint32_t msec, mb_loop_timer_fn *fn, void *arg);
void mb_loop_remove_timer(struct mb_loop *l, int id);
/* SIGINT, SIGTERM and (unless ignored, as under nohup) SIGHUP of the process, by
 * signalfd; once per loop. IO. */
int mb_loop_on_signal(struct mb_loop *l, mb_loop_signal_fn *fn, void *arg,
                      struct mb_error *err) _must_check_;
/* Run @fn in the loop's thread soon; any thread; order kept; wakes the loop. What is
 * still waiting when the loop is freed is dropped. */
void mb_loop_post(struct mb_loop *l, mb_loop_post_fn *fn, void *arg);
/* Run what was posted so far, in the caller's thread: for an owner that ends after the
 * loop stopped and before it is freed. */
void mb_loop_run_posts(struct mb_loop *l);

#endif
