/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <signal.h>
#include <sys/syscall.h>

#include "step/stuck.h"

#define STATUS(blocked, ignored, caught)                                          \
    "Name:\tsh\nPPid:\t1\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n" \
    "SigBlk:\t" blocked "\nSigIgn:\t" ignored "\nSigCgt:\t" caught "\nCapInh:\t0\n"

/* As Linux shows qemu-user after SIGILL; the others differ in one thing each. */
static const struct {
    const char *status;
    bool suspended;
    int want;
} rows[] = {
    {STATUS("fffffffe7ffbfef7", "0000000080000004", "ffffffff7781fef3"), true, SIGILL},
    {STATUS("fffffffe7ffbfef7", "0000000080000004", "ffffffff7781fef3"), false, 0},
    {STATUS("fffffffe7ffbfef7", "0000000080000004", "ffffffff7781fefb"), true, 0},
    {STATUS("fffffffe7ffbfef7", "000000008000000c", "ffffffff7781fef3"), true, 0},
    {STATUS("fffffffe7ffbfef3", "0000000080000004", "ffffffff7781fef3"), true, 0},
    {STATUS("fffffffe7ffbfeff", "0000000080000004", "ffffffff7781fef3"), true, 0},
    {STATUS("0000000000000000", "0000000000000000", "0000000000000000"), true, 0},
    {STATUS("fffffffe7ffbbeff", "0000000000000000", "0000000000000000"), true, SIGTERM},
    {"Name:\tsh\n", true, 0},
    {"", true, 0},
};

static void only_what_waits_for_a_signal_in_vain_is_stuck(void **state _unused_)
{
    char suspended[64];

    if (SIGSTOP != 19) {
        print_message("the rows have the signal numbers that most machines share, "
                      "not MIPS' own\n");
        skip();
    }
    (void)snprintf(suspended, sizeof(suspended), "%d 0x7fff862183e8 0x8 0x0",
                   (int)SYS_rt_sigsuspend);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int got = stuck_judge(rows[i].status,
                              rows[i].suspended ? suspended : "0 0x0 0x7fff862183e8");

        if (got != rows[i].want)
            fail_msg("row %zu: %d", i, got);
    }
    assert_int_equal(stuck_judge(rows[0].status, "running\n"), 0);
    assert_int_equal(stuck_judge(rows[0].status, ""), 0);
}

static void nobody_is_stuck_below_a_process_without_children(void **state _unused_)
{
    pid_t pid = -1;

    assert_int_equal(stuck_signal(getpid(), &pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_waits_for_a_signal_in_vain_is_stuck),
        cmocka_unit_test(nobody_is_stuck_below_a_process_without_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
