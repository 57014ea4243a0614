/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cover - directories that a layer has only because something is in them.
 *
 * An archive may bring "tmp/x" without an entry for "tmp". Extracted by itself, its
 * layer has a directory of its own making there, and an overlay shows the owner, mode
 * and times of the topmost layer that has the directory. So a list of such directories
 * lies beside each layer's fs/, and a stack with one of them gets a last lower, the
 * cover: directories alone, each as the topmost layer says that has an entry for it.
 * What the directory replaced below, say a link, stays replaced, as in any overlay.
 */
#ifndef STEP_COVER_H
#define STEP_COVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

/* Write the list of the layer whose fs/ is @fs_fd; "" is its root. LIMIT. */
int cover_note(int fs_fd, const struct mb_strv *implied, struct mb_error *err)
    _must_check_;
/* A layer that a step made: its root is what the step found, as in its archive, which
 * has no entry for it. */
int cover_settle_made(int fs_fd, struct mb_error *err) _must_check_;
/* Give the root @fs_fd of a layer the time of its newest entry. */
int cover_settle_time(int fs_fd, struct mb_error *err) _must_check_;

/* @links_fd has the links "0" (top) to "@n - 1" to the layers' fs/. Make @root_fd like
 * the root of the stack. */
int cover_root(int links_fd, size_t n, int root_fd, struct mb_error *err) _must_check_;
/* Fill the empty directory @cover_fd. *ret_needed false: it stays empty, the stack is
 * right without. @with_root: its root counts, too; an upper directory has its own. */
int cover_fill(int links_fd, size_t n, int cover_fd, bool with_root, bool *ret_needed,
               struct mb_error *err) _must_check_;

#endif
