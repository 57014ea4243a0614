/* SPDX-License-Identifier: Apache-2.0 */
/* verbs - the commands of mbcluster: argv without program and verb; the exit code comes
 * back. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "base/error.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2

int verb_build(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_ls(int argc, char **argv);
int verb_version(int argc, char **argv);

/* "ERROR: ..." on stderr and EXIT_FAILED. */
int verb_failed(const struct mb_error *err);
/* The same with a hint at --help, and EXIT_USAGE. */
int verb_usage_error(const char *verb, const struct mb_error *err);

#endif
