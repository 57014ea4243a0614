/* SPDX-License-Identifier: Apache-2.0 */
/* call_spec - the value of --call. */
#ifndef CLI_CALL_SPEC_H
#define CLI_CALL_SPEC_H

#include <stdbool.h>

#include "base/error.h"

struct call_spec {
    char *method; /* "check", "outline", "targets"; NULL: build */
    bool json, ignore_status;
};
/* "check", "outline,format=json", "check,ignorestatus=true"; NULL is "build". INVALID.
 */
int call_spec_parse(const char *text, struct call_spec *ret, struct mb_error *err)
    _must_check_;
void call_spec_done(struct call_spec *s);

#endif
