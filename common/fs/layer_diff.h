/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_diff - the upper directory of an overlay as a layer's tar: a deterministic
 * changeset.
 *
 * Runs inside the step helper's user namespace, so ids are the container's. Entries
 * sorted by path bytes (a directory before what is in it, whiteouts in their place);
 * overlay whiteouts (character device 0/0, or size-0 file with
 * {user,trusted}.overlay.whiteout) become ".wh.NAME", opaque directories
 * ".wh..wh..opq"; {user,trusted}.overlay.* and security.selinux are left out;
 * security.capability version 3 leaves as version 2; sockets are skipped; hard links
 * inside the upper are kept (first path in order holds the data). A redirect or
 * metacopy xattr is an error (CORRUPT): the overlay was mounted wrongly.
 */
#ifndef MB_FS_LAYER_DIFF_H
#define MB_FS_LAYER_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/sink.h"

struct mb_layer_diff_opts {
    bool clamp_mtime; /* rewrite-timestamp: times after max_mtime_sec become it */
    int64_t max_mtime_sec;
};
/* @dir_fd: the upper directory. The root directory itself gets no entry.
 * *ret_entries (may be NULL) is the count: 0 means an empty layer. */
int mb_layer_diff(int dir_fd, const struct mb_layer_diff_opts *opts,
                  const struct mb_sink *out, uint64_t *ret_entries,
                  struct mb_error *err) _must_check_;

#endif
