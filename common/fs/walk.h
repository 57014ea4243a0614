/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk - everything below a directory in the order of path bytes; inside common/fs
 * only.
 *
 * That is the order of the paths as strings: "a", "a-b", "a/x", since '-' is below '/'.
 */
#ifndef MB_FS_WALK_H
#define MB_FS_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

enum mb_walk_do {
    MB_WALK_SKIP = 0,    /* a directory's content is not visited */
    MB_WALK_DESCEND = 1, /* a directory's content comes in its place */
};

struct mb_walk_fns {
    /* One entry; -1 or enum mb_walk_do. */
    int (*visit)(const char *path, const struct stat *st, void *arg,
                 struct mb_error *err);
    /* May be NULL.  Sets *ret when the entry sorts as ".wh.NAME". */
    int (*is_whiteout)(const char *path, const struct stat *st, bool *ret, void *arg,
                       struct mb_error *err);
};

/* LIMIT (path length), IO. */
int mb_walk(int root_fd, const struct mb_walk_fns *fns, void *arg, struct mb_error *err)
    _must_check_;

/* Open @path beneath @root_fd, following no link; "" is the root. */
int mb_open_beneath(int root_fd, const char *path, int flags, int *ret_fd,
                    struct mb_error *err) _must_check_;

#endif
