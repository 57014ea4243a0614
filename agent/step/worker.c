/* SPDX-License-Identifier: Apache-2.0 */
#include "step/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "step/mounts.h"
#include "step/snapshots.h"
#include "step/userns.h"

#define LOOK_MSEC 1000

static const struct worker_op *const ops[] = {
    [STEP_OP_PROBE] = &op_probe,     [STEP_OP_HAS_LAYER] = &op_has_layer,
    [STEP_OP_UNPACK] = &op_unpack,   [STEP_OP_RUN] = &op_run,
    [STEP_OP_COPY] = &op_copy,       [STEP_OP_WORKDIR] = &op_workdir,
    [STEP_OP_DIFF] = &op_diff,       [STEP_OP_COMMIT] = &op_commit,
    [STEP_OP_DISCARD] = &op_discard,
};

/* --- the doer --- */

static _noreturn_ void doer_main(struct worker *w, const struct worker_op *op,
                                 int result_fd)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(STEP_MSG_BYTES_MAX);
    struct mb_error err;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(steal_fd(&w->reply_fd)); /* its end must show when the watcher ends */
    if (op->work(w, &err) < 0)
        step_reply_set_error(&w->reply, &err);
    mb_wire_encode(&step_reply_schema, &w->reply, &b);
    _exit(mb_write_all(result_fd, b.data, b.len, &err) < 0 ? 1 : 0);
}

enum { WAIT_READY = 0, WAIT_UNWANTED = 1, WAIT_TIMEOUT = 2 };

/* UNWANTED: the reply socket has ended; READY: @fd has something. */
static int wait_for(int fd, int reply_fd, int msec, struct mb_error *err)
{
    for (;;) {
        int n;

        struct pollfd p[] = {{.fd = reply_fd, .events = POLLRDHUP},
                             {.fd = fd, .events = POLLIN}};

        n = poll(p, 2, msec);
        if (n == 0)
            return WAIT_TIMEOUT;
        if (n < 0) {
            if (errno != EINTR)
                return mb_fail_errno(err, "wait for a step");
            continue;
        }
        if (p[0].revents)
            return WAIT_UNWANTED;
        if (p[1].revents)
            return WAIT_READY;
    }
}

static int cancelled(struct mb_error *err)
{
    return mb_fail(err, MB_ERR_CANCELLED, "cancelled");
}

/* All the doer says, until it ends or becomes the runtime. */
static int read_result(struct worker *w, int result_fd, struct mb_buf *b,
                       struct mb_error *err)
{
    char chunk[4096];
    ssize_t n;

    do {
        int rc = wait_for(result_fd, w->reply_fd, -1, err);

        if (rc != 0)
            return rc < 0 ? -1 : cancelled(err);
        n = mb_read(result_fd, chunk, sizeof(chunk));
        if (n > 0)
            mb_buf_add(b, chunk, (size_t)n);
    } while (n > 0);
    if (n < 0)
        return mb_fail_errno(err, "read the result of a step");
    return mb_buf_check(b, "the result of a step", err);
}

static int wait_for_end(struct worker *w, const struct worker_op *op, pid_t pid,
                        int pidfd, struct mb_error *err)
{
    int rc;

    while ((rc = wait_for(pidfd, w->reply_fd, op->look ? LOOK_MSEC : -1, err))
           == WAIT_TIMEOUT)
        op->look(w, pid);
    return rc == WAIT_UNWANTED ? cancelled(err) : rc;
}

static int watch(struct worker *w, const struct worker_op *op, pid_t pid, int result_fd,
                 int *ret_status, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(STEP_MSG_BYTES_MAX);
    _cleanup_close_ int pidfd = pidfd_open(pid, 0);
    struct mb_error ignored;
    int status = 0;
    int rc = pidfd < 0 ? mb_fail_errno(err, "watch a step") : 0;

    if (rc == 0)
        rc = read_result(w, result_fd, &b, err);
    if (rc == 0)
        rc = wait_for_end(w, op, pid, pidfd, err);
    if (rc < 0)
        (void)kill(pid, SIGKILL);
    if (mb_spawn_wait(pid, &status, rc < 0 ? &ignored : err) < 0 || rc < 0)
        return -1;
    *ret_status = status;
    if (b.len > 0) {
        mb_wire_done(&step_reply_schema, &w->reply);
        if (mb_wire_decode(&step_reply_schema, b.data, b.len, &w->reply, err) < 0)
            return -1;
    }
    return step_reply_check(&w->reply, err);
}

static int run_doer(struct worker *w, const struct worker_op *op, int *ret_status,
                    struct mb_error *err)
{
    _cleanup_close_ int from = -1;
    _cleanup_close_ int to = -1;
    pid_t pid = -1;

    if (mb_pipe(&from, &to, err) < 0 || userns_clone(w->doer_namespaces, &pid, err) < 0)
        return -1;
    if (pid == 0) {
        close(steal_fd(&from));
        doer_main(w, op, to);
    }
    close(steal_fd(&to));
    mb_cleanup_close(&w->data_fd); /* the doer's alone, so that its end is the end */
    w->data_fd = -1;
    return watch(w, op, pid, from, ret_status, err);
}

