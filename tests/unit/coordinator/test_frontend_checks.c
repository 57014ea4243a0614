/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend_test.h"

static struct frontend *parse_with(const char *text, const struct mb_kvlist *args)
{
    struct frontend *f = NULL;
    struct mb_error err;

    assert_ok(frontend_parse_with("Dockerfile", text, strlen(text), args, &f, &err),
              err);
    return f;
}

/* "Rule LINE-END detail" of each, joined by '|'. */
static char *dump(const struct frontend *f)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(1 << 20);
    size_t n;
    const struct frontend_warning *w = frontend_checks(f, &n);

    for (size_t i = 0; i < n; i++)
        mb_buf_addf(&b, "%s%s %u-%u %s", i ? "|" : "", w[i].rule, w[i].line,
                    w[i].end_line, w[i].detail);
    return mb_buf_steal(&b);
}

/* What each rule finds, and a neighbour in which it finds nothing. */
static void each_rule_finds_what_it_names(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"FROM a AS Build\n",
         "StageNameCasing 1-1 Stage name 'Build' should be lowercase"},
        {"FROM a AS build\n", ""},
        {"FROM a as b\n",
         "FromAsCasing 1-1 'as' and 'FROM' keywords' casing do not match"},
        {"from a as b\n", ""},
        {"FROM a\nRUN x \\\n\n y\n", "NoEmptyContinuation 4-4 Empty continuation line"},
        {"FROM a\nRUN x \\\n# c\n y\n", ""},
        {"FROM a\nrun x\nRUN y\n",
         "ConsistentInstructionCasing 2-2 Command 'run' should match the case of the "
         "command majority (uppercase)"},
        {"from a\nRun x\nrun y\n",
         "ConsistentInstructionCasing 2-2 Command 'Run' should match the case of the "
         "command majority (lowercase)"},
        {"from a\nrun x\n", ""},
        {"FROM a AS b\nFROM a AS b\n", "DuplicateStageName 2-2 Duplicate stage name "
                                       "\"b\", stage names should be unique"},
        {"FROM a AS context\n", "ReservedStageName 1-1 'context' is reserved and "
                                "should not be used as a stage "
                                "name"},
        {"FROM a\nENTRYPOINT x \\\n y\n",
         "JSONArgsRecommended 2-3 JSON arguments recommended for ENTRYPOINT to prevent "
         "unintended behavior related to OS signals"},
        {"FROM a\nCMD [\"x\"]\n", ""},
        {"FROM a AS b\nSHELL [\"x\"]\nCMD y\nFROM b\nENTRYPOINT z\n", ""},
        {"FROM a\nMAINTAINER x\n", "MaintainerDeprecated 2-2 Maintainer instruction is "
                                   "deprecated in favor of using "
                                   "label"},
        {"ARG TAG=1\nFROM a:${TAG}${TGA}\n",
         "UndefinedArgInFrom 2-2 FROM argument 'TGA' is not declared (did you mean "
         "TAG?)"},
        {"ARG TAG\nFROM a:${TAG:-1}$TAG${TGA:-}\n", ""},
        {"FROM --platform=$BUILDPLATFORM a\n", ""},
        {"FROM a\nWORKDIR x\nWORKDIR y\n", "WorkdirRelativePath 2-2 Relative workdir "
                                           "\"x\" can have unexpected results if "
                                           "the base image changes"},
        {"FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y\n", ""},
        {"FROM scratch\nARG dir\nCOPY $dri $dir /x/\n",
         "UndefinedVar 3-3 Usage of undefined variable '$dri' (did you mean $dir?)"},
        {"FROM scratch\nENV P=$PATH:${Q:-x} R=$P\n",
         "UndefinedVar 2-2 Usage of undefined variable '$P'"},
        {"FROM scratch AS b\nENV X=1\nFROM b\nLABEL a=$X b='$Y' c=\\$Z\nRUN $W\n", ""},
        {"FROM a\nCOPY $dri /x\n", ""},
        {"FROM scratch AS b\nONBUILD ENV X=1\nFROM b\nLABEL a=$X\n", ""},
        {"FROM a\nCMD [\"x\"]\nCMD [\"y\"]\nFROM b\nCMD [\"z\"]\n",
         "MultipleInstructionsDisallowed 2-2 Multiple CMD instructions should not be "
         "used "
         "in the same stage because only the last one will be used"},
        {"FROM a\nENV a b\nLABEL c d=e\n",
         "LegacyKeyValueFormat 2-2 \"ENV key=value\" should be used instead of legacy "
         "\"ENV key value\" format|"
         "LegacyKeyValueFormat 3-3 \"LABEL key=value\" should be used instead of "
         "legacy "
         "\"LABEL key value\" format"},
        {"FROM --platform=${TARGETPLATFORM} a\n",
         "RedundantTargetPlatform 1-1 Setting platform to predefined ${TARGETPLATFORM} "
         "in "
         "FROM is redundant as this is the default behavior"},
        {"FROM a\nARG DB_Password\nENV TOKENS=1 auth=2 PUBLIC_KEY=3 KEY_FILE=4\n",
         "SecretsUsedInArgOrEnv 2-2 Do not use ARG or ENV instructions for sensitive "
         "data "
         "(ARG \"DB_Password\")|"
         "SecretsUsedInArgOrEnv 3-3 Do not use ARG or ENV instructions for sensitive "
         "data "
         "(ENV \"auth\")"},
        {"ARG TAG\nFROM a:$TAG\n",
         "InvalidDefaultArgInFrom 2-2 Default value for ARG a:$TAG results in empty or "
         "invalid base image name"},
        {"ARG TAG=1\nFROM a:$TAG\n", ""},
        {"FROM --platform=linux/x86_64 a AS b\n",
         "FromPlatformFlagConstDisallowed 1-1 FROM --platform flag should not use "
         "constant "
         "value \"linux/amd64\""},
        {"FROM --platform=linux/amd64 a AS build-amd64\n", ""},
        {"# bar x\nARG foo=1\nFROM a\n", ""},
        {"# check=experimental=all\n\n# bar x\nARG foo=1\n\n# the base\nFROM a AS "
         "base\n",
         "InvalidDefinitionDescription 4-4 Comment for ARG should follow the format: "
         "`# "
         "foo <description>`|"
         "InvalidDefinitionDescription 7-7 Comment for FROM should follow the format: "
         "`# "
         "base <description>`"},
        {"# check=experimental=InvalidDefinitionDescription\n\n# foo x\nARG foo=1\n# b "
         "y\n\nFROM a AS base\n",
         ""},
        {"FROM a\nEXPOSE 80/TcP 81/udp\n", "ExposeProtoCasing 2-2 Defined protocol "
                                           "'80/TcP' in EXPOSE instruction should be "
                                           "lowercase"},
        {"FROM a\nEXPOSE 127.0.0.1:80:80 81\n",
         "ExposeInvalidFormat 2-2 EXPOSE instruction should not define an IP address "
         "or "
         "host-port mapping, found '127.0.0.1:80:80'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(frontend_freep) struct frontend *f = test_parse(rows[i].text);
        _cleanup_free_ char *got = dump(f);

        assert_string_equal(got, rows[i].want);
    }
}

