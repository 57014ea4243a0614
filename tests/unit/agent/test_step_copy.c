/* SPDX-License-Identifier: Apache-2.0 */
/* COPY and WORKDIR: what lands where, with which attributes. */
#include "step_fixture.h"

#include <sys/stat.h>

#define DIR_AT(p, m, t)                                              \
    {                                                                \
        {.path = (p), .mode = S_IFDIR | (m), .mtime_sec = (t)}, NULL \
    }
#define FILE_AT(p, m, t, text)                                         \
    {                                                                  \
        {.path = (p), .mode = S_IFREG | (m), .mtime_sec = (t)}, (text) \
    }
#define LINK_AT(p, to)                                                                \
    {                                                                                 \
        {.path = (p), .mode = S_IFLNK | 0777, .mtime_sec = 150, .link_target = (to)}, \
            NULL                                                                      \
    }

static const struct layer_file source_files[] = {
    DIR_AT("d", 0750, 100),
    FILE_AT("d/a", 0644, 101, "A"),
    LINK_AT("d/l", "a"),
    DIR_AT("d/sub", 0755, 102),
    FILE_AT("d/sub/b", 04755, 103, "B"),
    FILE_AT("f1.txt", 0644, 200, "one"),
    FILE_AT("f2.txt", 0600, 201, "two"),
    DIR_AT("h", 0755, 300),
    FILE_AT("h/1", 0644, 300, "same"),
    {{.path = "h/2", .mode = S_IFREG | 0644, .link_target = "h/1", .is_hardlink = 1},
     NULL},
    LINK_AT("out", "/../../etc"),
    LINK_AT("to-d", "/d"),
};
static const struct layer_file image_files[] = {
    LINK_AT("dangling", "/deep/er"),
    DIR_AT("etc", 0755, 50),
    FILE_AT("etc/group", 0644, 50, "root:x:0:\ntty:x:5:\n"),
    FILE_AT("etc/passwd", 0644, 50,
            "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n"),
    LINK_AT("lnk", "etc"),
    LINK_AT("up", "../../../outside"),
};

#define D_TREE(front)                                                                \
    front "a 644 0:0 101\n" front "l 777 0:0 150\n" front "sub/ 755 0:0 102\n" front \
          "sub/b 4755 0:0 103\n"

