/* SPDX-License-Identifier: Apache-2.0 */
/* Here-documents of RUN, and ONBUILD: what is stored, and what it does in a child. */
#include "frontend_test.h"

#define _cleanup_result_ _cleanup_(frontend_result_done)

static void expect_list(const struct mb_strv *l, const char *want)
{
    _cleanup_free_ char *got = mb_strv_join(l, "|");

    assert_string_equal(got, want);
}

static void a_run_gets_its_here_documents(void **state)
{
    static const struct {
        const char *text, *argv, *shown, *history;
    } rows[] = {
        {"RUN <<EOF\na $X\nb\nEOF\n", "/bin/sh|-c|a $X\nb\n", "RUN <<EOF (a v...)",
         "RUN /bin/sh -c a $X\nb\n # buildkit"},
        {"run <<EOF\n\n  one  \n\nEOF\n", "/bin/sh|-c|\n  one  \n\n", "RUN <<EOF (one)",
         "RUN /bin/sh -c \n  one  \n\n # buildkit"},
        {"RUN <<-EOF\n\ta\n\tEOF\n", "/bin/sh|-c|a\n", "RUN <<-EOF (a)",
         "RUN /bin/sh -c a\n # buildkit"},
        {"RUN <<'EOF'\na\nEOF\n", "/bin/sh|-c|a\n", "RUN <<'EOF' (a)",
         "RUN /bin/sh -c a\n # buildkit"},
        {"RUN <<EOF bash\na\nEOF\n", "/bin/sh|-c|<<EOF bash\na\nEOF", "RUN <<EOF bash",
         "RUN /bin/sh -c <<EOF bash\na\nEOF # buildkit"},
        {"RUN <<-EOF python3\n\ta\n\tEOF\n", "/bin/sh|-c|<<-EOF python3\n\ta\nEOF",
         "RUN <<-EOF python3", "RUN /bin/sh -c <<-EOF python3\n\ta\nEOF # buildkit"},
        {"RUN cat <<A - <<'B' > x\n1\nA\n2\nB\n",
         "/bin/sh|-c|cat <<A - <<'B' > x\n1\nA\n2\nB", "RUN cat <<A - <<'B' > x",
         "RUN /bin/sh -c cat <<A - <<'B' > x\n1\nA\n2\nB # buildkit"},
        {"SHELL [\"/bin/bash\", \"-ec\"]\nRUN <<EOF\na\nEOF\n", "/bin/bash|-ec|a\n",
         "RUN <<EOF (a)", "RUN /bin/bash -ec a\n # buildkit"},
        {"RUN <<EOF\n#!/usr/bin/env  -S a b \nit's\nEOF\n",
         "/bin/sh|-c|while IFS= read -r line; do printf '%s\\n' \"$line\"; done "
         ">'/dev/shm/EOF' <<'MB_SCRIPT_0'\n#!/usr/bin/env  -S a b \nit's\n"
         "MB_SCRIPT_0\nexec '/usr/bin/env' '-S a b' '/dev/shm/EOF'",
         "RUN <<EOF (#!/usr/bin/env  -S a b ...)",
         "RUN /bin/sh -c /dev/pipes/EOF # buildkit"},
        {"RUN <<E\n#! /a'b\nMB_SCRIPT_0\nE\n",
         "/bin/sh|-c|while IFS= read -r line; do printf '%s\\n' \"$line\"; done "
         ">'/dev/shm/E' <<'MB_SCRIPT_1'\n#! /a'b\nMB_SCRIPT_0\nMB_SCRIPT_1\n"
         "exec '/a'\\''b' '/dev/shm/E'",
         "RUN <<E (#! /a'b...)", "RUN /bin/sh -c /dev/pipes/E # buildkit"},
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text =
            mb_xasprintf("FROM base\nENV X=v\n%s", rows[i].text);
        _cleanup_result_ struct frontend_result r = test_eval(text, &a);

        assert_int_equal(r.n_steps, 1);
        expect_list(&r.steps[0].argv, rows[i].argv);
        assert_string_equal(r.steps[0].text, rows[i].shown);
        assert_string_equal(r.config.history[r.steps[0].history].created_by,
                            rows[i].history);
    }
}

static void triggers_are_stored_as_they_are_written(void **state)
{
    const struct frontend_args a = test_args();
    _cleanup_result_ struct frontend_result r =
        test_eval("FROM base\n"
                  "ONBUILD  RUN make $X \\\n  all\n"
                  "onbuild copy --link . /src\n"
                  "ONBUILD RUN <<-EOF\n\ta\n\tEOF\n"
                  "ONBUILD CMD [\"x\"]\n",
                  &a);

    (void)state;
    expect_list(
        &r.config.on_build,
        "RUN make $X   all|copy --link . /src|RUN <<-EOF\n\ta\nEOF|CMD [\"x\"]");
    assert_int_equal(r.n_steps, 0);
    assert_int_equal(r.config.n_history, 0);
}

