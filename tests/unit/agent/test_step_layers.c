/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: extracting, naming, stacking, and what is left of the dead. */
#include "step_fixture.h"

#include <signal.h>
#include <sys/stat.h>

static void run(struct fixture *f, const struct mb_digest *ids, size_t n,
                const char *platform, const struct mb_step *s, int want,
                char work[STEP_WORK_ID_LEN + 1], const char *want_text)
{
    const struct step_state image = {.diff_ids = ids, .n = n};
    struct mb_platform p = fixture_platform(platform);
    struct mb_error err;
    struct log l;
    int status = -1;

    log_init(&l);
    assert_ok(step_run(f->c, &l.call, &image, s, &p, work, &status, &err), err);
    if (status != want)
        fail_msg("exit status %d: %s", status, l.text.data);
    if (want_text)
        assert_string_equal(l.text.data, want_text);
    mb_buf_done(&l.text);
}

/* --- UNPACK --- */

static int feed_then_refuse(const struct mb_sink *out, void *arg _unused_,
                            struct mb_error *err)
{
    struct mb_digest d;

    if (fixture_feed_base("linux/arm64", out, &d, err) < 0)
        return -1;
    return mb_fail(err, MB_ERR_CORRUPT, "not what was promised");
}

static int feed_garbage(const struct mb_sink *out, void *arg _unused_,
                        struct mb_error *err)
{
    char chunk[4096];

    memset(chunk, 'x', sizeof(chunk));
    for (size_t i = 0; i < 1000; i++)
        if (mb_sink_put(out, chunk, sizeof(chunk), err) < 0)
            return -1;
    return 0;
}

static void a_layer_that_is_not_what_was_promised_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct mb_digest d = {{7}};
    bool there = true;
    struct mb_error err;

    assert_fails(step_unpack(f->c, NULL, &d, feed_then_refuse, NULL, &err), err,
                 MB_ERR_CORRUPT);
    assert_string_equal(err.msg, "not what was promised");
    assert_ok(step_has_layer(f->c, &d, &there, &err), err);
    assert_false(there);
    if (step_unpack(f->c, NULL, &d, feed_garbage, NULL, &err) == 0)
        fail_msg("garbage was accepted");
    print_message("%s\n", err.msg);
    assert_null(strstr(err.msg, "worker has stopped"));
    assert_ok(step_has_layer(f->c, &d, &there, &err), err);
    assert_false(there);
}

