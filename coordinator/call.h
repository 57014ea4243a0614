/* SPDX-License-Identifier: Apache-2.0 */
/* call - CALL: what a Dockerfile's text answers, without a build. */
#ifndef COORDINATOR_CALL_H
#define COORDINATOR_CALL_H

#include "proto/call.h"

/* The answer to the CALL in @data; never fails, errors are in *ret. Free by
 * mb_wire_done(). */
void call_answer(const void *data, size_t len, struct mb_call_reply *ret);

#endif
