/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/task.h"

#include "base/log.h"

static const struct {
    enum task_state from;
    enum task_event ev;
    enum task_state to;
} moves[] = {
    {TASK_OFFERED, EV_STEP_STARTED, TASK_RUNNING},
    {TASK_OFFERED, EV_RESULT_ERROR, TASK_FAILED},
    {TASK_OFFERED, EV_CANCEL, TASK_CANCELLING},
    {TASK_OFFERED, EV_AGENT_LOST, TASK_LOST},
    {TASK_RUNNING, EV_STEP_STARTED, TASK_RUNNING},
    {TASK_RUNNING, EV_STEP_DONE, TASK_RUNNING},
    {TASK_RUNNING, EV_RESULT_OK, TASK_DONE},
    {TASK_RUNNING, EV_RESULT_ERROR, TASK_FAILED},
    {TASK_RUNNING, EV_CANCEL, TASK_CANCELLING},
    {TASK_RUNNING, EV_AGENT_LOST, TASK_LOST},
    /* Messages that crossed the cancellation on their way are taken and change nothing.
     */
    {TASK_CANCELLING, EV_STEP_STARTED, TASK_CANCELLING},
    {TASK_CANCELLING, EV_STEP_DONE, TASK_CANCELLING},
    {TASK_CANCELLING, EV_CANCEL, TASK_CANCELLING},
    {TASK_CANCELLING, EV_RESULT_OK, TASK_DONE},
    {TASK_CANCELLING, EV_RESULT_ERROR, TASK_FAILED},
    {TASK_CANCELLING, EV_AGENT_LOST, TASK_LOST},
};

const char *task_state_name(enum task_state s)
{
    static const char *const names[] = {"offered", "running", "cancelling",
                                        "done",    "failed",  "lost"};

    return names[s];
}

const char *task_event_name(enum task_event ev)
{
    static const char *const names[] = {"step_started", "step_done", "result_ok",
                                        "result_error", "cancel",    "agent_lost"};

    return names[ev];
}

int task_next_state(enum task_state from, enum task_event ev)
{
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
        if (moves[i].from == from && moves[i].ev == ev)
            return (int)moves[i].to;
    return -1;
}

int task_move(struct task *t, uint64_t build_id, enum task_event ev,
              struct mb_error *err)
{
    int to = task_next_state(t->state, ev);

    if (to < 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "task %llu is %s: %s has no place there",
                       (unsigned long long)t->id, task_state_name(t->state),
                       task_event_name(ev));
    if (to != (int)t->state)
        mb_log(MB_LOG_INFO, "task_state", "build=%llu task=%llu agent=%s from=%s to=%s",
               (unsigned long long)build_id, (unsigned long long)t->id, t->agent->name,
               task_state_name(t->state), task_state_name((enum task_state)to));
    t->state = (enum task_state)to;
    return 0;
}

bool task_is_over(const struct task *t)
{
    return t->state == TASK_DONE || t->state == TASK_FAILED || t->state == TASK_LOST;
}

void task_free(struct task *t)
{
    free(t->steps);
    free(t);
}
