/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordinary user's ids are mapped by newuidmap and newgidmap (package uidmap), which
 * check /etc/subuid and /etc/subgid; root writes the maps itself.
 *
 * A directory is given to the range by a short-lived namespace in which the user's own
 * id is 0 and the first id of the range is 1: chown needs both ids mapped.
 */
#include "step/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"

int userns_clone(unsigned long flags, pid_t *ret_pid, struct mb_error *err)
{
    flags |= SIGCHLD;
#if defined(__s390__) || defined(__s390x__)
    long pid = syscall(SYS_clone, NULL, flags, NULL, NULL, NULL);
#else
    long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
#endif
    if (pid < 0 && (flags & CLONE_NEWUSER))
        return mb_fail_errno(
            err, "create a user namespace (are they allowed? see sysctl "
                 "user.max_user_namespaces, kernel.unprivileged_userns_clone,"
                 " kernel.apparmor_restrict_unprivileged_userns)");
    if (pid < 0)
        return mb_fail_errno(err, "create namespaces");
    *ret_pid = (pid_t)pid;
    return 0;
}

static int write_map(pid_t pid, const char *file, const char *text,
                     struct mb_error *err)
{
    _cleanup_free_ char *path = mb_xasprintf("/proc/%d/%s", (int)pid, file);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return mb_fail_errno(err, "open %s", path);
    if (mb_write_all(fd, text, strlen(text), err) < 0)
        return mb_wrap(err, "%s", path);
    return 0;
}

/* Run newuidmap or newgidmap with the three or six numbers of @triples. */
static int run_newidmap(const char *program, pid_t pid, const uint32_t *numbers,
                        size_t n, struct mb_error *err)
{
    _cleanup_(mb_spawn_done) struct mb_spawn s = MB_SPAWN_INIT;
    _cleanup_buf_ struct mb_buf said = MB_BUF_INIT(256);
    _cleanup_close_ int from = -1;
    _cleanup_close_ int to = -1;
    struct mb_error ignored;
    pid_t child = -1;
    int status = 0;

    mb_strv_add(&s.argv, program);
    mb_strv_addf(&s.argv, "%d", (int)pid);
    for (size_t i = 0; i < n; i++)
        mb_strv_addf(&s.argv, "%u", numbers[i]);
    if (mb_pipe(&from, &to, err) < 0)
        return -1;
    s.err_fd = to;
    if (mb_spawn(&s, &child, NULL, err) < 0)
        return err->code == MB_ERR_NOT_FOUND ? mb_fail(
                   err, MB_ERR_NOT_FOUND,
                   "%s is missing, which maps the ids of containers: as root run: "
                   "apt install uidmap",
                   program)
                                             : -1;
    close(steal_fd(&to));
    mb_ignore(mb_read_to_end(from, &said, &ignored), "only for the message");
    if (mb_spawn_wait(child, &status, err) < 0)
        return -1;
    if (status == 0)
        return 0;
    while (said.len > 0 && said.data[said.len - 1] == '\n')
        said.data[--said.len] = '\0';
    return mb_fail(err, MB_ERR_DENIED, "%s failed: %s", program,
                   said.len > 0 ? said.data : "no reason given");
}

int userns_map(pid_t pid, const struct subids *ids, struct mb_error *err)
{
    const uint32_t uids[] = {0, ids->uid_start, STEP_IDS_COUNT};
    const uint32_t gids[] = {0, ids->gid_start, STEP_IDS_COUNT};
    char text[64];

    if (!ids->by_root) {
        if (run_newidmap("newuidmap", pid, uids, 3, err) < 0)
            return -1;
        return run_newidmap("newgidmap", pid, gids, 3, err);
    }
    (void)snprintf(text, sizeof(text), "0 %u %u\n", uids[1], uids[2]);
    if (write_map(pid, "uid_map", text, err) < 0)
        return -1;
    (void)snprintf(text, sizeof(text), "0 %u %u\n", gids[1], gids[2]);
    return write_map(pid, "gid_map", text, err);
}

int userns_become_root(struct mb_error *err)
{
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return mb_fail_errno(err, "drop the supplementary groups");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return mb_fail_errno(err, "become root of the user namespace");
    /* Else /proc/self belongs to the host's root, whom nobody here is. */
    if (prctl(PR_SET_DUMPABLE, 1) < 0)
        return mb_fail_errno(err, "open /proc/self to itself");
    return 0;
}

/* In the short-lived namespace: wait for the maps, then chown. */
static _noreturn_ void chown_child(int fd, int go_fd)
{
    char c;

    if (mb_read(go_fd, &c, 1) != 1)
        _exit(1);
    _exit(fchownat(fd, "", 1, 1, AT_EMPTY_PATH) == 0 ? 0 : errno);
}

static int chown_by_namespace(int fd, const struct subids *ids, struct mb_error *err)
{
    const uint32_t uids[] = {0, getuid(), 1, 1, ids->uid_start, 1};
    const uint32_t gids[] = {0, getgid(), 1, 1, ids->gid_start, 1};
    _cleanup_close_ int wait_fd = -1;
    _cleanup_close_ int go_fd = -1;
    pid_t pid = -1;
    int status = 0;

    if (mb_pipe(&wait_fd, &go_fd, err) < 0
        || userns_clone(CLONE_NEWUSER, &pid, err) < 0)
        return -1;
    if (pid == 0) {
        close(go_fd);
        chown_child(fd, wait_fd);
    }
    int rc = run_newidmap("newuidmap", pid, uids, 6, err);
    if (rc == 0)
        rc = run_newidmap("newgidmap", pid, gids, 6, err);
    if (rc == 0)
        rc = mb_write_all(go_fd, "g", 1, err);
    close(steal_fd(&go_fd));
    if (rc < 0) {
        struct mb_error ignored;

        mb_ignore(mb_spawn_wait(pid, &status, &ignored), "the first error counts");
        return -1;
    }
    if (mb_spawn_wait(pid, &status, err) < 0)
        return -1;
    if (status != 0) {
        errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
        return mb_fail_errno(err, "change its owner to %u", ids->uid_start);
    }
    return 0;
}

int userns_own_dir(int fd, const struct subids *ids, struct mb_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "look at it");
    if (st.st_uid == ids->uid_start && st.st_gid == ids->gid_start)
        return 0;
    if (st.st_uid != geteuid())
        return mb_fail(
            err, MB_ERR_INVALID,
            "it belongs to id %u, but containers have the ids from %u on: remove "
            "it as root (it is a cache), or restore the range in /etc/subuid",
            (unsigned)st.st_uid, ids->uid_start);
    if (!ids->by_root)
        return chown_by_namespace(fd, ids, err);
    if (fchownat(fd, "", ids->uid_start, ids->gid_start, AT_EMPTY_PATH) < 0)
        return mb_fail_errno(err, "change its owner to %u", ids->uid_start);
    return 0;
}
