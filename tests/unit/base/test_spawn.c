/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/spawn.h"

#define SHELL "/bin/sh"

static struct mb_spawn shell(const char *script)
{
    struct mb_spawn s = MB_SPAWN_INIT;

    mb_strv_add(&s.argv, SHELL);
    mb_strv_add(&s.argv, "-c");
    mb_strv_add(&s.argv, script);
    return s;
}

static void output_and_status_come_back(void **state _unused_)
{
    static const struct {
        const char *script, *out;
        int exit_code;
    } rows[] = {
        {"printf hello", "hello", 0},
        {"printf a; exit 3", "a", 3},
        {"exit 255", "", 255},
        {"kill -TERM $$", "", 128 + SIGTERM},
        {"read x; printf \"[$x]\"", "[]", 0}, /* standard input is empty */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(mb_spawn_done) struct mb_spawn s = shell(rows[i].script);
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(100);
        struct mb_error err;
        int exit_code = -1;

        assert_ok(mb_spawn_output(&s, &out, &exit_code, &err), err);
        assert_int_equal(exit_code, rows[i].exit_code);
        assert_string_equal(out.data ? out.data : "", rows[i].out);
        assert_int_equal(s.out_fd, -1);
    }
}

static void too_much_output_is_cut_and_does_not_block_the_child(void **state _unused_)
{
    _cleanup_(mb_spawn_done) struct mb_spawn s = shell(
        "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
        "i=$((i+1)); done; exit 7");
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(10);
    struct mb_error err;
    int exit_code = -1;

    assert_ok(mb_spawn_output(&s, &out, &exit_code, &err), err);
    assert_int_equal(exit_code, 7);
    assert_string_equal(out.data, "0123456789");
    assert_true(out.overflow);
}

static void a_missing_program_is_not_found(void **state _unused_)
{
    static const char *const names[] = {"mb-no-such-program", "/no/such/program"};
    size_t fds = mb_test_count_fds();

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_(mb_spawn_done) struct mb_spawn s = MB_SPAWN_INIT;
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(10);
        struct mb_error err;
        int exit_code = -1;

        mb_strv_add(&s.argv, names[i]);
        assert_fails(mb_spawn_output(&s, &out, &exit_code, &err), err,
                     MB_ERR_NOT_FOUND);
        assert_contains(err.msg, names[i]);
        assert_int_equal(exit_code, -1);
    }
    assert_int_equal(mb_test_count_fds(), fds);
}

/* Descriptors without CLOEXEC are what a careless library leaves open. */
static void the_child_has_only_the_descriptors_it_is_given(void **state _unused_)
{
    static const char script[] = "ls /proc/self/fd | wc -l; [ -e /proc/self/fd/3 ] && "
                                 "cat <&3; true";
    int leak = open("/dev/null", O_RDONLY);
    int high = fcntl(leak, F_DUPFD, 100);
    int from = -1, to = -1;
    struct mb_error err;
    int exit_code = -1;

    assert_ok(mb_pipe(&from, &to, &err), err);
    assert_ok(mb_write_all(to, BYTES("passed"), &err), err);
    close(to);

    _cleanup_(mb_spawn_done) struct mb_spawn s = shell(script);
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(100);
    /* 0, 1, 2 and the directory that ls reads; 4 more with the one passed. */
    assert_ok(mb_spawn_output(&s, &out, &exit_code, &err), err);
    assert_string_equal(out.data, "4\n");
    mb_buf_clear(&out);
    s.pass_fd = from;
    assert_ok(mb_spawn_output(&s, &out, &exit_code, &err), err);
    assert_string_equal(out.data, "5\npassed");
    close(from);
    close(high);
    close(leak);
}

/* The caller's own 0 to 3 are the hard case: one dup2 must not overwrite the next. */
static void crossed_descriptors_arrive_where_they_belong(void **state _unused_)
{
    int in[2], out[2], saved0 = fcntl(0, F_DUPFD_CLOEXEC, 50),
                       saved1 = fcntl(1, F_DUPFD_CLOEXEC, 50);
    struct mb_error err;
    char text[16] = {0};
    pid_t pid = -1;
    int status = -1;

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    _cleanup_(mb_spawn_done) struct mb_spawn s = shell("cat; echo err >&2");
    dup3(out[1], 0, O_CLOEXEC); /* its output is our fd 0, its input our fd 1 */
    dup3(in[0], 1, O_CLOEXEC);
    s.in_fd = 1;
    s.out_fd = 0;
    s.err_fd = 0;
    int rc = mb_spawn(&s, &pid, NULL, &err);
    dup2(saved0, 0);
    dup2(saved1, 1);
    close(saved0);
    close(saved1);
    close(in[0]);
    close(out[1]);
    assert_ok(rc, err);
    assert_ok(mb_write_all(in[1], BYTES("in "), &err), err);
    close(in[1]);
    assert_ok(mb_spawn_wait(pid, &status, &err), err);
    assert_int_equal(status, 0);
    assert_ok(mb_read_exact(out[0], text, 7, &err), err);
    assert_string_equal(text, "in err\n");
    close(out[0]);
}

static void environment_and_directory_are_the_given_ones(void **state _unused_)
{
    _cleanup_(mb_spawn_done) struct mb_spawn s =
        shell("echo $A; echo ${HOME-none}; pwd");
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(100);
    struct mb_error err;
    int exit_code = -1;

    mb_strv_add(&s.env, "A=b c");
    s.cwd = "/";
    assert_ok(mb_spawn_output(&s, &out, &exit_code, &err), err);
    assert_string_equal(out.data, "b c\nnone\n/\n");
    s.cwd = "/no/such/directory";
    assert_fails(mb_spawn_output(&s, &out, &exit_code, &err), err, MB_ERR_NOT_FOUND);
}

static void signals_are_back_at_their_defaults(void **state _unused_)
{
    _cleanup_(mb_spawn_done) struct mb_spawn s =
        shell("grep -cE '^Sig(Blk:.*0{16}|Ign:.*[08]0{7})$' /proc/self/status");
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(200);
    struct mb_error err;
    sigset_t block, old;
    int exit_code = -1;

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &old);
    void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);
    int rc = mb_spawn_output(&s, &out, &exit_code, &err);
    signal(SIGPIPE, old_pipe);
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_ok(rc, err);
    /* Signals 32 and 33 are the C library's own; it leaves them ignored. */
    assert_string_equal(out.data, "2\n");
}

static void the_child_leads_a_group_and_its_pidfd_tells_the_end(void **state _unused_)
{
    _cleanup_(mb_spawn_done) struct mb_spawn s = shell("exec sleep 1000");
    _cleanup_close_ int pidfd = -1;
    struct mb_error err;
    pid_t pid = -1;
    int status = 0;

    assert_ok(mb_spawn(&s, &pid, &pidfd, &err), err);
    assert_int_equal(getpgid(pid), pid);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(kill(-pid, SIGKILL), 0);
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_ok(mb_spawn_wait(pid, &status, &err), err);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(mb_spawn_wait(pid, &status, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status_come_back),
        cmocka_unit_test(too_much_output_is_cut_and_does_not_block_the_child),
        cmocka_unit_test(a_missing_program_is_not_found),
        cmocka_unit_test(the_child_has_only_the_descriptors_it_is_given),
        cmocka_unit_test(crossed_descriptors_arrive_where_they_belong),
        cmocka_unit_test(environment_and_directory_are_the_given_ones),
        cmocka_unit_test(signals_are_back_at_their_defaults),
        cmocka_unit_test(the_child_leads_a_group_and_its_pidfd_tells_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
