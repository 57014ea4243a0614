/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn - child processes of threaded programs: posix_spawn, never fork.
 *
 * The child has fds 0-2 and those in `pass`, an empty signal mask, default signal
 * dispositions, its own process group, and exactly the environment given.
 */
#ifndef MB_BASE_SPAWN_H
#define MB_BASE_SPAWN_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

struct mb_spawn {
    struct mb_strv argv; /* argv[0] is looked up in PATH when it has no '/' */
    struct mb_strv env;  /* "K=V"; empty: the caller's environment */
    int in_fd, out_fd,
        err_fd;      /* borrowed; -1: /dev/null for in, inherited for out and err */
    int pass_fd;     /* borrowed; becomes fd 3 of the child; -1: none */
    const char *cwd; /* borrowed; NULL: the caller's */
};
#define MB_SPAWN_INIT \
    ((struct mb_spawn){.in_fd = -1, .out_fd = -1, .err_fd = -1, .pass_fd = -1})

/* *ret_pidfd may be NULL.  NOT_FOUND when the program is missing. */
int mb_spawn(struct mb_spawn *s, pid_t *ret_pid, int *ret_pidfd, struct mb_error *err)
    _must_check_;
/* Reap that child only; *ret_status as waitpid gives it. */
int mb_spawn_wait(pid_t pid, int *ret_status, struct mb_error *err) _must_check_;
/* Run to the end and collect stdout (to @out's max) ; *ret_exit: 0-255, 128+signal. */
int mb_spawn_output(struct mb_spawn *s, struct mb_buf *out, int *ret_exit,
                    struct mb_error *err) _must_check_;

void mb_spawn_done(struct mb_spawn *s); /* frees argv and env */

#endif
