/* SPDX-License-Identifier: Apache-2.0 */
/* buf, strv and kv. */
#include "mb_test.h"

#include "base/buf.h"
#include "base/kv.h"
#include "base/strv.h"

static void buf_takes_its_maximum_and_not_a_byte_more(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(5);
    struct mb_error err;

    mb_buf_add_str(&b, "abc");
    mb_buf_addf(&b, "%d", 12);
    assert_ok(mb_buf_check(&b, "text", &err), err);
    assert_string_equal(b.data, "abc12");
    mb_buf_add_byte(&b, 'x');
    mb_buf_add_str(&b, "");
    assert_fails(mb_buf_check(&b, "the text", &err), err, MB_ERR_LIMIT);
    assert_contains(err.msg, "the text");
    assert_int_equal(b.len, 5);
    mb_buf_clear(&b);
    mb_buf_add_str(&b, "again");
    assert_false(b.overflow);
}

static void buf_stays_over_its_maximum_once_it_was(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(4);

    mb_buf_add_str(&b, "abcde");
    mb_buf_add_str(&b, "f"); /* would fit, but something is missing before it */
    assert_true(b.overflow);
    assert_int_equal(b.len, 0);
}

static void buf_consumes_from_the_front_and_steals_all(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(100);

    mb_buf_add(&b, "ab\0cd", 5);
    mb_buf_consume(&b, 3);
    assert_string_equal(b.data, "cd");
    _cleanup_free_ char *text = mb_buf_steal(&b);
    assert_string_equal(text, "cd");
    _cleanup_free_ char *empty = mb_buf_steal(&b);
    assert_string_equal(empty, "");
    assert_int_equal(b.max, 100);
}

static void strv_inserts_removes_and_sorts(void **state _unused_)
{
    _cleanup_strv_ struct mb_strv l = {0};
    _cleanup_strv_ struct mb_strv copy = {0};

    assert_null(mb_strv_argv(&l)[0]);
    mb_strv_add(&l, "b");
    mb_strv_addf(&l, "%c%d", 'c', 1);
    mb_strv_insert(&l, 0, "z");
    mb_strv_insert(&l, 3, "a");
    assert_null(l.v[4]);
    mb_strv_copy(&copy, &l);
    assert_true(mb_strv_equal(&copy, &l));
    mb_strv_remove(&l, 1);
    assert_int_equal(l.n, 3);
    assert_null(mb_strv_argv(&l)[3]);
    assert_false(mb_strv_contains(&l, "b"));
    mb_strv_sort(&l);
    _cleanup_free_ char *text = mb_strv_join(&l, ", ");
    assert_string_equal(text, "a, c1, z");
    mb_strv_add_all(&l, &l);
    assert_int_equal(l.n, 6);
    assert_false(mb_strv_equal(&copy, &l));
}

static void strv_split_keeps_empty_pieces(void **state _unused_)
{
    static const struct {
        const char *text, *sep, *joined;
        size_t n;
    } rows[] = {
        {"", ",", "", 1},         {"a", ",", "a", 1},          {",", ",", "|", 2},
        {"a,,b", ",", "a||b", 3}, {"a:b,c", ":,", "a|b|c", 3},
    };
    _cleanup_strv_ struct mb_strv l = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        mb_strv_split(&l, rows[i].text, rows[i].sep);
        _cleanup_free_ char *joined = mb_strv_join(&l, "|");
        assert_int_equal(l.n, rows[i].n);
        assert_string_equal(joined, rows[i].joined);
    }
}

static void kv_replaces_in_place_and_keeps_order(void **state _unused_)
{
    _cleanup_kv_ struct mb_kvlist l = {0};
    _cleanup_kv_ struct mb_kvlist copy = {0};

    mb_kv_set(&l, "b", "1");
    mb_kv_set(&l, "a", "2");
    mb_kv_set(&l, "b", "3");
    mb_kv_set(&l, "a", mb_kv_get(&l, "a")); /* its own value */
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0].key, "b");
    assert_string_equal(mb_kv_get(&l, "b"), "3");
    assert_string_equal(mb_kv_get(&l, "a"), "2");
    assert_null(mb_kv_get(&l, "c"));
    mb_kv_copy(&copy, &l);
    mb_kv_sort(&copy);
    assert_string_equal(copy.v[0].key, "a");
    mb_kv_unset(&l, "b");
    mb_kv_unset(&l, "not there");
    assert_int_equal(l.n, 1);
    assert_string_equal(l.v[0].key, "a");
    assert_int_equal(copy.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_takes_its_maximum_and_not_a_byte_more),
        cmocka_unit_test(buf_stays_over_its_maximum_once_it_was),
        cmocka_unit_test(buf_consumes_from_the_front_and_steals_all),
        cmocka_unit_test(strv_inserts_removes_and_sorts),
        cmocka_unit_test(strv_split_keeps_empty_pieces),
        cmocka_unit_test(kv_replaces_in_place_and_keeps_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
