/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/path.h"

static void clean_follows_go(void **state _unused_)
{
    static const struct {
        const char *path, *clean, *clamped;
    } rows[] = {
        {"", ".", ""},
        {".", ".", ""},
        {"/", "/", ""},
        {"//", "/", ""},
        {"abc", "abc", "abc"},
        {"abc/", "abc", "abc"},
        {"abc//def//ghi", "abc/def/ghi", "abc/def/ghi"},
        {"//abc", "/abc", "abc"},
        {"./abc/./def", "abc/def", "abc/def"},
        {"abc/..", ".", ""},
        {"abc/def/..", "abc", "abc"},
        {"abc/../../..", "../..", ""},
        {"../abc", "../abc", "abc"},
        {"../../abc/..", "../..", ""},
        {"/..", "/", ""},
        {"/../abc", "/abc", "abc"},
        {"/abc/../../x", "/x", "x"},
        {"abc/./../def", "def", "def"},
        {"abc//./../def", "def", "def"},
        {"abc/../../././../def", "../../def", "def"},
        {"...", "...", "..."},
        {"a/.../..b/c..", "a/.../..b/c..", "a/.../..b/c.."},
        {"..a/..", ".", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *clean = mb_path_clean(rows[i].path);
        _cleanup_free_ char *again = mb_path_clean(clean);
        _cleanup_free_ char *clamped = mb_path_clamp(rows[i].path);

        assert_string_equal(clean, rows[i].clean);
        assert_string_equal(again, clean);
        assert_string_equal(clamped, rows[i].clamped);
    }
}

static void join_cleans_the_whole(void **state _unused_)
{
    _cleanup_free_ char *up = mb_path_join("/a/b", "../c");
    _cleanup_free_ char *empty = mb_path_join("a", "");

    assert_string_equal(up, "/a/c");
    assert_string_equal(empty, "a");
}

static const struct {
    const char *pattern, *name;
    bool want;
} match_rows[] = {
    {"abc", "abc", true},
    {"abc", "abcd", false},
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "abc", true},
    {"*c", "abc", true},
    {"a*", "a", true},
    {"a*", "abc", true},
    {"a*", "ab/c", false},
    {"a*/b", "abc/b", true},
    {"a*/b", "a/c/b", false},
    {"**", "a/b", false},
    {"a*b*c*d*e*/f", "axbxcxdxe/f", true},
    {"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
    {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false},
    {"a*b*c*d*e*/f", "axbxcxdxexxx/fff", false},
    {"a*b?c*x", "abxbbxdbxebxczzx", true},
    {"a*b?c*x", "abxbbxdbxebxczzy", false},
    {"*x", "xxx", true},
    {"ab[c]", "abc", true},
    {"ab[b-d]", "abc", true},
    {"ab[e-g]", "abc", false},
    {"ab[^c]", "abc", false},
    {"ab[^b-d]", "abc", false},
    {"ab[^e-g]", "abc", true},
    {"a\\*b", "a*b", true},
    {"a\\*b", "ab", false},
    {"a?b",
     "a\xe2\x98\xba"
     "b",
     true},
    {"a[^a]b",
     "a\xe2\x98\xba"
     "b",
     true},
    {"a???b",
     "a\xe2\x98\xba"
     "b",
     false},
    {"[a-\xce\xb6]*", "\xce\xb1", true},
    {"*[a-\xce\xb6]", "A", false},
    {"a?b", "a/b", false},
    {"a*b", "a/b", false},
    {"[\\]a]", "]", true},
    {"[\\-]", "-", true},
    {"[x\\-]", "z", false},
    {"[\\-x]", "a", false},
    {"[^!]", "a", true},
    {"?", "\xff", true},
    {"\xff", "\xff", true},
};

static void match_follows_go(void **state _unused_)
{
    for (size_t i = 0; i < ARRAY_SIZE(match_rows); i++) {
        struct mb_error err;
        bool got = !match_rows[i].want;

        assert_ok(mb_path_match(match_rows[i].pattern, match_rows[i].name, &got, &err),
                  err);
        if (got != match_rows[i].want)
            fail_msg("'%s' against '%s': %d", match_rows[i].pattern, match_rows[i].name,
                     got);
    }
}

static void match_refuses_malformed_patterns(void **state _unused_)
{
    static const char *const rows[] = {"[]a]", "[-]",  "[x-]", "[-x]", "[a-b-c]", "[",
                                       "[^",   "[^bc", "a[",   "\\",   "abc\\",   "[a",
                                       "[\\",  "[a-",  "[]",   "[^]",  "x[\xff]", "*["};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;
        bool got = true;

        assert_fails(mb_path_match(rows[i], "a", &got, &err), err, MB_ERR_INVALID);
        assert_true(got);
    }
}

static void match_of_many_stars_ends_soon(void **state _unused_)
{
    char pattern[2001], name[4001];
    struct mb_error err;
    bool got = true;

    for (size_t i = 0; i < 2000; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[1999] = 'b';
    pattern[2000] = '\0';
    memset(name, 'a', 4000);
    name[4000] = '\0';
    assert_ok(mb_path_match(pattern, name, &got, &err), err);
    assert_false(got);
}

static void has_glob_sees_every_special_character(void **state _unused_)
{
    assert_true(mb_path_has_glob("a*") && mb_path_has_glob("?")
                && mb_path_has_glob("[a") && mb_path_has_glob("\\a"));
    assert_false(mb_path_has_glob("a/b.c]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_follows_go),
        cmocka_unit_test(join_cleans_the_whole),
        cmocka_unit_test(match_follows_go),
        cmocka_unit_test(match_refuses_malformed_patterns),
        cmocka_unit_test(match_of_many_stars_ends_soon),
        cmocka_unit_test(has_glob_sees_every_special_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
