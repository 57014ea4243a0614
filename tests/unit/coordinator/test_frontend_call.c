/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/frontend/call.h"

#include "base/json.h"
#include "frontend_test.h"

static const char example[] = "# VER of the base\n"
                              "ARG VER=1.0\n"
                              "ARG UNUSED=x\n"
                              "FROM busybox:$VER AS base\n"
                              "ARG A=$VER\n"
                              "# Build makes it\n"
                              "\n"
                              "FROM base AS other\n"
                              "ARG NOT=here\n"
                              "# build makes it\n"
                              "FROM --platform=linux/s390x base AS build\n"
                              "ARG B=\"b c\" VER\n"
                              "FROM scratch\n"
                              "COPY --from=build \\\n"
                              " /a /b\n"
                              "CMD a\n";

static int ask(const char *text, const char *method, const char *target, bool json,
               struct mb_buf *out, struct mb_error *err)
{
    const struct frontend_args a = test_args();
    _cleanup_(frontend_freep) struct frontend *f = test_parse(text);
    const struct frontend_call c = {.method = method,
                                    .target = target,
                                    .name = "Dockerfile",
                                    .text = text,
                                    .text_len = strlen(text),
                                    .json = json,
                                    .args = &a};

    return frontend_call(f, &c, out, err);
}

static void answers_read_as_buildx_prints_them(void **state)
{
    static const struct {
        const char *text, *method, *target, *want;
    } rows[] = {
        {"FROM a\n", "check", NULL, "Check complete, no warnings found.\n"},
        {"FROM a\nCMD x \\\n y\nLABEL b c\n", "check", NULL,
         "Check complete, 2 warnings have been found!\n"
         "\n"
         "WARNING: JSONArgsRecommended - "
         "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/\n"
         "JSON arguments recommended for CMD to prevent unintended behavior related to "
         "OS signals\n"
         "Dockerfile:2\n"
         "--------------------\n"
         "   1 |     FROM a\n"
         "   2 | >>> CMD x \\\n"
         "   3 | >>>  y\n"
         "   4 |     LABEL b c\n"
         "   5 |     \n"
         "--------------------\n"
         "\n"
         "WARNING: LegacyKeyValueFormat - "
         "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/\n"
         "\"LABEL key=value\" should be used instead of legacy \"LABEL key value\" "
         "format\n"
         "Dockerfile:4\n"
         "--------------------\n"
         "   2 |     CMD x \\\n"
         "   3 |      y\n"
         "   4 | >>> LABEL b c\n"
         "   5 |     \n"
         "--------------------\n"},
        {example, "targets", NULL,
         "TARGET     DESCRIPTION\n"
         "base       \n"
         "other      \n"
         "build      makes it\n"
         "(default)  \n"},
        {example, "outline", NULL,
         "TARGET:  default\n"
         "\n"
         "BUILD ARG  VALUE  DESCRIPTION\n"
         "VER        1.0    of the base\n"
         "A          1.0    \n"
         "B          b c    \n"
         "\n"},
        {example, "outline", "build",
         "TARGET:       build\n"
         "DESCRIPTION:  makes it\n"
         "\n"
         "BUILD ARG  VALUE  DESCRIPTION\n"
         "VER        1.0    of the base\n"
         "A          1.0    \n"
         "B          b c    \n"
         "\n"},
        {"FROM a\n", "outline", NULL, "TARGET:  default\n\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(1 << 20);
        struct mb_error err;

        assert_ok(ask(rows[i].text, rows[i].method, rows[i].target, false, &out, &err),
                  err);
        assert_string_equal(out.data, rows[i].want);
    }
}

/* As far as scripts look: paths of keys to values, "/" between them. */
static const json_t *at(const json_t *v, const char *path)
{
    _cleanup_strv_ struct mb_strv keys = {0};

    mb_strv_split(&keys, path, "/");
    for (size_t i = 0; v && i < keys.n; i++)
        v = json_is_array(v) ? json_array_get(v, (size_t)(keys.v[i][0] - '0'))
                             : json_object_get(v, keys.v[i]);
    return v;
}

static void json_answers_have_the_keys_that_scripts_read(void **state)
{
    static const struct {
        const char *method, *path, *text;
        int number;
    } rows[] = {
        {"check", "warnings/0/ruleName", "FromPlatformFlagConstDisallowed", 0},
        {"check", "warnings/1/ruleName", "JSONArgsRecommended", 0},
        {"check", "warnings/1/location/ranges/0/start/line", NULL, 16},
        {"check", "sources/0/fileName", "Dockerfile", 0},
        {"check", "sources/0/language", "Dockerfile", 0},
        {"targets", "targets/2/name", "build", 0},
        {"targets", "targets/2/description", "makes it", 0},
        {"targets", "targets/2/base", "base", 0},
        {"targets", "targets/2/platform", "linux/s390x", 0},
        {"targets", "targets/3/location/ranges/0/end/line", NULL, 13},
        {"outline", "name", "default", 0},
        {"outline", "args/0/name", "VER", 0},
        {"outline", "args/0/description", "of the base", 0},
        {"outline", "args/0/value", "1.0", 0},
        {"outline", "args/2/location/ranges/0/start/line", NULL, 12},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(1 << 20);
        _cleanup_json_ json_t *v = NULL;
        struct mb_error err;

        assert_ok(ask(example, rows[i].method, NULL, true, &out, &err), err);
        assert_ok(mb_json_parse(out.data, out.len, out.len, &v, &err), err);
        if (rows[i].text)
            assert_string_equal(json_string_value(at(v, rows[i].path)), rows[i].text);
        else
            assert_int_equal(json_integer_value(at(v, rows[i].path)), rows[i].number);
    }
}

static void bad_questions_are_refused(void **state)
{
    static const struct {
        const char *method, *target, *why;
    } rows[] = {
        {"lint", NULL, "--call lint is not known"},
        {"outline", "biuld", "could not be found (did you mean build?)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(1 << 20);
        struct mb_error err;

        assert_fails(ask(example, rows[i].method, rows[i].target, false, &out, &err),
                     err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_read_as_buildx_prints_them),
        cmocka_unit_test(json_answers_have_the_keys_that_scripts_read),
        cmocka_unit_test(bad_questions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
