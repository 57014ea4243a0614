/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend_test.h"

static const char example[] = "ARG BASE=busybox:1\n"
                              "ARG PLAT=$BUILDPLATFORM\n"
                              "FROM --platform=$BUILDPLATFORM gcc AS Build\n"
                              "FROM build AS test\n"
                              "FROM --platform=linux/s390x build AS z\n"
                              "FROM ${BASE}\n"
                              "FROM scratch AS empty\n"
                              "FROM --platform=${PLAT} debian\n"
                              "COPY --from=BUILD /a /b\n"
                              "COPY --from=0 /c /d\n"
                              "COPY --from=4 /c /d\n"
                              "COPY --from=alpine:3 /c /d\n"
                              "COPY --from=alpine:3 /e /f\n"
                              "COPY --from=scratch / /g\n"
                              "COPY . /h\n";

/* "KIND[:NAME] PLATFORM", for comparing. */
static void describe(const struct frontend_from *from, char out[160])
{
    static const char *const kinds[] = {"scratch", "stage", "image", "named",
                                        "context"};
    char plat[MB_PLATFORM_TEXT_LEN];

    if (from->source == FRONTEND_STAGE)
        snprintf(out, 160, "stage %zu %s", from->stage,
                 mb_platform_text(&from->platform, plat));
    else
        snprintf(out, 160, "%s %s%s%s", kinds[from->source],
                 from->name ? from->name : "", from->name ? " " : "",
                 mb_platform_text(&from->platform, plat));
}

static void expect_from(const struct frontend *f, size_t stage,
                        const struct frontend_args *a, const char *want)
{
    _cleanup_(frontend_from_done) struct frontend_from from = {0};
    struct mb_error err;
    char got[160];

    assert_ok(frontend_from(f, stage, a, &from, &err), err);
    describe(&from, got);
    assert_string_equal(got, want);
}

static void stages_are_found_by_name_and_number(void **state)
{
    static const struct {
        const char *target;
        size_t want;
    } rows[] = {{"build", 0}, {"BUILD", 0}, {"z", 2}, {"3", 3}, {NULL, 5}, {"", 5}};
    _cleanup_(frontend_freep) struct frontend *f = test_parse(example);
    struct mb_error err;
    size_t got = 99;

    (void)state;
    assert_int_equal(frontend_n_stages(f), 6);
    assert_string_equal(frontend_stage_name(f, 0), "build");
    assert_string_equal(frontend_stage_name(f, 3), "stage-3");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(frontend_find_stage(f, rows[i].target, &got, &err), err);
        assert_int_equal(got, rows[i].want);
    }
    assert_fails(frontend_find_stage(f, "biuld", &got, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, "target stage \"biuld\" could not be found (did you mean "
                             "build?)");
    assert_fails(frontend_find_stage(f, "6", &got, &err), err, MB_ERR_INVALID);
}

static void each_from_is_resolved_with_its_platform(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f = test_parse(example);
    const struct frontend_args a = test_args();

    (void)state;
    expect_from(f, 0, &a, "image gcc linux/amd64");
    expect_from(f, 1, &a, "stage 0 linux/amd64"); /* inherited */
    expect_from(f, 2, &a, "stage 0 linux/s390x"); /* its own */
    expect_from(f, 3, &a, "image busybox:1 linux/arm/v7");
    expect_from(f, 4, &a, "scratch linux/arm/v7");
    expect_from(f, 5, &a, "image debian linux/amd64");
}

static void build_args_change_global_args(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f = test_parse(example);
    _cleanup_kv_ struct mb_kvlist args = {0};
    struct frontend_args a = test_args();

    (void)state;
    mb_kv_set(&args, "BASE", "alpine");
    mb_kv_set(&args, "BUILDPLATFORM", "linux/ppc64le");
    a.build_args = &args;
    expect_from(f, 0, &a, "image gcc linux/ppc64le");
    expect_from(f, 3, &a, "image alpine linux/arm/v7");
    expect_from(f, 5, &a, "image debian linux/ppc64le");
}

static void named_contexts_override_images_and_stages(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f = test_parse(example);
    _cleanup_strv_ struct mb_strv names = {0};
    struct frontend_args a = test_args();
    struct frontend_result r;
    const struct mb_image_config base = {0};
    struct mb_error err;

    (void)state;
    mb_strv_add(&names, "debian");
    mb_strv_add(&names, "docker.io/library/busybox:1");
    mb_strv_add(&names, "build");
    a.contexts = &names;
    expect_from(f, 5, &a, "named debian linux/amd64");
    expect_from(f, 3, &a, "named docker.io/library/busybox:1 linux/arm/v7");
    expect_from(f, 0, &a, "named build linux/amd64");
    expect_from(f, 1, &a, "named build linux/arm/v7");
    assert_ok(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err);
    assert_int_equal(r.n_steps, 0);
    frontend_result_done(&r);
}

