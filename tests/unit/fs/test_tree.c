/* SPDX-License-Identifier: Apache-2.0 */
#include "fs_test.h"

#include "fs/tree.h"

static struct mb_tree tree_of(const struct row *rows, size_t n)
{
    int fd = tar_fd_of(rows, n);
    struct mb_tree t = {0};
    struct mb_error err;

    assert_ok(mb_tree_from_tar(fd, &t, &err), err);
    close(fd);
    return t;
}

static const struct row context[] = {
    D("./"),
    F("z.txt", "z"),
    F("a/b/deep", "deep"), /* "a" and "a/b" are implied */
    F("a-b", "dash"),
    F("a.c", "c"),
    D("src"),
    F("src/main.c", "main"),
    F("src/util.c", "util"),
    H("src/hard.c", "src/main.c"),
    F("src/sub/x.c", "x"),
    L("link", "src"),
    L("src/up", "../a-b"),
    L("abs", "/src/main.c"),
    L("out", "../../../../a.c"),
    L("dangling", "nowhere"),
    L("loop", "loop"),
    L("chain", "link/sub"),
    F("we[i]rd", "w"),
};

static void listings_are_sorted_and_complete(void **state _unused_)
{
    struct mb_tree t = tree_of(context, ARRAY_SIZE(context));
    struct mb_digest main_c = mb_digest_of("main", 4);
    bool found = false;

    assert_int_equal(t.n, ARRAY_SIZE(context) - 1 + 3);
    for (size_t i = 0; i < t.n; i++) {
        assert_true(i == 0 || strcmp(t.v[i - 1].path, t.v[i].path) < 0);
        if (strcmp(t.v[i].path, "src/hard.c") != 0)
            continue;
        found = true;
        assert_true(S_ISREG(t.v[i].mode));
        assert_int_equal(t.v[i].size, 4);
        assert_true(mb_digest_equal(&t.v[i].content, &main_c));
    }
    assert_true(found);
    mb_tree_done(&t);
}

static void patterns_select_what_copy_would(void **state _unused_)
{
    static const struct {
        const char *pattern;
        const char *want; /* joined by blanks */
    } rows[] = {
        {"", ""},
        {".", ""},
        {"/", ""},
        {"src", "src"},
        {"/src/", "src"},
        {"./src/../z.txt", "z.txt"},
        {"../../z.txt", "z.txt"},
        {"nothing", NULL},
        {"src/nothing", NULL},
        {"z.txt/x", NULL},
        {"a", "a"},
        {"*.txt", "z.txt"},
        {"src/*.c", "src/hard.c src/main.c src/util.c"},
        {"*/*.c", "src/hard.c src/main.c src/util.c"},
        {"src/[mu]*", "src/main.c src/up src/util.c"},
        {"s?c/sub/*", "src/sub/x.c"},
        {"*.none", NULL},
        {"link", "link"},
        {"link/main.c", "link/main.c"},
        {"link/m*", "link/main.c"},
        {"chain/x.c", "chain/x.c"},
        {"abs", "abs"},
        {"out", "out"}, /* stays at the root */
        {"dangling", NULL},
        {"loop", NULL},
        {"we\\[i]rd", "we[i]rd"},
    };
    struct mb_tree t = tree_of(context, ARRAY_SIZE(context));

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_strv got = {0};
        struct mb_error err;
        char *joined;

        assert_ok(mb_tree_select(&t, rows[i].pattern, &got, &err), err);
        joined = mb_strv_join(&got, " ");
        if ((got.n > 0) != (rows[i].want != NULL)
            || strcmp(joined, rows[i].want ? rows[i].want : "") != 0)
            fail_msg("'%s' selects %zu: '%s'", rows[i].pattern, got.n, joined);
        free(joined);
        mb_strv_done(&got);
    }
    mb_tree_done(&t);
}

static void malformed_patterns_are_invalid(void **state _unused_)
{
    struct mb_tree t = tree_of(context, ARRAY_SIZE(context));
    struct mb_strv got = {0};
    struct mb_error err;

    assert_fails(mb_tree_select(&t, "src/[", &got, &err), err, MB_ERR_INVALID);
    assert_fails(mb_tree_select(&t, "nothing/[", &got, &err), err, MB_ERR_INVALID);
    mb_tree_done(&t);
}

static struct mb_digest digest_of(const struct row *rows, size_t n, const char *path)
{
    struct mb_tree t = tree_of(rows, n);
    struct mb_digest d;
    struct mb_error err;

