/* SPDX-License-Identifier: Apache-2.0 */
/* inventory - what this machine is and can run, as HELLO tells it. */
#ifndef AGENT_INVENTORY_H
#define AGENT_INVENTORY_H

#include "agent/agent.h"
#include "agent/step_client.h"

/* Probes platforms through @step and keeps those that @opts allow. INVALID when none is
 * left or an asked-for platform cannot be run here (lists those that can). */
int inventory_read(struct step_client *step, const struct agent_opts *opts,
                   struct mb_agent_info *ret, struct mb_error *err) _must_check_;

#endif