static void triggers_of_a_base_image_run_first_and_are_gone(void **state)
{
    const struct frontend_args a = test_args();
    struct mb_image_config base = {0};
    _cleanup_(frontend_freep) struct frontend *f =
        test_parse("# escape=`\nFROM base\nRUN own\nONBUILD RUN later\n");
    _cleanup_result_ struct frontend_result r = {0};
    struct mb_error err;

    (void)state;
    mb_strv_add(&base.on_build, "ENV A=1");
    mb_strv_add(&base.on_build, "run echo $A \\\n  two");
    mb_strv_add(&base.on_build, "RUN <<E\nb\nE");
    assert_ok(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err);
    assert_int_equal(r.n_steps, 3);
    assert_string_equal(r.steps[0].text, "ONBUILD RUN echo 1   two");
    assert_int_equal(r.steps[0].line, 2);
    assert_string_equal(r.steps[1].text, "ONBUILD RUN <<E (b)");
    expect_list(&r.steps[1].argv, "/bin/sh|-c|b\n");
    assert_string_equal(r.steps[2].text, "RUN own");
    assert_string_equal(r.config.history[1].created_by,
                        "RUN /bin/sh -c echo $A   two # buildkit");
    expect_list(&r.config.on_build, "RUN later");
    mb_image_config_done(&base);
}

static void bad_triggers_of_a_base_image_are_refused(void **state)
{
    static const struct {
        const char *trigger, *why;
    } rows[] = {
        {"", "Dockerfile:1: ONBUILD : "},
        {"FROM x", "FROM isn't allowed as an ONBUILD trigger"},
        {"ONBUILD RUN x", "Chaining ONBUILD"},
        {"MAINTAINER x", "MAINTAINER isn't allowed"},
        {"RUN a\nRUN b", "onbuild trigger should be a single expression"},
        {"RUN <<E\nx", "unterminated heredoc"},
        {"NOPE", "Dockerfile:1: ONBUILD NOPE: unknown instruction: NOPE"},
        {"COPY --from=0 a /b", "circular dependency"},
        {"COPY a /b", "a base image's trigger that takes \"a\" from the build context"},
    };
    const struct mb_strv asked = {0};
    struct frontend_args a = test_args();

    (void)state;
    a.context_paths = &asked;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(frontend_freep) struct frontend *f = test_parse("FROM base\n");
        struct mb_image_config base = {0};
        struct frontend_result r;
        struct mb_error err;

        mb_strv_add(&base.on_build, rows[i].trigger);
        assert_int_equal(frontend_eval(f, 0, &a, &base, NULL, &r, &err), -1);
        assert_contains(err.msg, rows[i].why);
        mb_image_config_done(&base);
    }
}

static void a_trigger_copies_what_was_asked_for_anyway(void **state)
{
    static const char *const asked[] = {".", "a"};
    struct frontend_args a = test_args();
    _cleanup_(frontend_freep) struct frontend *f = test_parse("FROM base\n");
    struct mb_image_config base = {0};

    (void)state;
    mb_strv_add(&base.on_build, "COPY a /b");
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        _cleanup_strv_ struct mb_strv paths = {0};
        _cleanup_result_ struct frontend_result r = {0};
        struct mb_error err;

        mb_strv_add(&paths, asked[i]);
        a.context_paths = &paths;
        assert_ok(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err);
        assert_string_equal(r.steps[0].text, "ONBUILD COPY a /b");
    }
    mb_image_config_done(&base);
}

static void triggers_of_a_parent_stage_run_in_its_children(void **state)
{
    const struct frontend_args a = test_args();
    _cleanup_(frontend_freep) struct frontend *f =
        test_parse("ARG B=up\n"
                   "FROM busybox AS tools\n"
                   "FROM base AS up\n"
                   "ONBUILD COPY --from=tools /t /t\n"
                   "ONBUILD ENV D=sub\n"
                   "ONBUILD RUN make\n"
                   "FROM $B AS child\n"
                   "COPY $D/x /\n"
                   "FROM child\n");
    struct frontend_result r[4] = {{0}};
    _cleanup_strv_ struct mb_strv paths = {0};
    struct frontend_from *sources;
    struct mb_error err;
    size_t n;

    (void)state;
    assert_ok(test_eval_stages(f, &a, r, &err), err);
    assert_int_equal(r[1].n_steps, 0);
    assert_int_equal(r[2].n_steps, 3);
    assert_string_equal(r[2].steps[0].text, "ONBUILD COPY --from=tools /t /t");
    assert_string_equal(r[2].steps[1].text, "ONBUILD RUN make");
    assert_string_equal(r[2].steps[2].text, "COPY sub/x /");
    assert_int_equal(r[2].config.on_build.n, 0);
    assert_int_equal(r[3].n_steps, 0); /* not in grandchildren */
    assert_ok(frontend_copy_sources(f, 2, &a, &sources, &n, &err), err);
    assert_int_equal(n, 1);
    assert_int_equal(sources[0].source, FRONTEND_STAGE);
    assert_ok(frontend_context_paths(f, 2, &a, &paths, &err), err);
    expect_list(&paths, "sub/x");
    assert_false(frontend_stage_has_run(f, 1));
    assert_true(frontend_stage_has_run(f, 2));
    assert_false(frontend_stage_has_run(f, 3));
    free(sources);
    for (size_t i = 0; i < ARRAY_SIZE(r); i++)
        frontend_result_done(&r[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_gets_its_here_documents),
        cmocka_unit_test(triggers_are_stored_as_they_are_written),
        cmocka_unit_test(triggers_of_a_base_image_run_first_and_are_gone),
        cmocka_unit_test(bad_triggers_of_a_base_image_are_refused),
        cmocka_unit_test(a_trigger_copies_what_was_asked_for_anyway),
        cmocka_unit_test(triggers_of_a_parent_stage_run_in_its_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
