/* SPDX-License-Identifier: Apache-2.0 */
/* fd - reading, writing and naming files: EINTR-safe, CLOEXEC, whole or absent. */
#ifndef MB_BASE_FD_H
#define MB_BASE_FD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* read(2) that retries EINTR. */
ssize_t mb_read(int fd, void *data, size_t len);
/* Exactly len bytes: CORRUPT when the file ends first, IO. */
int mb_read_exact(int fd, void *data, size_t len, struct mb_error *err) _must_check_;
int mb_write_all(int fd, const void *data, size_t len, struct mb_error *err)
    _must_check_;
/* Until end of file; LIMIT over ret's max. */
int mb_read_to_end(int fd, struct mb_buf *ret, struct mb_error *err) _must_check_;

/* The whole file, appended to @ret (its max is the limit). NOT_FOUND, LIMIT, IO. */
int mb_read_file(int dir_fd, const char *path, struct mb_buf *ret, struct mb_error *err)
    _must_check_;
/* Temporary file in the same directory, fsync, rename over @path. */
int mb_write_file(int dir_fd, const char *path, const void *data, size_t len,
                  mode_t mode, struct mb_error *err) _must_check_;

/* Open a directory O_DIRECTORY|O_CLOEXEC; @dir_fd may be AT_FDCWD. */
int mb_open_dir(int dir_fd, const char *path, int *ret_fd, struct mb_error *err)
    _must_check_;
/* mkdir -p below dir_fd; existing directories are fine. */
int mb_mkdir_p(int dir_fd, const char *path, mode_t mode, struct mb_error *err)
    _must_check_;
/* rm -rf that never follows a link and never leaves dir_fd; not there is success. */
int mb_remove_tree(int dir_fd, const char *name, struct mb_error *err) _must_check_;

int mb_pipe(int *ret_read, int *ret_write, struct mb_error *err) _must_check_;
/* Copy @fd to the end into @to; *ret_bytes may be NULL. */
int mb_copy_fd(int fd, int to, uint64_t *ret_bytes, struct mb_error *err) _must_check_;

#endif
