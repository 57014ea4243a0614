/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar_repack - archives that people hand over as build contexts, made into the tar that
 * a context is. The archive's bytes come from outside: its names are cleaned, device
 * nodes and sockets are left out, owners become 0:0, sizes and counts are bounded.
 */
#ifndef MB_FS_TAR_REPACK_H
#define MB_FS_TAR_REPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "fs/sink.h"

/* Enough of a file's beginning for the two questions. */
#define MB_TAR_HEAD_BYTES 512
/* A tar's first header (POSIX, GNU or older: its checksum is right), or its end. */
bool mb_tar_is_head(const void *data, size_t len);
/* gzip, bzip2, xz or zstd. */
bool mb_is_compressed_head(const void *data, size_t len);

/* Plain, bzip2 or xz tar from @fd (borrowed; gzip and zstd: mb_decompress_fd() first)
 * to @out as a plain tar, in the archive's order. INVALID (a name that marks deletion
 * in layers, ".."), CORRUPT, LIMIT, IO. */
int mb_tar_repack(int fd, const struct mb_sink *out, struct mb_error *err) _must_check_;
/* The regular file @name of a plain tar, appended to @ret (its max is the limit); the
 * last of that name. NOT_FOUND, CORRUPT, LIMIT. */
int mb_tar_read_file(int fd, const char *name, struct mb_buf *ret, struct mb_error *err)
    _must_check_;

#endif
