/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN: the root is an overlay in the worker's mount namespace; the runtime becomes pid
 * 1 of a pid namespace below ours. When it is killed, all that the step has started
 * dies, and when the worker has waited for it nothing of it can write any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "step/bundle.h"
#include "step/mounts.h"
#include "step/rootpath.h"
#include "step/run_mounts.h"
#include "step/snapshots.h"
#include "step/stubs.h"
#include "step/stuck.h"
#include "step/worker.h"

struct run {
    struct stubs *stubs;
    struct image_user user;
    const struct arch *arch;
    char *places[N_PLACES];
    struct run_mounts mounts;
    int out_fd, err_fd; /* of the step's end of the pipes */
    int stuck;          /* the signal that the command seems to wait for in vain */
    int died_of;        /* and did */
};

#define LOG_FILE "runtime.log"
#define LOG_BYTES_MAX (64 * MB_KIB)

static bool is_isolated(const struct worker *w)
{
    const char *network = w->rq.step.network;

    return network && strcmp(network, "none") == 0;
}

/* --- prepare --- */

static int check_network(const struct worker *w, struct mb_error *err)
{
    const char *network = w->rq.step.network;

    if (!network || !network[0] || strcmp(network, "host") == 0 || is_isolated(w))
        return 0;
    return mb_fail(err, MB_ERR_INVALID,
                   "network \"%s\" is not supported, use host or none", network);
}

/* Whether this platform's programs run here, now. */
static int check_platform(struct worker *w, struct run *r, struct mb_error *err)
{
    char platform[MB_PLATFORM_TEXT_LEN];
    enum arch_way way = ARCH_NOT;

    r->arch = arch_find(w->rq.platform.arch);
    if (r->arch)
        way = w->h->ways[arch_index(r->arch)];
    w->reply.emulated = way > ARCH_NATIVE;
    if (way == ARCH_NOT)
        return mb_fail(err, MB_ERR_UNAVAILABLE,
                       "%s cannot be run here, neither natively nor "
                       "by an emulator (apt install qemu-user-static)",
                       mb_platform_text(&w->rq.platform, platform));
    if (way > ARCH_NATIVE && !arch_runs(r->arch, w->dir))
        return mb_fail(err, MB_ERR_UNAVAILABLE, "the emulator for %s works no longer",
                       mb_platform_text(&w->rq.platform, platform));
    return 0;
}

static void rootpath_cleanup(struct rootpath *p)
{
    rootpath_done(p);
}

/* The working directory belongs to the step and stays in its layer. */
static int make_cwd(int root_fd, const char *cwd, struct mb_error *err)
{
    const struct rootpath_mkdir opts = {.mode = 0755};
    _cleanup_(rootpath_cleanup) struct rootpath p = {0};

    if (!cwd || !cwd[0])
        return 0;
    if (cwd[0] != '/')
        return mb_fail(err, MB_ERR_INVALID, "the working directory %s is not absolute",
                       cwd);
    if (rootpath_resolve(root_fd, cwd, &p, err) < 0)
        return -1;
    return rootpath_mkdir(root_fd, &p, &opts, err);
}

static int prepare_root(struct worker *w, struct run *r, struct mb_error *err)
{
    _cleanup_close_ int root_fd = -1;

    if (worker_open_root(w, &root_fd, err) < 0
        || image_user_resolve(root_fd, w->rq.step.user, &r->user, err) < 0
        || make_cwd(root_fd, w->rq.step.cwd, err) < 0)
        return -1;
    r->stubs = stubs_new();
    for (size_t i = 0; i < N_PLACES; i++)
        if (stubs_need(r->stubs, root_fd, bundle_place_path[i], bundle_place_is_dir[i],
                       &r->places[i], err)
            < 0)
            return -1;
    return run_mounts_prepare(w, root_fd, r->stubs, &r->mounts, err);
}

static int write_own_file(const struct worker *w, const char *name, const char *data,
                          size_t len, char **ret_path, struct mb_error *err)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/%s", w->dir, name);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0)
        return mb_fail_errno(err, "create %s", path);
    if (mb_write_all(fd, data, len, err) < 0)
        return -1;
    if (ret_path)
        *ret_path = steal_ptr(path);
    return 0;
}