static const struct copy_row {
    const char *paths; /* divided by blanks */
    const char *dest, *chown, *chmod;
    const char *want; /* lines of the layer; or, with a code, part of the message */
    enum mb_errc code;
} rows[] = {
    {"f1.txt", "/x", NULL, NULL, "x 644 0:0 200\n", MB_OK},
    {"f1.txt", "/x/", NULL, NULL, "x/ 755 0:0 200\nx/f1.txt 644 0:0 200\n", MB_OK},
    {"f1.txt", "/etc", NULL, NULL, "etc/ 755 0:0 50\netc/f1.txt 644 0:0 200\n", MB_OK},
    {"f1.txt", "/etc/passwd", NULL, NULL, "etc/ 755 0:0 50\netc/passwd 644 0:0 200\n",
     MB_OK},
    {"f1.txt", "/", NULL, NULL, "f1.txt 644 0:0 200\n", MB_OK},
    {"d", "/new", NULL, NULL, "new/ 750 0:0 100\n" D_TREE("new/"), MB_OK},
    {"d", "/new/", NULL, NULL, "new/ 750 0:0 100\n" D_TREE("new/"), MB_OK},
    {"d", "/etc", NULL, NULL, "etc/ 755 0:0 50\n" D_TREE("etc/"), MB_OK},
    {"d", "/", NULL, NULL, D_TREE(""), MB_OK},
    {"to-d", "/new", NULL, NULL, "new/ 750 0:0 100\n" D_TREE("new/"), MB_OK},
    {"d/l", "/x", NULL, NULL, "x 644 0:0 101\n", MB_OK},
    {"f*.txt", "/x/", NULL, NULL,
     "x/ 755 0:0 200\nx/f1.txt 644 0:0 200\nx/f2.txt 600 0:0 201\n", MB_OK},
    {"f1.txt d/*b", "/x/", NULL, NULL,
     "x/ 755 0:0 200\nx/b 4755 0:0 103\nx/f1.txt 644 0:0 200\n", MB_OK},
    {"../../f1.txt", "/x", NULL, NULL, "x 644 0:0 200\n", MB_OK},
    {"h", "/h", NULL, NULL, "h/ 755 0:0 300\nh/1 644 0:0 300\nh/2 644 0:0 300\n",
     MB_OK},
    {"f1.txt", "/lnk/", NULL, NULL, "etc/ 755 0:0 50\netc/f1.txt 644 0:0 200\n", MB_OK},
    {"f1.txt", "/dangling/x/", NULL, NULL,
     "deep/ 755 0:0 200\ndeep/er/ 755 0:0 200\ndeep/er/x/ 755 0:0 200\n"
     "deep/er/x/f1.txt 644 0:0 200\n",
     MB_OK},
    {"f1.txt", "/up/", NULL, NULL, "outside/ 755 0:0 200\noutside/f1.txt 644 0:0 200\n",
     MB_OK},
    {"d", "/new", "daemon:tty", "0640",
     "new/ 640 1:5 100\nnew/a 640 1:5 101\nnew/l 777 1:5 150\nnew/sub/ 640 1:5 102\n"
     "new/sub/b 640 1:5 103\n",
     MB_OK},
    {"f1.txt", "/x", "7", NULL, "x 644 7:7 200\n", MB_OK},
    {".", "/all/", NULL, NULL,
     "all/ 755 0:0 300\nall/d/ 750 0:0 100\n" D_TREE(
         "all/d/") "all/f1.txt 644 0:0 200\nall/f2.txt 600 0:0 201\nall/h/ 755 0:0 "
                   "300\n"
                   "all/h/1 644 0:0 300\nall/h/2 644 0:0 300\nall/out 777 0:0 150\n"
                   "all/to-d 777 0:0 150\n",
     MB_OK},
    {"no*", "/x", NULL, NULL, "", MB_OK},
    {"nope", "/x", NULL, NULL, "\"/nope\": not found", MB_ERR_NOT_FOUND},
    {"out/passwd", "/x", NULL, NULL, "\"/out/passwd\": not found", MB_ERR_NOT_FOUND},
    {"f1.txt f2.txt", "/x", NULL, NULL, "end with a /", MB_ERR_INVALID},
    {"d", "/etc/passwd", NULL, NULL, "not a directory", MB_ERR_INVALID},
    {"f1.txt", "/x", "who", NULL, "unable to find user who", MB_ERR_INVALID},
    {"f1.txt", "/x", "70000", NULL, "70000", MB_ERR_INVALID},
    {"f1.txt", "/x", NULL, "u+q", "octal", MB_ERR_INVALID},
    {"d", "/new", NULL, "u=rwX,go=rX",
     "new/ 755 0:0 100\nnew/a 644 0:0 101\nnew/l 777 0:0 150\nnew/sub/ 755 0:0 102\n"
     "new/sub/b 755 0:0 103\n",
     MB_OK},
    {"[", "/x", NULL, NULL, "pattern", MB_ERR_INVALID},
};
static const struct {
    struct copy_row row;
    const char *excludes; /* divided by blanks */
} exclude_rows[] = {
    {{"d", "/new", NULL, NULL, "new/ 750 0:0 100\nnew/a 644 0:0 101\n", MB_OK},
     "sub l"},
    {{"d", "/new", NULL, NULL,
      "new/ 750 0:0 100\nnew/l 777 0:0 150\nnew/sub/ 755 0:0 102\n"
      "new/sub/b 4755 0:0 103\n",
      MB_OK},
     "/a x/*"},
    {{"d", "/new", NULL, NULL, "new/ 750 0:0 100\nnew/sub/ 755 0:0 102\n", MB_OK},
     "[al] **/b"},
    {{"d", "/new", NULL, NULL,
      "new/ 750 0:0 100\nnew/sub/ 755 0:0 102\nnew/sub/b 4755 0:0 103\n", MB_OK},
     "* !sub/b"},
    {{"d", "/new", NULL, NULL, "new/ 750 0:0 100\n", MB_OK}, "* !sub/c"},
    {{"f*.txt", "/x/", NULL, NULL, "x/ 755 0:0 200\nx/f1.txt 644 0:0 200\n", MB_OK},
     "f2*"},
};