static void copy_sources_are_listed_once_in_order(void **state)
{
    static const char *const want[] = {"stage 0 linux/amd64", "scratch linux/arm/v7",
                                       "image alpine:3 linux/arm/v7"};
    _cleanup_(frontend_freep) struct frontend *f = test_parse(example);
    const struct frontend_args a = test_args();
    struct frontend_from *list = NULL;
    struct mb_error err;
    size_t n = 0;
    char got[160];

    (void)state;
    assert_ok(frontend_copy_sources(f, 5, &a, &list, &n, &err), err);
    assert_int_equal(n, 4); /* 0 twice, 4, alpine twice, scratch */
    describe(&list[0], got);
    assert_string_equal(got, want[0]);
    describe(&list[1], got);
    assert_string_equal(got, "stage 4 linux/arm/v7");
    describe(&list[2], got);
    assert_string_equal(got, want[2]);
    describe(&list[3], got);
    assert_string_equal(got, want[1]);
    for (size_t i = 0; i < n; i++)
        frontend_from_done(&list[i]);
    free(list);
}

/* What a stage needs of the context, told before any base image is known. */
static void context_paths_are_known_without_the_base(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"FROM a\nCOPY a /b/../c ../../d/*.c /dst/\n", "a|c|d/*.c"},
        {"FROM a\nCOPY . /\n", "."},
        {"FROM a\nCOPY / x/.. /y/\n", "."},
        {"FROM a\nCOPY x /\nCOPY x /y\n", "x"},
        {"FROM a\nCOPY --from=b x /\n", ""},
        {"FROM a\nRUN x\n", ""},
        {"FROM a\nCOPY [\"a b\", \"/x\"]\n", "a b"},
        {"FROM a\nCOPY $UNSET /x\n", "."},
        {"FROM scratch\nCOPY x$UNSET /x\n", "x"},
        {"FROM a\nARG D=src\nCOPY $D /x\n", "src"},
        {"FROM a\nENV D=src E=$D/x\nCOPY $D $E /x/\n", "src|."},
        {"FROM a\nENV D=src\nENV E=$D/x\nCOPY $D $E /x/\n", "src|src/x"},
        {"FROM a\nENV D=$HOME\nENV E=$D\nCOPY $E /x/\n", "."},
        {"FROM a\nENV D=$HOME\nENV D=b\nCOPY $D /x/\n", "b"},
        {"FROM a\nARG D=${HOME:?}\nCOPY $D /x/\n", "."},
        {"FROM a\nARG D\nCOPY $D /x/\n", "."},
        {"ARG D=glob\nFROM a\nARG D\nCOPY $D /x/\n", "glob"},
        {"FROM a\nARG TARGETARCH\nCOPY bin-$TARGETARCH /x/\n", "bin-arm"},
        {"FROM a AS b\nENV D=up\nCOPY no /x\nFROM b\nCOPY $D /x/\n", "up"},
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(frontend_freep) struct frontend *f = test_parse(rows[i].text);
        _cleanup_strv_ struct mb_strv paths = {0};
        _cleanup_free_ char *got = NULL;
        struct mb_error err;

        assert_ok(frontend_context_paths(f, frontend_n_stages(f) - 1, &a, &paths, &err),
                  err);
        got = mb_strv_join(&paths, "|");
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s gave '%s', want '%s'", rows[i].text, got, rows[i].want);
    }
}

static void unused_build_args_are_told(void **state)
{
    _cleanup_(frontend_freep) struct frontend *f =
        test_parse("ARG A\nFROM a\nARG B=1 C\n");
    _cleanup_kv_ struct mb_kvlist args = {0};
    _cleanup_strv_ struct mb_strv warnings = {0};
    static const char *const used[] = {
        "A",        "B",          "C",          "HTTP_PROXY",
        "no_proxy", "TARGETARCH", "BUILDKIT_X", "SOURCE_DATE_EPOCH"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(used); i++)
        mb_kv_set(&args, used[i], "1");
    frontend_unused_build_args(f, &args, &warnings);
    frontend_unused_build_args(f, NULL, &warnings);
    assert_int_equal(warnings.n, 0);
    mb_kv_set(&args, "FOO", "1");
    mb_kv_set(&args, "CC", "1");
    frontend_unused_build_args(f, &args, &warnings);
    assert_int_equal(warnings.n, 1);
    assert_string_equal(warnings.v[0],
                        "[Warning] One or more build-args [FOO CC] were not consumed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_found_by_name_and_number),
        cmocka_unit_test(each_from_is_resolved_with_its_platform),
        cmocka_unit_test(build_args_change_global_args),
        cmocka_unit_test(named_contexts_override_images_and_stages),
        cmocka_unit_test(copy_sources_are_listed_once_in_order),
        cmocka_unit_test(context_paths_are_known_without_the_base),
        cmocka_unit_test(unused_build_args_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
