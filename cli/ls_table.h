/* SPDX-License-Identifier: Apache-2.0 */
/* ls_table - the two forms in which `mbcluster ls` prints agents. */
#ifndef CLI_LS_TABLE_H
#define CLI_LS_TABLE_H

#include "proto/session.h"

/* Aligned columns, at least two blanks between them. */
void ls_table(const struct mb_ls_reply *reply, struct mb_buf *out);
/* One object per agent and line. */
void ls_json(const struct mb_ls_reply *reply, struct mb_buf *out);

#endif
