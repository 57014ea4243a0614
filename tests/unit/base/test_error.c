/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

static void wrapping_grows_the_message_from_the_inside_out(void **state _unused_)
{
    struct mb_error err;

    assert_int_equal(mb_fail(&err, MB_ERR_UNAVAILABLE, "refused by %s", "b1"), -1);
    assert_int_equal(mb_wrap(&err, "layer %d", 3), -1);
    assert_int_equal(mb_wrap(&err, "pull"), -1);
    assert_string_equal(err.msg, "pull: layer 3: refused by b1");
    assert_int_equal(err.code, MB_ERR_UNAVAILABLE);
}

static void the_message_may_be_an_argument_of_itself(void **state _unused_)
{
    struct mb_error err;

    mb_fail(&err, MB_ERR_INVALID, "inner");
    mb_fail(&err, MB_ERR_DENIED, "outer (%s)", err.msg);
    assert_string_equal(err.msg, "outer (inner)");
}

static void errno_decides_about_the_code(void **state _unused_)
{
    static const struct {
        int number;
        enum mb_errc code;
    } rows[] = {
        {ENOENT, MB_ERR_NOT_FOUND},
        {EACCES, MB_ERR_DENIED},
        {EPERM, MB_ERR_DENIED},
        {ENOSPC, MB_ERR_IO},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;

        errno = rows[i].number;
        mb_fail_errno(&err, "open %s", "x");
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(err.sys_errno, rows[i].number);
        assert_contains(err.msg, "open x: ");
        assert_contains(err.msg, strerror(rows[i].number));
    }
}

static void a_long_message_is_cut_between_characters(void **state _unused_)
{
    struct mb_error err;
    char text[3 * MB_ERROR_TEXT_MAX];

    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'a', sizeof(text));
        for (size_t i = shift; i + 2 < sizeof(text); i += 2)
            memcpy(text + i, "\xc3\xa4", 2);
        text[sizeof(text) - 1] = '\0';
        mb_fail(&err, MB_ERR_INVALID, "%s", text);
        size_t len = strlen(err.msg);
        assert_true(len < sizeof(err.msg) && len >= sizeof(err.msg) - 2);
        assert_string_equal(err.msg + len - 3, "...");
        assert_int_equal((unsigned char)err.msg[len - 4], 0xa4); /* a whole one */
    }
}

static void a_message_is_one_printable_line(void **state _unused_)
{
    struct mb_error err;

    mb_fail(&err, MB_ERR_INVALID, "%s", "a\nb\x1b[2J\xff\xc2\x9b\x7f\xc3\xa4\t.");
    assert_string_equal(err.msg, "a b?[2J????\xc3\xa4 .");
    mb_wrap(&err, "x\ny");
    assert_string_equal(err.msg, "x y: a b?[2J????\xc3\xa4 .");
}

static void every_code_has_a_name(void **state _unused_)
{
    for (int code = MB_OK; code <= MB_ERR_EMULATION; code++)
        assert_string_not_equal(mb_errc_name((enum mb_errc)code), "unknown");
    assert_string_equal(mb_errc_name(MB_ERR_UNAVAILABLE), "unavailable");
    assert_string_equal(mb_errc_name((enum mb_errc)4711), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrapping_grows_the_message_from_the_inside_out),
        cmocka_unit_test(the_message_may_be_an_argument_of_itself),
        cmocka_unit_test(errno_decides_about_the_code),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(a_message_is_one_printable_line),
        cmocka_unit_test(every_code_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
