/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference - registry/repository:tag@digest as typed, normalised as Docker does it:
 * "busybox" = docker.io/library/busybox:latest. Spec: distribution-spec "Pulling
 * manifests".
 */
#ifndef MB_OCI_REFERENCE_H
#define MB_OCI_REFERENCE_H

#include "oci/digest.h"

struct mb_reference {
    char *registry;   /* "docker.io", "localhost:5000" */
    char *repository; /* "library/busybox" */
    char *tag;        /* NULL when a digest came without a tag */
    bool has_digest;
    struct mb_digest digest;
};

/* INVALID says what is wrong with @text; LIMIT. */
int mb_reference_parse(const char *text, struct mb_reference *ret, struct mb_error *err)
    _must_check_;
void mb_reference_done(struct mb_reference *r);
void mb_reference_copy(struct mb_reference *ret, const struct mb_reference *from);
/* Full form "docker.io/library/busybox:latest[@sha256:..]"; malloc'ed. */
char *mb_reference_text(const struct mb_reference *r);

#endif
