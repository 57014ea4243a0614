/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors that the child gets are first duplicated to numbers over those of
 * the child, so that no dup2 in it overwrites the source of the next one and none
 * is a dup2 onto itself, which would leave CLOEXEC on.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"

#define PASS_FD 3
#define FIRST_SAFE_FD 10

void mb_spawn_done(struct mb_spawn *s)
{
    mb_strv_done(&s->argv);
    mb_strv_done(&s->env);
}

struct safe_fds {
    int in, out, err, pass;
};

static void safe_fds_done(struct safe_fds *f)
{
    mb_cleanup_close(&f->in);
    mb_cleanup_close(&f->out);
    mb_cleanup_close(&f->err);
    mb_cleanup_close(&f->pass);
}

static int dup_safe(int fd, int *ret, struct mb_error *err)
{
    if (fd < 0)
        return 0;
    *ret = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
    if (*ret < 0)
        return mb_fail_errno(err, "duplicate a descriptor for a child process");
    return 0;
}

static int dup_all_safe(const struct mb_spawn *s, struct safe_fds *ret,
                        struct mb_error *err)
{
    if (dup_safe(s->in_fd, &ret->in, err) < 0 || dup_safe(s->out_fd, &ret->out, err) < 0
        || dup_safe(s->err_fd, &ret->err, err) < 0
        || dup_safe(s->pass_fd, &ret->pass, err) < 0)
        return -1;
    return 0;
}

/* All of these return an error number. */
static int set_actions(posix_spawn_file_actions_t *fa, const struct safe_fds *fds,
                       const char *cwd)
{
    int rc;

    if (fds->in >= 0)
        rc = posix_spawn_file_actions_adddup2(fa, fds->in, STDIN_FILENO);
    else
        rc = posix_spawn_file_actions_addopen(fa, STDIN_FILENO, "/dev/null", O_RDONLY,
                                              0);
    if (rc == 0 && fds->out >= 0)
        rc = posix_spawn_file_actions_adddup2(fa, fds->out, STDOUT_FILENO);
    if (rc == 0 && fds->err >= 0)
        rc = posix_spawn_file_actions_adddup2(fa, fds->err, STDERR_FILENO);
    if (rc == 0 && fds->pass >= 0)
        rc = posix_spawn_file_actions_adddup2(fa, fds->pass, PASS_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(fa, fds->pass >= 0 ? PASS_FD + 1
                                                                         : PASS_FD);
    if (rc == 0 && cwd)
        rc = posix_spawn_file_actions_addchdir_np(fa, cwd);
    return rc;
}

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK
                                                | POSIX_SPAWN_SETSIGDEF
                                                | POSIX_SPAWN_SETPGROUP);
    return rc;
}

static int spawn_with(struct mb_spawn *s, const struct safe_fds *fds, pid_t *ret_pid)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    char **env = s->env.n > 0 ? mb_strv_argv(&s->env) : environ;
    int rc = posix_spawn_file_actions_init(&fa);

    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        rc = set_actions(&fa, fds, s->cwd);
        if (rc == 0)
            rc = set_attributes(&attr);
        if (rc == 0)
            rc = posix_spawnp(ret_pid, s->argv.v[0], &fa, &attr, mb_strv_argv(&s->argv),
                              env);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&fa);
    return rc;
}

static void kill_and_reap(pid_t pid)
{
    struct mb_error ignored;
    int status;

    (void)kill(-pid, SIGKILL);
    mb_ignore(mb_spawn_wait(pid, &status, &ignored), "it is on its way out already");
}

int mb_spawn(struct mb_spawn *s, pid_t *ret_pid, int *ret_pidfd, struct mb_error *err)
{
    _cleanup_(safe_fds_done) struct safe_fds fds = {-1, -1, -1, -1};
    pid_t pid = -1;

    BUG_ON(s->argv.n == 0);
    if (dup_all_safe(s, &fds, err) < 0)
        return mb_wrap(err, "run %s", s->argv.v[0]);

    int rc = spawn_with(s, &fds, &pid);
    if (rc != 0) {
        errno = rc;
        return mb_fail_errno(err, "run %s", s->argv.v[0]);
    }
    if (ret_pidfd) {
        int pidfd = pidfd_open(pid, 0);

        if (pidfd < 0) {
            mb_fail_errno(err, "watch %s (pid %d)", s->argv.v[0], (int)pid);
            kill_and_reap(pid);
            return -1;
        }
        *ret_pidfd = pidfd;
    }
    *ret_pid = pid;
    return 0;
}

int mb_spawn_wait(pid_t pid, int *ret_status, struct mb_error *err)
{
    int status;
    pid_t got;

    BUG_ON(pid <= 0);
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return mb_fail_errno(err, "wait for process %d", (int)pid);
    *ret_status = status;
    return 0;
}

/* All that comes is read, else the child would block; what fits is kept. */
static int collect(int fd, struct mb_buf *out, struct mb_error *err)
{
    char chunk[4096];
    ssize_t n;

    while ((n = mb_read(fd, chunk, sizeof(chunk))) > 0) {
        size_t room = out->max - out->len;
        size_t fits = (size_t)n < room ? (size_t)n : room;

        if (!out->overflow)
            mb_buf_add(out, chunk, fits);
        if ((size_t)n > fits)
            out->overflow = true;
    }
    if (n < 0)
        return mb_fail_errno(err, "read the output of a child process");
    return 0;
}

int mb_spawn_output(struct mb_spawn *s, struct mb_buf *out, int *ret_exit,
                    struct mb_error *err)
{
    _cleanup_close_ int from = -1;
    _cleanup_close_ int to = -1;
    pid_t pid = -1;
    int status = 0;

    if (mb_pipe(&from, &to, err) < 0)
        return -1;

    int caller_out_fd = s->out_fd;
    s->out_fd = to;
    int rc = mb_spawn(s, &pid, NULL, err);
    s->out_fd = caller_out_fd;
    if (rc < 0)
        return -1;
    close(steal_fd(&to));

    if (collect(from, out, err) < 0) {
        kill_and_reap(pid);
        return mb_wrap(err, "run %s", s->argv.v[0]);
    }
    if (mb_spawn_wait(pid, &status, err) < 0)
        return mb_wrap(err, "run %s", s->argv.v[0]);
    *ret_exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return 0;
}
