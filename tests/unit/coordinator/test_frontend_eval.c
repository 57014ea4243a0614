/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend_test.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define _cleanup_result_ _cleanup_(frontend_result_done)

static void expect_list(const struct mb_strv *l, const char *want)
{
    _cleanup_free_ char *got = mb_strv_join(l, "|");

    assert_string_equal(got, want);
}

/* One instruction behind "FROM base" and the history entry it must leave. */
static void history_reads_as_buildkit_writes_it(void **state)
{
    static const struct {
        const char *text, *want;
        bool empty;
    } rows[] = {
        {"RUN make", "RUN /bin/sh -c make # buildkit", false},
        {"run make  all", "RUN /bin/sh -c make  all # buildkit", false},
        {"RUN a && \\\n  b", "RUN /bin/sh -c a &&   b # buildkit", false},
        {"RUN [\"a\", \"b c\"]", "RUN a b c # buildkit", false},
        {"RUN [a]", "RUN /bin/sh -c [a] # buildkit", false},
        {"COPY a b /dst/", "COPY a b /dst/ # buildkit", false},
        {"COPY --from=x --chmod=755 --chown=1:2 a /b",
         "COPY --chown=1:2 --chmod=755 a /b # buildkit", false},
        {"COPY [\"a b\", \"/b\"]", "COPY a b /b # buildkit", false},
        {"WORKDIR p/q/../r", "WORKDIR /p/r", false},
        {"WORKDIR /", "WORKDIR /", true},
        {"ENV a=b", "ENV a=b", true},
        {"ENV a=b c=\"d e\"", "ENV a=b c=d e", true},
        {"ENV a b  c", "ENV a=b  c", true},
        {"LABEL a=b c='d e'", "LABEL a=b c=d e", true},
        {"LABEL \"com.example.a\"=\"b\"", "LABEL com.example.a=b", true},
        {"CMD [\"a\", \"b\"]", "CMD [\"a\" \"b\"]", true},
        {"CMD a \"b\"", "CMD [\"/bin/sh\" \"-c\" \"a \\\"b\\\"\"]", true},
        {"ENTRYPOINT [\"a\\tb\"]", "ENTRYPOINT [\"a\\tb\"]", true},
        {"ENTRYPOINT []", "ENTRYPOINT []", true},
        {"EXPOSE 80", "EXPOSE [80/tcp]", true},
        {"EXPOSE 80/UDP 8000-8002 127.0.0.1:1:53/sctp",
         "EXPOSE [80/udp 8000/tcp 8001/tcp 8002/tcp 53/sctp]", true},
        {"VOLUME /a /b", "VOLUME [/a /b]", true},
        {"VOLUME [\"/a b\"]", "VOLUME [/a b]", true},
        {"USER x", "USER x", true},
        {"ARG A=b", "ARG A=b", true},
        {"ARG A=b C", "ARG A=b C", true},
        {"SHELL [\"/bin/bash\", \"-c\"]", "SHELL [/bin/bash -c]", true},
        {"STOPSIGNAL SIGTERM", "STOPSIGNAL SIGTERM", true},
        {"STOPSIGNAL RTMIN+3", "STOPSIGNAL RTMIN+3", true},
        {"MAINTAINER me <a@b>", "MAINTAINER me <a@b>", true},
        {"HEALTHCHECK NONE",
         "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s "
         "StartInterval:0s Retries:0}",
         true},
        {"HEALTHCHECK --interval=5m --timeout=1.5s --start-period=1h0m2s "
         "--start-interval=250ms --retries=3 CMD curl x",
         "HEALTHCHECK {Test:[CMD-SHELL curl x] Interval:5m0s Timeout:1.5s "
         "StartPeriod:1h0m2s StartInterval:250ms Retries:3}",
         true},
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text = mb_xasprintf("FROM base\n%s\n", rows[i].text);
        _cleanup_result_ struct frontend_result r = test_eval(text, &a);

        assert_int_equal(r.config.n_history, 1);
        assert_string_equal(r.config.history[0].created_by, rows[i].want);
        assert_string_equal(r.config.history[0].comment, "buildkit.dockerfile.v0");
        assert_null(r.config.history[0].created);
        assert_int_equal(r.config.history[0].empty_layer, rows[i].empty);
        assert_int_equal(r.n_steps, rows[i].empty ? 0 : 1);
    }
}

