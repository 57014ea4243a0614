/* SPDX-License-Identifier: Apache-2.0 */
/* Images and commands that are hostile, or just unlucky. */
#include "step_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_OF(p, m, id, t)     \
    {                           \
        {.path = (p),           \
         .mode = S_IFDIR | (m), \
         .uid = (id),           \
         .gid = (id),           \
         .mtime_sec = (t)},     \
            NULL                \
    }
#define FILE_OF(p, text)                                                \
    {                                                                   \
        {.path = (p), .mode = S_IFREG | 0644, .mtime_sec = 150}, (text) \
    }

/* What a command says on @ids; it may end as it likes. */
static int say(struct fixture *f, const struct mb_digest *ids, size_t n,
               const char *script, char **ret_text)
{
    const struct step_state image = {.diff_ids = ids, .n = n};
    struct mb_platform p = fixture_platform("linux/amd64");
    struct mb_step s = fixture_sh(script);
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    struct log l;
    int status = -1;

    log_init(&l);
    assert_ok(step_run(f->c, &l.call, &image, &s, &p, work, &status, &err), err);
    assert_ok(step_discard(f->c, work, &err), err);
    *ret_text = mb_xstrndup(l.text.len > 0 ? l.text.data : "", l.text.len);
    mb_buf_done(&l.text);
    mb_strv_done(&s.argv);
    return status;
}

static void assert_says(struct fixture *f, const struct mb_digest *ids, size_t n,
                        const char *script, const char *want)
{
    char *text = NULL;
    int status = say(f, ids, n, script, &text);

    if (status != 0 || strcmp(text, want) != 0)
        fail_msg("status %d, it says:\n%s", status, text);
    free(text);
}

/* --- layers without entries for directories --- */

static const struct layer_file below[] = {
    DIR_OF("a", 0700, 9, 100),
    DIR_OF("a/b", 03770, 10, 101),
    DIR_OF("hidden", 0700, 11, 102),
    DIR_OF("tmp", 01777, 3, 103),
};
static const struct layer_file bare[] = {
    FILE_OF("a/b/c/d", "d"),
    FILE_OF("hidden/.wh..wh..opq", ""),
    FILE_OF("hidden/n", ""),
    FILE_OF("tmp/x", "x"),
};
static const struct layer_file bare_again[] = {
    FILE_OF("a/b/e", "e"),
    FILE_OF("tmp/y/z", "z"),
};

static void directories_without_an_entry_look_as_they_do_below(void **state)
{
    struct fixture *f = *state;
    const struct mb_digest ids[] = {
        f->amd64,
        fixture_layer(f, below, ARRAY_SIZE(below)),
        fixture_layer(f, bare, ARRAY_SIZE(bare)),
        fixture_layer(f, bare_again, ARRAY_SIZE(bare_again)),
    };
    static const char want[] = "700 9:9 100 /a\n3770 10:10 101 /a/b\n"
                               "755 0:0 0 /a/b/c\n755 0:0 0 /hidden\n"
                               "1777 3:3 103 /tmp\n755 0:0 0 /tmp/y\nd\ne\nx\nz\n";

    assert_says(f, ids, 4,
                "stat -c '%a %u:%g %Y %n' /a /a/b /a/b/c /hidden /tmp /tmp/y;"
                "for i in /a/b/c/d /a/b/e /tmp/x /tmp/y/z; do cat $i; echo; done",
                want);
}

/* And it is what a COPY of it, or a layer with it, has. */
static void a_change_below_such_a_directory_keeps_its_mode(void **state)
{
    struct fixture *f = *state;
    const struct mb_digest ids[] = {
        f->amd64,
        fixture_layer(f, below, ARRAY_SIZE(below)),
        fixture_layer(f, bare, ARRAY_SIZE(bare)),
    };
    const struct step_state image = {.diff_ids = ids, .n = 3};
    struct mb_step s = {.kind = MB_STEP_COPY, .dest = (char *)(uintptr_t) "/tmp/"};
    char work[STEP_WORK_ID_LEN + 1];
    char *names = NULL;
    struct mb_error err;

    mb_strv_add(&s.paths, "a/b");
    assert_ok(step_copy(f->c, NULL, &image, &image, &s, work, &err), err);
    (void)fixture_diff(f, work, false, &names);
    assert_string_equal(names, "tmp/ 1777 3:3 103\ntmp/c/ 755 0:0 0\n"
                               "tmp/c/d 644 0:0 150\n");
    assert_ok(step_discard(f->c, work, &err), err);
    free(names);
    mb_strv_done(&s.paths);
}

