/* SPDX-License-Identifier: Apache-2.0 */
/* run_flags - flags of build that say what a RUN finds: --add-host, --ulimit,
 * --shm-size; each value as the request carries it. */
#ifndef CLI_RUN_FLAGS_H
#define CLI_RUN_FLAGS_H

#include <stdint.h>

#include "base/error.h"

/* "NAME:IP", "NAME=IP", the IP also in brackets: "IP\tNAME", malloc'ed. INVALID. */
int run_flag_host(const char *text, char **ret, struct mb_error *err) _must_check_;
/* "nofile=SOFT[:HARD]", -1 is no limit: "RLIMIT_NOFILE SOFT HARD", malloc'ed. INVALID.
 */
int run_flag_ulimit(const char *text, char **ret, struct mb_error *err) _must_check_;
/* "64m", "1gb", "1000". INVALID. */
int run_flag_bytes(const char *text, uint64_t *ret, struct mb_error *err) _must_check_;

#endif