static void the_directive_skips_rules_and_makes_errors(void **state)
{
    static const struct {
        const char *directive, *want, *error;
    } rows[] = {
        {"", "JSONArgsRecommended, MaintainerDeprecated", NULL},
        {"error=true", "JSONArgsRecommended, MaintainerDeprecated",
         "lint violation found for rules: JSONArgsRecommended, MaintainerDeprecated"},
        {"skip=JSONArgsRecommended; error=1", "MaintainerDeprecated",
         "lint violation found for rules: MaintainerDeprecated"},
        {"skip=JSONArgsRecommended , MaintainerDeprecated;error=true", "", NULL},
        {"skip=all;error=true", "", NULL},
        {"error=false", "JSONArgsRecommended, MaintainerDeprecated", NULL},
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
        const char *value = rows[i / 2].directive;
        bool as_arg = i % 2 == 1; /* which wins over the directive */
        _cleanup_kv_ struct mb_kvlist args = {0};
        _cleanup_free_ char *text =
            mb_xasprintf("# check=%s\nFROM a\nCMD x\nMAINTAINER y\n",
                         as_arg && *value ? "error=true" : value);
        _cleanup_strv_ struct mb_strv names = {0};
        _cleanup_free_ char *got = NULL;
        struct mb_error err;
        size_t n;

        mb_kv_set(&args, "BUILDKIT_DOCKERFILE_CHECK", as_arg ? value : "");
        _cleanup_(frontend_freep) struct frontend *f = parse_with(text, &args);
        const struct frontend_warning *w = frontend_checks(f, &n);
        for (size_t k = 0; k < n; k++)
            mb_strv_add(&names, w[k].rule);
        got = mb_strv_join(&names, ", ");
        assert_string_equal(got, rows[i / 2].want);
        if (rows[i / 2].error) {
            assert_fails(frontend_check_error(f, &err), err, MB_ERR_INVALID);
            assert_string_equal(err.msg, rows[i / 2].error);
        } else {
            assert_ok(frontend_check_error(f, &err), err);
        }
    }
}

