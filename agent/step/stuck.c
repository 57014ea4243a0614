/* SPDX-License-Identifier: Apache-2.0 */
#include "step/stuck.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define TEXT_BYTES_MAX (16 * MB_KIB)

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* The value of the line "\nNAME:\t..." in the number's @base. */
static bool field(const char *status, const char *name, int base, uint64_t *ret)
{
    _cleanup_free_ char *start = mb_xasprintf("\n%s:\t", name);
    const char *at = strstr(status, start);

    if (!at)
        return false;
    return sscanf(at + strlen(start), base == 16 ? "%" SCNx64 : "%" SCNu64, ret) == 1;
}

int stuck_judge(const char *status, const char *syscall_text)
{
    /* 32 to 34 are the C libraries' own, which their sigfillset() leaves out */
    const uint64_t unblockable =
        UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1) | UINT64_C(7) << 31;
    uint64_t blocked = 0, ignored = 0, caught = 0, waits_for;
    long number = -1;

    if (sscanf(syscall_text, "%ld", &number) != 1 || number != SYS_rt_sigsuspend)
        return 0;
    if (!field(status, "SigBlk", 16, &blocked) || !field(status, "SigIgn", 16, &ignored)
        || !field(status, "SigCgt", 16, &caught))
        return 0;
    waits_for = ~(blocked | unblockable);
    /* one signal, which has its default action */
    if (waits_for == 0 || (waits_for & (waits_for - 1))
        || waits_for & (ignored | caught))
        return 0;
    for (int sig = 1; sig <= 64; sig++)
        if (waits_for == UINT64_C(1) << (sig - 1))
            return sig;
    return 0;
}

static bool read_text(int dir_fd, const char *name, struct mb_buf *b)
{
    struct mb_error ignored;

    return mb_read_file(dir_fd, name, b, &ignored) == 0 && b->len > 0;
}

/* Any thread of it may be the one that crashed. */
static int judge_threads(int proc_fd)
{
    int fd = openat(proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(close_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    int sig = 0;

    while (d && sig == 0 && (e = readdir(d))) {
        _cleanup_buf_ struct mb_buf status = MB_BUF_INIT(TEXT_BYTES_MAX);
        _cleanup_buf_ struct mb_buf call = MB_BUF_INIT(TEXT_BYTES_MAX);
        char name[300];

        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof(name), "%s/status", e->d_name);
        if (!read_text(fd, name, &status))
            continue;
        (void)snprintf(name, sizeof(name), "%s/syscall", e->d_name);
        if (read_text(fd, name, &call))
            sig = stuck_judge(status.data, call.data);
    }
    return sig;
}

int stuck_signal(pid_t runtime, pid_t *ret_pid)
{
    _cleanup_(close_dir) DIR *d = opendir("/proc");
    const struct dirent *e;
    int sig = 0;

    while (d && sig == 0 && (e = readdir(d))) {
        _cleanup_buf_ struct mb_buf status = MB_BUF_INIT(TEXT_BYTES_MAX);
        _cleanup_close_ int fd = -1;
        struct mb_error ignored;
        uint64_t pid = 0, parent = 0;

        if (mb_parse_u64(e->d_name, INT32_MAX, &pid, &ignored) < 0)
            continue;
        fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || !read_text(fd, "status", &status)
            || !field(status.data, "PPid", 10, &parent) || (pid_t)parent != runtime)
            continue;
        sig = judge_threads(fd);
        *ret_pid = (pid_t)pid;
    }
    return sig;
}
