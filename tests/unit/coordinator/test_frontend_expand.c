/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/frontend/expand.h"

#include "base/kv.h"
#include "base/mem.h"
#include "mb_test.h"

static const char *get(const char *name, void *arg)
{
    static const struct {
        const char *name, *value;
    } vars[] = {
        {"PWD", "/home"},
        {"SHELL", "bash"},
        {"EMPTY", ""},
        {"X", "foobarfoo"},
        {"P", "/a/b/c.tar"},
        {"SPACES", " one  two "},
        {"U", "\xc3\xa4\xc3\xb6\xc3\xbc"},
        {"KLINGON", "\"quoted\""},
    };

    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
        if (strcmp(vars[i].name, name) == 0)
            return vars[i].value;
    return NULL;
}

static const struct expand plain = {.escape = '\\', .get = get};

static void words_are_expanded_as_the_reference_says(void **state)
{
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"hello", "hello"},
        {"$PWD", "/home"},
        {"a$PWD", "a/home"},
        {"${PWD}x", "/homex"},
        {"\\$PWD", "$PWD"},
        {"he\\\\llo", "he\\llo"},
        {"hello\\", "hello"},
        {"'$PWD'", "$PWD"},
        {"\"$PWD\"", "/home"},
        {"\"'$PWD'\"", "'/home'"},
        {"'he\\'", "he\\"},
        {"\"a\\$b\\\"c\\d\"", "a$b\"c\\d"},
        {"$UNSET", ""},
        {"a$", "a$"},
        {"a$.b", "a$.b"},
        {"$1x", "x"},
        {"$12x", "x"},
        {"$@a", "a"},
        {"${EMPTY}", ""},
        {"${PWD:-no}", "/home"},
        {"${EMPTY:-no}", "no"},
        {"${EMPTY-no}", ""},
        {"${UNSET-no}", "no"},
        {"${UNSET:-$PWD}", "/home"},
        {"${UNSET:-${ALSO:-${PWD}}}", "/home"},
        {"${UNSET:-'}'}", "}"},
        {"${UNSET:-\\}}", "}"},
        {"${PWD:+yes}", "yes"},
        {"${EMPTY:+yes}", ""},
        {"${EMPTY+yes}", "yes"},
        {"${UNSET+yes}", ""},
        {"${PWD:?}", "/home"},
        {"${EMPTY?}", ""},
        {"$KLINGON", "\"quoted\""},
        {"${X#foo}", "barfoo"},
        {"${X#*o}", "obarfoo"},
        {"${X##*o}", ""},
        {"${X%o*}", "foobarfo"},
        {"${X%%o*}", "f"},
        {"${X%foo}", "foobar"},
        {"${X#bar}", "foobarfoo"},
        {"${X##?o}", "obarfoo"},
        {"${X/foo/x}", "xbarfoo"},
        {"${X//foo/x}", "xbarx"},
        {"${X//o/}", "fbarf"},
        {"${P##*/}", "c.tar"},
        {"${P%.*}", "/a/b/c"},
        {"${P//\\//-}", "-a-b-c.tar"},
        {"${X/b*r/-}", "foo-foo"},
        {"${UNSET#x}", ""},
        {"${U#?}", "\xc3\xb6\xc3\xbc"},
        {"${U%?}", "\xc3\xa4\xc3\xb6"},
        {"${U/?/x}", "x\xc3\xb6\xc3\xbc"},
        {"a${SPACES}b", "a one  two b"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *got = NULL;
        struct mb_error err;

        assert_ok(expand_word(&plain, rows[i].word, &got, &err), err);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s gave '%s', want '%s'", rows[i].word, got, rows[i].want);
    }
}

static void bad_words_are_refused(void **state)
{
    static const struct {
        const char *word, *why;
    } rows[] = {
        {"'a", "matching single-quote"},
        {"\"a", "matching double-quote"},
        {"${", "missing '}'"},
        {"${PWD", "missing '}'"},
        {"${PWD:-a", "missing '}'"},
        {"${}", "bad substitution"},
        {"${:-a}", "bad substitution"},
        {"${{a}", "bad substitution"},
        {"${PWD:x}", "unsupported modifier (:x)"},
        {"${PWD^^}", "unsupported modifier (^)"},
        {"${PWD:#a}", "unsupported modifier (:#)"},
        {"${PWD/a}", "missing '/'"},
        {"${X#\\n}", "invalid escape"},
        {"${UNSET?}", "UNSET: is not allowed to be unset"},
        {"${UNSET:?}", "UNSET: is not allowed to be unset"},
        {"${EMPTY:?}", "EMPTY: is not allowed to be empty"},
        {"${UNSET:?give me}", "UNSET: give me"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *got = NULL;
        struct mb_error err;

        assert_fails(expand_word(&plain, rows[i].word, &got, &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_null(got);
    }
}

static void other_escape_and_display_forms(void **state)
{
    static const struct {
        struct expand x;
        const char *word, *want;
    } rows[] = {
        {{.escape = '`', .get = get}, "`$PWD\\x", "$PWD\\x"},
        {{.escape = '\\', .get = get, .raw_quotes = true},
         "'a' \"$PWD\"",
         "'a' \"/home\""},
        {{.escape = '\\', .get = get, .keep_unset = true},
         "$A ${A} ${A:-b} $PWD ${A/b/c}",
         "$A ${A} ${A:-b} /home ${A/b/c}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *got = NULL;
        struct mb_error err;

        assert_ok(expand_word(&rows[i].x, rows[i].word, &got, &err), err);
        assert_string_equal(got, rows[i].want);
    }
}

static void words_split_outside_quotes_only(void **state)
{
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"$SPACES", "one|two"},
        {"\"$SPACES\"", " one  two "},
        {"a$SPACES", "a|one|two"},
        {"'a b' c", "a b|c"},
        {"$EMPTY", ""},
        {"a\\ b", "a b"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_strv_ struct mb_strv got = {0};
        _cleanup_free_ char *joined = NULL;
        struct mb_error err;

        assert_ok(expand_words(&plain, rows[i].word, &got, &err), err);
        joined = mb_strv_join(&got, "|");
        assert_string_equal(joined, rows[i].want);
    }
}

/* Nesting and patterns must not cost stack or time without bound. */
static void hostile_words_meet_a_limit(void **state)
{
    _cleanup_buf_ struct mb_buf deep = MB_BUF_INIT(1 << 20);
    _cleanup_buf_ struct mb_buf stars = MB_BUF_INIT(1 << 20);
    uint64_t work = 1000000;
    const struct expand x = {.escape = '\\', .get = get, .work = &work};
    struct mb_error err;
    char *got = NULL;

    (void)state;
    for (int i = 0; i < 30000; i++)
        mb_buf_add_str(&deep, "${a:-");
    assert_fails(expand_word(&plain, deep.data, &got, &err), err, MB_ERR_LIMIT);

    mb_buf_add_str(&stars, "${X##");
    for (int i = 0; i < 60000; i++)
        mb_buf_add_str(&stars, "*a");
    mb_buf_add_str(&stars, "}");
    for (int i = 0; i < 10; i++)
        mb_ignore(expand_word(&x, stars.data, &got, &err), "one of them must fail");
    assert_fails(expand_word(&x, stars.data, &got, &err), err, MB_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_expanded_as_the_reference_says),
        cmocka_unit_test(bad_words_are_refused),
        cmocka_unit_test(other_escape_and_display_forms),
        cmocka_unit_test(words_split_outside_quotes_only),
        cmocka_unit_test(hostile_words_meet_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
