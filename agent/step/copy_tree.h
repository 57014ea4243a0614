/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_tree - copying files and directories between two roots, as COPY does it.
 */
#ifndef STEP_COPY_TREE_H
#define STEP_COPY_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/strv.h"
#include "fs/ignore.h"

struct copy_tree {
    int root_fd;       /* of the destination's root; borrowed */
    uint32_t uid, gid; /* of everything that is made */
    const char *chmod; /* checked text for mb_mode_apply(), or NULL; borrowed */
    const struct mb_ignore *excludes; /* relative to the source; or NULL; borrowed */
    /* What was unpacked: owners are the source's, directories that are there already
     * take the source's attributes too (but the first, and those in @implied, sorted
     * relative paths), and what is in the way is replaced. */
    bool archive;
    const struct mb_strv *implied;  /* borrowed */
    const struct mb_ignore *select; /* what it leaves out is not taken either */
    void *links;  /* tsearch tree: files with more than one name that were seen */
    size_t front; /* bytes of a destination in front of what is relative */
};
void copy_tree_done(struct copy_tree *c);

/* Copy the file, link, or directory @name of @src_fd to the real path @dest (no links
 * in its existing parts; its directory exists). Existing directories are merged and
 * keep their attributes; a directory does not replace a file, nor a file a directory
 * (INVALID). What is excluded is left out; a directory that is there for the sake of
 * what '!' takes again is made when that comes. */
int copy_tree_entry(struct copy_tree *c, int src_fd, const char *name, const char *dest,
                    struct mb_error *err) _must_check_;

/* --- copy_archive.c --- */
struct holder;
/* What is in the archive @fd (offset 0), below the directory @dest, a real path that is
 * there. INVALID, CORRUPT, LIMIT: what the archive holds. */
int copy_archive(const struct holder *h, int fd, int root_fd, const char *dest,
                 struct mb_error *err) _must_check_;

/* --- copy_link.c --- */
struct worker;
/* worker_mount_root() of no layers; the step's owner becomes numbers. */
int copy_link_mount(struct worker *w, struct mb_error *err) _must_check_;

/* --- copy_file.c --- */
/* Content, sparse where the source is. */
int copy_file_data(int from, int to, uint64_t size, struct mb_error *err) _must_check_;
/* Extended attributes that layers carry: user.* (no overlay marks) and
 * security.capability. */
int copy_file_xattrs(int from, int to, struct mb_error *err) _must_check_;

#endif
