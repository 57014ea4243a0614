/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/mem.h"
#include "fs/ignore.h"

static struct mb_ignore *parse(const char *text)
{
    struct mb_ignore *ig = NULL;
    struct mb_error err;

    assert_ok(mb_ignore_parse(text, strlen(text), &ig, &err), err);
    return ig;
}

static void patterns_match_as_docker_does(void **state _unused_)
{
    static const struct {
        const char *text;
        const char *path;
        bool ignored;
    } rows[] = {
        {"", "a", false},
        {"a", "a", true},
        {"a", "a/b/c", true}, /* everything below */
        {"a", "b/a", false},
        {"a", "ab", false},
        {"/a/", "a", true},
        {"./a", "a", true},
        {"a/../b", "b", true},
        {".", "a", false},
        {"/", "a", false},
        {"# a\n\n  b  \r\n", "a", false},
        {"# a\n\n  b  \r\n", "b", true},
        {" # a", "# a", true}, /* a comment begins in the first column only */
        {"\xef\xbb\xbf"
         "a",
         "a", true},
        {"*.md", "x.md", true},
        {"*.md", "d/x.md", false},
        {"*", "d/x.md", true},
        {"*/x", "d/x", true},
        {"*/x", "d/e/x", false},
        {"a?c", "abc", true},
        {"a?c",
         "a\xc3\xa9"
         "c",
         true},
        {"a?c", "a/c", false},
        {"[a-c]x", "bx", true},
        {"[^a-c]x", "bx", false},
        {"[^a-c]x", "dx", true},
        {"[\\]]x", "]x", true},
        {"\\*x", "*x", true},
        {"\\*x", "yx", false},
        {"**", "a/b", true},
        {"**/x", "x", true},
        {"**/x", "a/b/x", true},
        {"**/x", "a/bx", false},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"a/**/x", "a/x", true},
        {"a/**/x", "a/b/c/x", true},
        {"a/**/x", "b/a/x", false},
        {"**/*.o", "x.o", true},
        {"**/*.o", "a/b/x.o", true},
        {"a**b", "a/x/b", true},
        {"a**b", "axb", false},
        {"a**b", "ax/b", true},
        {"*\n!a", "a", false},
        {"*\n!a", "a/b", false}, /* taken again with all below */
        {"*\n!a", "b", true},
        {"!a\n*", "a", true}, /* the last match decides */
        {"a\n!a/b\na/b/c", "a/b/x", false},
        {"a\n!a/b\na/b/c", "a/b/c", true},
        {"a\n! a/b ", "a/b", false},
        {"a.c", "abc", false},
        {"$(x)", "$(x)", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_ignore *ig = parse(rows[i].text);

        if (mb_ignore_match(ig, rows[i].path) != rows[i].ignored)
            fail_msg("row %zu: '%s' on %s", i, rows[i].text, rows[i].path);
        mb_ignore_free(ig);
    }
    assert_false(mb_ignore_match(NULL, "a"));
    assert_false(mb_ignore_may_reinclude(NULL, "a"));
}

static void directories_are_entered_only_for_what_may_be_taken_again(
    void **state _unused_)
{
    static const struct {
        const char *text;
        const char *dir;
        bool may;
    } rows[] = {
        {"*", "a", false},
        {"*\n!a/b", "a", true},
        {"*\n!a/b", "c", false},
        {"*\n!a/b/c/d", "a/b", true},
        {"*\n!a/b/c/d", "a/x", false},
        {"*\n!**/*.c", "a/b", true},
        {"*\n!a*/x", "abc", true},
        {"*\n!a*/x", "b", false},
        {"*\n!a", "a/b", false}, /* was taken with a itself */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_ignore *ig = parse(rows[i].text);

        if (mb_ignore_may_reinclude(ig, rows[i].dir) != rows[i].may)
            fail_msg("row %zu: '%s' on %s", i, rows[i].text, rows[i].dir);
        mb_ignore_free(ig);
    }
}

static void malformed_lines_are_named(void **state _unused_)
{
    static const struct {
        const char *text;
        size_t len;
        const char *why;
    } rows[] = {
        {BYTES("ok\n!"), "line 2"}, {BYTES("\n\n[a"), "line 3: pattern \"[a\""},
        {BYTES("a\\"), "line 1"},   {BYTES("![]"), "line 1"},
        {BYTES("[a-]"), "line 1"},  {BYTES("a\0b"), "NUL"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_ignore *ig = NULL;
        struct mb_error err;

        assert_fails(mb_ignore_parse(rows[i].text, rows[i].len, &ig, &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_null(ig);
    }
}

/* Backtracking would take longer than the universe is old. */
static void no_pattern_takes_long(void **state _unused_)
{
    char *path = mb_xcalloc(1, 4096);
    struct mb_ignore *ig =
        parse("**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**b\n"
              "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b");

    memset(path, 'a', 4000);
    for (size_t i = 7; i < 4000; i += 9)
        path[i] = '/';
    assert_false(mb_ignore_match(ig, path));
    mb_ignore_free(ig);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_docker_does),
        cmocka_unit_test(directories_are_entered_only_for_what_may_be_taken_again),
        cmocka_unit_test(malformed_lines_are_named),
        cmocka_unit_test(no_pattern_takes_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