static int write_bundle(const struct worker *w, const struct run *r,
                        struct mb_error *err)
{
    _cleanup_free_ char *more = mb_strv_join(&w->rq.step.hosts, "\n");
    _cleanup_free_ char *hosts =
        mb_xasprintf("127.0.0.1\tlocalhost " BUNDLE_HOSTNAME "\n"
                     "::1\tlocalhost ip6-localhost ip6-loopback\n%s%s",
                     more, *more ? "\n" : "");
    const char *resolv = w->rq.resolv_conf && !is_isolated(w) ? w->rq.resolv_conf : "";
    _cleanup_buf_ struct mb_buf config = MB_BUF_INIT(BUNDLE_BYTES_MAX);
    _cleanup_free_ char *root = mb_xasprintf("%s/rootfs", w->dir);
    _cleanup_free_ char *resolv_path = NULL;
    _cleanup_free_ char *hosts_path = NULL;
    struct bundle b = {
        .root = root,
        .step = &w->rq.step,
        .user = &r->user,
        .arch = w->rq.platform.arch,
        .emulated = w->reply.emulated,
        .mounts = &r->mounts,
    };

    if (write_own_file(w, "resolv.conf", resolv, strlen(resolv), &resolv_path, err) < 0
        || write_own_file(w, "hosts", hosts, strlen(hosts), &hosts_path, err) < 0)
        return -1;
    b.resolv_source = resolv_path;
    b.hosts_source = hosts_path;
    for (size_t i = 0; i < N_PLACES; i++)
        b.places[i] = r->places[i];
    bundle_config(&b, &config);
    if (mb_buf_check(&config, "the container's configuration", err) < 0)
        return -1;
    return write_own_file(w, "config.json", config.data, config.len, NULL, err);
}

/* The pipes are ours, not the agent's, so that /dev/stdout can be opened in the step.
 */
static int make_pipes(struct worker *w, struct run *r, struct mb_error *err)
{
    int from[2] = {-1, -1};
    int rc = mb_pipe(&from[0], &r->out_fd, err);

    if (rc == 0)
        rc = mb_pipe(&from[1], &r->err_fd, err);
    if (rc == 0
        && (fchown(r->out_fd, r->user.uid, r->user.gid) < 0
            || fchown(r->err_fd, r->user.uid, r->user.gid) < 0))
        rc = mb_fail_errno(err, "give the output to the step's user");
    if (rc == 0)
        rc = step_send(w->reply_fd, STEP_LOGS, strlen(STEP_LOGS), from, 2, err);
    mb_cleanup_close(&from[0]);
    mb_cleanup_close(&from[1]);
    return rc;
}

static int run_prepare(struct worker *w, struct mb_error *err)
{
    struct run *r = mb_xcalloc(1, sizeof(*r)); /* for the life of this process */

    r->out_fd = r->err_fd = -1;
    w->op = r;
    w->doer_namespaces =
        CLONE_NEWPID | CLONE_NEWNS | (is_isolated(w) ? CLONE_NEWNET : 0);
    if (w->rq.step.argv.n == 0)
        return mb_fail(err, MB_ERR_INVALID, "RUN without a command");
    if (check_network(w, err) < 0 || worker_mount_root(w, err) < 0
        || check_platform(w, r, err) < 0 || prepare_root(w, r, err) < 0
        || write_bundle(w, r, err) < 0)
        return -1;
    return make_pipes(w, r, err);
}

/* --- the doer --- */

static int raise_loopback(struct mb_error *err)
{
    _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r = {.ifr_name = "lo"};

    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &r) < 0)
        return mb_fail_errno(err, "look at the loopback interface");
    r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
        return mb_fail_errno(err, "raise the loopback interface");
    return 0;
}

/* When memory runs out, a step goes before the agent does. */
static void volunteer_for_oom(void)
{
    static const char score[] = "500";
    struct mb_error ignored;
    _cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        mb_ignore(mb_write_all(fd, score, strlen(score), &ignored),
                  "it is over that already");
}

static int set_stdio(const struct run *r, struct mb_error *err)
{
    _cleanup_close_ int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(r->out_fd, 1) < 0
        || dup2(r->err_fd, 2) < 0)
        return mb_fail_errno(err, "set the step's input and output");
    return 0;
}

