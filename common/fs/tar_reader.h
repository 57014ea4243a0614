/* SPDX-License-Identifier: Apache-2.0 */
/* tar_reader - libarchive's tar reader set up for us; inside common/fs only. */
#ifndef MB_FS_TAR_READER_H
#define MB_FS_TAR_READER_H

#include <stdbool.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

struct mb_tar_reader;
/* Plain tar from @fd (borrowed). */
int mb_tar_reader_new(int fd, struct mb_tar_reader **ret, struct mb_error *err)
    _must_check_;
/* The same, perhaps compressed with bzip2 or xz: told by content. */
int mb_tar_reader_new_packed(int fd, struct mb_tar_reader **ret, struct mb_error *err)
    _must_check_;
/* The same, perhaps compressed with gzip, bzip2, xz or zstd. */
int mb_tar_reader_new_any(int fd, struct mb_tar_reader **ret, struct mb_error *err)
    _must_check_;
void mb_tar_reader_free(struct mb_tar_reader *r);
DEFINE_CLEANUP(struct mb_tar_reader *, mb_tar_reader_free)

/* Next entry, borrowed until the next call; NULL at the end, when @fd was read to its
 * end too.  CORRUPT, LIMIT (MB_TAR_ENTRIES_MAX, an entry or all over
 * MB_BLOB_BYTES_MAX), IO. */
int mb_tar_reader_next(struct mb_tar_reader *r, struct archive_entry **ret,
                       struct mb_error *err) _must_check_;
/* Next piece of the entry's data: *ret_len 0 at the end.  Pieces come in order of
 * *ret_offset; what lies between is zero. */
int mb_tar_reader_data(struct mb_tar_reader *r, const void **ret, size_t *ret_len,
                       uint64_t *ret_offset, struct mb_error *err) _must_check_;

/* The entry's name without "./" and leading '/'; "" is the root.  malloc'ed.
 * INVALID (empty name, ".."), LIMIT (length). */
int mb_tar_name_clean(const char *name, char **ret, struct mb_error *err) _must_check_;

#endif
