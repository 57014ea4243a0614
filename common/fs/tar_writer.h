/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar_writer - POSIX pax archives whose bytes depend on nothing but the entries.
 *
 * ustar headers; pax records only where ustar cannot hold the value (name over 100/255,
 * id or size over the octal field, xattrs as SCHILY.xattr.*, mtime with nanoseconds is
 * cut to seconds). No user or group names. Spec: POSIX.1-2017 pax "pax Interchange
 * Format"; image-spec layer.md.
 */
#ifndef MB_FS_TAR_WRITER_H
#define MB_FS_TAR_WRITER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/kv.h"
#include "fs/sink.h"

struct mb_tar_xattr {
    char *name;
    void *value;
    size_t len;
};
struct mb_tar_entry {
    const char
        *path;   /* no leading '/', no trailing '/' (the writer adds it for dirs) */
    mode_t mode; /* type and permission bits */
    uint64_t uid, gid;
    int64_t mtime_sec;
    uint64_t size;           /* regular files only */
    const char *link_target; /* symlink target, or hard link path when is_hardlink */
    int is_hardlink;
    uint32_t dev_major, dev_minor;
    const struct mb_tar_xattr *xattrs; /* sorted by name */
    size_t n_xattrs;
};

struct mb_tar_writer;
/* @out is copied. */
struct mb_tar_writer *mb_tar_writer_new(const struct mb_sink *out);
void mb_tar_writer_free(struct mb_tar_writer *w);
DEFINE_CLEANUP(struct mb_tar_writer *, mb_tar_writer_free)

/* Begin an entry; a regular file's exactly @size bytes must follow by
 * mb_tar_writer_data. */
int mb_tar_writer_entry(struct mb_tar_writer *w, const struct mb_tar_entry *e,
                        struct mb_error *err) _must_check_;
int mb_tar_writer_data(struct mb_tar_writer *w, const void *data, size_t len,
                       struct mb_error *err) _must_check_;
/* size bytes from @fd from its current offset; CORRUPT when the file is shorter. */
int mb_tar_writer_data_fd(struct mb_tar_writer *w, int fd, struct mb_error *err)
    _must_check_;
/* Padding and the two zero blocks. */
int mb_tar_writer_end(struct mb_tar_writer *w, struct mb_error *err) _must_check_;

#endif
