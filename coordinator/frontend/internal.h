/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of the frontend share: the parsed Dockerfile, the tables of
 * instructions and flags, and names and variables in their scopes.
 *
 * Text to lines (lexer), lines to words (words), words with variables replaced
 * (expand), instructions by table (instructions, flags), then stages, and their meaning
 * (eval).
 */
#ifndef COORDINATOR_FRONTEND_INTERNAL_H
#define COORDINATOR_FRONTEND_INTERNAL_H

#include "coordinator/frontend/expand.h"
#include "coordinator/frontend/frontend.h"
#include "coordinator/frontend/heredoc.h"

enum instruction_kind {
    INSTR_ADD = 1,
    INSTR_ARG,
    INSTR_CMD,
    INSTR_COPY,
    INSTR_ENTRYPOINT,
    INSTR_ENV,
    INSTR_EXPOSE,
    INSTR_FROM,
    INSTR_HEALTHCHECK,
    INSTR_LABEL,
    INSTR_MAINTAINER,
    INSTR_ONBUILD,
    INSTR_RUN,
    INSTR_SHELL,
    INSTR_STOPSIGNAL,
    INSTR_USER,
    INSTR_VOLUME,
    INSTR_WORKDIR,
};

struct instruction {
    enum instruction_kind kind;
    const char *keyword; /* "RUN"; static */
    char *typed;         /* the keyword as written */
    unsigned line, end_line;
    char *original;         /* continuations joined, trimmed */
    struct mb_kvlist flags; /* "from" -> "build" */
    bool json;              /* the arguments were a JSON array of strings */
    bool legacy;            /* ENV, LABEL: "k v" */
    struct mb_strv args;    /* in the form that the table names; ENV, LABEL: k, v, k, v;
                               ONBUILD: the trigger, here-documents included */
    struct heredocs heredocs;
    struct mb_strv comments; /* in front of it */
};

/* "# check=skip=A,B;error=true" */
struct check_config {
    bool skip_all, experimental_all, error;
    struct mb_strv skip, experimental;
};

struct stage {
    char *name;      /* lower case; NULL when it has none */
    char *typed;     /* the name as written, or NULL */
    char *from, *as; /* the keywords as written; as: NULL without a name */
    char *label;     /* the name, or "stage-1" */
    char *base;      /* as written, variables not replaced */
    char *platform;  /* as written, or NULL */
    unsigned line, end_line;
    size_t first, end; /* its instructions */
    struct mb_strv comments;
};

struct frontend {
    char *name; /* of the file, for messages */
    char escape;
    struct instruction *instr;
    size_t n_instr;
    size_t n_global; /* ARGs in front of the first FROM */
    struct stage *stages;
    size_t n_stages;
    struct check_config check;
    struct frontend_warning *warnings;
    size_t n_warnings;
    struct mb_strv warning_texts;
    size_t hint_work; /* names that near misses were looked for in */
};

struct lexer_line;
/* Parse one joined line; its here-documents are taken. Errors carry no position yet. */
int instruction_parse(struct lexer_line *ln, char escape, struct instruction *ret,
                      struct mb_error *err) _must_check_;
/* "RUN" when @typed names an instruction, else NULL. */
const char *instruction_keyword(const char *typed, size_t len);
void instruction_done(struct instruction *in);
/* "--from=x" by the table of @kind's flags. INVALID. */
int flags_parse(enum instruction_kind kind, const char *keyword,
                const struct mb_strv *words, struct mb_kvlist *ret,
                struct mb_error *err) _must_check_;

/* Of @names (NULL-terminated) the one that @typed is a near miss of, else NULL. */
const char *suggest(const char *typed, const char *const *names);
/* " (did you mean X?)" or ""; malloc'ed. */
char *suggest_text(const char *typed, const char *const *names);

/* The stage's own; NULL and 0 when it has none. */
const struct instruction *stage_instructions(const struct frontend *f, size_t stage,
                                             size_t *ret_n);

/* -1 with "NAME:LINE: " in front of @err's message. */
int at_line(const struct frontend *f, unsigned line, struct mb_error *err);

/* directives.c: INVALID, no position yet. */
int directive_syntax(const char *value, struct mb_error *err) _must_check_;
int directive_check(const char *value, struct check_config *ret, struct mb_error *err)
    _must_check_;
void check_config_done(struct check_config *c);

/* checks.c: the build checks that the text alone decides. */
struct lexer_result;
void checks_run(struct frontend *f, const struct lexer_result *lines,
                const struct mb_kvlist *build_args);
void checks_done(struct frontend *f);
/* "Rule: what (line N)" of a variable that nothing sets; NULL when it is skipped. */
char *check_undefined(const struct frontend *f, const char *name,
                      const struct mb_strv *known, unsigned line);

/* onbuild.c: instructions that run right behind a FROM. */
struct triggers {
    struct instruction *v;
    size_t n;
};
/* INVALID: ONBUILD, FROM and MAINTAINER are no triggers. */
int onbuild_allows(const char *keyword, struct mb_error *err) _must_check_;
/* Errors name @line, that of the FROM. */
int triggers_parse(const struct frontend *f, unsigned line, const struct mb_strv *texts,
                   struct triggers *ret, struct mb_error *err) _must_check_;
/* Those that the stage which @stage is FROM leaves; none when that is an image. */
int stage_triggers(const struct frontend *f, size_t stage,
                   const struct frontend_args *a, const struct mb_kvlist *globals,
                   struct triggers *ret, struct mb_error *err) _must_check_;
void triggers_done(struct triggers *t);
/* May a RUN be among them? Told without any value. */
bool stage_may_trigger_run(const struct frontend *f, size_t stage);

/* Automatic ARGs BUILD..., TARGET..., then those in front of the first FROM. INVALID.
 */
int global_args(const struct frontend *f, const struct frontend_args *a,
                struct mb_kvlist *ret, struct mb_error *err) _must_check_;
bool is_proxy_arg(const char *name);

/* With the globals at hand. */
int resolve_from(const struct frontend *f, size_t stage, const struct frontend_args *a,
                 const struct mb_kvlist *globals, struct frontend_from *ret,
                 struct mb_error *err) _must_check_;
/* Source of a COPY of @stage: its --from, or the main context. INVALID, no position
 * yet. */
int resolve_copy(const struct frontend *f, size_t stage, const struct instruction *in,
                 const struct frontend_args *a, const struct mb_kvlist *globals,
                 struct frontend_from *ret, struct mb_error *err) _must_check_;
/* The same for --from=@text (NULL or "": the main context) on @line. */
int resolve_source(const struct frontend *f, size_t stage, unsigned line,
                   const char *text, const struct frontend_args *a,
                   const struct mb_kvlist *globals, struct frontend_from *ret,
                   struct mb_error *err) _must_check_;
/* Is the stage itself replaced by a --build-context of its name? */
bool stage_is_replaced(const struct frontend *f, size_t stage,
                       const struct frontend_args *a);

#endif
