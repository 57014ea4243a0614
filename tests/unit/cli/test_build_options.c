/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "cli/build_options.h"

static int parse(const char *line, struct build_options *o, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv argv = {0};

    mb_strv_split(&argv, line, " ");
    return build_options_parse((int)argv.n, mb_strv_argv(&argv), o, err);
}

static int clean_environment(void **state _unused_)
{
    unsetenv("SOURCE_DATE_EPOCH");
    unsetenv("DOCKER_DEFAULT_PLATFORM");
    unsetenv("BUILDKIT_PROGRESS");
    unsetenv("FROM_ENV");
    return 0;
}

static void a_full_command_line_becomes_a_request(void **state _unused_)
{
    _cleanup_(build_options_done) struct build_options o = {0};
    struct mb_error err;

    setenv("FROM_ENV", "e", 1);
    assert_ok(
        parse("--platform linux/amd64,aarch64 --platform linux/arm -t r:5000/a:1 -t b "
              "-f d/File --build-arg A=1=2 --build-arg FROM_ENV --build-arg NOT_SET "
              "--target t --push --label l=v --network none --no-cache --pull "
              "--build-context base=oci-layout://dir:1 --progress plain "
              "--metadata-file m --iidfile i --cluster c --state-dir s "
              "--emulation never -o type=oci,dest=x.tar,rewrite-timestamp=true ctx",
              &o, &err),
        err);
    assert_int_equal(o.request.platforms.n, 3);
    assert_string_equal(o.request.platforms.v[1], "linux/arm64");
    assert_string_equal(o.request.platforms.v[2], "linux/arm/v7");
    assert_int_equal(o.request.tags.n, 2);
    assert_string_equal(o.dockerfile, "d/File");
    assert_string_equal(o.request.dockerfile_name, "d/File");
    assert_string_equal(mb_kv_get(&o.request.build_args, "A"), "1=2");
    assert_string_equal(mb_kv_get(&o.request.build_args, "FROM_ENV"), "e");
    assert_null(mb_kv_get(&o.request.build_args, "NOT_SET"));
    assert_string_equal(o.request.target, "t");
    assert_true(o.request.push && o.request.no_cache && o.request.pull);
    assert_string_equal(mb_kv_get(&o.request.labels, "l"), "v");
    assert_string_equal(o.request.network, "none");
    assert_int_equal(o.request.n_contexts, 1);
    assert_string_equal(o.request.contexts[0].name, "base");
    assert_string_equal(o.request.contexts[0].kind, "oci-layout");
    assert_string_equal(o.request.contexts[0].value, "oci-layout://dir:1");
    assert_int_equal(o.progress, PROGRESS_PLAIN);
    assert_string_equal(o.metadata_file, "m");
    assert_string_equal(o.iid_file, "i");
    assert_string_equal(o.cluster, "c");
    assert_string_equal(o.state_dir, "s");
    assert_string_equal(o.request.emulation, "never");
    assert_int_equal(o.n_outputs, 1);
    assert_true(o.outputs[0].tar);
    assert_true(o.request.rewrite_timestamp);
    assert_string_equal(o.context_dir, "ctx");
    assert_int_equal(o.notes.n, 0);
    assert_false(o.request.has_source_date_epoch);
}