static void a_run_gets_arguments_environment_and_place(void **state)
{
    _cleanup_kv_ struct mb_kvlist args = {0};
    struct frontend_args a = test_args();
    const struct frontend_step *s;

    (void)state;
    mb_kv_set(&args, "B", "given");
    mb_kv_set(&args, "http_proxy", "http://p");
    mb_kv_set(&args, "NO_PROXY", "x");
    a.build_args = &args;
    _cleanup_result_ struct frontend_result r =
        test_eval("ARG G=glob\n"
                  "FROM base\n"
                  "ARG A=1 B=2 G NONE TARGETARCH\n"
                  "ARG NO_PROXY\n"
                  "ENV A=env X=$A-$B\n"
                  "USER me\n"
                  "WORKDIR /w\n"
                  "WORKDIR sub\n"
                  "run --network=none make $X\\\n"
                  "  \"$A\" $y\n",
                  &a);
    assert_int_equal(r.n_steps, 3);
    s = &r.steps[2];
    assert_int_equal(s->kind, FRONTEND_RUN);
    assert_int_equal(s->line, 9);
    assert_int_equal(s->end_line, 10);
    assert_string_equal(s->text, "RUN --network=none make 1-given  \"env\" $y");
    expect_list(&s->argv, "/bin/sh|-c|make $X  \"$A\" $y");
    expect_list(&s->env, "PATH=" DEFAULT_PATH
                         "|A=env|X=1-given|B=given|G=glob|TARGETARCH=arm|NO_PROXY=x");
    expect_list(&s->unkeyed_env, "HTTP_PROXY=http://p|http_proxy=http://p|no_proxy=x");
    assert_string_equal(s->cwd, "/w/sub");
    assert_string_equal(s->user, "me");
    assert_string_equal(s->network, "none");
    assert_string_equal(r.config.history[s->history].created_by,
                        "RUN |6 A=env B=given G=glob NONE= TARGETARCH=arm NO_PROXY=x "
                        "/bin/sh -c make $X  \"$A\" $y # buildkit");
}

static void a_copy_is_resolved(void **state)
{
    static const struct {
        const char *text, *paths, *dest, *shown;
    } rows[] = {
        {"COPY a /b", "a", "/b", "COPY a /b"},
        {"COPY a b", "a", "/w/b", "COPY a b"},
        {"COPY a .", "a", "/w/", "COPY a ."},
        {"COPY a ./", "a", "/w/", "COPY a ./"},
        {"COPY a /x/.", "a", "/x/", "COPY a /x/."},
        {"COPY a /", "a", "/", "COPY a /"},
        {"COPY a $NONE", "a", "/w/", "COPY a "},
        {"COPY a ../../x/", "a", "/x/", "COPY a ../../x/"},
        {"COPY a /x/../y/", "a", "/y/", "COPY a /x/../y/"},
        {"COPY /a/ ../b c/*.[ch] d/", "a|b|c/*.[ch]", "/w/d/",
         "COPY /a/ ../b c/*.[ch] d/"},
        {"COPY . x", ".", "/w/x", "COPY . x"},
        {"COPY --parents a/./../b/./c d/. . e/./ x/", "a/./b/c|d|.|e/./.", "/w/x/",
         "COPY --parents a/./../b/./c d/. . e/./ x/"},
        {"COPY $V/'$V' /x", "v/$V", "/x", "COPY v/$V /x"},
        {"copy [\"a b\", \"/c d\"]", "a b", "/c d", "COPY [a b, /c d]"},
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text =
            mb_xasprintf("FROM base\nENV V=v\nWORKDIR /w\n%s\n", rows[i].text);
        _cleanup_result_ struct frontend_result r = test_eval(text, &a);
        const struct frontend_step *s = &r.steps[1];

        assert_int_equal(s->kind, FRONTEND_COPY);
        assert_int_equal(s->from.source, FRONTEND_CONTEXT);
        expect_list(&s->paths, rows[i].paths);
        assert_string_equal(s->dest, rows[i].dest);
        assert_string_equal(s->text, rows[i].shown);
        assert_false(s->link || s->unpack);
        assert_null(s->chown);
        assert_null(s->chmod);
    }
}

