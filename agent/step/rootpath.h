/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootpath - paths inside a root file system, as a process that is chrooted there sees
 * them.
 *
 * Nothing leaves the root: absolute links start at it again and ".." stops at it.
 */
#ifndef STEP_ROOTPATH_H
#define STEP_ROOTPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct rootpath {
    char *path;       /* relative, "" the root; no part that exists is a link */
    size_t n_missing; /* how many components at its end do not exist */
};
void rootpath_done(struct rootpath *p);

/* Follow all links of @path, also the last and also those to nowhere. LIMIT for more
 * than 40 links, INVALID when a part on the way is no directory. */
int rootpath_resolve(int root_fd, const char *path, struct rootpath *ret,
                     struct mb_error *err) _must_check_;
/* openat2(RESOLVE_IN_ROOT) without magic links. NOT_FOUND, IO. */
int rootpath_open(int root_fd, const char *path, int flags, int *ret_fd,
                  struct mb_error *err) _must_check_;
/* The directory that @path (as rootpath.path) is in; *ret_name points into @path.
 * The root itself: ".". */
int rootpath_open_parent(int root_fd, const char *path, int *ret_fd,
                         const char **ret_name, struct mb_error *err) _must_check_;

/* Create the missing components as directories of 0:0 and 0755, the last one with
 * @mode,
 * @uid and @gid. Times of directories that were there come back afterwards when
 * @keep_times. */
struct rootpath_mkdir {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    bool keep_times;
    const struct timespec *times; /* of those made (atime, mtime); NULL: now */
};
int rootpath_mkdir(int root_fd, const struct rootpath *p,
                   const struct rootpath_mkdir *opts, struct mb_error *err)
    _must_check_;

#endif
