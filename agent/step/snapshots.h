/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshots - layers/: what is extracted, and what is in the making.
 *
 *   sha256/<diffID hex>/fs        a layer; there means whole
 *   sha256/<diffID hex>/implied   directories without an entry of their own (cover.h)
 *   boot                          the kernel's boot_id when the layers were made
 *   tmp/<owner>/<work>/{fs,work}  in the making by the helper that holds a lock on
 * <owner>
 *
 * A helper that died leaves its <owner> behind unlocked; the next one to start takes it
 * into its own and removes it.
 */
#ifndef STEP_SNAPSHOTS_H
#define STEP_SNAPSHOTS_H

#include "oci/digest.h"
#include "step/holder.h"

/* Make the directories, lock an owner of our own, take over what dead ones left and the
 * layers of another boot. */
int snapshots_open(struct holder *h, struct mb_error *err) _must_check_;
/* Remove what was taken over, in a child process. */
void snapshots_sweep(struct holder *h);

/* Remove our owner, when nothing is in it. */
void snapshots_close(const struct holder *h);

int snapshots_has(const struct holder *h, const struct mb_digest *diff_id, bool *ret,
                  struct mb_error *err) _must_check_;
/* A new work directory with fs/ and work/. */
int snapshots_work_new(const struct holder *h, char ret[WORK_ID_LEN + 1],
                       struct mb_error *err) _must_check_;
/* Its fs/. INVALID for what is not a work id, NOT_FOUND. */
int snapshots_work_open(const struct holder *h, const char *work, int *ret_fd,
                        struct mb_error *err) _must_check_;
int snapshots_work_remove(const struct holder *h, const char *work,
                          struct mb_error *err) _must_check_;
/* The work becomes that layer; when the layer is there already, the work is removed. */
int snapshots_commit(const struct holder *h, const char *work,
                     const struct mb_digest *diff_id, struct mb_error *err)
    _must_check_;

#endif