static void a_build_arg_stands_for_the_syntax(void **state)
{
    static const char text[] = "# syntax=me/frontend\nFROM a\n";
    _cleanup_kv_ struct mb_kvlist args = {0};
    struct frontend *f = NULL;
    struct mb_error err;

    (void)state;
    mb_kv_set(&args, "BUILDKIT_SYNTAX", "dockerfile.v0");
    frontend_free(parse_with(text, &args));
    mb_kv_set(&args, "BUILDKIT_SYNTAX", "you/frontend");
    assert_fails(frontend_parse_with("D", BYTES("FROM a\n"), &args, &f, &err), err,
                 MB_ERR_INVALID);
    assert_contains(err.msg, "--build-arg BUILDKIT_SYNTAX: syntax you/frontend");
}

static void a_known_base_tells_which_variables_are_undefined(void **state)
{
    static const char text[] = "FROM base\n"
                               "ARG unset\n"
                               "ENV dir=/x a=$BASE$unset b=${none:-x} c=$dri\n"
                               "COPY $dri $dir/ /y/\n"
                               "RUN $shell\n"
                               "EXPOSE 1${port}\n"
                               "LABEL x='$quoted'\n";
    static const struct {
        const char *directive, *want;
    } rows[] = {
        {"skip=JSONArgsRecommended",
         "UndefinedVar: Usage of undefined variable '$dri' (line 4)|"
         "UndefinedVar: Usage of undefined variable '$dri' (did you mean $dir?) (line "
         "5)|"
         "UndefinedVar: Usage of undefined variable '$port' (line 7)"},
        {"skip=UndefinedVar;error=true", ""},
        {"error=true", NULL},
    };
    const struct frontend_args a = test_args();
    struct mb_image_config base = {0};

    (void)state;
    mb_kv_set(&base.env, "BASE", "");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *all =
            mb_xasprintf("# check=%s\n%s", rows[i].directive, text);
        _cleanup_(frontend_freep) struct frontend *f = test_parse(all);
        _cleanup_(frontend_result_done) struct frontend_result r = {0};
        struct mb_error err;

        if (!rows[i].want) {
            assert_fails(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err,
                         MB_ERR_INVALID);
            assert_contains(err.msg, "lint violation found for rules: UndefinedVar");
            continue;
        }
        assert_ok(frontend_eval(f, 0, &a, &base, NULL, &r, &err), err);
        _cleanup_free_ char *got = mb_strv_join(&r.warnings, "|");
        assert_string_equal(got, rows[i].want);
    }
    mb_image_config_done(&base);
}

static void rules_have_their_address(void **state)
{
    static const struct {
        const char *text, *url;
    } rows[] = {
        {"FROM a\nCMD x\n", "json-args-recommended/"},
        {"FROM a as b\n", "from-as-casing/"},
        {"FROM a\nENV a_key=1\n", "secrets-used-in-arg-or-env/"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(frontend_freep) struct frontend *f = test_parse(rows[i].text);
        _cleanup_free_ char *want =
            mb_xasprintf("https://docs.docker.com/go/dockerfile/rule/%s", rows[i].url);
        size_t n;
        const struct frontend_warning *w = frontend_checks(f, &n);

        assert_int_equal(n, 1);
        assert_string_equal(w->url, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_finds_what_it_names),
        cmocka_unit_test(the_directive_skips_rules_and_makes_errors),
        cmocka_unit_test(a_build_arg_stands_for_the_syntax),
        cmocka_unit_test(a_known_base_tells_which_variables_are_undefined),
        cmocka_unit_test(rules_have_their_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
