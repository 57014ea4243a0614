/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_table - a doctor's report for people, and for programs. */
#ifndef CLI_DOCTOR_TABLE_H
#define CLI_DOCTOR_TABLE_H

#include "agent/doctor.h"
#include "base/buf.h"

/* "CHECK  RESULT  FINDING", and under what is not ok a line "-> what to do". */
void doctor_table(const struct doctor_report *r, bool color, struct mb_buf *out);
/* One object per finding and line: check, result, finding, fix (null when ok). */
void doctor_json(const struct doctor_report *r, struct mb_buf *out);

#endif
