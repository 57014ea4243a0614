/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_unpack - one layer's tar into a directory that will be an overlay lower.
 *
 * Reads plain tar from a descriptor to its end (compression is undone outside). The
 * directory must be empty and nobody else may write to it.
 * Hostile input: absolute names lose their '/', ".." is refused; parents are resolved
 * with openat2(RESOLVE_IN_ROOT), so links of the layer itself are followed inside the
 * directory and a link that leads to no directory in it is refused; missing parents are
 * made (0755, root's, time 0); hard links reach only what this layer brought. INVALID
 * names the entry. Bounds of base/limits.h apply.
 * OCI whiteouts become overlay whiteouts (mknod c 0 0) and user.overlay.opaque=y; they
 * hide what is below, never what the same layer brings. A later entry replaces an
 * earlier one. Device nodes are skipped. An id outside the user namespace is INVALID
 * and names file and id. xattrs: user.*, security.capability (as version 2), and others
 * when permitted (EOPNOTSUPP/EPERM on others is ignored), never *.overlay.* or
 * security.selinux. Times are kept (directories' set last). Modes exact incl. setuid.
 */
#ifndef MB_FS_LAYER_UNPACK_H
#define MB_FS_LAYER_UNPACK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"

int mb_layer_unpack(int tar_fd, int dir_fd, struct mb_error *err) _must_check_;
/* Also *ret_implied: the directories that are there only because something is in them
 * and which have no entry of their own, parents first; "" is the root. What they look
 * like is for the layers below to say. */
int mb_layer_unpack_noting(int tar_fd, int dir_fd, struct mb_strv *ret_implied,
                           struct mb_error *err) _must_check_;

/* --- archives that users bring --- */

/* Does @fd, read from its offset on, begin as a tar with an entry, plain or compressed
 * with gzip, bzip2, xz or zstd? The offset moves. IO. */
int mb_archive_probe(int fd, bool *ret, struct mb_error *err) _must_check_;
/* mb_layer_unpack_noting() of such an archive. */
int mb_archive_unpack(int fd, int dir_fd, struct mb_strv *ret_implied,
                      struct mb_error *err) _must_check_;

#endif
