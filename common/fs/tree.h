/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - the listing of a build context: what COPY selects from and what its key is
 * made of.
 */
#ifndef MB_FS_TREE_H
#define MB_FS_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strv.h"
#include "oci/digest.h"

struct mb_tree_entry {
    char *path; /* no leading '/', "" never occurs */
    mode_t mode;
    uint64_t size;
    struct mb_digest content; /* regular files */
    char *link_target; /* symlinks; hard links are listed as the file they name */
};
struct mb_tree {
    struct mb_tree_entry *v; /* sorted by path bytes */
    size_t n;
};
/* From a plain tar. CORRUPT, LIMIT (MB_TAR_ENTRIES_MAX). */
int mb_tree_from_tar(int tar_fd, struct mb_tree *ret, struct mb_error *err)
    _must_check_;
void mb_tree_done(struct mb_tree *t);

/* Paths that @pattern (Go Match per path element, cleaned and clamped) selects, sorted;
 * a pattern without glob characters selects itself if there ("" or "." the root, always
 * there). Links are followed as copying follows them, inside the root; what leads
 * nowhere selects nothing: success and an empty list. Replaces *ret. INVALID (bad
 * pattern). */
int mb_tree_select(const struct mb_tree *t, const char *pattern, struct mb_strv *ret,
                   struct mb_error *err) _must_check_;
/* Digest over the selected path and, for a directory, all below it: relative path,
 * type, permission bits, content or link target; not mtime, not owner. @path itself may
 * be a link: the digest is that of what it leads to. NOT_FOUND. */
int mb_tree_digest(const struct mb_tree *t, const char *path, struct mb_digest *ret,
                   struct mb_error *err) _must_check_;

/* --- making one --- */
/* Decides what of a directory goes in; @path as in mb_tree_entry. For a directory that
 * is not taken, @may_hold_taken says whether to look inside. */
struct mb_tar_filter {
    bool (*take)(const char *path, bool is_dir, bool *may_hold_taken, void *arg);
    void *arg;
};
struct mb_sink;
/* A deterministic tar of the directory (sorted, uid/gid 0, permission bits, mtime in
 * seconds, user xattrs left out, sockets and devices skipped); *ret_bytes of file data
 * (may be NULL). A file that changes while it is read is IO with a message that says
 * so. */
int mb_tar_directory(int dir_fd, const struct mb_tar_filter *filter,
                     const struct mb_sink *out, uint64_t *ret_bytes,
                     struct mb_error *err) _must_check_;

#endif
