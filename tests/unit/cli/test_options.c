/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "cli/options.h"

struct target {
    bool push, quiet;
    char *file;
    struct mb_strv tags;
};
static const struct option_def defs[] = {
    {"push", 0, OPTION_BOOL, offsetof(struct target, push), NULL, "push it"},
    {"quiet", 'q', OPTION_BOOL, offsetof(struct target, quiet), NULL, "say little"},
    {"file", 'f', OPTION_STR, offsetof(struct target, file), "FILE", "the file"},
    {"tag", 't', OPTION_STRV, offsetof(struct target, tags), "NAME", "a name"},
    {"rm", 0, OPTION_IGNORED, 0, NULL, NULL},
    {"load", 0, OPTION_LATER, 0, NULL, "use -o"},
    {"sbom", 0, OPTION_LATER_VALUE, 0, NULL, NULL},
};

/* Words separated by one blank; "" is no word at all. */
static int parse(const char *line, struct target *t, struct mb_strv *args,
                 struct mb_strv *notes, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv argv = {0};

    if (*line)
        mb_strv_split(&argv, line, " ");
    return options_parse(defs, ARRAY_SIZE(defs), (int)argv.n, mb_strv_argv(&argv), t,
                         args, notes, err);
}

static void target_done(struct target *t)
{
    free(t->file);
    mb_strv_done(&t->tags);
}

static void flags_are_read_in_every_form(void **state _unused_)
{
    static const struct {
        const char *line, *file, *tags, *args;
        bool push, quiet;
    } rows[] = {
        {"", NULL, "", "", false, false},
        {"--push .", NULL, "", ".", true, false},
        {"--push=false .", NULL, "", ".", false, false},
        {"--push --push=0 .", NULL, "", ".", false, false},
        {"--file F .", "F", "", ".", false, false},
        {"--file=F=G .", "F=G", "", ".", false, false},
        {"-f F -f G .", "G", "", ".", false, false},
        {"-fF -t=a -tb .", "F", "a,b", ".", false, false},
        {"-qf F .", "F", "", ".", false, true},
        {"-qfF .", "F", "", ".", false, true},
        {". -t a --tag b", NULL, "a,b", ".", false, false},
        {"-q -- --push -f", NULL, "", "--push,-f", false, true},
        {"-f - -", "-", "", "-", false, false},
        {"--sbom=false --sbom false .", NULL, "", ".", false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(target_done) struct target t = {0};
        _cleanup_strv_ struct mb_strv args = {0};
        _cleanup_strv_ struct mb_strv notes = {0};
        struct mb_error err;

        assert_ok(parse(rows[i].line, &t, &args, &notes, &err), err);
        _cleanup_free_ char *args_text = mb_strv_join(&args, ",");
        _cleanup_free_ char *tags_text = mb_strv_join(&t.tags, ",");
        assert_string_equal(args_text, rows[i].args);
        assert_string_equal(tags_text, rows[i].tags);
        assert_int_equal(t.push, rows[i].push);
        assert_int_equal(t.quiet, rows[i].quiet);
        if (rows[i].file)
            assert_string_equal(t.file, rows[i].file);
        else
            assert_null(t.file);
    }
}

static void wrong_flags_say_what_is_meant(void **state _unused_)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"--pusch .", "did you mean --push?"},
        {"--fiel F", "did you mean --file?"},
        {"--completely-different", "unknown flag: --completely-different"},
        {"--pus", "unknown flag: --pus"}, /* no abbreviations */
        {"-x", "unknown flag: -x"},
        {"-qx", "unknown flag: -x in -qx"},
        {"--file", "--file needs a value"},
        {"-f", "-f (--file) needs a value"},
        {"--push=maybe", "--push must be true or false, not \"maybe\""},
        {"--load", "--load is not supported yet: use -o"},
        {"--sbom=true", "--sbom is not supported yet"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(target_done) struct target t = {0};
        _cleanup_strv_ struct mb_strv args = {0};
        _cleanup_strv_ struct mb_strv notes = {0};
        struct mb_error err;

        assert_fails(parse(rows[i].line, &t, &args, &notes, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
    }
}

static void ignored_flags_leave_a_note(void **state _unused_)
{
    _cleanup_(target_done) struct target t = {0};
    _cleanup_strv_ struct mb_strv args = {0};
    _cleanup_strv_ struct mb_strv notes = {0};
    struct mb_error err;

    assert_ok(parse("--rm .", &t, &args, &notes, &err), err);
    assert_int_equal(notes.n, 1);
    assert_string_equal(notes.v[0], "--rm has no effect");
}

static void help_shows_what_is_not_hidden(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4096);

    options_help(defs, ARRAY_SIZE(defs), &out);
    assert_string_equal(out.data, "      --push                  push it\n"
                                  "  -q, --quiet                 say little\n"
                                  "  -f, --file FILE             the file\n"
                                  "  -t, --tag NAME              a name\n");
}

static void csv_is_read_as_go_does(void **state _unused_)
{
    static const struct {
        const char *text, *fields; /* joined by '|'; NULL: refused */
    } rows[] = {
        {"a", "a"},
        {"type=oci,dest=x", "type=oci|dest=x"},
        {"", ""},
        {"a,,b", "a||b"},
        {"\"dest=a,b\",c", "dest=a,b|c"},
        {"\"say \"\"hi\"\"\"", "say \"hi\""},
        {"\"\",b", "|b"},
        {"\"open", NULL},
        {"\"a\"b,c", NULL},
        {"a\"b", NULL},
        {"\"", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_strv_ struct mb_strv fields = {0};
        struct mb_error err;

        if (!rows[i].fields) {
            assert_fails(options_csv(rows[i].text, &fields, &err), err, MB_ERR_INVALID);
            assert_int_equal(fields.n, 0);
            continue;
        }
        assert_ok(options_csv(rows[i].text, &fields, &err), err);
        _cleanup_free_ char *joined = mb_strv_join(&fields, "|");
        assert_string_equal(joined, rows[i].fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_are_read_in_every_form),
        cmocka_unit_test(wrong_flags_say_what_is_meant),
        cmocka_unit_test(ignored_flags_leave_a_note),
        cmocka_unit_test(help_shows_what_is_not_hidden),
        cmocka_unit_test(csv_is_read_as_go_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