static void a_state_with_a_missing_layer_is_named(void **state)
{
    struct fixture *f = *state;
    const struct mb_digest ids[] = {f->amd64, {{9}}};
    const struct step_state image = {.diff_ids = ids, .n = 2};
    struct mb_platform p = fixture_platform("linux/amd64");
    struct mb_step s = fixture_sh("true");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    int status;

    assert_fails(step_run(f->c, NULL, &image, &s, &p, work, &status, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "sha256:09");
    mb_strv_done(&s.argv);
}

/* --- stacking --- */

static void a_committed_layer_is_seen_by_the_next_step(void **state)
{
    struct fixture *f = *state;
    struct mb_digest ids[3] = {f->amd64};
    struct mb_step first = fixture_sh("echo one >/one; rm /etc/group; mkdir -p /d/e");
    struct mb_step second = fixture_sh("rm -r /d; echo two >/two");
    struct mb_step third =
        fixture_sh("cat /one /two; ls /etc/group /d 2>&1 | wc -l; ls /d");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    bool there = false;

    for (int again = 0; again < 2; again++) {
        run(f, ids, 1, "linux/amd64", &first, 0, work, "");
        ids[1] = fixture_diff(f, work, true, NULL);
        assert_ok(step_commit(f->c, work, &ids[1], &err), err);
    }
    assert_ok(step_has_layer(f->c, &ids[1], &there, &err), err);
    assert_true(there);
    run(f, ids, 2, "linux/amd64", &second, 0, work, "");
    ids[2] = fixture_diff(f, work, true, NULL);
    assert_ok(step_commit(f->c, work, &ids[2], &err), err);
    run(f, ids, 3, "linux/amd64", &third, 1, work,
        "one\ntwo\n2\nls: /d: No such file or directory\n");
    assert_ok(step_discard(f->c, work, &err), err);
    assert_fails(step_discard(f->c, "../../../etc", &err), err, MB_ERR_INVALID);
    assert_fails(step_commit(f->c, work, &ids[2], &err), err, MB_ERR_NOT_FOUND);
    mb_strv_done(&first.argv);
    mb_strv_done(&second.argv);
    mb_strv_done(&third.argv);
}

static void more_layers_than_a_page_has_room_for_are_stacked(void **state)
{
    struct fixture *f = *state;
    struct mb_digest ids[200] = {f->amd64};
    struct mb_step s = fixture_sh("ls /many | wc -l; cat /many/top");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;

    for (size_t i = 1; i < ARRAY_SIZE(ids); i++) {
        char name[32], text[32];

        (void)snprintf(name, sizeof(name), "many/%zu", i);
        (void)snprintf(text, sizeof(text), "%zu", i);
        const struct layer_file files[] = {
            {{.path = "many", .mode = S_IFDIR | 0755}, NULL},
            {{.path = name, .mode = S_IFREG | 0644}, "x"},
            {{.path = "many/top", .mode = S_IFREG | 0644}, text},
        };
        ids[i] = fixture_layer(f, files, ARRAY_SIZE(files));
    }
    run(f, ids, ARRAY_SIZE(ids), "linux/amd64", &s, 0, work, "200\n199");
    assert_ok(step_discard(f->c, work, &err), err);
    mb_strv_done(&s.argv);
}

/* Steps that change nothing, or the same thing again, make equal layers. */
static void a_layer_may_come_twice(void **state)
{
    struct fixture *f = *state;
    const struct layer_file once[] = {
        {{.path = "f", .mode = S_IFREG | 0644}, "lower"},
        {{.path = "gone", .mode = S_IFREG | 0644}, "x"},
    };
    const struct layer_file again[] = {
        {{.path = "f", .mode = S_IFREG | 0644}, "upper"},
        {{.path = ".wh.gone", .mode = S_IFREG | 0644}, ""},
    };
    const struct mb_digest a = fixture_layer(f, once, ARRAY_SIZE(once));
    const struct mb_digest b = fixture_layer(f, again, ARRAY_SIZE(again));
    const struct mb_digest ids[] = {f->amd64, a, b, a, b, b};
    const struct mb_digest twice[] = {a, a};
    const struct step_state source = {.diff_ids = twice, .n = 2};
    const struct step_state image = {.diff_ids = ids, .n = ARRAY_SIZE(ids)};
    struct mb_step s = fixture_sh("cat /f; ls /gone 2>&1 | wc -l");
    struct mb_step copy = {.dest = (char *)(uintptr_t) "/copied"};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;

    run(f, ids, ARRAY_SIZE(ids), "linux/amd64", &s, 0, work, "upper1\n");
    assert_ok(step_discard(f->c, work, &err), err);
    run(f, ids, 4, "linux/amd64", &s, 0, work, "lower1\n");
    assert_ok(step_discard(f->c, work, &err), err);
    mb_strv_add(&copy.paths, "f");
    assert_ok(step_copy(f->c, NULL, &image, &source, &copy, work, &err), err);
    assert_ok(step_discard(f->c, work, &err), err);
    mb_strv_done(&copy.paths);
    mb_strv_done(&s.argv);
}

static void from_scratch_with_one_static_program_leaves_no_stub(void **state)
{
    struct fixture *f = *state;
    const struct step_state base = {.diff_ids = &f->amd64, .n = 1};
    const struct step_state scratch = {.n = 0};
    struct mb_step copy = {.dest = (char *)(uintptr_t) "/busybox"};
    struct mb_step nothing = {0}, something = {0};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_digest id;
    char *names = NULL;
    struct mb_error err;

    mb_strv_add(&copy.paths, "bin/busybox");
    assert_ok(step_copy(f->c, NULL, &scratch, &base, &copy, work, &err), err);
    id = fixture_diff(f, work, false, &names);
    assert_string_equal(names, "busybox 755 0:0 0\n");
    free(names);
    assert_ok(step_commit(f->c, work, &id, &err), err);

    mb_strv_split(&nothing.argv, "/busybox true", " ");
    run(f, &id, 1, "linux/amd64", &nothing, 0, work, "");
    fixture_diff(f, work, false, &names);
    assert_string_equal(names, "");
    free(names);
    assert_ok(step_discard(f->c, work, &err), err);

    mb_strv_split(&something.argv, "/busybox touch /etc/x", " ");
    run(f, &id, 1, "linux/amd64", &something, 0, work, "");
    fixture_diff(f, work, true, &names);
    assert_string_equal(names, "etc/ 755 0:0 0\netc/x 644 0:0 0\n");
    free(names);
    assert_ok(step_discard(f->c, work, &err), err);
    mb_strv_done(&copy.paths);
    mb_strv_done(&nothing.argv);
    mb_strv_done(&something.argv);
}

/* --- emulation --- */

static void a_crash_under_emulation_is_not_called_the_users_error(void **state)
{
    struct fixture *f = *state;
    const struct step_state image = {.diff_ids = &f->s390x, .n = 1};
    struct mb_platform p = fixture_platform("linux/s390x");
    struct mb_step s = fixture_sh("sh -c 'kill -SEGV $$'; exit $?");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    struct log l;
    int status;

    log_init(&l);
    assert_fails(step_run(f->c, &l.call, &image, &s, &p, work, &status, &err), err,
                 MB_ERR_EMULATION);
    assert_contains(l.text.data, "qemu: uncaught target signal");
    mb_buf_done(&l.text);
    mb_strv_done(&s.argv);
}

static void a_platform_that_cannot_be_run_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct step_state image = {.diff_ids = &f->s390x, .n = 1};
    struct mb_platform p = fixture_platform("linux/m68k");
    struct mb_step s = fixture_sh("true");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    int status;

    assert_fails(step_run(f->c, NULL, &image, &s, &p, work, &status, &err), err,
                 MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, "linux/m68k");
    mb_strv_done(&s.argv);
}

