/* SPDX-License-Identifier: Apache-2.0 */
#include "store/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define FILE_MODE 0600
#define PROC_FD_LEN (sizeof("/proc/self/fd/") + 11)

static void random_name(char name[33])
{
    unsigned char bytes[16];

    mb_random_bytes(bytes, sizeof(bytes));
    mb_hex(bytes, sizeof(bytes), name);
}

/* What a file system or kernel without unnamed files answers. */
static bool is_unsupported(int e)
{
    return e == EOPNOTSUPP || e == EISDIR || e == ENOENT || e == EINVAL;
}

int mb_stage_open(int tmp_fd, bool named, struct mb_stage *ret, struct mb_error *err)
{
    struct mb_stage st = {.tmp_fd = tmp_fd, .fd = -1};

    if (!named) {
        st.fd = openat(tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);
        if (st.fd < 0 && !is_unsupported(errno))
            return mb_fail_errno(err, "create a file in the blob store");
    }
    if (st.fd < 0) {
        random_name(st.name);
        st.fd =
            openat(tmp_fd, st.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
        if (st.fd < 0)
            return mb_fail_errno(err, "create a file in the blob store");
    }
    *ret = st;
    return 0;
}

/* Give the unnamed file a name; linkat's -1 and errno. */
static int link_unnamed(const struct mb_stage *st, int dir_fd, const char *name)
{
    char proc[PROC_FD_LEN];

    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", st->fd);
    if (linkat(AT_FDCWD, proc, dir_fd, name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != ENOENT) /* it is where there is no /proc */
        return -1;
    return linkat(st->fd, "", dir_fd, name, AT_EMPTY_PATH);
}

int mb_stage_publish(struct mb_stage *st, int dir_fd, const char *name,
                     struct mb_error *err)
{
    if (st->name[0])
        return mb_stage_replace(st, dir_fd, name, err);
    if (fsync(st->fd) < 0)
        return mb_fail_errno(err, "sync %s", name);
    if (link_unnamed(st, dir_fd, name) < 0 && errno != EEXIST)
        return mb_fail_errno(err, "name %s", name);
    return 0;
}

int mb_stage_replace(struct mb_stage *st, int dir_fd, const char *name,
                     struct mb_error *err)
{
    if (fsync(st->fd) < 0)
        return mb_fail_errno(err, "sync %s", name);
    if (!st->name[0]) {
        char tmp[sizeof(st->name)];

        random_name(tmp);
        if (link_unnamed(st, st->tmp_fd, tmp) < 0)
            return mb_fail_errno(err, "name %s", name);
        memcpy(st->name, tmp, sizeof(tmp));
    }
    if (renameat(st->tmp_fd, st->name, dir_fd, name) < 0)
        return mb_fail_errno(err, "name %s", name);
    st->name[0] = '\0';
    return 0;
}

void mb_stage_done(struct mb_stage *st)
{
    if (st->name[0])
        unlinkat(st->tmp_fd, st->name, 0);
    if (st->fd >= 0)
        close(st->fd);
    *st = MB_STAGE_INIT;
}