/* A doer that was killed has said nothing. */
static int check_doer(const struct worker_op *op, int status, struct mb_error *err)
{
    if (op == &op_run || status == 0)
        return 0;
    if (WIFSIGNALED(status))
        return mb_fail(err, MB_ERR_UNAVAILABLE,
                       "the step's process was killed by signal %d", WTERMSIG(status));
    return mb_fail(err, MB_ERR_UNAVAILABLE, "the step's process ended early");
}

static int perform(struct worker *w, const struct worker_op *op, struct mb_error *err)
{
    int status = 0;

    if (op->prepare && op->prepare(w, err) < 0)
        return -1;
    if (op->work
        && (run_doer(w, op, &status, err) < 0 || check_doer(op, status, err) < 0))
        return -1;
    if (op->finish && op->finish(w, status, err) < 0)
        return -1;
    return 0;
}

static int decode(struct worker *w, const void *msg, size_t len,
                  const struct worker_op **ret, struct mb_error *err)
{
    if (mb_wire_decode(&step_request_schema, msg, len, &w->rq, err) < 0)
        return -1;
    if (w->rq.op >= ARRAY_SIZE(ops) || !ops[w->rq.op])
        return mb_fail(err, MB_ERR_PROTOCOL, "operation %llu does not exist",
                       (unsigned long long)w->rq.op);
    *ret = ops[w->rq.op];
    return 0;
}

static void clean_up(struct worker *w, bool failed)
{
    struct mb_error ignored;

    worker_unmount_root(w);
    for (size_t i = 0; i < w->scratch.n; i++)
        mb_ignore(snapshots_work_remove(w->h, w->scratch.v[i], &ignored),
                  "the next helper removes what stays");
    if (w->dir[0])
        mb_ignore(mb_remove_tree(AT_FDCWD, w->dir, &ignored),
                  "a tmpfs of the holder's");
    if (failed && w->work[0])
        mb_ignore(snapshots_work_remove(w->h, w->work, &ignored),
                  "the next helper removes what stays");
}

_noreturn_ void worker_main(const struct holder *h, const void *msg, size_t len,
                            int reply_fd, int data_fd)
{
    struct worker w = {.h = h, .reply_fd = reply_fd, .data_fd = data_fd};
    const struct worker_op *op = NULL;
    struct mb_error err;

    int rc = decode(&w, msg, len, &op, &err);
    if (rc == 0)
        rc = perform(&w, op, &err);
    clean_up(&w, rc < 0);
    if (rc < 0)
        step_reply_set_error(&w.reply, &err);
    else if (w.work[0])
        w.reply.work = mb_xstrdup(w.work);
    if (step_send_msg(w.reply_fd, &step_reply_schema, &w.reply, NULL, 0, &err) < 0)
        clean_up(&w, true); /* nobody wants it any more */
    _exit(0);
}

/* --- roots --- */

int worker_mount_root(struct worker *w, struct mb_error *err)
{
    _cleanup_free_ char *target = NULL;

    if (snapshots_work_new(w->h, w->work, err) < 0)
        return -1;
    (void)snprintf(w->dir, sizeof(w->dir), "%s/%s", HOLDER_WORKERS, w->work);
    if (mkdir(w->dir, 0700) < 0)
        return mb_fail_errno(err, "create %s", w->dir);
    if (unshare(CLONE_NEWNS) < 0)
        return mb_fail_errno(err, "create a mount namespace");
    target = mb_xasprintf("%s/rootfs", w->dir);
    return mounts_overlay(w->h, w->dir, &w->rq.state, w->work, target, err);
}

int worker_open_root(const struct worker *w, int *ret_fd, struct mb_error *err)
{
    _cleanup_free_ char *target = mb_xasprintf("%s/rootfs", w->dir);

    return mb_open_dir(AT_FDCWD, target, ret_fd, err);
}

int worker_drop_work(struct worker *w, struct mb_error *err)
{
    if (snapshots_work_remove(w->h, w->work, err) < 0)
        return -1;
    w->work[0] = '\0';
    return 0;
}

void worker_unmount_root(struct worker *w)
{
    static const char *const names[] = {"rootfs", "source"};

    for (; w->mounted.n > 0; mb_strv_remove(&w->mounted, w->mounted.n - 1)) {
        const char *target = w->mounted.v[w->mounted.n - 1];

        if (umount2(target, 0) < 0)
            (void)umount2(target, MNT_DETACH);
    }

    for (size_t i = 0; i < ARRAY_SIZE(names) && w->dir[0]; i++) {
        _cleanup_free_ char *target = mb_xasprintf("%s/%s", w->dir, names[i]);

        if (umount2(target, 0) < 0)
            (void)umount2(target, MNT_DETACH);
    }
}
