/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_unpack - one layer's tar into a directory that will be an overlay lower.
 *
 * Reads plain tar from a descriptor (compression is undone outside). Hostile input:
 * every path is resolved beneath the directory with
 * openat2(RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS) or its parents are made; "..", absolute
 * names and links out of the tree are clamped or refused (INVALID naming the entry);
 * bounds of base/limits.h apply. OCI whiteouts become overlay whiteouts (mknod c 0 0)
 * and user.overlay.opaque=y. Device nodes other than whiteouts are skipped. An id
 * outside the user namespace is INVALID and names file and id. xattrs: user.*,
 * security.capability, and others when permitted (EOPNOTSUPP/EPERM on others is
 * ignored), never *.overlay.*. Times are kept (directories' set last). Modes exact
 * incl. setuid.
 */
#ifndef MB_FS_LAYER_UNPACK_H
#define MB_FS_LAYER_UNPACK_H

#include "base/error.h"

int mb_layer_unpack(int tar_fd, int dir_fd, struct mb_error *err) _must_check_;

#endif