    assert_ok(mb_tree_digest(&t, path, &d, &err), err);
    mb_tree_done(&t);
    return d;
}

/* Each row differs from the first in one thing. */
static void digests_see_content_and_modes_but_no_times_and_owners(void **state _unused_)
{
    static const struct {
        struct row rows[3];
        bool same;
    } cases[] = {
        {{D("d"), F("d/f", "x"), L("d/l", "f")}, true},
        {{L("d/l", "f"), F("d/f", "x"), D("d")}, true}, /* the order */
        {{{"d", DIR_755, NULL, false, 7, 9}, F("d/f", "x"), L("d/l", "f")}, true},
        {{D("d"), {"d/f", FILE_644, "x", false, 1, 2}, L("d/l", "f")}, true},
        {{D("d"), F("d/f", "x"), {"d/l", S_IFLNK, "f", false, 0, 0}}, true},
        {{D("d"), F("d/f", "y"), L("d/l", "f")}, false},
        {{D("d"), F("d/g", "x"), L("d/l", "f")}, false},
        {{D("d"), F("d/f", "x"), L("d/l", "g")}, false},
        {{D("d"), F("d/f", "x"), F("d/l", "f")}, false},
        {{D("d"), {"d/f", S_IFREG | 0755, "x", false, 0, 0}, L("d/l", "f")}, false},
        {{{"d", S_IFDIR | 0700, NULL, false, 0, 0}, F("d/f", "x"), L("d/l", "f")},
         false},
        {{D("d"), F("d/f", "x"), D("d/l")}, false},
    };
    struct mb_digest want = digest_of(cases[0].rows, 3, "d");

    for (size_t i = 1; i < ARRAY_SIZE(cases); i++) {
        struct mb_digest got = digest_of(cases[i].rows, 3, "d");

        if (mb_digest_equal(&got, &want) != cases[i].same)
            fail_msg("case %zu", i);
    }
}

static void digests_follow_links_as_copying_does(void **state _unused_)
{
    static const struct {
        const char *a;
        const char *b;
    } rows[] = {{"link", "src"},   {"abs", "src/hard.c"},
                {"out", "a.c"},    {"chain/x.c", "src/sub/x.c"},
                {"src/up", "a-b"}, {"", "."}};
    struct mb_tree t = tree_of(context, ARRAY_SIZE(context));
    struct mb_digest a;
    struct mb_digest b;
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(mb_tree_digest(&t, rows[i].a, &a, &err), err);
        assert_ok(mb_tree_digest(&t, rows[i].b, &b, &err), err);
        assert_true(mb_digest_equal(&a, &b));
    }
    assert_fails(mb_tree_digest(&t, "loop", &a, &err), err, MB_ERR_NOT_FOUND);
    assert_fails(mb_tree_digest(&t, "no/such", &a, &err), err, MB_ERR_NOT_FOUND);
    mb_tree_done(&t);
}

/* The bytes behind cache keys: a change here empties every cache. */
static void the_digest_is_what_it_was(void **state _unused_)
{
    struct mb_digest d = digest_of(context, ARRAY_SIZE(context), "src");
    char text[MB_DIGEST_TEXT_LEN + 1];

    assert_string_equal(
        mb_digest_text(&d, text),
        "sha256:d1f915ecca7b5aa6d555c0e7f0e0dd43b04d75c859b203cee936755aa99a1458");
}

static void listings_that_contradict_themselves_are_refused(void **state _unused_)
{
    static const struct {
        struct row rows[3];
        enum mb_errc code;
    } cases[] = {
        {{F("f", "x"), F("f/g", "x")}, MB_ERR_CORRUPT},
        {{D("d"), F("d", "x")}, MB_ERR_CORRUPT},
        {{H("h", "f"), F("f", "x")}, MB_ERR_CORRUPT},
        {{D("d"), H("h", "d")}, MB_ERR_CORRUPT},
        {{F("../f", "x")}, MB_ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = tar_fd_of(cases[i].rows, 3);
        struct mb_tree t = {0};
        struct mb_error err;

        assert_fails(mb_tree_from_tar(fd, &t, &err), err, cases[i].code);
        assert_null(t.v);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listings_are_sorted_and_complete),
        cmocka_unit_test(patterns_select_what_copy_would),
        cmocka_unit_test(malformed_patterns_are_invalid),
        cmocka_unit_test(digests_see_content_and_modes_but_no_times_and_owners),
        cmocka_unit_test(digests_follow_links_as_copying_does),
        cmocka_unit_test(the_digest_is_what_it_was),
        cmocka_unit_test(listings_that_contradict_themselves_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
