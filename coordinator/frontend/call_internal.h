/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by call*.c only. */
#ifndef COORDINATOR_FRONTEND_CALL_INTERNAL_H
#define COORDINATOR_FRONTEND_CALL_INTERNAL_H

#include <jansson.h>

#include "coordinator/frontend/call.h"
#include "coordinator/frontend/internal.h"

/* {"ranges": [{"start": {"line": N}, "end": {"line": M}}]} */
json_t *call_location(unsigned line, unsigned end_line);
/* What the comments say of @name ("# NAME TEXT"); "" when nothing; borrowed. */
const char *call_description(const struct mb_strv *comments, const char *name);
/* Lines of cells, each column as wide as its widest cell and two blanks. */
void call_table(const struct mb_strv *cells, size_t n_columns, struct mb_buf *out);

int call_outline(const struct frontend *f, const struct frontend_call *c,
                 struct mb_buf *out, struct mb_error *err) _must_check_;

#endif
