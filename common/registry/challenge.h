/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge - WWW-Authenticate of a 401 answer: what a registry wants to see.
 * Spec: RFC 9110 section 11.6.1; distribution's token authentication.
 */
#ifndef MB_REGISTRY_CHALLENGE_H
#define MB_REGISTRY_CHALLENGE_H

#include <stdbool.h>

#include "base/error.h"

struct mb_challenge {
    bool bearer;                   /* else Basic */
    char *realm, *service, *scope; /* NULL when not given */
};

/* The challenge we can answer best: Bearer with a realm, else Basic; headers hold one
 * or several. INVALID (malformed, or no scheme that we know), LIMIT. */
int mb_challenge_parse(const char *header, struct mb_challenge *ret,
                       struct mb_error *err) _must_check_;
void mb_challenge_done(struct mb_challenge *c);

#endif
