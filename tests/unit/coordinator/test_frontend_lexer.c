/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/frontend/lexer.h"

#include "base/limits.h"
#include "base/mem.h"
#include "mb_test.h"

/* "line-end_line text" of each logical line, joined by '|'. */
static char *dump(const struct lexer_result *r)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(1 << 20);

    for (size_t i = 0; i < r->n; i++)
        mb_buf_addf(&b, "%s%u-%u %s", i ? "|" : "", r->v[i].line, r->v[i].end_line,
                    r->v[i].text);
    return mb_buf_steal(&b);
}

static void lines_are_joined_and_comments_dropped(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"FROM a\nRUN b\n", "1-1 FROM a|2-2 RUN b"},
        {"FROM a\r\nRUN b\r\n", "1-1 FROM a|2-2 RUN b"},
        {"\xef\xbb\xbf"
         "FROM a",
         "1-1 FROM a"},
        {"# c\n\n  FROM a\n#x\n", "3-3 FROM a"},
        {"RUN a \\\n  b\n", "1-2 RUN a   b"},
        {"RUN a \\  \t\n  b\n", "1-2 RUN a   b"},
        {"RUN a \\\n# c\n  # d\n\n b\nX", "1-5 RUN a  b|6-6 X"},
        {"RUN a\\\\\nX", "1-1 RUN a\\\\|2-2 X"},
        {"RUN a \\\n", "1-1 RUN a "},
        {"RUN a \\\n# end", "1-2 RUN a "},
        {"\\\nFROM a", "1-2 FROM a"},
        {"RUN a \\\r\n b\r\n", "1-2 RUN a  b"},
        {"# escape=`\nRUN a `\n b\\\nX", "2-3 RUN a  b\\|4-4 X"},
        {"#Escape = `\nRUN a `\n b", "2-3 RUN a  b"},
        {"#!/bin/x\n# escape=`\nRUN a `\n b", "3-4 RUN a  b"},
        {"# hello\n# escape=`\nRUN a \\\n b", "3-4 RUN a  b"},
        {"\n# escape=`\nRUN a \\\n b", "3-4 RUN a  b"},
        {"#syntax=docker/dockerfile:1.7-labs\n#check=skip=all\nX", "3-3 X"},
        {"# syntax = docker.io/docker/dockerfile:1\nX", "2-2 X"},
        {"# unknown=1\n# escape=`\nX \\\n y", "3-4 X  y"},
        {" \\\n \\\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(lexer_done) struct lexer_result r = {0};
        _cleanup_free_ char *got = NULL;
        struct mb_error err;

        assert_ok(lexer_run("D", rows[i].text, strlen(rows[i].text), &r, &err), err);
        got = dump(&r);
        assert_string_equal(got, rows[i].want);
    }
}

static void empty_lines_in_a_continuation_are_noted(void **state)
{
    _cleanup_(lexer_done) struct lexer_result r = {0};
    struct mb_error err;

    (void)state;
    assert_ok(lexer_run("D", BYTES("RUN a \\\n\n b\nRUN c \\\n# x\n d"), &r, &err),
              err);
    assert_int_equal(r.n, 2);
    assert_true(r.v[0].empty_continuation);
    assert_false(r.v[1].empty_continuation);
}

static void what_is_no_dockerfile_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } rows[] = {
        {BYTES(""), "D: the Dockerfile cannot be empty"},
        {BYTES("FROM a\nRUN \0"), "D:2: a NUL byte"},
        {BYTES("FROM a\n\nRUN \xff"), "D:3: byte 0xff is not UTF-8"},
        {BYTES("RUN \xc3"), "D:1: byte 0xc3"},
        {BYTES("#escape=x\nFROM a"), "D:1: invalid escape token 'x'"},
        {BYTES("#escape=`\n#escape=`\n"), "D:2: only one escape parser directive"},
        {BYTES("# syntax=me/frontend:2\nFROM a"), "D:1: syntax me/frontend:2"},
        {BYTES("# syntax=quay.io/docker/dockerfile:1\nFROM a"), "are not supported"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct lexer_result r = {.n = 99};
        struct mb_error err;

        assert_fails(lexer_run("D", rows[i].bytes, rows[i].len, &r, &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(r.n, 99);
    }
}

static void sizes_are_limited(void **state)
{
    _cleanup_free_ char *big = mb_xmalloc(MB_DOCKERFILE_BYTES_MAX + 1);
    struct lexer_result r = {0};
    struct mb_error err;

    (void)state;
    memset(big, 'a', MB_DOCKERFILE_BYTES_MAX + 1);
    assert_fails(lexer_run("D", big, MB_DOCKERFILE_BYTES_MAX + 1, &r, &err), err,
                 MB_ERR_LIMIT);
    for (size_t i = 0; i < MB_DOCKERFILE_BYTES_MAX; i += 2)
        memcpy(big + i, "a\n", 2);
    assert_fails(lexer_run("D", big, MB_DOCKERFILE_BYTES_MAX, &r, &err), err,
                 MB_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_joined_and_comments_dropped),
        cmocka_unit_test(empty_lines_in_a_continuation_are_noted),
        cmocka_unit_test(what_is_no_dockerfile_is_refused),
        cmocka_unit_test(sizes_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
