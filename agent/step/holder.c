/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers directory is reached through the working directory that the outer process
 * left us, since the path to it may lead through directories which no id in here may
 * enter, and since an overlay needs a directory of our own mount namespace.
 */
#include "step/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/text.h"
#include "step/mounts.h"
#include "step/snapshots.h"
#include "step/userns.h"
#include "step/worker.h"

/* Wait until our ids are mapped. */
static int wait_for_maps(struct holder *h, struct mb_error *err)
{
    char c;

    if (mb_read(h->life_fd, &c, 1) != 1)
        return mb_fail(err, MB_ERR_UNAVAILABLE, "the outer process ended");
    return 0;
}

/* While we are still the user of outside: its directories are closed to us later. */
static int enter_layers(struct mb_error *err)
{
    struct stat here, layers;

    /* From the state directory one step down; else we are there already. */
    if (stat("layers", &layers) == 0 && stat(".", &here) == 0 && S_ISDIR(layers.st_mode)
        && layers.st_uid == 0 && here.st_uid != 0 && chdir("layers") < 0)
        return mb_fail_errno(err, "enter the layers directory");
    if (stat(".", &here) < 0 || here.st_uid != 0)
        return mb_fail(err, MB_ERR_IO, "the layers directory cannot be entered");
    return 0;
}

static void learn_runtime(struct holder *h)
{
    const char *slash = strrchr(h->init.runtime, '/');

    h->runtime_is_crun = mb_starts_with(slash ? slash + 1 : h->init.runtime, "crun");
}

static int set_up(struct holder *h, struct mb_error *err)
{
    BUG_ON(n_archs > HOLDER_ARCHS_MAX);
    if (wait_for_maps(h, err) < 0 || enter_layers(err) < 0
        || userns_become_root(err) < 0)
        return -1;
    /* A change of ids has cleared what was set before; life_fd covers the gap. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return mb_fail_errno(err, "die with the outer process");
    umask(022);
    if (mounts_holder(err) < 0)
        return -1;
    if (access(h->init.runtime, X_OK) < 0)
        return mb_fail_errno(err, "the OCI runtime %s cannot be run by container ids",
                             h->init.runtime);
    if (mb_open_dir(AT_FDCWD, HOLDER_LAYERS, &h->layers_fd, err) < 0
        || snapshots_open(h, err) < 0)
        return -1;
    learn_runtime(h);
    archs_set_up(HOLDER_DIR, HOLDER_BINFMT, h->init.qemu_dir, h->init.emulate, h->ways);
    return 0;
}

static void reply_to_init(struct holder *h, int rc, const struct mb_error *e)
{
    struct step_reply r = {0};
    struct mb_error ignored;

    if (rc < 0)
        step_reply_set_error(&r, e);
    mb_ignore(step_send_msg(h->control_fd, &step_reply_schema, &r, NULL, 0, &ignored),
              "a client that is gone shows as the end of the socket");
    mb_wire_done(&step_reply_schema, &r);
}

static void start_worker(struct holder *h, const void *msg, size_t len,
                         int fds[STEP_FDS_MAX])
{
    sigset_t none;
    pid_t pid = fork();

    if (pid != 0)
        return; /* no process to be had: the client sees its reply socket end */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    close(steal_fd(&h->control_fd));
    close(steal_fd(&h->life_fd));
    worker_main(h, msg, len, fds[0], fds[1]);
}

/* false: the control socket has ended. */
static bool serve_one(struct holder *h)
{
    _cleanup_free_ void *msg = NULL;
    int fds[STEP_FDS_MAX];
    struct mb_error err;
    size_t len = 0;

    if (step_recv(h->control_fd, &msg, &len, fds, &err) < 0)
        return false;
    if (len > 0 && fds[0] >= 0)
        start_worker(h, msg, len, fds);
    if (msg)
        explicit_bzero(msg, len); /* there may be secrets in it */
    for (size_t i = 0; i < STEP_FDS_MAX; i++)
        mb_cleanup_close(&fds[i]);
    return len > 0;
}

static void reap(int signal_fd)
{
    struct signalfd_siginfo si;

    (void)mb_read(signal_fd, &si, sizeof(si));
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

_noreturn_ void holder_main(struct holder *h)
{
    struct mb_error err;
    sigset_t mask;
    int rc = set_up(h, &err);

    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
    int signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);

    if (rc == 0 && signal_fd < 0)
        rc = mb_fail_errno(&err, "watch children");
    reply_to_init(h, rc, &err);
    if (rc < 0)
        _exit(1);
    snapshots_sweep(h);
    for (;;) {
        struct pollfd p[] = {{.fd = h->control_fd, .events = POLLIN},
                             {.fd = h->life_fd, .events = POLLIN},
                             {.fd = signal_fd, .events = POLLIN}};

        if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
            _exit(1);
        if (p[1].revents)
            _exit(0);
        if (p[2].revents)
            reap(signal_fd);
        if (p[0].revents && !serve_one(h)) {
            snapshots_close(h); /* what a worker still has there stays for the next */
            _exit(0);
        }
    }
}
