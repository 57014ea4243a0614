/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_diff - the upper directory of an overlay as a layer's tar: a deterministic
 * changeset.
 *
 * Runs inside the step helper's user namespace, so ids are the container's. Entries are
 * sorted by path bytes (a directory before what is in it, whiteouts as ".wh.NAME", the
 * marker of an opaque directory right behind it). Overlay whiteouts (character device
 * 0/0, or size-0 file with {user,trusted}.overlay.whiteout) become ".wh.NAME", opaque
 * directories ".wh..wh..opq". Attributes: user.* and security.capability (version 3
 * leaves as version 2), nothing else and no *.overlay.*, so that the host's labels and
 * default ACLs stay out. Times are whole seconds; sockets are skipped; hard links of
 * regular files inside the upper are kept (first path in order holds the data).
 * CORRUPT: a redirect or metacopy xattr, the overlay was mounted wrongly; a file that
 * shrank meanwhile. INVALID: a file whose own name begins with ".wh.".
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
