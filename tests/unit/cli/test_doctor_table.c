/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor_table.h"

#include "base/limits.h"
#include "cli/doctor_reach.h"
#include "mb_test.h"

static void fill(struct doctor_report *r)
{
    doctor_add(r, "kernel", DOCTOR_OK, "Linux 6.18");
    doctor_add(r, "user-namespaces", DOCTOR_FAIL, "none\033[2J");
    doctor_fix(r, "sysctl -w x=1");
    doctor_add(r, "disk", DOCTOR_WARN, "2GB free");
    doctor_fix(r, "free some");
}

static void columns_are_aligned_and_fixes_stand_below(void **state _unused_)
{
    _cleanup_(doctor_report_done) struct doctor_report r = {0};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);

    fill(&r);
    doctor_table(&r, false, &out);
    assert_string_equal(out.data, "CHECK            RESULT  FINDING\n"
                                  "kernel           ok      Linux 6.18\n"
                                  "user-namespaces  fail    none\\x1b[2J\n"
                                  "                 -> sysctl -w x=1\n"
                                  "disk             warn    2GB free\n"
                                  "                 -> free some\n");
}

static void colors_do_not_move_the_columns(void **state _unused_)
{
    _cleanup_(doctor_report_done) struct doctor_report r = {0};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);

    fill(&r);
    doctor_table(&r, true, &out);
    assert_contains(out.data, "kernel           \033[32mok\033[0m      Linux 6.18\n");
    assert_contains(out.data, "\033[31mfail\033[0m    none\\x1b[2J\n");
    assert_contains(out.data, "\033[33mwarn\033[0m    2GB free\n");
}

static void json_has_one_object_per_line(void **state _unused_)
{
    _cleanup_(doctor_report_done) struct doctor_report r = {0};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);

    fill(&r);
    doctor_json(&r, &out);
    assert_contains(out.data,
                    "{\"check\":\"kernel\",\"result\":\"ok\",\"finding\":\"Linux "
                    "6.18\",\"fix\":null}\n");
    assert_contains(
        out.data,
        "\"result\":\"warn\",\"finding\":\"2GB free\",\"fix\":\"free some\"}\n");
}

static void http_dates_are_read(void **state _unused_)
{
    static const struct {
        const char *text;
        int64_t sec;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Tue, 24 Nov 2026 14:49:03 GMT", 1795531743},
        {"Sun, 06 Nov 1994 08:49:37 CET", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT and more", 0},
        {"yesterday", 0},
        {"", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(doctor_http_date(rows[i].text), rows[i].sec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_and_fixes_stand_below),
        cmocka_unit_test(colors_do_not_move_the_columns),
        cmocka_unit_test(json_has_one_object_per_line),
        cmocka_unit_test(http_dates_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