/* A layer's archive has no entry for its root; here it must be as it is elsewhere. */
static void a_step_leaves_the_root_directory_as_it_was(void **state)
{
    struct fixture *f = *state;
    const struct layer_file root[] = {DIR_OF("./", 0711, 7, 77)};
    struct mb_digest ids[3] = {f->amd64, fixture_layer(f, root, 1)};
    const struct step_state image = {.diff_ids = ids, .n = 2};
    struct mb_platform p = fixture_platform("linux/amd64");
    struct mb_step s = fixture_sh("chmod 700 /; chown 1 /; echo >/made");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    int status = -1;

    assert_ok(step_run(f->c, NULL, &image, &s, &p, work, &status, &err), err);
    assert_int_equal(status, 0);
    ids[2] = fixture_diff(f, work, false, NULL);
    assert_ok(step_commit(f->c, work, &ids[2], &err), err);
    assert_says(f, ids, 3, "stat -c '%a %u:%g %Y' /", "711 7:7 77\n");
    mb_strv_done(&s.argv);
}

/* --- commands --- */

static void what_cannot_be_started_is_the_users_fault(void **state)
{
    static const char *const commands[] = {"/etc", "/etc/passwd", "/no/such", "nosuch"};
    struct fixture *f = *state;
    const struct step_state image = {.diff_ids = &f->amd64, .n = 1};
    struct mb_platform p = fixture_platform("linux/amd64");

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        struct mb_step s = {.kind = MB_STEP_RUN};
        char work[STEP_WORK_ID_LEN + 1];
        struct mb_error err;
        int status;

        mb_strv_add(&s.argv, commands[i]);
        assert_fails(step_run(f->c, NULL, &image, &s, &p, work, &status, &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, "the command cannot be started");
        mb_strv_done(&s.argv);
    }
}

static void a_fork_bomb_ends(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    int status;

    status = say(f, &f->amd64, 1,
                 "test $(ulimit -u) -le 16384 || exit 99; ulimit -u 200;"
                 "f() { f | f & f; }; f",
                 &text);
    assert_int_not_equal(status, 99);
    free(text);
    assert_says(f, &f->amd64, 1, "echo alive", "alive\n");
}

static void a_step_goes_first_when_memory_runs_out(void **state)
{
    struct fixture *f = *state;

    assert_says(f, &f->amd64, 1, "test $(cat /proc/self/oom_score_adj) -ge 500", "");
}

/* QEMU cannot die of a signal as pid 1 of a namespace; somebody has to help. */
static void an_emulated_command_that_crashes_ends(void **state)
{
    struct fixture *f = *state;
    const struct step_state image = {.diff_ids = &f->s390x, .n = 1};
    struct mb_platform p = fixture_platform("linux/s390x");
    struct mb_step s = fixture_sh("kill -SEGV $$; echo still here");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    int status = 0;

    assert_fails(step_run(f->c, NULL, &image, &s, &p, work, &status, &err), err,
                 MB_ERR_EMULATION);
    assert_contains(err.msg, "signal 11");
    mb_strv_done(&s.argv);
}

/* --- COPY and WORKDIR --- */

static int keep(const void *data, size_t len, void *arg, struct mb_error *err _unused_)
{
    mb_buf_add(arg, data, len);
    return 0;
}

static void a_working_directory_below_a_file_is_the_users_fault(void **state)
{
    struct fixture *f = *state;
    const struct step_state image = {.diff_ids = &f->amd64, .n = 1};
    struct mb_step s = {.kind = MB_STEP_WORKDIR,
                        .cwd = (char *)(uintptr_t) "/etc/passwd/x"};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    bool made;

    assert_fails(step_workdir(f->c, NULL, &image, &s, work, &made, &err), err,
                 MB_ERR_INVALID);
    assert_contains(err.msg, "/etc/passwd is not a directory");
}

