/* SPDX-License-Identifier: Apache-2.0 */
/* fetch - one http or https address to a file: build contexts and Dockerfiles. */
#ifndef MB_REGISTRY_FETCH_H
#define MB_REGISTRY_FETCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

/* GET @url, redirects followed (to http and https only, never from https to http), to
 * @fd. INVALID (address, certificate), NOT_FOUND, DENIED, UNAVAILABLE, LIMIT (over
 * @max_bytes), CANCELLED (@cancel may be NULL). */
int mb_fetch_url(const char *url, uint64_t max_bytes, const atomic_bool *cancel, int fd,
                 struct mb_error *err) _must_check_;

#endif
