/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage - a file in the making that has no name in the store until it is whole.
 *
 * Unnamed (O_TMPFILE) where the file system can, so that a killed process leaves
 * nothing; else a name in DIR/tmp, which the next lone opener of the store empties.
 */
#ifndef MB_STORE_STAGE_H
#define MB_STORE_STAGE_H

#include <stdbool.h>

#include "base/error.h"

struct mb_stage {
    int tmp_fd; /* borrowed: DIR/tmp */
    int fd;
    char name[33]; /* in DIR/tmp; "" while unnamed */
};
#define MB_STAGE_INIT ((struct mb_stage){.tmp_fd = -1, .fd = -1})

/* @named: do not try O_TMPFILE (tests). */
int mb_stage_open(int tmp_fd, bool named, struct mb_stage *ret, struct mb_error *err)
    _must_check_;
/* fsync, then the name @dir_fd/@name; a file of that name is left as it is. */
int mb_stage_publish(struct mb_stage *st, int dir_fd, const char *name,
                     struct mb_error *err) _must_check_;
/* As above, but a file of that name is replaced. */
int mb_stage_replace(struct mb_stage *st, int dir_fd, const char *name,
                     struct mb_error *err) _must_check_;
void mb_stage_done(struct mb_stage *st);

#endif
