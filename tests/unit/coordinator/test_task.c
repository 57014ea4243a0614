/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/log.h"
#include "coordinator/task.h"

/* The whole life, written down a second time: what is not here must be refused. */
static const char *const legal[] = {
    "offered+step_started=running",
    "offered+result_error=failed",
    "offered+cancel=cancelling",
    "offered+agent_lost=lost",
    "running+step_started=running",
    "running+step_done=running",
    "running+result_ok=done",
    "running+result_error=failed",
    "running+cancel=cancelling",
    "running+agent_lost=lost",
    "cancelling+step_started=cancelling",
    "cancelling+step_done=cancelling",
    "cancelling+cancel=cancelling",
    "cancelling+result_ok=done",
    "cancelling+result_error=failed",
    "cancelling+agent_lost=lost",
};

static const char *find_legal(const char *prefix)
{
    for (size_t i = 0; i < ARRAY_SIZE(legal); i++)
        if (strncmp(legal[i], prefix, strlen(prefix)) == 0)
            return legal[i] + strlen(prefix);
    return NULL;
}

static void every_pair_of_state_and_event_is_decided(void **state _unused_)
{
    for (int s = TASK_OFFERED; s <= TASK_LOST; s++) {
        for (int ev = 0; ev < EV_N; ev++) {
            char prefix[64];
            snprintf(prefix, sizeof(prefix),
                     "%s+%s=", task_state_name((enum task_state)s),
                     task_event_name((enum task_event)ev));
            const char *want = find_legal(prefix);
            int to = task_next_state((enum task_state)s, (enum task_event)ev);
            if (!want)
                assert_int_equal(to, -1);
            else
                assert_string_equal(task_state_name((enum task_state)to), want);
        }
    }
}

static void a_refused_move_changes_nothing(void **state _unused_)
{
    struct agent_session agent = {.name = (char *)(uintptr_t) "a1"};
    struct task t = {.id = 7, .state = TASK_DONE, .agent = &agent};
    struct mb_error err;

    assert_fails(task_move(&t, 1, EV_STEP_DONE, &err), err, MB_ERR_PROTOCOL);
    assert_int_equal(t.state, TASK_DONE);
    assert_contains(err.msg, "task 7 is done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_state_and_event_is_decided),
        cmocka_unit_test(a_refused_move_changes_nothing),
    };
    mb_log_set_fd(-1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
