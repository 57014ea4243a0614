/* SPDX-License-Identifier: Apache-2.0 */
/* output_spec - what -o/--output says: type=oci,dest=F.tar and its relatives. */
#ifndef CLI_OUTPUT_SPEC_H
#define CLI_OUTPUT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

enum output_type {
    OUTPUT_OCI = 1,   /* an OCI layout, in a tar or as a directory */
    OUTPUT_IMAGE,     /* with push: to the registry; else it stays in the coordinator's
                         store */
    OUTPUT_CACHEONLY, /* nothing comes out */
};
struct output_spec {
    enum output_type type;
    char *dest;                /* OCI: path, "-" is stdout */
    bool tar;                  /* OCI: archive (true) or directory */
    bool push;                 /* IMAGE */
    bool has_rewrite, rewrite; /* rewrite-timestamp= */
    struct mb_strv names;      /* name=a,name=b or "name=a,b" */
};

/* INVALID: unknown types and keys, each with what can be used. */
int output_spec_parse(const char *text, struct output_spec *ret, struct mb_error *err)
    _must_check_;
void output_spec_done(struct output_spec *o);

#endif
