/* SPDX-License-Identifier: Apache-2.0 */
/* WORKDIR: a directory of the user's, made once. */
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "step/image_user.h"
#include "step/rootpath.h"
#include "step/worker.h"

static void rootpath_cleanup(struct rootpath *p)
{
    rootpath_done(p);
}

static bool is_dir_in(int root_fd, const char *path)
{
    _cleanup_close_ int fd = -1;
    struct mb_error ignored;

    return rootpath_open(root_fd, path, O_PATH | O_DIRECTORY, &fd, &ignored) == 0;
}

static int workdir_prepare(struct worker *w, struct mb_error *err)
{
    if (!w->rq.step.cwd || w->rq.step.cwd[0] != '/')
        return mb_fail(err, MB_ERR_PROTOCOL, "WORKDIR without an absolute path");
    return worker_mount_root(w, err);
}

static int workdir_work(struct worker *w, struct mb_error *err)
{
    _cleanup_(rootpath_cleanup) struct rootpath p = {0};
    _cleanup_close_ int root_fd = -1;
    struct image_user user = {0};
    const char *name = w->rq.step.user;

    if (worker_open_root(w, &root_fd, err) < 0)
        return -1;
    if (rootpath_resolve(root_fd, w->rq.step.cwd, &p, err) < 0)
        return mb_wrap(err, "cannot make %s the working directory", w->rq.step.cwd);
    if (p.n_missing == 0 && !is_dir_in(root_fd, p.path))
        return mb_fail(err, MB_ERR_INVALID,
                       "cannot make %s the working directory: it is not "
                       "a directory",
                       w->rq.step.cwd);
    if (p.n_missing > 0 && image_user_resolve(root_fd, name, &user, err) < 0)
        return -1;
    const struct rootpath_mkdir opts = {.mode = 0755, .uid = user.uid, .gid = user.gid};
    image_user_done(&user);
    w->reply.yes = p.n_missing > 0;
    return rootpath_mkdir(root_fd, &p, &opts, err);
}

static int workdir_finish(struct worker *w, int status _unused_, struct mb_error *err)
{
    worker_unmount_root(w);
    if (w->reply.yes)
        return 0;
    return worker_drop_work(w, err);
}
const struct worker_op op_workdir = {
    .prepare = workdir_prepare, .work = workdir_work, .finish = workdir_finish};
