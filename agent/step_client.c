/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and ending the helper. */
#include "agent/step_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/step_client_impl.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"

#define PROGRAM "mbcluster-step"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define START_MSEC (30 * 1000)
#define END_MSEC (10 * 1000)
#define SHORT_MSEC 500

#ifndef MB_LIBEXEC_DIR
#define MB_LIBEXEC_DIR "/usr/libexec/mbcluster"
#endif

struct step_client {
    int control_fd;
    int pidfd;
    pid_t pid;
};

int step_client_control_fd(const struct step_client *c)
{
    return c->control_fd;
}

static bool ended_within(const struct step_client *c, int msec)
{
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
    int n;

    do
        n = poll(&p, 1, msec);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

bool step_client_alive(struct step_client *c)
{
    return !ended_within(c, 0);
}

bool step_client_ends_soon(const struct step_client *c)
{
    return ended_within(c, SHORT_MSEC);
}

int step_client_ended(struct step_client *c, struct mb_error *err)
{
    siginfo_t si = {0};

    if (!ended_within(c, SHORT_MSEC))
        return mb_fail(err, MB_ERR_UNAVAILABLE, "step helper ended: it is ending");
    if (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
        return mb_fail(err, MB_ERR_UNAVAILABLE, "step helper ended");
    if (si.si_code == CLD_EXITED && si.si_status <= 128)
        return mb_fail(err, MB_ERR_UNAVAILABLE, "step helper ended: exit status %d",
                       si.si_status);
    return mb_fail(err, MB_ERR_UNAVAILABLE, "step helper ended: killed by signal %d",
                   si.si_code == CLD_EXITED ? si.si_status - 128 : si.si_status);
}

/* --- what to start, with what --- */

/* Beside this program (a build directory), or where an installation below any prefix
 * has it. */
static char *find_program(const struct step_client_opts *opts)
{
    static const char *const places[] = {PROGRAM, "../libexec/mbcluster/" PROGRAM};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (opts->program)
        return mb_xstrdup(opts->program);
    self[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
        _cleanup_free_ char *path =
            mb_xasprintf("%.*s/%s", (int)(slash - self), self, places[i]);

        if (access(path, X_OK) == 0)
            return steal_ptr(path);
    }
    return mb_xstrdup(MB_LIBEXEC_DIR "/" PROGRAM);
}

static int find_runtime(const char *name, char **ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv dirs = {0};
    const char *path = getenv("PATH");

    if (strchr(name, '/')) {
        *ret = realpath(name, NULL);
        return *ret ? 0 : mb_fail_errno(err, "OCI runtime %s", name);
    }
    mb_strv_split(&dirs, path ? path : DEFAULT_PATH, ":");
    mb_strv_add(&dirs, "/usr/sbin");
    mb_strv_add(&dirs, "/sbin");
    for (size_t i = 0; i < dirs.n; i++) {
        _cleanup_free_ char *candidate = mb_xasprintf("%s/%s", dirs.v[i], name);

        if (dirs.v[i][0] == '/' && access(candidate, X_OK) == 0) {
            *ret = mb_xstrdup(candidate);
            return 0;
        }
    }
    return mb_fail(err, MB_ERR_NOT_FOUND,
                   "the OCI runtime %s is not in PATH: apt install crun", name);
}

static int send_init(struct step_client *c, const struct step_client_opts *opts,
                     struct mb_error *err)
{
    _cleanup_free_ char *runtime = NULL;
    _cleanup_close_ int state_fd = -1;
    struct step_init init = {
        .qemu_dir = (char *)(uintptr_t)(opts->qemu_dir ? opts->qemu_dir : "/usr/bin"),
        .emulate = opts->emulate,
    };

    if (find_runtime(opts->runtime ? opts->runtime : "crun", &runtime, err) < 0
        || mb_mkdir_p(AT_FDCWD, opts->state_dir, 0700, err) < 0
        || mb_open_dir(AT_FDCWD, opts->state_dir, &state_fd, err) < 0)
        return -1;
    init.runtime = runtime;
    return step_send_msg(c->control_fd, &step_init_schema, &init, &state_fd, 1, err);
}

static int read_init_reply(struct step_client *c, struct mb_error *err)
{
    struct pollfd p = {.fd = c->control_fd, .events = POLLIN};
    _cleanup_free_ void *msg = NULL;
    struct step_reply r = {0};
    int fds[STEP_FDS_MAX];
    size_t len = 0;
    int n;

    do
        n = poll(&p, 1, START_MSEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return mb_fail(err, MB_ERR_UNAVAILABLE,
                       "the step helper did not answer in %d s", START_MSEC / 1000);
    if (step_recv(c->control_fd, &msg, &len, fds, err) < 0)
        return -1;
    for (size_t i = 0; i < STEP_FDS_MAX; i++)
        mb_cleanup_close(&fds[i]);
    if (len == 0)
        return step_client_ended(c, err);
    if (mb_wire_decode(&step_reply_schema, msg, len, &r, err) < 0)
        return -1;
    int rc = step_reply_check(&r, err);
    mb_wire_done(&step_reply_schema, &r);
    return rc;
}

static int start_helper(struct step_client *c, const struct step_client_opts *opts,
                        struct mb_error *err)
{
    _cleanup_(mb_spawn_done) struct mb_spawn s = MB_SPAWN_INIT;
    const char *path = getenv("PATH");
    int pair[2];

    mb_strv_add_take(&s.argv, find_program(opts));
    mb_strv_addf(&s.env, "PATH=%s", path ? path : DEFAULT_PATH);
    mb_strv_add(&s.env, "LC_ALL=C");
    if (step_socketpair(pair, err) < 0)
        return -1;
    c->control_fd = pair[0];
    s.pass_fd = pair[1];
    int rc = mb_spawn(&s, &c->pid, &c->pidfd, err);
    close(pair[1]);
    if (rc < 0)
        return -1;
    if (send_init(c, opts, err) < 0)
        return -1;
    return read_init_reply(c, err);
}

int step_client_start(const struct step_client_opts *opts, struct step_client **ret,
                      struct mb_error *err)
{
    struct step_client *c = mb_xcalloc(1, sizeof(*c));

    c->control_fd = c->pidfd = -1;
    c->pid = -1;
    if (start_helper(c, opts, err) < 0) {
        step_client_free(c);
        return mb_wrap(err, "start the step helper");
    }
    *ret = c;
    return 0;
}

void step_client_free(struct step_client *c)
{
    struct mb_error ignored;
    int status;

    if (!c)
        return;
    mb_cleanup_close(&c->control_fd); /* the helper ends with it */
    if (c->pid > 0) {
        if (!ended_within(c, END_MSEC))
            (void)kill(c->pid, SIGKILL);
        mb_ignore(mb_spawn_wait(c->pid, &status, &ignored), "it has ended either way");
    }
    mb_cleanup_close(&c->pidfd);
    free(c);
}