static void call_names_a_question(void **state _unused_)
{
    static const struct {
        const char *line, *method;
        bool json, ignore;
    } rows[] = {
        {".", NULL, false, false},
        {"--check .", "check", false, false},
        {"--check=false .", NULL, false, false},
        {"--call build .", NULL, false, false},
        {"--call=check,format=json .", "check", true, false},
        {"--call lint .", "check", false, false},
        {"--call outline,format=text --check .", "outline", false, false},
        {"--call targets,ignorestatus=true,format=json .", "targets", true, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(build_options_done) struct build_options o = {0};
        struct mb_error err;

        assert_ok(parse(rows[i].line, &o, &err), err);
        if (rows[i].method)
            assert_string_equal(o.call.method, rows[i].method);
        else
            assert_null(o.call.method);
        assert_int_equal(o.call.json, rows[i].json);
        assert_int_equal(o.call.ignore_status, rows[i].ignore);
    }
}

static void source_date_epoch_comes_from_environment_or_argument(void **state _unused_)
{
    _cleanup_(build_options_done) struct build_options a = {0};
    _cleanup_(build_options_done) struct build_options b = {0};
    struct build_options none = {0};
    struct mb_error err;

    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    assert_ok(parse(".", &a, &err), err);
    assert_true(a.request.has_source_date_epoch);
    assert_int_equal(a.request.source_date_epoch, 1700000000);
    assert_string_equal(mb_kv_get(&a.request.build_args, "SOURCE_DATE_EPOCH"),
                        "1700000000");

    assert_ok(parse("--build-arg SOURCE_DATE_EPOCH=5 .", &b, &err), err);
    assert_int_equal(b.request.source_date_epoch, 5);
    assert_string_equal(mb_kv_get(&b.request.build_args, "SOURCE_DATE_EPOCH"), "5");

    setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
    assert_fails(parse(".", &none, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, "SOURCE_DATE_EPOCH");
}

static void no_output_is_said_and_outputs_set_push_and_tags(void **state _unused_)
{
    static const struct {
        const char *line;
        bool push;
        size_t n_tags, n_notes;
    } rows[] = {
        {".", false, 0, 1},
        {"-o type=cacheonly .", false, 0, 0},
        {"-t a --push .", true, 1, 0},
        {"-t a -o type=registry .", true, 1, 0},
        {"-o type=image,name=a,push=true .", true, 1, 0},
        {"-t a -o type=image,name=a,push=true .", true, 1, 0},
        {"-o type=image,\"name=a,b\",push=true .", true, 2, 0},
        {"-t a -o type=image .", false, 1, 0},
        {"-o type=oci,dest=x,name=a .", false, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(build_options_done) struct build_options o = {0};
        struct mb_error err;

        assert_ok(parse(rows[i].line, &o, &err), err);
        assert_int_equal(o.request.push, rows[i].push);
        assert_int_equal(o.request.tags.n, rows[i].n_tags);
        assert_int_equal(o.notes.n, rows[i].n_notes);
    }
}

static void secrets_are_read_from_files_and_variables(void **state _unused_)
{
    static const struct {
        const char *line, *id, *data;
    } rows[] = {
        {"--secret id=FROM_ENV .", "FROM_ENV", "e"},
        {"--secret id=a,env=FROM_ENV .", "a", "e"},
        {"--secret id=a,type=env,src=FROM_ENV .", "a", "e"},
        {"--secret type=file,src=/dev/null,id=a --allow security.insecure .", "a", ""},
        {"--secret id=a,source=/dev/null .", "a", ""},
        {"--secret id=/dev/null .", "/dev/null", ""},
    };

    setenv("FROM_ENV", "e", 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(build_options_done) struct build_options o = {0};
        struct mb_error err;

        assert_ok(parse(rows[i].line, &o, &err), err);
        assert_int_equal(o.request.n_secrets, 1);
        assert_string_equal(o.request.secrets[0].id, rows[i].id);
        assert_int_equal(o.request.secrets[0].data.len, strlen(rows[i].data));
        if (rows[i].data[0])
            assert_memory_equal(o.request.secrets[0].data.data, rows[i].data,
                                strlen(rows[i].data));
        mb_build_request_wipe(&o.request);
        if (rows[i].data[0])
            assert_int_equal(*(char *)o.request.secrets[0].data.data, 0);
    }
    unsetenv("FROM_ENV");
}

static void secrets_that_are_not_there_are_refused(void **state _unused_)
{
    struct build_options o = {0};
    struct mb_error err;

    assert_fails(parse("--secret id=a,src=/no/such/file .", &o, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_fails(parse("--secret id=a,env=NOT_SET .", &o, &err), err, MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "NOT_SET is not set");
    assert_fails(parse("--secret id=a,src=/dev/zero .", &o, &err), err, MB_ERR_LIMIT);
}

static void what_makes_no_sense_is_refused(void **state _unused_)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"--call nope .", "--call nope is not known: use build, check"},
        {"--call subrequests.describe .", "is not known"},
        {"--call check,format=xml .", "\"format=xml\" is not known"},
        {"--call check,ignorestatus=x .", "ignorestatus"},
        {"-t a", "one argument, the context (0 given)"},
        {"a b", "(2 given)"},
        {"ftp://x/y", "neither a directory nor an address"},
        {"-f ftp://x/D .", "only http and https"},
        {"--push .", "tag is needed when pushing to registry"},
        {"-o type=registry .", "tag is needed when pushing to registry"},
        {"-t UPPER:tag .", "tag"},
        {"-t a@sha256:1234 .", "tag"},
        {"--platform linux/ .", "--platform"},
        {"--build-arg =x .", "has no name"},
        {"--label = .", "has no name"},
        {"--network bridge .", "--network must be default, host or none"},
        {"--emulation perhaps .", "--emulation must be"},
        {"--progress fancy .", "progress must be"},
        {"--build-context x .", "NAME=DIRECTORY"},
        {"--build-context x= .", "NAME=DIRECTORY"},
        {"--build-context x=docker-image://Y .", "--build-context x=docker-image"},
        {"--build-context x=- .", "only the main context"},
        {"--build-context x=ftp://y .", "neither a directory nor an address"},
        {"--build-context x=oci-layout:// .", "oci-layout://DIR"},
        {"--build-context x=oci-layout://d: .", "oci-layout://DIR"},
        {"--build-context x=oci-layout://d --build-context x=oci-layout://e .",
         "twice"},
        {"--secret src=a .", "id=ID is missing"},
        {"--secret id=a,src=b,env=c .", "either src or env"},
        {"--secret id=a,file=b .", "unexpected \"file=b\""},
        {"--secret id=a,type=x .", "type must be file or env"},
        {"--secret id=a,src=/dev/null --secret id=a,src=/dev/null .", "given twice"},
        {"--ssh default .", "--ssh is not supported yet"},
        {"--allow all .", "--allow must be"},
        {"--load .", "--load is not supported yet"},
        {"--provenance=true .", "--provenance is not supported yet"},
        {"--platfrom linux/amd64 .", "did you mean --platform?"},
        {"-o out .", "plain files are not supported"},
        {"-o dest=x .", "has no type"},
        {"-o type=local,dest=x .", "output type \"local\" is not supported"},
        {"-o type=oci .", "needs dest="},
        {"-o type=oci,dest=x,size=1 .", "unknown key \"size\""},
        {"-o type=oci,dest=x,tar=maybe .", "output: tar must be true or false"},
        {"-o type=oci,dest=-,tar=false .", "not '-'"},
        {"-o type=oci,dest=x,push=true .", "push= goes with type=image"},
        {"-o type=image,dest=x .", "dest= goes with type=oci"},
        {"-o type=oci,dest=x,compression=zstd .", "only compression=gzip"},
        {"-o type=oci,dest .", "\"dest\" is not key=value"},
        {"-o type=oci,dest=x,rewrite-timestamp=true -o "
         "type=oci,dest=y,rewrite-timestamp=false .",
         "must be the same"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct build_options o = {.debug = true};
        struct mb_error err;

        assert_fails(parse(rows[i].line, &o, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_true(o.debug); /* untouched */
        assert_null(o.context_dir);
    }
}

static void the_environment_chooses_platform_and_progress(void **state _unused_)
{
    _cleanup_(build_options_done) struct build_options o = {0};
    struct mb_error err;

    setenv("DOCKER_DEFAULT_PLATFORM", "linux/s390x", 1);
    setenv("BUILDKIT_PROGRESS", "plain", 1);
    assert_ok(parse("-q .", &o, &err), err);
    assert_int_equal(o.request.platforms.n, 1);
    assert_string_equal(o.request.platforms.v[0], "linux/s390x");
    assert_int_equal(o.progress, PROGRESS_QUIET); /* -q wins */
    assert_true(o.quiet);
}

#define clean_test(f) \
    cmocka_unit_test_setup_teardown(f, clean_environment, clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        clean_test(a_full_command_line_becomes_a_request),
        clean_test(call_names_a_question),
        clean_test(source_date_epoch_comes_from_environment_or_argument),
        clean_test(no_output_is_said_and_outputs_set_push_and_tags),
        cmocka_unit_test(secrets_are_read_from_files_and_variables),
        cmocka_unit_test(secrets_that_are_not_there_are_refused),
        clean_test(what_makes_no_sense_is_refused),
        clean_test(the_environment_chooses_platform_and_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
