/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/mem.h"
#include "cli/run_flags.h"

typedef int parse_fn(const char *text, char **ret, struct mb_error *err);

static void values_become_what_the_request_carries(void **state _unused_)
{
    static const struct {
        parse_fn *parse;
        const char *text, *want;
    } rows[] = {
        {run_flag_host, "a.b:1.2.3.4", "1.2.3.4\ta.b"},
        {run_flag_host, "a=1.2.3.4", "1.2.3.4\ta"},
        {run_flag_host, "c=[::1]", "::1\tc"},
        {run_flag_host, "d:fe80::1", "fe80::1\td"},
        {run_flag_ulimit, "nofile=1:2", "RLIMIT_NOFILE 1 2"},
        {run_flag_ulimit, "stack=7", "RLIMIT_STACK 7 7"},
        {run_flag_ulimit, "core=0:-1", "RLIMIT_CORE 0 9223372036854775807"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text = NULL;
        struct mb_error err;

        assert_ok(rows[i].parse(rows[i].text, &text, &err), err);
        assert_string_equal(text, rows[i].want);
    }
}

static void values_without_sense_are_refused(void **state _unused_)
{
    static const struct {
        parse_fn *parse;
        const char *text, *why;
    } rows[] = {
        {run_flag_host, "x", "is not NAME:IP"},
        {run_flag_host, ":1.2.3.4", "is not NAME:IP"},
        {run_flag_host, "x:1.2.3", "is not NAME:IP"},
        {run_flag_host, "x:1.2.3.4\n5.6.7.8 y", "is not NAME:IP"},
        {run_flag_host, "x y:1.2.3.4", "is not NAME:IP"},
        {run_flag_host, "x:host-gateway", "use 127.0.0.1"},
        {run_flag_ulimit, "nofile", "is not NAME=SOFT"},
        {run_flag_ulimit, "nofile=1:2:3", "is not NAME=SOFT"},
        {run_flag_ulimit, "files=1", "with a name such as nofile"},
        {run_flag_ulimit, "nofile=2:1", "soft limit is over the hard"},
        {run_flag_ulimit, "nofile=x", "nofile=x"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *text = NULL;
        struct mb_error err;

        assert_fails(rows[i].parse(rows[i].text, &text, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_null(text);
    }
}

static void sizes_have_units(void **state _unused_)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {
        {"1000", 1000},   {"2b", 2},
        {"3k", 3 << 10},  {"64M", 64 << 20},
        {"1gb", 1 << 30}, {"1GiB", 1 << 30},
        {"m", 0},         {"64q", 0},
        {"-1", 0},        {"99999999999999g", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t bytes = 0;
        struct mb_error err;

        if (rows[i].bytes)
            assert_ok(run_flag_bytes(rows[i].text, &bytes, &err), err);
        else
            assert_int_equal(run_flag_bytes(rows[i].text, &bytes, &err), -1);
        assert_int_equal(bytes, rows[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_what_the_request_carries),
        cmocka_unit_test(values_without_sense_are_refused),
        cmocka_unit_test(sizes_have_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