static void copy_flags_are_expanded(void **state)
{
    const struct frontend_args a = test_args();
    _cleanup_result_ struct frontend_result r =
        test_eval("FROM x AS build\nFROM base\nARG U=me M=0750\n"
                  "COPY --chown=$U:${G:-grp} --chmod=$M --from=Build a /b\n",
                  &a);

    (void)state;
    assert_string_equal(r.steps[0].chown, "me:grp");
    assert_string_equal(r.steps[0].chmod, "0750");
    assert_int_equal(r.steps[0].from.source, FRONTEND_STAGE);
    assert_int_equal(r.steps[0].from.stage, 0);
}

static void files_of_copy_are_expanded_unless_quoted(void **state)
{
    static const struct {
        const char *text, *paths, *files, *history;
    } rows[] = {
        {"COPY <<E /x\n$V \"$V\" don't '$V' \\$V \\\\\n\nE\n", "",
         "E|v \"v\" don't 'v' $V \\\n\n", "COPY <<E /x # buildkit"},
        {"COPY <<'E' /x\n$V \\$V\nE\n", "", "E|$V \\$V\n", "COPY <<E /x # buildkit"},
        {"COPY <<-E a <<\"F\" $V/\n\t$V\nE\n\tf\nF\n", "a", "E|v\n|F|\tf\n",
         "COPY a <<E <<F v/ # buildkit"},
        {"COPY --chmod=u+x --exclude=$V --exclude=!#b <<E /x\nE\n", "", "E|",
         "COPY --chmod=u+x <<E /x # buildkit"},
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text =
            mb_xasprintf("FROM base\nENV V=v\n%s", rows[i].text);
        _cleanup_result_ struct frontend_result r = test_eval(text, &a);
        const struct frontend_step *s = &r.steps[0];

        expect_list(&s->paths, rows[i].paths);
        expect_list(&s->files, rows[i].files);
        assert_string_equal(r.config.history[s->history].created_by, rows[i].history);
        if (s->excludes.n > 0)
            expect_list(&s->excludes, "/v|!#b");
    }
}

static void automatic_args_need_a_declaration_and_can_be_overridden(void **state)
{
    _cleanup_kv_ struct mb_kvlist args = {0};
    struct frontend_args a = test_args();

    (void)state;
    mb_kv_set(&args, "TARGETOS", "plan9");
    a.build_args = &args;
    _cleanup_result_ struct frontend_result r =
        test_eval("FROM base AS last\n"
                  "LABEL before=$TARGETARCH\n"
                  "ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT TARGETSTAGE\n"
                  "ARG BUILDPLATFORM BUILDVARIANT=none BUILDOS\n"
                  "LABEL t=$TARGETPLATFORM,$TARGETOS,$TARGETARCH,$TARGETVARIANT \\\n"
                  " b=$BUILDPLATFORM,$BUILDVARIANT,$BUILDOS s=$TARGETSTAGE\n",
                  &a);
    assert_string_equal(mb_kv_get(&r.config.labels, "before"), "");
    assert_string_equal(mb_kv_get(&r.config.labels, "t"), "linux/arm/v7,plan9,arm,v7");
    assert_string_equal(mb_kv_get(&r.config.labels, "b"), "linux/amd64,none,linux");
    assert_string_equal(mb_kv_get(&r.config.labels, "s"), "last");
}

