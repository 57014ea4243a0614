/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout - an OCI image layout directory, read only. Spec: image-spec image-layout.md.
 * Everything read from it is checked against its digest.
 */
#ifndef MB_OCI_LAYOUT_H
#define MB_OCI_LAYOUT_H

#include "oci/manifest.h"

struct mb_layout;

/* INVALID (no oci-layout file or unknown version), NOT_FOUND, IO. */
int mb_layout_open(const char *dir, struct mb_layout **ret, struct mb_error *err)
    _must_check_;
void mb_layout_free(struct mb_layout *l);
DEFINE_CLEANUP(struct mb_layout *, mb_layout_free)

/* The root descriptor for @tag (NULL: "latest" if there, else the only entry) or, when
 * @digest is not NULL, for that digest. NOT_FOUND lists the names there are. */
int mb_layout_resolve(struct mb_layout *l, const char *tag,
                      const struct mb_digest *digest, struct mb_descriptor *ret,
                      struct mb_error *err) _must_check_;
/* The whole blob, verified; LIMIT over ret->max. */
int mb_layout_read(struct mb_layout *l, const struct mb_descriptor *d,
                   struct mb_buf *ret, struct mb_error *err) _must_check_;
/* O_RDONLY fd of a blob, size checked, digest NOT (the reader verifies while
 * streaming). */
int mb_layout_open_blob(struct mb_layout *l, const struct mb_descriptor *d, int *ret_fd,
                        struct mb_error *err) _must_check_;

#endif