static void capabilities_are_copied_with_the_file(void **state)
{
    static char cap[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static char cap_name[] = "security.capability";
    const struct mb_tar_xattr xattr = {cap_name, cap, 20};
    struct fixture *f = *state;
    const struct layer_file files[] = {{{.path = "ping",
                                         .mode = S_IFREG | 0755,
                                         .uid = 3,
                                         .xattrs = &xattr,
                                         .n_xattrs = 1},
                                        "code"}};
    const struct mb_digest d = fixture_layer(f, files, 1);
    const struct step_state image = {.diff_ids = &d, .n = 1};
    struct mb_step s = {.kind = MB_STEP_COPY, .dest = (char *)(uintptr_t) "/copied"};
    struct mb_buf tar = MB_BUF_INIT(4 * MB_MIB);
    const struct mb_sink sink = {.fn = keep, .arg = &tar};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;

    mb_strv_add(&s.paths, "ping");
    assert_ok(step_copy(f->c, NULL, &image, &image, &s, work, &err), err);
    assert_ok(step_diff(f->c, NULL, work, false, 0, &sink, &err), err);
    assert_non_null(memmem(tar.data, tar.len, cap_name, strlen(cap_name)));
    assert_non_null(memmem(tar.data, tar.len, cap, 20));
    assert_ok(step_discard(f->c, work, &err), err);
    mb_buf_done(&tar);
    mb_strv_done(&s.paths);
}

static void a_pattern_does_not_match_below_files(void **state)
{
    struct fixture *f = *state;
    const struct step_state image = {.diff_ids = &f->amd64, .n = 1};
    struct mb_step s = {.kind = MB_STEP_COPY, .dest = (char *)(uintptr_t) "/x/"};
    char work[STEP_WORK_ID_LEN + 1];
    char *names = NULL;
    struct mb_error err;

    mb_strv_add(&s.paths, "etc/*/below"); /* etc/passwd is a file */
    mb_strv_add(&s.paths, "e*/passwd");
    assert_ok(step_copy(f->c, NULL, &image, &image, &s, work, &err), err);
    (void)fixture_diff(f, work, false, &names);
    assert_contains(names, "x/passwd 644 0:0");
    assert_ok(step_discard(f->c, work, &err), err);
    free(names);
    mb_strv_done(&s.paths);
}

/* --- crashes of the machine --- */

static void layers_of_another_boot_are_not_trusted(void **state)
{
    struct fixture *f = *state;
    char *path = mb_xasprintf("%s/layers/boot", f->state_dir);
    bool there = false;
    struct mb_error err;

    fixture_restart(f);
    assert_ok(step_has_layer(f->c, &f->amd64, &there, &err), err);
    assert_true(there);
    if (geteuid() == 0) { /* others may not write there */
        int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_ok(mb_write_all(fd, "another\n", 8, &err), err);
        close(fd);
        fixture_restart(f);
        assert_ok(step_has_layer(f->c, &f->amd64, &there, &err), err);
        assert_false(there);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_without_an_entry_look_as_they_do_below),
        cmocka_unit_test(a_change_below_such_a_directory_keeps_its_mode),
        cmocka_unit_test(a_step_leaves_the_root_directory_as_it_was),
        cmocka_unit_test(what_cannot_be_started_is_the_users_fault),
        cmocka_unit_test(a_fork_bomb_ends),
        cmocka_unit_test(an_emulated_command_that_crashes_ends),
        cmocka_unit_test(a_step_goes_first_when_memory_runs_out),
        cmocka_unit_test(a_working_directory_below_a_file_is_the_users_fault),
        cmocka_unit_test(capabilities_are_copied_with_the_file),
        cmocka_unit_test(a_pattern_does_not_match_below_files),
        cmocka_unit_test(layers_of_another_boot_are_not_trusted), /* the last one */
    };
    const char *missing = fixture_missing();

    if (missing) {
        print_message("skipped: %s\n", missing);
        return 77;
    }
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
