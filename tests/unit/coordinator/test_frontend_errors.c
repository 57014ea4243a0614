/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend_test.h"

/* Each row is a Dockerfile that must be refused, with where and why. */
static void bad_dockerfiles_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"# only\n", "Dockerfile: file with no instructions"},
        {"ARG A\n", "contains no stages to build"},
        {"RUN a\nFROM b\n", "Dockerfile:1: no build stage in current context"},
        {"FROM a\nRNU make\n",
         "Dockerfile:2: unknown instruction: RNU (did you mean RUN?)"},
        {"FROM a\nCOYP a b\n", "unknown instruction: COYP (did you mean COPY?)"},
        {"FROM a\nQUUX a b\n", "Dockerfile:2: unknown instruction: QUUX"},
        {"FROM a\nCOPY --form=b c /d\n", "unknown flag: --form (did you mean from?)"},
        {"FROM --plattform=x a\n",
         "Dockerfile:1: unknown flag: --plattform (did you mean "
         "platform?)"},
        {"FROM a\nCMD --x\n", "unknown flag: --x"},
        {"FROM a\nCOPY --from c /d\n", "missing a value on flag: --from"},
        {"FROM a\nCOPY --from=b --from=c d /e\n", "duplicate flag specified: --from"},
        {"FROM a\nCOPY --link=maybe a b\n", "expecting boolean value for flag --link"},
        {"FROM a\nADD --checksum=x a b\n",
         "Dockerfile:2: ADD --checksum is not supported yet"},
        {"FROM a\nCOPY --parents=1 a b\n", "expecting boolean value"},
        {"FROM a\nCOPY --exclude=[ a b\n", "--exclude: line 1: pattern \"/[\""},
        {"FROM a\nCOPY --exclude a b\n", "missing a value on flag: --exclude"},
        {"FROM a\nCOPY --chmod=u+q a b\n", "invalid chmod parameter: 'u+q'"},
        {"FROM a\nCOPY --chmod=888 a b\n", "invalid chmod parameter: '888'"},
        {"FROM a\nCOPY --chmod=17777 a b\n", "invalid chmod parameter"},
        {"FROM a\nRUN --security=insekure a\n", "(did you mean insecure?)"},
        {"FROM a\nRUN --network=bridge a\n", "invalid network mode \"bridge\""},
        {"FROM a\nADD a\n", "ADD requires at least two arguments"},
        {"FROM a\nADD --from=b a b\n", "unknown flag: --from"},
        {"FROM a\nADD --unpack=maybe a b\n", "expecting boolean value"},
        {"FROM a\nADD http://x/a b\n", "ADD of a URL is not supported yet"},
        {"FROM a\nADD git@x:a.git b\n", "ADD of a git repository is not supported"},
        {"FROM a\nONBUILD\n", "Dockerfile:2: ONBUILD requires exactly one argument"},
        {"FROM a\nONBUILD ONBUILD RUN a\n",
         "Dockerfile:2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
        {"FROM a\nONBUILD from a\n", "FROM isn't allowed as an ONBUILD trigger"},
        {"FROM a\nONBUILD MAINTAINER a\n", "MAINTAINER isn't allowed"},
        {"FROM a\nONBUILD RNU a\n", "unknown instruction: RNU (did you mean RUN?)"},
        {"FROM a\nONBUILD --x RUN a\n", "unknown flag: --x"},
        {"FROM a AS b\nONBUILD ADD --x x /y\nFROM b\n",
         "Dockerfile:3: ONBUILD ADD --x x /y: unknown flag: --x"},
        {"FROM a AS b\nONBUILD COPY --from=l c /d\nFROM b\nFROM x AS l\n",
         "Dockerfile:3: ONBUILD COPY --from=l c /d: cannot copy from stage"},
        {"# syntax=me/frontend:2\nFROM a\n", "Dockerfile:1: syntax me/frontend:2"},
        {"#\n# syntax=x\nFROM a\nENV\n", "Dockerfile:4: ENV requires"},
        {"# syntax=quay.io/docker/dockerfile:1\nFROM a\n", "are not supported"},
        {"# check=skip\nFROM a\n", "Dockerfile:1: invalid check option \"skip\""},
        {"# check=foo=a\nFROM a\n", "invalid check option \"foo\""},
        {"# check=error=yes\nFROM a\n", "failed to parse check option \"error=yes\""},
        {"FROM a\nRUN <<a/b\n#!/bin/sh\na/b\n", "cannot be a file name"},
        {"FROM a\nCOPY b <<a\nx\na\n", "COPY cannot accept a heredoc as a destination"},
        {"FROM a\nCOPY <<a b /x\nx\na\n", "must be a directory"},
        {"FROM a\nCOPY <<a/b /x\nx\na/b\n", "cannot be a file name"},
        {"FROM a\nCOPY <<a /x\n${b:?none}\na\n", "none"},
        {"FROM a\nCOPY a\n", "COPY requires at least two arguments, but only one was"},
        {"FROM a\nCOPY a b c\n", "must be a directory and end with a /: c"},
        {"FROM a\nCOPY [\"a\", 1]\n", "arrays must be comprised of strings only"},
        {"FROM a\nCOPY \"a b /c\n", "matching double-quote"},
        {"FROM a\nCOPY http://x/y /z\n", "source can't be a URL for COPY"},
        {"FROM a\nCOPY git@x:y /z\n", "source can't be a git ref for COPY"},
        {"FROM a\nCOPY --from=$B c /d\n",
         "variable expansion is not supported for --from"},
        {"FROM a AS b\nCOPY --from=b c /d\n", "Dockerfile:2: circular dependency"},
        {"FROM a\nCOPY --from=0 c /d\n",
         "circular dependency detected on stage: stage-0"},
        {"FROM a\nCOPY --from=7 c /d\n", "invalid stage index 7"},
        {"FROM a\nCOPY --from=l c /d\nFROM b AS l\n",
         "cannot copy from stage \"l\", it needs to be defined before current stage"},
        {"FROM a\nCOPY --from=A:B:C c /d\n", "Dockerfile:2: image \"A:B:C\""},
        {"FROM\n", "FROM requires at least one argument"},
        {"FROM a b\n", "FROM requires either one or three arguments"},
        {"FROM a IS b\n", "FROM requires either one or three arguments"},
        {"FROM a AS 1b\n", "invalid name for build stage: \"1b\""},
        {"FROM a AS b/c\n", "invalid name for build stage"},
        {"FROM $X\n", "Dockerfile:1: base name ($X) should not be blank"},
        {"FROM Foo\n", "Dockerfile:1: image \"Foo\""},
        {"FROM a AS Base\nFROM bsae:X:Y\n", "image \"bsae:X:Y\""},
        {"FROM --platform=$X a\n", "empty platform value from expression $X"},
        {"FROM --platform=a/b/c/d a\n", "failed to parse platform a/b/c/d"},
        {"FROM ${X:?set-X}\n",
         "Dockerfile:1: failed to process \"${X:?set-X}\": X: set-X"},
        {"ARG A=${B:?}\nFROM a\n", "Dockerfile:1: failed to process"},
        {"FROM a\nENV\n", "ENV requires at least one argument"},
        {"FROM a\nENV A\n", "ENV must have two arguments"},
        {"FROM a\nENV A=1 B\n", "can't find = in \"B\""},
        {"FROM a\nENV =1\n", "ENV names can not be blank"},
        {"FROM a\nENV $X=1\n", "ENV names can not be blank"},
        {"FROM a\nARG\n", "ARG requires at least one argument"},
        {"FROM a\nARG =1\n", "ARG names can not be blank"},
        {"FROM a\nWORKDIR\n", "WORKDIR requires exactly one argument"},
        {"FROM a\nRUN\n", "RUN requires at least one argument"},
        {"FROM a\nRUN []\n", "RUN requires at least one argument"},
        {"FROM a\nSHELL /bin/sh\n", "SHELL requires the arguments to be in JSON form"},
        {"FROM a\nSHELL []\n", "SHELL requires at least one argument"},
        {"FROM a\nEXPOSE x\n", "invalid containerPort: x"},
        {"FROM a\nEXPOSE 80/foo\n", "invalid proto: foo"},
        {"FROM a\nEXPOSE 70000\n", "invalid containerPort: 70000"},
        {"FROM a\nEXPOSE 9-8\n", "invalid containerPort: 9-8"},
        {"FROM a\nEXPOSE /tcp\n", "no port specified"},
        {"FROM a\nSTOPSIGNAL SIGFOO\n", "invalid signal: SIGFOO"},
        {"FROM a\nSTOPSIGNAL 0\n", "invalid signal: 0"},
        {"FROM a\nVOLUME [\"\"]\n", "VOLUME specified can not be an empty string"},
        {"FROM a\nHEALTHCHECK CMD\n", "missing command after HEALTHCHECK CMD"},
        {"FROM a\nHEALTHCHECK RUN x\n", "unknown type \"RUN\" in HEALTHCHECK"},
        {"FROM a\nHEALTHCHECK NONE x\n", "HEALTHCHECK NONE takes no arguments"},
        {"FROM a\nHEALTHCHECK --interval=5 CMD x\n", "invalid duration \"5\""},
        {"FROM a\nHEALTHCHECK --timeout=1us CMD x\n", "cannot be less than 1ms"},
        {"FROM a\nHEALTHCHECK --timeout=9999999999h CMD x\n", "invalid duration"},
        {"FROM a\nHEALTHCHECK --retries=-1 CMD x\n", "--retries"},
        {"FROM a\nRUN \\\n  a\n\nUSER 'x\n", "Dockerfile:5: "},
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;

        assert_fails(test_eval_all(rows[i].text, &a, &err), err, MB_ERR_INVALID);
        if (!strstr(err.msg, rows[i].why))
            fail_msg("%s: '%s' lacks '%s'", rows[i].text, err.msg, rows[i].why);
        if (strncmp(err.msg, "Dockerfile:", 11) != 0)
            fail_msg("%s: '%s' has no position", rows[i].text, err.msg);
        if (strstr(err.msg + 1, "Dockerfile:"))
            fail_msg("%s: '%s' has two positions", rows[i].text, err.msg);
    }
}

