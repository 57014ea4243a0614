/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_limit - what of a step's output is passed on: all of it up to a bound, and then
 * its end, which tells most when the step fails.
 */
#ifndef AGENT_LOG_LIMIT_H
#define AGENT_LOG_LIMIT_H

#include "agent/step_client.h"
#include "base/cleanup.h"

struct log_limit;
/* @out gets what passes. */
struct log_limit *log_limit_new(step_log_fn *out, void *arg);
/* A step_log_fn; @arg is the struct log_limit. */
void log_limit_put(int stream, const void *data, size_t len, void *arg);
/* The step has ended: pass what was kept of the end. */
void log_limit_end(struct log_limit *l);
void log_limit_free(struct log_limit *l);
DEFINE_CLEANUP(struct log_limit *, log_limit_free)

#endif