static void global_args_are_seen_only_when_declared_again(void **state)
{
    const struct frontend_args a = test_args();
    _cleanup_result_ struct frontend_result r =
        test_eval("ARG A=1\nARG B=2$A\nFROM base\nLABEL x=$A\nARG A\nARG B=own\n"
                  "LABEL y=$A z=$B\n",
                  &a);

    (void)state;
    assert_string_equal(mb_kv_get(&r.config.labels, "x"), "");
    assert_string_equal(mb_kv_get(&r.config.labels, "y"), "1");
    assert_string_equal(mb_kv_get(&r.config.labels, "z"), "own");
}

/* An instruction sees what was before it; ENV beats ARG; ARG beats the base's ENV. */
static void env_and_arg_have_their_order(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f =
        test_parse("FROM base\nENV a=hello\nENV a=bye b=$a\nENV c=$a\n"
                   "ARG c=arg\nARG V=arg\nARG W\nRUN x\nLABEL c=$c v=$V w=$W\n");
    struct mb_image_config base = {0};
    const struct frontend_args a = test_args();
    struct mb_error err;

    (void)state;
    mb_kv_set(&base.env, "PATH", "/bin");
    mb_kv_set(&base.env, "V", "base");
    mb_kv_set(&base.env, "W", "base");
    _cleanup_result_ struct frontend_result r = {0};
    assert_ok(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err);
    mb_image_config_done(&base);
    assert_string_equal(mb_kv_get(&r.config.env, "b"), "hello");
    assert_string_equal(mb_kv_get(&r.config.env, "c"), "bye");
    assert_string_equal(mb_kv_get(&r.config.env, "V"), "base");
    assert_string_equal(mb_kv_get(&r.config.labels, "c"), "bye");
    assert_string_equal(mb_kv_get(&r.config.labels, "v"), "arg");
    assert_string_equal(mb_kv_get(&r.config.labels, "w"), "base");
    expect_list(&r.steps[0].env, "PATH=/bin|V=arg|W=base|a=bye|b=hello|c=bye");
}

static void the_base_is_inherited_and_changed(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f = test_parse(
        "FROM base\nWORKDIR sub\nENTRYPOINT [\"e\"]\nEXPOSE 80 81\n"
        "VOLUME /v /w\nSTOPSIGNAL 9\nMAINTAINER me\nHEALTHCHECK CMD [\"x\"]\n");
    struct mb_image_config base = {0};
    const struct frontend_args a = test_args();
    struct frontend_result r = {0};
    struct mb_error err;

    (void)state;
    base.platform = test_platform("linux/arm/v7");
    base.working_dir = mb_xstrdup("/srv");
    base.user = mb_xstrdup("u");
    base.has_cmd = true;
    mb_strv_add(&base.cmd, "old");
    mb_strv_add(&base.exposed_ports, "80/tcp");
    mb_strv_add(&base.volumes, "/v");
    mb_strv_add(&base.shell, "/bin/ash");
    mb_image_config_add_history(&base, "2020-01-01T00:00:00Z", "base layer", NULL,
                                false);
    assert_ok(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err);
    mb_image_config_done(&base);

    assert_string_equal(r.config.working_dir, "/srv/sub");
    assert_string_equal(r.steps[0].user, "u");
    assert_false(r.config.has_cmd); /* ENTRYPOINT drops what the base had */
    expect_list(&r.config.entrypoint, "e");
    expect_list(&r.config.exposed_ports, "80/tcp|81/tcp");
    expect_list(&r.config.volumes, "/v|/w");
    expect_list(&r.shell, "/bin/ash");
    assert_string_equal(r.config.stop_signal, "9");
    assert_string_equal(r.config.author, "me");
    assert_string_equal(r.config.healthcheck, "{\"Test\":[\"CMD\",\"x\"]}");
    assert_int_equal(r.config.n_history, 8);
    assert_string_equal(r.config.history[0].created, "2020-01-01T00:00:00Z");
    assert_int_equal(r.steps[0].history, 1);
    frontend_result_done(&r);
}

