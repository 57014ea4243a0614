/* SPDX-License-Identifier: Apache-2.0 */
/* instructions - one logical line to keyword, flags and arguments, by a table. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "coordinator/frontend/internal.h"
#include "coordinator/frontend/lexer.h"
#include "coordinator/frontend/words.h"

/* How the text behind keyword and flags is taken apart. */
enum form {
    FORM_WORDS,      /* at white space */
    FORM_QUOTED,     /* at white space outside quotes */
    FORM_PAIRS,      /* k=v ..., or the old "k v" */
    FORM_LINE,       /* one argument */
    FORM_JSON_LINE,  /* ["a", "b"], else one argument */
    FORM_JSON_WORDS, /* ["a", "b"], else at white space */
    FORM_HEALTH,     /* a word, then FORM_JSON_LINE */
};

static const struct row {
    const char *keyword;
    enum instruction_kind kind;
    enum form form;
    bool supported;
    size_t min_args;
} table[] = {
    {"ADD", INSTR_ADD, FORM_JSON_WORDS, true, 2},
    {"ARG", INSTR_ARG, FORM_QUOTED, true, 1},
    {"CMD", INSTR_CMD, FORM_JSON_LINE, true, 0},
    {"COPY", INSTR_COPY, FORM_JSON_WORDS, true, 2},
    {"ENTRYPOINT", INSTR_ENTRYPOINT, FORM_JSON_LINE, true, 0},
    {"ENV", INSTR_ENV, FORM_PAIRS, true, 1},
    {"EXPOSE", INSTR_EXPOSE, FORM_WORDS, true, 1},
    {"FROM", INSTR_FROM, FORM_WORDS, true, 1},
    {"HEALTHCHECK", INSTR_HEALTHCHECK, FORM_HEALTH, true, 1},
    {"LABEL", INSTR_LABEL, FORM_PAIRS, true, 1},
    {"MAINTAINER", INSTR_MAINTAINER, FORM_LINE, true, 1},
    {"ONBUILD", INSTR_ONBUILD, FORM_LINE, true, 1},
    {"RUN", INSTR_RUN, FORM_JSON_LINE, true, 1},
    {"SHELL", INSTR_SHELL, FORM_JSON_LINE, true, 1},
    {"STOPSIGNAL", INSTR_STOPSIGNAL, FORM_LINE, true, 1},
    {"USER", INSTR_USER, FORM_LINE, true, 1},
    {"VOLUME", INSTR_VOLUME, FORM_JSON_WORDS, true, 1},
    {"WORKDIR", INSTR_WORKDIR, FORM_LINE, true, 1},
};

static const struct row *find(const char *word, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (strlen(table[i].keyword) == len
            && strncasecmp(table[i].keyword, word, len) == 0)
            return &table[i];
    return NULL;
}

static int fail_unknown(const char *word, size_t len, struct mb_error *err)
{
    const char *names[ARRAY_SIZE(table) + 1] = {NULL};
    _cleanup_free_ char *typed = mb_xstrndup(word, len);
    _cleanup_free_ char *hint = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        names[i] = table[i].keyword;
    hint = suggest_text(typed, names);
    return mb_fail(err, MB_ERR_INVALID, "unknown instruction: %.100s%s", typed, hint);
}

static int add_pair(const struct row *row, const char *key, size_t key_len,
                    const char *value, struct mb_strv *ret, struct mb_error *err)
{
    if (key_len == 0)
        return mb_fail(err, MB_ERR_INVALID, "%s names can not be blank", row->keyword);
    mb_strv_add_take(ret, mb_xstrndup(key, key_len));
    mb_strv_add(ret, value);
    return 0;
}

/* "k=v ..." or the old "k the rest"; the first word tells. */
static int take_pairs(const struct row *row, const char *rest, char escape,
                      bool *ret_legacy, struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv words = {0};
    size_t n = 0;

    words_quoted(rest, escape, &words);
    if (words.n > 0 && !strchr(words.v[0], '=')) {
        const char *value;

        *ret_legacy = true;
        while (rest[n] && !words_is_blank(rest[n]))
            n++;
        for (value = rest + n; words_is_blank(*value); value++)
            ;
        if (!*value)
            return mb_fail(err, MB_ERR_INVALID, "%s must have two arguments",
                           row->keyword);
        return add_pair(row, rest, n, value, ret, err);
    }
    for (size_t i = 0; i < words.n; i++) {
        const char *eq = strchr(words.v[i], '=');

        if (!eq)
            return mb_fail(err, MB_ERR_INVALID,
                           "can't find = in \"%.100s\": must be of the form name=value",
                           words.v[i]);
        if (add_pair(row, words.v[i], (size_t)(eq - words.v[i]), eq + 1, ret, err) < 0)
            return -1;
    }
    return 0;
}

static int take_json(const char *rest, struct instruction *in, struct mb_error *err)
{
    if (words_json(rest, &in->json, &in->args, err) < 0)
        return -1;
    if (!in->json && *rest)
        mb_strv_add(&in->args, rest);
    return 0;
}