/* --- the dead --- */

static size_t count_owners(const struct fixture *f)
{
    char *path = mb_xasprintf("%s/layers/tmp", f->state_dir);
    DIR *d = opendir(path);
    const struct dirent *e;
    size_t n = 0;

    assert_non_null(d);
    while ((e = readdir(d)))
        n += e->d_name[0] != '.';
    closedir(d);
    free(path);
    return n;
}

static void two_helpers_share_a_directory_and_only_the_dead_are_swept(void **state)
{
    struct fixture *f = *state;
    struct fixture other = *f;
    struct mb_step s = fixture_sh("echo kept >/kept");
    char work[STEP_WORK_ID_LEN + 1];
    char *names = NULL;

    run(f, &f->amd64, 1, "linux/amd64", &s, 0, work, "");
    other.c = NULL;
    for (int i = 0; i < 3; i++)
        fixture_restart(&other); /* ends the one before, which leaves its owner */
    fixture_diff(f, work, true, &names);
    assert_string_equal(names, "kept 644 0:0 0\n");
    if (geteuid() == 0)
        assert_int_equal(count_owners(f), 2);
    step_client_free(other.c);
    free(names);
    mb_strv_done(&s.argv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_that_is_not_what_was_promised_is_not_there),
        cmocka_unit_test(a_state_with_a_missing_layer_is_named),
        cmocka_unit_test(a_committed_layer_is_seen_by_the_next_step),
        cmocka_unit_test(more_layers_than_a_page_has_room_for_are_stacked),
        cmocka_unit_test(a_layer_may_come_twice),
        cmocka_unit_test(from_scratch_with_one_static_program_leaves_no_stub),
        cmocka_unit_test(a_crash_under_emulation_is_not_called_the_users_error),
        cmocka_unit_test(a_platform_that_cannot_be_run_is_refused),
        cmocka_unit_test(two_helpers_share_a_directory_and_only_the_dead_are_swept),
    };
    const char *missing = fixture_missing();

    if (missing) {
        print_message("skipped; missing: %s\n", missing);
        return 77;
    }
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
