/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbcluster-step - holds the namespaces in which an agent's steps run.
 *
 * This outer process stays in the namespaces of the agent: it makes the inner one (pid
 * 1 of a pid namespace), maps its ids and waits for it. Who kills either of the two
 * ends every step and every mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "step/holder.h"
#include "step/userns.h"

static int receive_init(int control_fd, struct step_init *ret, int *ret_state_fd,
                        struct mb_error *err)
{
    _cleanup_free_ void *msg = NULL;
    int fds[STEP_FDS_MAX];
    size_t len = 0;

    if (step_recv(control_fd, &msg, &len, fds, err) < 0)
        return -1;
    if (len == 0 || fds[0] < 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "no state directory came");
    *ret_state_fd = fds[0];
    return mb_wire_decode(&step_init_schema, msg, len, ret, err);
}

/* Make DIR/layers, give it to the first container id, and go there, or where one step
 * leads there. */
static int enter_layers(int state_fd, const struct subids *ids, struct mb_error *err)
{
    if (mkdirat(state_fd, "layers", 0700) < 0 && errno != EEXIST)
        return mb_fail_errno(err, "create the layers directory");

    _cleanup_close_ int fd =
        openat(state_fd, "layers", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return mb_fail_errno(err, "open the layers directory");
    if (userns_own_dir(fd, ids, err) < 0)
        return mb_wrap(err, "the layers directory");
    if (fchdir(fd) < 0 && fchdir(state_fd) < 0)
        return mb_fail_errno(err, "enter the state directory");
    return 0;
}

static int start_holder(struct holder *h, int state_fd, pid_t *ret_pid,
                        int *ret_life_fd, struct mb_error *err)
{
    const unsigned long spaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID
                                 | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    _cleanup_close_ int life_fd = -1;
    _cleanup_close_ int hold_fd = -1;
    struct subids ids;
    pid_t pid = -1;

    if (subids_get(&ids, err) < 0 || enter_layers(state_fd, &ids, err) < 0
        || mb_pipe(&life_fd, &hold_fd, err) < 0 || userns_clone(spaces, &pid, err) < 0)
        return -1;
    if (pid == 0) {
        close(hold_fd);
        close(state_fd);
        h->life_fd = life_fd;
        holder_main(h);
    }
    if (userns_map(pid, &ids, err) < 0 || mb_write_all(hold_fd, "g", 1, err) < 0)
        return -1; /* the inner process sees the pipe end */
    *ret_life_fd = steal_fd(&hold_fd);
    *ret_pid = pid;
    return 0;
}

static void report(int control_fd, const struct mb_error *e)
{
    struct step_reply r = {0};
    struct mb_error ignored;

    step_reply_set_error(&r, e);
    mb_ignore(step_send_msg(control_fd, &step_reply_schema, &r, NULL, 0, &ignored),
              "the agent is gone then");
    mb_wire_done(&step_reply_schema, &r);
}

int main(void)
{
    struct holder h = {
        .control_fd = STEP_CONTROL_FD, .life_fd = -1, .layers_fd = -1, .owner_fd = -1};
    struct mb_error err;
    int state_fd = -1, life_fd = -1, status = 0;
    pid_t pid = -1;

    if (fcntl(STEP_CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0) {
        (void)fprintf(stderr, "mbcluster-step: started by mbcluster-agent only\n");
        return 2;
    }
    if (receive_init(STEP_CONTROL_FD, &h.init, &state_fd, &err) < 0
        || start_holder(&h, state_fd, &pid, &life_fd, &err) < 0) {
        report(STEP_CONTROL_FD, &err);
        mb_wire_done(&step_init_schema, &h.init);
        return 1;
    }
    /* Its end must show when the inner process is gone. */
    close(STEP_CONTROL_FD);
    close(state_fd);
    mb_wire_done(&step_init_schema, &h.init);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