static int take_health(const char *rest, struct instruction *in, struct mb_error *err)
{
    size_t n = 0;

    while (rest[n] && !words_is_blank(rest[n]))
        n++;
    if (n == 0)
        return 0;
    mb_strv_add_take(&in->args, mb_xstrndup(rest, n));
    for (rest += n; words_is_blank(*rest); rest++)
        ;
    return take_json(rest, in, err);
}

static int take_args(const struct row *row, const char *rest, char escape,
                     struct instruction *in, struct mb_error *err)
{
    switch (row->form) {
    case FORM_WORDS:
        words_split(rest, &in->args);
        return 0;
    case FORM_QUOTED:
        words_quoted(rest, escape, &in->args);
        return 0;
    case FORM_PAIRS:
        return take_pairs(row, rest, escape, &in->legacy, &in->args, err);
    case FORM_LINE:
        if (*rest)
            mb_strv_add(&in->args, rest);
        return 0;
    case FORM_JSON_LINE:
        return take_json(rest, in, err);
    case FORM_JSON_WORDS:
        if (words_json(rest, &in->json, &in->args, err) < 0)
            return -1;
        if (!in->json)
            words_split(rest, &in->args);
        return 0;
    case FORM_HEALTH:
        return take_health(rest, in, err);
    }
    return 0;
}

static int fail_count(const struct row *row, size_t n, struct mb_error *err)
{
    if (row->min_args == 2)
        return mb_fail(err, MB_ERR_INVALID,
                       "%s requires at least two arguments, but %s provided: the "
                       "destination could not be determined",
                       row->keyword, n ? "only one was" : "none was");
    return mb_fail(err, MB_ERR_INVALID, "%s requires %s one argument", row->keyword,
                   row->form == FORM_LINE ? "exactly" : "at least");
}

/* What a count of arguments does not tell. */
static int check_args(const struct row *row, const struct instruction *in,
                      struct mb_error *err)
{
    if (in->args.n < row->min_args)
        return fail_count(row, in->args.n, err);
    if (row->kind == INSTR_SHELL && !in->json)
        return mb_fail(err, MB_ERR_INVALID,
                       "SHELL requires the arguments to be in JSON form");
    for (size_t i = 0; row->kind == INSTR_ARG && i < in->args.n; i++)
        if (in->args.v[i][0] == '=')
            return mb_fail(err, MB_ERR_INVALID, "ARG names can not be blank");
    return 0;
}

/* The trigger as it is kept: its text and the here-documents behind it. */
static int take_trigger(struct instruction *in, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(SIZE_MAX);
    const char *text = in->args.v[0];
    size_t n = strcspn(text, " \t\v\f\r");
    const struct row *row = find(text, n);

    if (!row)
        return fail_unknown(text, n, err);
    if (onbuild_allows(row->keyword, err) < 0)
        return -1;
    mb_buf_add_str(&b, text);
    heredoc_rebuild(&in->heredocs, &b);
    mb_strv_done(&in->args);
    mb_strv_add_take(&in->args, mb_buf_steal(&b));
    return 0;
}

static int parse(const struct row *row, const char *rest, char escape,
                 struct instruction *in, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv flag_words = {0};

    words_flags(&rest, &flag_words);
    if (flags_parse(row->kind, row->keyword, &flag_words, &in->flags, err) < 0
        || take_args(row, rest, escape, in, err) < 0)
        return -1;
    if (check_args(row, in, err) < 0)
        return -1;
    return row->kind == INSTR_ONBUILD ? take_trigger(in, err) : 0;
}

const char *instruction_keyword(const char *typed, size_t len)
{
    const struct row *row = find(typed, len);

    return row ? row->keyword : NULL;
}

int instruction_parse(struct lexer_line *ln, char escape, struct instruction *ret,
                      struct mb_error *err)
{
    _cleanup_free_ char *line = words_trim(ln->text);
    size_t n = strcspn(line, " \t\v\f\r");
    const struct row *row = find(line, n);
    struct instruction in = {.line = ln->line, .end_line = ln->end_line};

    if (!row)
        return fail_unknown(line, n, err);
    if (!row->supported)
        return mb_fail(err, MB_ERR_INVALID, "%s is not supported yet", row->keyword);
    in.kind = row->kind;
    in.keyword = row->keyword;
    in.typed = mb_xstrndup(line, n);
    in.heredocs = ln->heredocs;
    ln->heredocs = (struct heredocs){0};
    in.comments = ln->comments;
    ln->comments = (struct mb_strv){0};
    if (parse(row, line + n, escape, &in, err) < 0) {
        instruction_done(&in);
        return -1;
    }
    in.original = steal_ptr(line);
    *ret = in;
    return 0;
}

void instruction_done(struct instruction *in)
{
    free(in->original);
    free(in->typed);
    heredocs_done(&in->heredocs);
    mb_strv_done(&in->comments);
    mb_kv_done(&in->flags);
    mb_strv_done(&in->args);
    *in = (struct instruction){0};
}
