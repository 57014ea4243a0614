/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive goes to a directory of its own first, where what is hostile in it is
 * refused or confined as in a layer; what came out is then copied. So nothing of the
 * image is ever reached by a name that an archive chose.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "fs/layer_unpack.h"
#include "step/copy_tree.h"
#include "step/rootpath.h"
#include "step/snapshots.h"

static int unpack_and_copy(const struct holder *h, const char *work, int fd,
                           int root_fd, const char *dest, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv implied = {0};
    _cleanup_(copy_tree_done) struct copy_tree tree = {
        .root_fd = root_fd, .archive = true, .implied = &implied};
    _cleanup_close_ int from_fd = -1;

    if (snapshots_work_open(h, work, &from_fd, err) < 0
        || mb_archive_unpack(fd, from_fd, &implied, err) < 0)
        return -1;
    mb_strv_sort(&implied);
    return copy_tree_entry(&tree, from_fd, ".", dest, err);
}

int copy_archive(const struct holder *h, int fd, int root_fd, const char *dest,
                 struct mb_error *err)
{
    char work[WORK_ID_LEN + 1];
    struct mb_error ignored;

    if (snapshots_work_new(h, work, err) < 0)
        return -1;
    int rc = unpack_and_copy(h, work, fd, root_fd, dest, err);
    mb_ignore(snapshots_work_remove(h, work, &ignored),
              "the next helper removes what stays");
    return rc;
}
