/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <sys/stat.h>

#include "cli/context.h"
#include "cli/layouts.h"
#include "fs/tree.h"

static void patterns_select_files_and_what_is_below(void **state _unused_)
{
    static const struct {
        const char *patterns, *path;
        bool selects, inside;
    } rows[] = {
        {"", "a", true, true},
        {".", "a/b", true, true},
        {"a", "a", true, true},
        {"a", "a/b/c", true, true},
        {"a", "ab", false, false},
        {"a/b", "a", false, true},
        {"a/b", "a/b", true, true},
        {"a/b", "a/c", false, false},
        {"a/b", "b", false, false},
        {"*.c", "x.c", true, true},
        {"*.c", "d/x.c", false, false},
        {"*/x", "d", false, true},
        {"*/x", "d/x/y", true, true},
        {"b|a/?", "a/x", true, true},
        {"b|a/?", "a/xy", false, false},
        {"[", "[", false, false}, /* malformed: selects nothing */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_strv_ struct mb_strv patterns = {0};
        bool inside = false;

        mb_strv_split(&patterns, rows[i].patterns, "|");
        assert_int_equal(context_selects(&patterns, rows[i].path, &inside),
                         rows[i].selects);
        assert_int_equal(inside, rows[i].inside);
    }
}

static void write_file(const struct mb_test_dir *t, const char *name, const char *text)
{
    struct mb_error err;

    assert_ok(mb_write_file(t->fd, name, text, strlen(text), 0644, &err), err);
}

/* The names in the context's tar, parents with them; malloc'ed. */
static char *scan(const struct mb_test_dir *t, const char *dockerfile,
                  const char *patterns)
{
    _cleanup_(mb_ignore_freep) struct mb_ignore *ignore = NULL;
    _cleanup_strv_ struct mb_strv list = {0};
    _cleanup_strv_ struct mb_strv names = {0};
    _cleanup_close_ int fd = -1;
    struct transfer_state ts = {0};
    struct mb_tree tree = {0};
    struct mb_descriptor d;
    struct stat st;
    struct mb_error err;

    mb_strv_split(&list, patterns, "|");
    assert_ok(context_ignore(t->fd, dockerfile, &ignore, &err), err);
    assert_ok(context_tar(t->fd, ignore, &list, &ts, &fd, &d, &err), err);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, d.size);
    assert_ok(mb_tree_from_tar(fd, &tree, &err), err);
    for (size_t i = 0; i < tree.n; i++)
        mb_strv_add(&names, tree.v[i].path);
    mb_tree_done(&tree);
    return mb_strv_join(&names, " ");
}

static void only_what_is_asked_for_and_not_ignored_is_sent(void **state)
{
    const struct mb_test_dir *t = *state;
    char own[96];

    assert_int_equal(mkdirat(t->fd, "src", 0755), 0);
    assert_int_equal(mkdirat(t->fd, "big", 0755), 0);
    assert_int_equal(mkdirat(t->fd, "big/keep", 0755), 0);
    write_file(t, "src/a.c", "a");
    write_file(t, "src/a.o", "o");
    write_file(t, "big/x", "x");
    write_file(t, "big/keep/y", "y");
    write_file(t, ".dockerignore", "big\n!big/keep\n**/*.o\n");
    assert_int_equal(symlinkat("/etc/passwd", t->fd, "link"), 0);

    _cleanup_free_ char *all = scan(t, NULL, ".");
    assert_string_equal(all, ".dockerignore big big/keep big/keep/y link src src/a.c");
    _cleanup_free_ char *one = scan(t, NULL, "/src/../src/*.c|nothing|../../etc");
    assert_string_equal(one, "src src/a.c");

    (void)snprintf(own, sizeof(own), "%s/My.Dockerfile", t->path);
    write_file(t, "My.Dockerfile.dockerignore", "src\n");
    _cleanup_free_ char *other = scan(t, own, "src|big/x");
    assert_string_equal(other, "big big/x");
}

static void cancelling_stops_the_scan(void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_strv_ struct mb_strv list = {0};
    struct transfer_state ts = {0};
    struct mb_descriptor d;
    struct mb_error err;
    int fd = -1;

    write_file(t, "a", "a");
    mb_strv_add(&list, ".");
    atomic_store(&ts.cancel, true);
    assert_fails(context_tar(t->fd, NULL, &list, &ts, &fd, &d, &err), err,
                 MB_ERR_CANCELLED);
    assert_int_equal(fd, -1);
}

/* They would be gone in the image, and take others with them. */
static void names_that_mean_deletions_are_refused(void **state)
{
    static const char *const names[] = {".wh.gone", "sub/.wh..wh..opq"};
    const struct mb_test_dir *t = *state;
    struct mb_error err;

    assert_int_equal(mkdirat(t->fd, "sub", 0755), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_strv_ struct mb_strv all = {0}, other = {0};
        struct transfer_state ts = {0};
        struct mb_descriptor d;
        int fd = -1;

        write_file(t, names[i], "a");
        write_file(t, "other", "a");
        mb_strv_add(&all, ".");
        mb_strv_add(&other, "other");
        assert_fails(context_tar(t->fd, NULL, &all, &ts, &fd, &d, &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, names[i]);
        assert_int_equal(fd, -1);
        assert_ok(context_tar(t->fd, NULL, &other, &ts, &fd, &d, &err), err);
        close(fd);
        assert_int_equal(unlinkat(t->fd, names[i], 0), 0);
    }
}

static void layout_places_are_taken_apart(void **state _unused_)
{
    static const char hex[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const struct {
        const char *text, *dir, *tag;
    } rows[] = {
        {"oci-layout://d", "d", NULL},
        {"oci-layout:///a/b", "/a/b", NULL},
        {"oci-layout:///a/b:1.2", "/a/b", "1.2"},
        {"oci-layout:///a:b/c", "/a:b/c", NULL},
        {"oci-layout://d:x", "d", "x"},
        {"oci-layout://", NULL, NULL},
        {"oci-layout://d:", NULL, NULL},
        {"oci-layout://:x", NULL, NULL},
        {"oci-layout://d@sha256:12", NULL, NULL},
        {"docker-image://d", NULL, NULL},
    };
    _cleanup_(layout_spec_done) struct layout_spec by_digest = {0};
    char text[128];
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(layout_spec_done) struct layout_spec s = {0};

        if (!rows[i].dir) {
            assert_fails(layout_spec_parse(rows[i].text, &s, &err), err,
                         MB_ERR_INVALID);
            continue;
        }
        assert_ok(layout_spec_parse(rows[i].text, &s, &err), err);
        assert_string_equal(s.dir, rows[i].dir);
        assert_int_equal(s.tag != NULL, rows[i].tag != NULL);
        if (s.tag)
            assert_string_equal(s.tag, rows[i].tag);
        assert_false(s.has_digest);
    }
    (void)snprintf(text, sizeof(text), "oci-layout://d@sha256:%s", hex);
    assert_ok(layout_spec_parse(text, &by_digest, &err), err);
    assert_true(by_digest.has_digest);
    assert_string_equal(by_digest.dir, "d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_select_files_and_what_is_below),
        mb_test_in_dir(only_what_is_asked_for_and_not_ignored_is_sent),
        mb_test_in_dir(cancelling_stops_the_scan),
        mb_test_in_dir(names_that_mean_deletions_are_refused),
        cmocka_unit_test(layout_places_are_taken_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
