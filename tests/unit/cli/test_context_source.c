/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "cli/context_git.h"
#include "cli/context_source.h"

static void the_text_says_what_a_context_is(void **state _unused_)
{
    static const struct {
        const char *text;
        enum context_kind kind;
    } rows[] = {
        {".", CONTEXT_DIR},
        {"-", CONTEXT_STDIN},
        {"./a:b", CONTEXT_DIR},
        {"a@b/c:d", CONTEXT_DIR},
        {"https://x/y.tar.gz", CONTEXT_URL},
        {"http://x/Dockerfile", CONTEXT_URL},
        {"https://x/y.git", CONTEXT_GIT},
        {"https://x/y.git#main:sub", CONTEXT_GIT},
        {"https://x/y.git?ref=main", CONTEXT_GIT},
        {"https://x/y#a.git", CONTEXT_URL},
        {"git@github.com:a/b", CONTEXT_GIT},
        {"git://x/y", CONTEXT_GIT},
        {"ssh://git@x/y", CONTEXT_GIT},
        {"github.com/a/b", CONTEXT_GIT},
    };
    enum context_kind kind;
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(context_kind_of(rows[i].text, &kind, &err), err);
        assert_int_equal(kind, rows[i].kind);
    }
    assert_fails(context_kind_of("ftp://x/y", &kind, &err), err, MB_ERR_INVALID);
    assert_fails(context_kind_of("file:///etc", &kind, &err), err, MB_ERR_INVALID);
}

static void git_addresses_are_taken_apart(void **state _unused_)
{
    static const struct {
        const char *text, *url, *ref, *subdir;
    } rows[] = {
        {"git://h/r", "git://h/r", NULL, ""},
        {"git://h/r#v1", "git://h/r", "v1", ""},
        {"git://h/r#v1:a/b", "git://h/r", "v1", "a/b"},
        {"git://h/r#:a", "git://h/r", NULL, "a"},
        {"git://h/r#", "git://h/r", NULL, ""},
        {"git://h/r#v1:../../etc", "git://h/r", "v1", "etc"},
        {"https://h/r.git?branch=x&subdir=s", "https://h/r.git", "refs/heads/x", "s"},
        {"https://h/r.git?tag=t", "https://h/r.git", "refs/tags/t", ""},
        {"github.com/a/b#c", "https://github.com/a/b", "c", ""},
    };
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct git_place p = {0};

        assert_ok(git_place_parse(rows[i].text, &p, &err), err);
        assert_string_equal(p.url, rows[i].url);
        assert_string_equal(p.ref ? p.ref : "-", rows[i].ref ? rows[i].ref : "-");
        assert_string_equal(p.subdir, rows[i].subdir);
        git_place_done(&p);
    }
}

static void hostile_git_addresses_are_refused(void **state _unused_)
{
    static const char *const rows[] = {
        "git://h/r#--upload-pack=touch /tmp/x",
        "git://h/r?ref=-x",
        "git://h/r?ref=",
        "git://h/r?submodules=1",
    };
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct git_place p = {0};

        assert_fails(git_place_parse(rows[i], &p, &err), err, MB_ERR_INVALID);
        assert_null(p.url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_says_what_a_context_is),
        cmocka_unit_test(git_addresses_are_taken_apart),
        cmocka_unit_test(hostile_git_addresses_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
