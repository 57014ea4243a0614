/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_user - names in USER and --chown, looked up in the image's own files.
 * Formats: passwd(5), group(5).
 */
#ifndef STEP_IMAGE_USER_H
#define STEP_IMAGE_USER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct image_user {
    uint32_t uid, gid;
    uint32_t *groups; /* additional ones */
    size_t n_groups;
    char *home; /* never NULL after a success */
};
void image_user_done(struct image_user *u);

/* "", "u", "u:g", names or numbers. "" is root. INVALID: a name that the image does not
 * have, or an id over 65535. */
int image_user_resolve(int root_fd, const char *spec, struct image_user *ret,
                       struct mb_error *err) _must_check_;
/* For --chown: a user alone means the group of the same number. NULL or "": 0:0. */
int image_owner_resolve(int root_fd, const char *spec, uint32_t *ret_uid,
                        uint32_t *ret_gid, struct mb_error *err) _must_check_;

#endif