static void shifts_in_a_shell_are_no_here_documents(void **state)
{
    static const char *const rows[] = {
        "FROM a\nRUN echo $((1<<2))\n", "FROM a\nRUN cat <<< x\n",
        "FROM a\nRUN echo \"<<EOF\"\n", "FROM a\nRUN [\"echo\", \"<<EOF\"]\n",
        "FROM a\nCMD cat <<EOF\n",
    };
    const struct frontend_args a = test_args();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;

        assert_ok(test_eval_all(rows[i], &a, &err), err);
    }
}

/* A small file must not become a large result. */
static void doubling_values_meet_a_limit(void **state)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(1 << 17);
    const struct frontend_args a = test_args();
    struct mb_error err;

    (void)state;
    mb_buf_add_str(&text, "FROM scratch\nENV A=aaaaaaaa\n");
    for (int i = 0; i < 13; i++)
        mb_buf_add_str(&text, "ENV A=$A$A\n");
    for (int i = 0; i < 5000; i++)
        mb_buf_add_str(&text, "RUN x\n");
    assert_fails(test_eval_all(text.data, &a, &err), err, MB_ERR_LIMIT);
    mb_buf_clear(&text);
    mb_buf_add_str(&text, "FROM scratch\nENV A=aaaaaaaa\n");
    for (int i = 0; i < 40; i++)
        mb_buf_add_str(&text, "ENV A=$A$A\n");
    assert_fails(test_eval_all(text.data, &a, &err), err, MB_ERR_LIMIT);
    mb_buf_clear(&text);
    mb_buf_add_str(&text, "FROM scratch\n");
    for (int i = 0; i < 5000; i++)
        mb_buf_add_str(&text, "EXPOSE 1-9999\n");
    assert_fails(test_eval_all(text.data, &a, &err), err, MB_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_dockerfiles_are_refused_with_their_line),
        cmocka_unit_test(shifts_in_a_shell_are_no_here_documents),
        cmocka_unit_test(doubling_values_meet_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
