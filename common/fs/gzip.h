/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip - compression to independent gzip members of a fixed chunk of input
 * (libdeflate), so that any number of threads gives the same bytes; and decompression
 * of whatever layers come in. Members: RFC 1952, MTIME 0, OS 255, no name.
 */
#ifndef MB_FS_GZIP_H
#define MB_FS_GZIP_H

#include <stdint.h>

#include "fs/sink.h"

#define MB_GZIP_CHUNK_BYTES (1024u * 1024u)
#define MB_GZIP_LEVEL_DEFAULT 6

struct mb_gzip_writer;
/* @level 1-12; @threads >= 1 compress side by side, output order fixed. @out copied; it
 * is called from the thread that calls put/end only. Empty input gives one empty
 * member. */
struct mb_gzip_writer *mb_gzip_writer_new(int level, unsigned threads,
                                          const struct mb_sink *out);
int mb_gzip_writer_put(struct mb_gzip_writer *w, const void *data, size_t len,
                       struct mb_error *err) _must_check_;
int mb_gzip_writer_end(struct mb_gzip_writer *w, struct mb_error *err) _must_check_;
void mb_gzip_writer_free(struct mb_gzip_writer *w);
DEFINE_CLEANUP(struct mb_gzip_writer *, mb_gzip_writer_free)
/* "libdeflate-1.14/6/1048576": equal text means equal bytes (DESIGN: Codec). */
const char *mb_gzip_codec(void);

/* Read @fd to the end, undo gzip (any members), zstd or nothing (by content), give the
 * bytes to
 * @out. LIMIT over @max_bytes of output; CORRUPT. */
int mb_decompress_fd(int fd, uint64_t max_bytes, const struct mb_sink *out,
                     struct mb_error *err) _must_check_;

#endif
