/* SPDX-License-Identifier: Apache-2.0 */
/* The operations that need no root file system of their own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "fs/layer_diff.h"
#include "fs/layer_unpack.h"
#include "step/cover.h"
#include "step/snapshots.h"
#include "step/worker.h"

/* --- PROBE --- */

static void add_platform(struct step_reply *r, const struct arch *a,
                         const char *variant, enum arch_way way)
{
    static const char *const via[] = {
        [ARCH_NATIVE] = "native",
        [ARCH_PRIVATE_BINFMT] = "private-binfmt",
        [ARCH_HOST_BINFMT] = "host-binfmt",
    };
    struct mb_agent_platform *p;
    struct mb_error ignored;

    r->platforms =
        mb_xreallocarray(r->platforms, r->n_platforms + 1, sizeof(*r->platforms));
    p = &r->platforms[r->n_platforms];
    memset(p, 0, sizeof(*p));
    if (mb_platform_make("linux", a->name, variant, &p->platform, &ignored) < 0)
        return;
    p->emulated = way != ARCH_NATIVE;
    p->via = mb_xstrdup(via[way]);
    r->n_platforms++;
}

/* "qemu-aarch64 version 7.2.22 (Debian ...)" */
static char *qemu_version(const struct holder *h)
{
    static const char *const suffixes[] = {"-static", ""};

    for (size_t i = 0; i < n_archs; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(suffixes) && h->ways[i] > ARCH_NATIVE; k++) {
            _cleanup_(mb_spawn_done) struct mb_spawn s = MB_SPAWN_INIT;
            _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4096);
            struct mb_error ignored;
            int status = -1;

            mb_strv_addf(&s.argv, "%s/qemu-%s%s", h->init.qemu_dir, archs[i].qemu,
                         suffixes[k]);
            mb_strv_add(&s.argv, "--version");
            if (mb_spawn_output(&s, &out, &status, &ignored) < 0 || status != 0)
                continue;
            const char *at = out.len > 0 ? strstr(out.data, "version ") : NULL;
            if (at)
                return mb_xstrndup(at + 8, strspn(at + 8, "0123456789."));
        }
    }
    return NULL;
}

static int probe_work(struct worker *w, struct mb_error *err _unused_)
{
    for (int emulated = 0; emulated <= 1; emulated++) {
        for (size_t i = 0; i < n_archs; i++) {
            enum arch_way way = w->h->ways[i];

            if (way == ARCH_NOT || (way == ARCH_NATIVE) != (emulated == 0))
                continue;
            if (!archs[i].variants[0])
                add_platform(&w->reply, &archs[i], "", way);
            for (size_t k = 0; k < ARRAY_SIZE(archs[i].variants); k++)
                if (archs[i].variants[k])
                    add_platform(&w->reply, &archs[i], archs[i].variants[k], way);
        }
    }
    w->reply.qemu_version = qemu_version(w->h);
    return 0;
}
const struct worker_op op_probe = {.work = probe_work};

/* --- HAS_LAYER, COMMIT, DISCARD --- */

static int has_layer(struct worker *w, struct mb_error *err)
{
    return snapshots_has(w->h, &w->rq.diff_id, &w->reply.yes, err);
}
const struct worker_op op_has_layer = {.prepare = has_layer};

static int commit(struct worker *w, struct mb_error *err)
{
    _cleanup_close_ int fs_fd = -1;

    if (snapshots_work_open(w->h, w->rq.work, &fs_fd, err) < 0
        || cover_settle_made(fs_fd, err) < 0)
        return -1;
    return snapshots_commit(w->h, w->rq.work, &w->rq.diff_id, err);
}
const struct worker_op op_commit = {.prepare = commit};

static int discard(struct worker *w, struct mb_error *err)
{
    return snapshots_work_remove(w->h, w->rq.work, err);
}
const struct worker_op op_discard = {.prepare = discard};

/* --- UNPACK --- */

static int unpack_prepare(struct worker *w, struct mb_error *err)
{
    if (w->data_fd < 0 || mb_digest_is_zero(&w->rq.diff_id))
        return mb_fail(err, MB_ERR_PROTOCOL, "unpack without data or digest");
    return snapshots_work_new(w->h, w->work, err);
}

static int unpack_work(struct worker *w, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv implied = {0};
    _cleanup_close_ int fs_fd = -1;
    char rest[4096];
    ssize_t n;

    if (snapshots_work_open(w->h, w->work, &fs_fd, err) < 0
        || mb_layer_unpack_noting(w->data_fd, fs_fd, &implied, err) < 0
        || (mb_strv_contains(&implied, "") && cover_settle_time(fs_fd, err) < 0)
        || cover_note(fs_fd, &implied, err) < 0)
        return -1;
    do /* padding behind the archive's end is part of what is verified */
        n = mb_read(w->data_fd, rest, sizeof(rest));
    while (n > 0);
    if (n < 0)
        return mb_fail_errno(err, "read the rest of a layer");
    return 0;
}

/* Only the agent knows whether these bytes were that layer. */
static int unpack_finish(struct worker *w, int status _unused_, struct mb_error *err)
{
    _cleanup_free_ void *msg = NULL;
    int fds[STEP_FDS_MAX];
    size_t len = 0;
    int rc = step_recv(w->reply_fd, &msg, &len, fds, err);

    for (size_t i = 0; i < STEP_FDS_MAX; i++)
        mb_cleanup_close(&fds[i]);
    if (rc < 0)
        return -1;
    if (len != strlen(STEP_GO) || memcmp(msg, STEP_GO, len) != 0)
        return mb_fail(err, MB_ERR_CANCELLED, "the layer was not wanted after all");
    if (snapshots_commit(w->h, w->work, &w->rq.diff_id, err) < 0)
        return -1;
    w->work[0] = '\0'; /* it is a layer now */
    return 0;
}
const struct worker_op op_unpack = {
    .prepare = unpack_prepare, .work = unpack_work, .finish = unpack_finish};

/* --- DIFF --- */

static int diff_work(struct worker *w, struct mb_error *err)
{
    const struct mb_layer_diff_opts opts = {.clamp_mtime = w->rq.clamp_mtime,
                                            .max_mtime_sec = w->rq.max_mtime_sec};
    const struct mb_sink out = {.fn = mb_sink_to_fd, .arg = &w->data_fd};
    _cleanup_close_ int fs_fd = -1;

    if (w->data_fd < 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "diff without a socket for it");
    if (snapshots_work_open(w->h, w->rq.work, &fs_fd, err) < 0)
        return -1;
    return mb_layer_diff(fs_fd, &opts, &out, NULL, err);
}
const struct worker_op op_diff = {.work = diff_work};