static int run_work(struct worker *w, struct mb_error *err)
{
    const struct run *r = w->op;
    _cleanup_free_ char *log = mb_xasprintf("--log=%s/" LOG_FILE, w->dir);
    _cleanup_free_ char *bundle = mb_xasprintf("--bundle=%s", w->dir);
    _cleanup_strv_ struct mb_strv argv = {0};
    char *const env[] = {(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                         NULL};

    if (mounts_proc(err) < 0 || (is_isolated(w) && raise_loopback(err) < 0)
        || set_stdio(r, err) < 0)
        return -1;
    if (chdir(w->dir) < 0)
        return mb_fail_errno(err, "enter %s", w->dir);
    mb_strv_add(&argv, w->h->init.runtime);
    mb_strv_add(&argv, "--root=" HOLDER_RUNTIME_ROOT);
    mb_strv_add(&argv, log);
    mb_strv_add(&argv, "--log-format=json");
    if (w->h->runtime_is_crun)
        mb_strv_add(&argv, "--cgroup-manager=disabled");
    mb_strv_add(&argv, "run");
    mb_strv_add(&argv, bundle);
    mb_strv_add(&argv, w->work);
    volunteer_for_oom();
    (void)signal(SIGPIPE, SIG_DFL);
    execve(w->h->init.runtime, mb_strv_argv(&argv), env);
    return mb_fail_errno(err, "run %s", w->h->init.runtime);
}

/* --- finish --- */

/* The message of a line of the runtime's log when it is an error, else NULL. */
static char *error_of(const char *line)
{
    _cleanup_json_ json_t *entry = NULL;
    struct mb_error ignored;

    if (mb_json_parse(line, strlen(line), LOG_BYTES_MAX, &entry, &ignored) < 0)
        return NULL;
    const char *level = json_string_value(json_object_get(entry, "level"));
    const char *text = json_string_value(json_object_get(entry, "msg"));
    return level && text && strcmp(level, "error") == 0 ? mb_xstrdup(text) : NULL;
}

/* What the runtime itself had to say: the last error in its log, or NULL. */
static char *runtime_complaint(const struct worker *w)
{
    _cleanup_buf_ struct mb_buf log = MB_BUF_INIT(LOG_BYTES_MAX);
    _cleanup_free_ char *path = mb_xasprintf("%s/" LOG_FILE, w->dir);
    _cleanup_strv_ struct mb_strv lines = {0};
    struct mb_error ignored;
    char *found = NULL;

    if (mb_read_file(AT_FDCWD, path, &log, &ignored) < 0 || log.len == 0)
        return NULL;
    mb_strv_split(&lines, log.data, "\n");
    for (size_t i = lines.n; i > 0 && !found; i--)
        found = error_of(lines.v[i - 1]);
    return found;
}

static int runtime_failed(const struct worker *w, const char *said,
                          struct mb_error *err)
{
    static const char *const users[] = {"No such file or directory",
                                        "Permission denied", "not found in $PATH",
                                        "Is a directory", "Operation not permitted"};

    for (size_t i = 0; i < ARRAY_SIZE(users); i++)
        if (strstr(said, "exec") && strstr(said, users[i]))
            return mb_fail(err, MB_ERR_INVALID, "the command cannot be started: %s",
                           said);
    if (strstr(said, "Exec format error") || strstr(said, "exec format error"))
        return mb_fail(err, MB_ERR_INVALID,
                       "the command cannot be started: its program is "
                       "not for %s: %s",
                       w->rq.platform.arch, said);
    return mb_fail(err, MB_ERR_UNAVAILABLE, "the OCI runtime failed: %s", said);
}

static void forget_container(const struct worker *w)
{
    _cleanup_free_ char *state = mb_xasprintf(HOLDER_RUNTIME_ROOT "/%s", w->work);
    struct mb_error ignored;

    mb_ignore(mb_remove_tree(AT_FDCWD, state, &ignored),
              "there only when it was killed");
}

static int run_finish(struct worker *w, int status, struct mb_error *err)
{
    struct run *r = w->op;
    _cleanup_close_ int upper_fd = -1;
    _cleanup_free_ char *said = runtime_complaint(w);

    mb_cleanup_close(&r->out_fd);
    mb_cleanup_close(&r->err_fd);
    r->out_fd = r->err_fd = -1;
    forget_container(w);
    if (WIFSIGNALED(status))
        return mb_fail(err, MB_ERR_UNAVAILABLE,
                       "the OCI runtime was killed by signal %d", WTERMSIG(status));
    if (said && WEXITSTATUS(status) != 0)
        return runtime_failed(w, said, err);
    w->reply.exit = (uint64_t)(r->died_of ? 128 + r->died_of : WEXITSTATUS(status));
    worker_unmount_root(w);
    if (snapshots_work_open(w->h, w->work, &upper_fd, err) < 0)
        return -1;
    stubs_remove(r->stubs, upper_fd);
    return 0;
}

/* Twice the same is no coincidence. */
static void run_look(struct worker *w, pid_t pid)
{
    struct run *r = w->op;
    pid_t stuck_pid = -1;
    int sig = w->reply.emulated ? stuck_signal(pid, &stuck_pid) : 0;

    if (sig != 0 && sig == r->stuck && kill(stuck_pid, SIGKILL) == 0)
        r->died_of = sig;
    r->stuck = sig;
}
const struct worker_op op_run = {
    .prepare = run_prepare, .work = run_work, .finish = run_finish, .look = run_look};
