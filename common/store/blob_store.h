/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_store - content-addressed files: DIR/blobs/sha256/<hex>, whole or absent.
 *
 * Safe for any number of threads and processes on one directory (not NFS: refused with
 * a word, since flock and rename do not hold there). Each open store holds a shared
 * flock on DIR/lock. DIR is an OCI image layout (oci-layout, an empty index.json).
 * A blob is synced before it gets its name; the directory is not synced, so after a
 * power loss a new blob may be absent, never damaged.
 */
#ifndef MB_STORE_BLOB_STORE_H
#define MB_STORE_BLOB_STORE_H

#include "base/buf.h"
#include "oci/descriptor.h"

struct mb_blob_store;

/* Makes DIR (0700) when missing. INVALID (network file system), IO. */
int mb_blob_store_open(const char *dir, struct mb_blob_store **ret,
                       struct mb_error *err) _must_check_;
void mb_blob_store_free(struct mb_blob_store *s);
DEFINE_CLEANUP(struct mb_blob_store *, mb_blob_store_free)

/* Is it there; *ret_size_bytes may be NULL. */
bool mb_blob_store_has(struct mb_blob_store *s, const struct mb_digest *d,
                       uint64_t *ret_size_bytes);
/* O_RDONLY; NOT_FOUND. */
int mb_blob_store_open_blob(struct mb_blob_store *s, const struct mb_digest *d,
                            int *ret_fd, uint64_t *ret_size_bytes, struct mb_error *err)
    _must_check_;
/* Whole and verified, appended to @ret. NOT_FOUND, LIMIT, CORRUPT (and the file is
 * removed). */
int mb_blob_store_read(struct mb_blob_store *s, const struct mb_digest *d,
                       struct mb_buf *ret, struct mb_error *err) _must_check_;
/* Store small bytes; their digest goes to *ret (may be NULL). */
int mb_blob_store_put(struct mb_blob_store *s, const void *data, size_t len,
                      struct mb_digest *ret, struct mb_error *err) _must_check_;
/* Not there is success. */
int mb_blob_store_remove(struct mb_blob_store *s, const struct mb_digest *d,
                         struct mb_error *err) _must_check_;

/* --- streaming; one thread per writer --- */
struct mb_blob_writer;
/* @expect: digest and size it must turn out to be, or NULL (unknown). @max_bytes: LIMIT
 * above. */
int mb_blob_writer_new(struct mb_blob_store *s, const struct mb_descriptor *expect,
                       uint64_t max_bytes, struct mb_blob_writer **ret,
                       struct mb_error *err) _must_check_;
int mb_blob_writer_append(struct mb_blob_writer *w, const void *data, size_t len,
                          struct mb_error *err) _must_check_;
/* Verify, fsync, name. A blob that is stored already is success. *ret (may be NULL):
 * digest and size, media_type copied from @expect. Only free may follow. CORRUPT, IO.
 */
int mb_blob_writer_commit(struct mb_blob_writer *w, struct mb_descriptor *ret,
                          struct mb_error *err) _must_check_;
void mb_blob_writer_free(
    struct mb_blob_writer *w); /* before commit: nothing stays behind */
DEFINE_CLEANUP(struct mb_blob_writer *, mb_blob_writer_free)

#endif
