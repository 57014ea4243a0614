/* SPDX-License-Identifier: Apache-2.0 */
/* COPY --link: onto an empty root, as if the image were not there. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "step/copy_tree.h"
#include "step/image_user.h"
#include "step/mounts.h"
#include "step/worker.h"

/* The owner is the image's to name, though it is not copied to. */
static int name_owner(struct worker *w, struct mb_error *err)
{
    _cleanup_free_ char *dir = mb_xasprintf("%s/image", w->dir);
    _cleanup_free_ char *image = mb_xasprintf("%s/image/fs", w->dir);
    _cleanup_close_ int fd = -1;
    uint32_t uid, gid;

    if (!w->rq.step.chown || w->rq.state.len == 0)
        return 0;
    if (mkdir(dir, 0700) < 0)
        return mb_fail_errno(err, "create %s", dir);
    if (mounts_overlay(w->h, dir, &w->rq.state, NULL, image, err) < 0)
        return -1;
    int rc = mb_open_dir(AT_FDCWD, image, &fd, err);
    if (rc == 0)
        rc = image_owner_resolve(fd, w->rq.step.chown, &uid, &gid, err);
    mb_cleanup_close(&fd);
    fd = -1;
    (void)umount2(image, MNT_DETACH);
    if (rc < 0)
        return -1;
    free(w->rq.step.chown);
    w->rq.step.chown = mb_xasprintf("%u:%u", uid, gid);
    return 0;
}

int copy_link_mount(struct worker *w, struct mb_error *err)
{
    struct mb_bytes state = w->rq.state;

    w->rq.state = (struct mb_bytes){0};
    int rc = worker_mount_root(w, err);
    w->rq.state = state;
    return rc < 0 ? -1 : name_owner(w, err);
}
