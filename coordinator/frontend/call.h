/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - questions about a Dockerfile that its text answers: `build --call`.
 *
 *   check    what the build checks found
 *   outline  the target's description and the ARGs that it and what it needs take
 *   targets  the stages
 */
#ifndef COORDINATOR_FRONTEND_CALL_H
#define COORDINATOR_FRONTEND_CALL_H

#include "coordinator/frontend/frontend.h"

struct frontend_call {
    const char *method;
    const char *target; /* outline: or NULL */
    const char *name;   /* of the file, for messages */
    const char *text;   /* the Dockerfile, @text_len bytes */
    size_t text_len;
    bool json;
    const struct frontend_args *args;
};
/* The answer as it is printed, appended to @out. INVALID: unknown method or target. */
int frontend_call(const struct frontend *f, const struct frontend_call *c,
                  struct mb_buf *out, struct mb_error *err) _must_check_;

#endif
