/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_table - the system calls of a step. Data; bundle.c makes the profile of it.
 */
#ifndef STEP_SECCOMP_TABLE_H
#define STEP_SECCOMP_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Allowed whatever their arguments are. NULL-terminated. */
extern const char *const seccomp_allowed[];

/* Allowed when an argument compares so. */
struct seccomp_rule {
    const char *name;
    unsigned arg;
    const char *op; /* SCMP_CMP_... */
    uint64_t value, value_two;
};
extern const struct seccomp_rule seccomp_rules[];
extern const size_t n_seccomp_rules;

#endif