static void check_row(struct fixture *f, const struct copy_row *row,
                      const char *excludes, const struct step_state *image,
                      const struct step_state *source)
{
    struct mb_step s = {.kind = MB_STEP_COPY,
                        .dest = (char *)(uintptr_t)row->dest,
                        .chown = (char *)(uintptr_t)row->chown,
                        .chmod = (char *)(uintptr_t)row->chmod};
    char work[STEP_WORK_ID_LEN + 1];
    char *names = NULL;
    struct mb_error err;

    mb_strv_split(&s.paths, row->paths, " ");
    if (excludes)
        mb_strv_split(&s.excludes, excludes, " ");
    if (row->code != MB_OK) {
        assert_fails(step_copy(f->c, NULL, image, source, &s, work, &err), err,
                     row->code);
        assert_contains(err.msg, row->want);
    } else {
        assert_ok(step_copy(f->c, NULL, image, source, &s, work, &err), err);
        fixture_diff(f, work, false, &names);
        if (strcmp(names, row->want) != 0)
            fail_msg("COPY %s %s gives:\n%s", row->paths, row->dest, names);
        assert_ok(step_discard(f->c, work, &err), err);
        free(names);
    }
    mb_strv_done(&s.paths);
    mb_strv_done(&s.excludes);
}

static void copy_follows_dockers_rules(void **state)
{
    struct fixture *f = *state;
    struct mb_digest source_id =
        fixture_layer(f, source_files, ARRAY_SIZE(source_files));
    struct mb_digest image_id = fixture_layer(f, image_files, ARRAY_SIZE(image_files));
    const struct step_state source = {.diff_ids = &source_id, .n = 1};
    const struct step_state image = {.diff_ids = &image_id, .n = 1};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check_row(f, &rows[i], NULL, &image, &source);
    for (size_t i = 0; i < ARRAY_SIZE(exclude_rows); i++)
        check_row(f, &exclude_rows[i].row, exclude_rows[i].excludes, &image, &source);
}

static void hard_links_and_content_are_kept(void **state)
{
    struct fixture *f = *state;
    struct mb_digest source_id =
        fixture_layer(f, source_files, ARRAY_SIZE(source_files));
    const struct step_state source = {.diff_ids = &source_id, .n = 1};
    struct mb_platform p = fixture_platform("linux/amd64");
    struct mb_digest ids[2] = {f->amd64};
    struct step_state image = {.diff_ids = ids, .n = 1};
    struct mb_step s = {.kind = MB_STEP_COPY, .dest = (char *)(uintptr_t) "/h"};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    struct log l;
    int status;

    mb_strv_add(&s.paths, "h");
    assert_ok(step_copy(f->c, NULL, &image, &source, &s, work, &err), err);
    ids[1] = fixture_diff(f, work, false, NULL);
    assert_ok(step_commit(f->c, work, &ids[1], &err), err);
    image.n = 2;
    log_init(&l);
    struct mb_step run = fixture_sh("stat -c %h /h/1 /h/2; cat /h/2");
    assert_ok(step_run(f->c, &l.call, &image, &run, &p, work, &status, &err), err);
    assert_string_equal(l.text.data, "2\n2\nsame");
    assert_ok(step_discard(f->c, work, &err), err);
    mb_buf_done(&l.text);
    mb_strv_done(&run.argv);
    mb_strv_done(&s.paths);
}