static void entrypoint_keeps_the_cmd_of_its_own_stage(void **state)
{
    const struct frontend_args a = test_args();
    _cleanup_result_ struct frontend_result r =
        test_eval("FROM base\nSHELL [\"/s\"]\nCMD c\nENTRYPOINT e\n", &a);

    (void)state;
    expect_list(&r.config.cmd, "/s|c");
    expect_list(&r.config.entrypoint, "/s|e");
    assert_true(r.config.args_escaped);
}

static void scratch_has_a_root_and_a_path(void **state)
{
    const struct frontend_args a = test_args();
    _cleanup_result_ struct frontend_result r = test_eval("FROM scratch\n", &a);

    (void)state;
    assert_string_equal(r.config.working_dir, "/");
    assert_string_equal(mb_kv_get(&r.config.env, "PATH"), DEFAULT_PATH);
    assert_true(mb_platform_equal(&r.config.platform, &a.target_platform));
    expect_list(&r.shell, "/bin/sh|-c");
}

static void a_stage_on_a_stage_has_its_args_and_config(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f =
        test_parse("FROM base AS one\nARG A=1 N E=no\nENV E=env\nUSER u\nCMD c\nRUN a\n"
                   "FROM one\nARG E=again\nARG B=2\nRUN echo ${N-unset}\n"
                   "LABEL n=${N-unset} e=$E\nENTRYPOINT [\"e\"]\n");
    const struct mb_image_config base = {0};
    const struct frontend_args a = test_args();
    _cleanup_result_ struct frontend_result one = {0}, two = {0};
    struct mb_error err;

    (void)state;
    assert_ok(frontend_eval(f, 0, &a, &base, NULL, &one, &err), err);
    assert_ok(frontend_eval(f, 1, &a, &one.config, &one, &two, &err), err);
    assert_int_equal(two.n_steps, 1);
    assert_string_equal(two.steps[0].user, "u");
    assert_string_equal(
        two.config.history[two.steps[0].history].created_by,
        "RUN |4 A=1 N= E=env B=2 /bin/sh -c echo ${N-unset} # buildkit");
    assert_string_equal(mb_kv_get(&two.config.labels, "n"), "unset");
    assert_string_equal(mb_kv_get(&two.config.labels, "e"), "env");
    assert_false(two.config.has_cmd);
    assert_int_equal(two.config.n_history, one.config.n_history + 5);
}

static void warnings_name_rule_and_line(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f = test_parse(
        "FROM a AS scratch\nMAINTAINER me\nCMD x\nCMD [\"x\"]\nRUN a \\\n\n b\n");
    const struct mb_strv *w = frontend_warnings(f);

    (void)state;
    assert_int_equal(w->n, 5);
    assert_contains(w->v[0], "ReservedStageName: ");
    assert_contains(w->v[0], " (line 1)");
    assert_contains(w->v[1], "MaintainerDeprecated: ");
    assert_contains(w->v[2], "JSONArgsRecommended: ");
    assert_contains(w->v[2], " (line 3)");
    assert_contains(w->v[3], "MultipleInstructionsDisallowed: ");
    assert_contains(w->v[4], "NoEmptyContinuation: Empty continuation line (line 7)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_reads_as_buildkit_writes_it),
        cmocka_unit_test(a_run_gets_arguments_environment_and_place),
        cmocka_unit_test(a_copy_is_resolved),
        cmocka_unit_test(copy_flags_are_expanded),
        cmocka_unit_test(files_of_copy_are_expanded_unless_quoted),
        cmocka_unit_test(automatic_args_need_a_declaration_and_can_be_overridden),
        cmocka_unit_test(global_args_are_seen_only_when_declared_again),
        cmocka_unit_test(env_and_arg_have_their_order),
        cmocka_unit_test(the_base_is_inherited_and_changed),
        cmocka_unit_test(entrypoint_keeps_the_cmd_of_its_own_stage),
        cmocka_unit_test(scratch_has_a_root_and_a_path),
        cmocka_unit_test(a_stage_on_a_stage_has_its_args_and_config),
        cmocka_unit_test(warnings_name_rule_and_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
