/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - one request: a process that watches over another one which does the work.
 *
 * The watcher waits for the doer and for the end of the reply socket, which means that
 * nobody wants the result any more: it then kills the doer (for a RUN that is pid 1 of
 * a pid namespace, so everything the step has started) and removes what was made.
 */
#ifndef STEP_WORKER_H
#define STEP_WORKER_H

#include "step/holder.h"

struct worker {
    const struct holder *h;
    struct step_request rq;
    struct step_reply reply;
    int reply_fd;
    int data_fd;                /* -1: none came */
    char work[WORK_ID_LEN + 1]; /* removed on failure; "" none */
    char dir[64];               /* HOLDER_WORKERS/<work>: its own, removed at the end */
    struct mb_strv mounted;     /* besides the root: unmounted with it, last first */
    struct mb_strv scratch;     /* further work directories, removed at the end */
    unsigned long doer_namespaces;
    void *op; /* of the operation: from prepare to finish */
};

/* Each may be NULL. prepare and finish run in the watcher, work in the doer, whose
 * reply (fields or error) is the watcher's when finish runs. @status: of the doer, as
 * waitpid gives it. A failure of any discards the work directory. */
struct worker_op {
    int (*prepare)(struct worker *w, struct mb_error *err);
    int (*work)(struct worker *w, struct mb_error *err);
    int (*finish)(struct worker *w, int status, struct mb_error *err);
    /* In the watcher, about once a second while the doer @pid runs. */
    void (*look)(struct worker *w, pid_t pid);
};

extern const struct worker_op op_probe, op_has_layer, op_unpack, op_run, op_copy,
    op_workdir, op_diff, op_commit, op_discard;

/* Takes the descriptors. */
_noreturn_ void worker_main(const struct holder *h, const void *msg, size_t len,
                            int reply_fd, int data_fd);

/* For operations on a root: a work directory, and at DIR/rootfs the overlay of the
 * request's state with it, in a mount namespace of the worker's own. */
int worker_mount_root(struct worker *w, struct mb_error *err) _must_check_;
/* An fd of DIR/rootfs. */
int worker_open_root(const struct worker *w, int *ret_fd, struct mb_error *err)
    _must_check_;
/* Remove the work directory: the operation has changed nothing. */
int worker_drop_work(struct worker *w, struct mb_error *err) _must_check_;
/* Unmount it again, so that the work directory is nobody else's. */
void worker_unmount_root(struct worker *w);

#endif