static void files_of_the_step_come_behind_the_others(void **state)
{
    struct fixture *f = *state;
    struct mb_digest source_id =
        fixture_layer(f, source_files, ARRAY_SIZE(source_files));
    struct mb_digest image_id = fixture_layer(f, image_files, ARRAY_SIZE(image_files));
    const struct step_state source = {.diff_ids = &source_id, .n = 1};
    const struct step_state image = {.diff_ids = &image_id, .n = 1};
    static const struct {
        const char *paths, *files, *dest, *chmod, *want;
    } steps[] = {
        {NULL, "EOF|text\n", "/x", NULL, "x 644 0:0 0\n"},
        {NULL, "EOF|", "/x/", "u+x", "x/ 755 0:0 0\nx/EOF 744 0:0 0\n"},
        {"f1.txt", "A|a|B|b", "/x/", NULL,
         "x/ 755 0:0 0\nx/A 644 0:0 0\nx/B 644 0:0 0\nx/f1.txt 644 0:0 0\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct mb_step s = {.dest = (char *)(uintptr_t)steps[i].dest,
                            .chmod = (char *)(uintptr_t)steps[i].chmod};
        char work[STEP_WORK_ID_LEN + 1];
        struct mb_error err;
        char *names = NULL;

        mb_strv_split(&s.files, steps[i].files, "|");
        if (steps[i].paths)
            mb_strv_add(&s.paths, steps[i].paths);
        assert_ok(step_copy(f->c, NULL, &image, &source, &s, work, &err), err);
        fixture_diff(f, work, true, &names); /* times are clamped to 0 */
        assert_string_equal(names, steps[i].want);
        assert_ok(step_discard(f->c, work, &err), err);
        free(names);
        mb_strv_done(&s.files);
        mb_strv_done(&s.paths);
    }
}

static void workdir_is_made_once_and_belongs_to_the_user(void **state)
{
    struct fixture *f = *state;
    struct mb_digest image_id = fixture_layer(f, image_files, ARRAY_SIZE(image_files));
    const struct step_state image = {.diff_ids = &image_id, .n = 1};
    static const struct {
        const char *cwd, *user, *want;
    } dirs[] = {
        {"/etc", "", NULL},
        {"/lnk", "", NULL},
        {"/", "daemon", NULL},
        {"/a/b", "", "a/ 755 0:0 0\na/b/ 755 0:0 0\n"},
        {"/a/b", "daemon:tty", "a/ 755 0:0 0\na/b/ 755 1:5 0\n"},
        {"/dangling", "", "deep/ 755 0:0 0\ndeep/er/ 755 0:0 0\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        struct mb_step s = {.cwd = (char *)(uintptr_t)dirs[i].cwd,
                            .user = (char *)(uintptr_t)dirs[i].user};
        char work[STEP_WORK_ID_LEN + 1];
        struct mb_error err;
        bool made = false;

        assert_ok(step_workdir(f->c, NULL, &image, &s, work, &made, &err), err);
        assert_int_equal(made, dirs[i].want != NULL);
        if (made) {
            char *names = NULL;

            fixture_diff(f, work, true, &names);
            assert_string_equal(names, dirs[i].want);
            assert_ok(step_discard(f->c, work, &err), err);
            free(names);
        }
    }
    struct mb_step s = {.cwd = (char *)(uintptr_t) "/etc/passwd"};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    bool made;
    assert_fails(step_workdir(f->c, NULL, &image, &s, work, &made, &err), err,
                 MB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_follows_dockers_rules),
        cmocka_unit_test(hard_links_and_content_are_kept),
        cmocka_unit_test(files_of_the_step_come_behind_the_others),
        cmocka_unit_test(workdir_is_made_once_and_belongs_to_the_user),
    };
    const char *missing = fixture_missing();

    if (missing) {
        print_message("skipped; missing: %s\n", missing);
        return 77;
    }
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
