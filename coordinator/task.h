/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task - a run of steps that one agent has, from its assignment to its end.
 *
 * One table of legal moves, one setter. A refused move is the peer's fault and changes
 * nothing.
 */
#ifndef COORDINATOR_TASK_H
#define COORDINATOR_TASK_H

#include "coordinator/agents.h"
#include "oci/platform.h"

enum task_state {
    TASK_OFFERED,    /* sent; nothing heard yet */
    TASK_RUNNING,    /* a step began */
    TASK_CANCELLING, /* told to stop; its end is awaited */
    TASK_DONE,       /* every step reported, the agent said ok */
    TASK_FAILED,     /* the agent reported an error */
    TASK_LOST,       /* the agent is gone */
};
enum task_event {
    EV_STEP_STARTED,
    EV_STEP_DONE,
    EV_RESULT_OK,
    EV_RESULT_ERROR,
    EV_CANCEL,
    EV_AGENT_LOST,
    EV_N,
};
const char *task_state_name(enum task_state s);
const char *task_event_name(enum task_event ev);

struct task {
    struct task *next;
    uint64_t id, epoch;
    enum task_state state;
    struct agent_session *agent; /* borrowed; until DONE, FAILED or LOST */
    bool emulated;
    struct mb_platform platform;
    size_t *steps; /* indices into the plan, in order */
    size_t n_steps;
    size_t n_done;
    uint64_t began_usec; /* of the current step */
};
/* Pure: where the event leads, or -1. */
int task_next_state(enum task_state from, enum task_event ev);
/* Make the move and log it; PROTOCOL when there is no such move. */
int task_move(struct task *t, uint64_t build_id, enum task_event ev,
              struct mb_error *err) _must_check_;
bool task_is_over(const struct task *t);
void task_free(struct task *t);

#endif
