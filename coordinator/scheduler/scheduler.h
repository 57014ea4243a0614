/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduler - which agent takes a task: pure, state in, decision out.
 *
 * Native before emulated; while a native agent for the platform is present, its queue
 * is waited for (greedy overflow to QEMU was the worst policy in simulation). Among
 * equals: an agent that has not failed this task, one that holds the task's start
 * state, the least loaded share of slots, then the order of the list.
 */
#ifndef COORDINATOR_SCHEDULER_H
#define COORDINATOR_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/session.h"

struct sched_agent {
    const struct mb_agent_info *info; /* borrowed */
    uint64_t running;                 /* tasks it has now */
    bool usable;                      /* ready: neither torpid nor lost */
    bool failed_before;               /* this task had an infrastructure error there */
    bool holds_start;                 /* ran the step before */
};
enum sched_emulation {
    SCHED_EMULATION_AUTO,
    SCHED_EMULATION_NEVER,
    SCHED_EMULATION_ALWAYS
};

enum sched_verdict {
    SCHED_ASSIGN,     /* *ret_index, *ret_emulated */
    SCHED_WAIT,       /* somebody can, nobody is free */
    SCHED_IMPOSSIBLE, /* nobody in the cluster can */
};
enum sched_verdict scheduler_pick(const struct sched_agent *agents, size_t n,
                                  const struct mb_platform *platform,
                                  enum sched_emulation emulation, size_t *ret_index,
                                  bool *ret_emulated);

/* The platform with the most native slots, ties by list order: BUILDPLATFORM. False
 * without agents. */
bool scheduler_build_platform(const struct sched_agent *agents, size_t n,
                              struct mb_platform *ret);

#endif
