/* SPDX-License-Identifier: Apache-2.0 */
/* xattr - which extended attributes enter and leave layers; inside common/fs only. */
#ifndef MB_FS_XATTR_H
#define MB_FS_XATTR_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/tar_writer.h"

/* All attributes of a file, sorted by name. */
struct mb_xattrs {
    struct mb_tar_xattr *v;
    size_t n;
};
void mb_xattrs_done(struct mb_xattrs *l);

/* Read from an open file; a file system without them gives none.  LIMIT, IO. */
int mb_xattrs_read(int fd, struct mb_xattrs *ret, struct mb_error *err) _must_check_;
/* Borrowed; NULL when not there. */
const struct mb_tar_xattr *mb_xattrs_get(const struct mb_xattrs *l, const char *name);
/* {user,trusted}.overlay.NAME with value[0] == first, or any value when first is 0. */
bool mb_xattrs_has_overlay(const struct mb_xattrs *l, const char *name, char first);
/* Keep what a layer holds: user.* (not user.overlay.*) and security.capability, as v2.
 */
void mb_xattrs_keep_portable(struct mb_xattrs *l);

/* Any *.overlay.* name. */
bool mb_xattr_is_overlay(const char *name);
/* The file capability in place: version 3 (with a root id) becomes version 2; *len of
 * it. */
void mb_xattr_capability_v2(void *value, size_t *len);

#endif
