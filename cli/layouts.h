/* SPDX-License-Identifier: Apache-2.0 */
/* layouts - --build-context NAME=oci-layout://DIR[:TAG|@DIGEST]: base images from a
 * directory. */
#ifndef CLI_LAYOUTS_H
#define CLI_LAYOUTS_H

#include "cli/transfer.h"

struct layout_spec {
    char *dir;
    char *tag; /* or NULL */
    bool has_digest;
    struct mb_digest digest;
};
/* @text as typed, with "oci-layout://" in front. INVALID. */
int layout_spec_parse(const char *text, struct layout_spec *ret, struct mb_error *err)
    _must_check_;
void layout_spec_done(struct layout_spec *s);

/* Upload what the builds of @platforms (texts) can need of the image: root, and per
 * platform the best matching manifest, its config and layers, each blob once.  A
 * platform that the index does not have is left to the coordinator, which says what
 * there is. */
int layout_upload(struct transfer *t, const char *spec, const struct mb_strv *platforms,
                  struct mb_descriptor *ret_root, struct mb_error *err) _must_check_;

#endif
