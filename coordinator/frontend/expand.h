/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - variables, quotes and escapes of one word, as the Dockerfile reference's
 * "Environment replacement" has them: $v ${v} ${v:-w} ${v-w} ${v:+w} ${v+w} ${v:?m}
 * ${v?m}
 * ${v#p} ${v##p} ${v%p} ${v%%p} ${v/p/r} ${v//p/r}.
 */
#ifndef COORDINATOR_FRONTEND_EXPAND_H
#define COORDINATOR_FRONTEND_EXPAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

struct expand {
    char escape; /* '\\' or '`' */
    /* NULL: not set. The text lives until the next call. */
    const char *(*get)(const char *name, void *arg);
    /* Told of $v and ${v} that are not set, when they have no default; or NULL. */
    void (*unset)(const char *name, void *arg);
    void *arg;
    bool raw_quotes;  /* leave quotes in the result: for showing it */
    bool no_quotes;   /* quotes are characters like any other */
    bool raw_escapes; /* leave escapes in the result */
    bool keep_unset;  /* leave what names an unset variable: for showing it */
    uint64_t *work;   /* what patterns may still cost; NULL: a limit per call */
};

/* *ret malloc'ed. INVALID: a quote or brace without its end, ${v:?m}; LIMIT. */
int expand_word(const struct expand *x, const char *word, char **ret,
                struct mb_error *err) _must_check_;
/* Split at white space outside quotes after replacing. Appends. */
int expand_words(const struct expand *x, const char *word, struct mb_strv *ret,
                 struct mb_error *err) _must_check_;

/* pattern.c: shell patterns with '*', '?' and '\\' (no brackets) inside values. */

#define EXPAND_WORK_MAX UINT64_C(50000000)

/* Bytes of @value that @pattern takes from its front (or end): the longest when
 * @greedy. SIZE_MAX: no match. INVALID: bad escape; LIMIT: too much work. */
int pattern_affix(const char *pattern, const char *value, bool suffix, bool greedy,
                  uint64_t *work, size_t *ret, struct mb_error *err) _must_check_;
/* The value with the first or @all matches replaced, appended to @out. */
int pattern_replace(const char *pattern, const char *value, const char *replacement,
                    bool all, uint64_t *work, struct mb_buf *out, struct mb_error *err)
    _must_check_;

#endif
