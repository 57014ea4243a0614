/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new instance is made in a work directory and renamed, so that it is whole or
 * absent, and what a killed helper was making is swept with its other work.
 *
 * Locks: `shared` holds the lock of instance 0 together with others, `locked` holds it
 * alone, `private` holds alone whichever is free. Waiting is by trying again: the end
 * of the reply socket has to be seen meanwhile.
 */
#include "step/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "step/copy_tree.h"
#include "step/snapshots.h"

#define VOLUMES "volumes"
#define INSTANCES_MAX 256
#define RETRY_MSEC 100

void volume_name(const struct worker *w, const struct mb_step_mount *m,
                 char ret_name[MB_DIGEST_HEX_LEN + 1])
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(SIZE_MAX);
    char platform[MB_PLATFORM_TEXT_LEN];
    const char *id = m->id ? m->id : "";

    mb_buf_add(&b, id, strlen(id) + 1);
    mb_buf_addf(&b, "%s %llo %llu:%llu", mb_platform_text(&w->rq.platform, platform),
                (unsigned long long)m->mode, (unsigned long long)m->uid,
                (unsigned long long)m->gid);
    if (m->source > 0) {
        const struct mb_bytes *layers = &w->rq.sources[m->source - 1].layers;

        mb_buf_addf(&b, " %s ", m->source_path ? m->source_path : ".");
        mb_buf_add(&b, layers->data, layers->len);
    }
    struct mb_digest d = mb_digest_of(b.data, b.len);
    mb_digest_hex(&d, ret_name);
}

/* --- making one --- */

static void copy_done(struct copy_tree *c)
{
    copy_tree_done(c);
}

/* Fill and name the work directory's fs; somebody else's instance is as good. */
static int make_in(const struct worker *w, const struct mb_step_mount *m, int seed_fd,
                   const char *work, int dir_fd, const char *number,
                   struct mb_error *err)
{
    _cleanup_close_ int work_fd = -1;
    _cleanup_close_ int fs_fd = -1;

    if (mb_open_dir(w->h->owner_fd, work, &work_fd, err) < 0)
        return -1;
    if (seed_fd >= 0) {
        _cleanup_(copy_done) struct copy_tree c = {
            .root_fd = work_fd, .uid = (uint32_t)m->uid, .gid = (uint32_t)m->gid};

        if (copy_tree_entry(&c, seed_fd, ".", "fs", err) < 0)
            return mb_wrap(err, "fill a cache mount");
    }
    if (mb_open_dir(work_fd, "fs", &fs_fd, err) < 0)
        return -1;
    if (fchown(fs_fd, (uid_t)m->uid, (gid_t)m->gid) < 0
        || fchmod(fs_fd, (mode_t)m->mode) < 0)
        return mb_fail_errno(err, "give a cache mount its owner %llu:%llu and mode",
                             (unsigned long long)m->uid, (unsigned long long)m->gid);
    if (renameat2(work_fd, "fs", dir_fd, number, RENAME_NOREPLACE) < 0
        && errno != EEXIST)
        return mb_fail_errno(err, "name a volume");
    return 0;
}

static int make(struct worker *w, const struct mb_step_mount *m, int seed_fd,
                int dir_fd, const char *number, struct mb_error *err)
{
    char work[WORK_ID_LEN + 1];

    if (faccessat(dir_fd, number, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (snapshots_work_new(w->h, work, err) < 0)
        return -1;
    mb_strv_add(&w->scratch, work);
    return make_in(w, m, seed_fd, work, dir_fd, number, err);
}

/* --- locking --- */

/* 0 and *ret_fd -1: somebody else has it. */
static int try_lock(int dir_fd, const char *number, bool exclusive, int *ret_fd,
                    struct mb_error *err)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "%s.lock", number);
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return mb_fail_errno(err, "open the lock of a volume");
    *ret_fd = -1;
    if (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        *ret_fd = steal_fd(&fd);
    else if (errno != EWOULDBLOCK && errno != EINTR)
        return mb_fail_errno(err, "lock a volume");
    return 0;
}

/* A moment, or CANCELLED. */
static int wait_a_moment(const struct worker *w, struct mb_error *err)
{
    struct pollfd p = {.fd = w->reply_fd, .events = POLLRDHUP};

    if (poll(&p, 1, RETRY_MSEC) > 0 && p.revents)
        return mb_fail(err, MB_ERR_CANCELLED, "cancelled");
    return 0;
}

static int lock_first(const struct worker *w, int dir_fd, bool exclusive, int *ret_fd,
                      struct mb_error *err)
{
    for (;;) {
        if (try_lock(dir_fd, "0", exclusive, ret_fd, err) < 0)
            return -1;
        if (*ret_fd >= 0)
            return 0;
        if (wait_a_moment(w, err) < 0)
            return -1;
    }
}

static int lock_any(int dir_fd, char number[16], int *ret_fd, struct mb_error *err)
{
    for (unsigned n = 0; n < INSTANCES_MAX; n++) {
        (void)snprintf(number, 16, "%u", n);
        if (try_lock(dir_fd, number, true, ret_fd, err) < 0)
            return -1;
        if (*ret_fd >= 0)
            return 0;
    }
    return mb_fail(err, MB_ERR_UNAVAILABLE,
                   "more than %d steps have this private cache mount in use",
                   INSTANCES_MAX);
}

static int open_volume(const struct holder *h, const char *name, int *ret_fd,
                       struct mb_error *err)
{
    _cleanup_close_ int volumes_fd = -1;

    if (mkdirat(h->layers_fd, VOLUMES, 0700) < 0 && errno != EEXIST)
        return mb_fail_errno(err, "create layers/" VOLUMES);
    if (mb_open_dir(h->layers_fd, VOLUMES, &volumes_fd, err) < 0)
        return -1;
    if (mkdirat(volumes_fd, name, 0700) < 0 && errno != EEXIST)
        return mb_fail_errno(err, "create a volume");
    return mb_open_dir(volumes_fd, name, ret_fd, err);
}

int volume_take(struct worker *w, const struct mb_step_mount *m, const char *name,
                int seed_fd, char **ret_path, int *ret_lock_fd, struct mb_error *err)
{
    _cleanup_close_ int dir_fd = -1;
    _cleanup_close_ int lock_fd = -1;
    char number[16] = "0";
    int rc;

    if (open_volume(w->h, name, &dir_fd, err) < 0)
        return -1;
    if (m->sharing == MB_CACHE_PRIVATE)
        rc = lock_any(dir_fd, number, &lock_fd, err);
    else
        rc = lock_first(w, dir_fd, m->sharing == MB_CACHE_LOCKED, &lock_fd, err);
    if (rc < 0 || make(w, m, seed_fd, dir_fd, number, err) < 0)
        return -1;
    *ret_path = mb_xasprintf(HOLDER_LAYERS "/" VOLUMES "/%s/%s", name, number);
    *ret_lock_fd = steal_fd(&lock_fd);
    return 0;
}
