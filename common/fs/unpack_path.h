/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack_path - where an entry of a layer goes; inside common/fs only.
 *
 * Links that the layer itself brought are followed as a process chrooted to the
 * directory would (RESOLVE_IN_ROOT), so nothing is ever resolved outside it.
 */
#ifndef MB_FS_UNPACK_PATH_H
#define MB_FS_UNPACK_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/* Directories whose times are set when nothing is written any more. */
struct mb_dir_time {
    char *path;
    struct timespec mtime;
};
struct mb_dir_times {
    struct mb_dir_time *v;
    size_t n;
    void *implied; /* tsearch tree of inodes: made as a parent only */
};
void mb_dir_times_add(struct mb_dir_times *l, const char *path, struct timespec mtime);
int mb_dir_times_apply(const struct mb_dir_times *l, int dir_fd, struct mb_error *err)
    _must_check_;
void mb_dir_times_done(struct mb_dir_times *l);
/* Was the directory made as a parent, and not spoken of since? */
bool mb_dir_times_is_implied(const struct mb_dir_times *l, ino_t ino);
/* It has an entry of its own after all. */
void mb_dir_times_forget_implied(struct mb_dir_times *l, ino_t ino);

/* Open the directory that @path is in; *ret_base points into @path.  Missing parents
 * are made (0755, time 0, added to @made) unless @made is NULL: then NOT_FOUND. INVALID
 * (a parent is no directory). */
int mb_unpack_parent(int dir_fd, const char *path, struct mb_dir_times *made,
                     int *ret_fd, const char **ret_base, struct mb_error *err)
    _must_check_;

/* Mark a directory so that an overlay shows nothing of the layers below in it. */
int mb_unpack_opaque(int fd, struct mb_error *err) _must_check_;
/* mkdir in place of a whiteout: what the whiteout hid stays hidden. */
int mb_unpack_mkdir_opaque(int parent_fd, const char *name, struct mb_error *err)
    _must_check_;

#endif
