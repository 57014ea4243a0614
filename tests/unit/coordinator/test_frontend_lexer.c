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
        {"RUN <<E\n# no comment\\\n\nE\nX", "1-4 RUN <<E|5-5 X"},
        {"RUN [\"a\", \"<<E\"]\nX", "1-1 RUN [\"a\", \"<<E\"]|2-2 X"},
        {"CMD <<E\nX", "1-1 CMD <<E|2-2 X"},
        {"onbuild run <<E\nx\nE\nX", "1-3 onbuild run <<E|4-4 X"},
        {"RUN a \\\n <<E\nx\nE", "1-4 RUN a  <<E"},
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

/* The texts of the first line's here-documents, each in brackets. */
static char *dump_heredocs(const struct lexer_result *r)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(1 << 20);

    for (size_t i = 0; i < r->v[0].heredocs.n; i++) {
        const struct heredoc *h = &r->v[0].heredocs.v[i];
        _cleanup_free_ char *content = heredoc_content(h);

        mb_buf_addf(&b, "%s[%s]", h->name, content);
    }
    return mb_buf_steal(&b);
}

static void here_documents_are_taken_with_their_text(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"RUN <<E\na\n\nb\nE\n", "E[a\n\nb\n]"},
        {"RUN <<E\nE", "E[]"},
        {"RUN <<-E\n\ta\n\t\tb\tc\n\tE\n", "E[a\nb\tc\n]"},
        {"RUN <<E\n\ta\nE\n", "E[\ta\n]"},
        {"RUN <<'E'\n$a\nE\n", "E[$a\n]"},
        {"RUN cat <<\"E F\" 3<<G > x\na\nE F\nb\nG\n", "E F[a\n]G[b\n]"},
        {"RUN <<E bash\r\na\r\nE\r\n", "E[a\r\n]"},
        {"RUN <<E\n E\nE \nEE\nE", "E[ E\nE \nEE\n]"},
        {"RUN --network=none <<E\na\nE", "E[a\n]"},
        {"COPY <<a <<b /x/\n1\na\n2\nb\n", "a[1\n]b[2\n]"},
        {"RUN echo $((1<<2)) 1 << 2", ""},
        {"RUN cat <<<x", ""},
        {"RUN echo '<<E'", ""},
        {"RUN echo a<<E", ""},
        {"ENV a=<<E", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(lexer_done) struct lexer_result r = {0};
        _cleanup_free_ char *got = NULL;
        struct mb_error err;

        assert_ok(lexer_run("D", rows[i].text, strlen(rows[i].text), &r, &err), err);
        got = dump_heredocs(&r);
        assert_string_equal(got, rows[i].want);
        assert_int_equal(r.n, 1);
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
        {BYTES("#check=a\n# check=b\n"), "D:2: only one check parser directive"},
        {BYTES("FROM a\nRUN <<E\nx\n"), "D:2: unterminated heredoc: no line \"E\""},
        {BYTES("RUN <<E\n E\n"), "D:1: unterminated heredoc"},
        {BYTES("RUN <<E <<F\nE\n"), "no line \"F\" ends it"},
        {BYTES("RUN cat <<E 'x\nE\n"), "D:1: failed to process"},
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
        cmocka_unit_test(here_documents_are_taken_with_their_text),
        cmocka_unit_test(empty_lines_in_a_continuation_are_noted),
        cmocka_unit_test(what_is_no_dockerfile_is_refused),
        cmocka_unit_test(sizes_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
