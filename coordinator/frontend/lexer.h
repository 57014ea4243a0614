/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer - Dockerfile bytes to logical lines: parser directives, BOM, CRLF, comments and
 * continuations are dealt with here.
 */
#ifndef COORDINATOR_FRONTEND_LEXER_H
#define COORDINATOR_FRONTEND_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "coordinator/frontend/heredoc.h"

struct lexer_line {
    char *text; /* continuations joined; never empty */
    unsigned line, end_line;
    bool empty_continuation;  /* an empty line was inside */
    struct heredocs heredocs; /* each with its text */
    struct mb_strv comments;  /* directly in front of it, without '#' */
};
struct lexer_result {
    struct lexer_line *v;
    size_t n;
    char escape;          /* '\\' or '`' */
    char *syntax, *check; /* values of these directives, or NULL */
    unsigned syntax_line, check_line;
};

/* INVALID, LIMIT; the message begins with "@name:LINE: ". */
int lexer_run(const char *name, const void *data, size_t len, struct lexer_result *ret,
              struct mb_error *err) _must_check_;
void lexer_done(struct lexer_result *r);

#endif
