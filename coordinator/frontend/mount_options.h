/* SPDX-License-Identifier: Apache-2.0 */
/* mount_options - the fields of one --mount as texts, by a table. */
#ifndef COORDINATOR_FRONTEND_MOUNT_OPTIONS_H
#define COORDINATOR_FRONTEND_MOUNT_OPTIONS_H

#include "coordinator/frontend/eval.h"

enum mount_option {
    OPT_TYPE,
    OPT_FROM,
    OPT_SOURCE,
    OPT_TARGET,
    OPT_READONLY,
    OPT_READWRITE,
    OPT_ID,
    OPT_SHARING,
    OPT_REQUIRED,
    OPT_MODE,
    OPT_UID,
    OPT_GID,
    OPT_SIZE,
    OPT_ENV,
    N_OPTIONS,
};
/* The options of one mount as texts; NULL: not given. */
struct mount_options {
    char *v[N_OPTIONS];
};

void mount_options_done(struct mount_options *o);
#define _cleanup_options_ _cleanup_(mount_options_done)

/* Of enum frontend_mount_kind; NULL behind the last. */
extern const char *const mount_kind_names[];

/* "type=bind,source=a" to options, variables replaced; @e NULL: values stay as they
 * are. INVALID. */
int mount_options_parse(struct eval *e, const char *text, struct mount_options *ret,
                        struct mb_error *err) _must_check_;
/* INVALID names an option that this kind does not have. */
int mount_options_check(const struct mount_options *o, enum frontend_mount_kind kind,
                        struct mb_error *err) _must_check_;

#endif
