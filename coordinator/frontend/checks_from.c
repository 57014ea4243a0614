/* SPDX-License-Identifier: Apache-2.0 */
/* checks_from - build checks of stages' names and FROM lines. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "coordinator/frontend/checks_internal.h"
#include "oci/reference.h"

static bool has_upper(const char *s)
{
    for (; *s; s++)
        if (isupper((unsigned char)*s))
            return true;
    return false;
}

static bool has_lower(const char *s)
{
    for (; *s; s++)
        if (islower((unsigned char)*s))
            return true;
    return false;
}

static void check_names(struct frontend *f, size_t stage)
{
    const struct stage *st = &f->stages[stage];

    if (!st->name)
        return;
    if (has_upper(st->typed))
        check_note(f, CHECK_STAGE_NAME_CASING, st->line, st->end_line,
                   "Stage name '%s' should be lowercase", st->typed);
    if (!(has_lower(st->from) ? !has_upper(st->as) : !has_lower(st->as)))
        check_note(f, CHECK_FROM_AS_CASING, st->line, st->end_line,
                   "'%s' and '%s' keywords' casing do not match", st->as, st->from);
    if (strcmp(st->name, "scratch") == 0 || strcmp(st->name, "context") == 0)
        check_note(f, CHECK_RESERVED_STAGE_NAME, st->line, st->end_line,
                   "'%s' is reserved and should not be used as a stage name", st->name);
    for (size_t i = 0; i < stage; i++)
        if (f->stages[i].name && strcmp(f->stages[i].name, st->name) == 0) {
            check_note(f, CHECK_DUPLICATE_STAGE_NAME, st->line, st->end_line,
                       "Duplicate stage name \"%s\", stage names should be unique",
                       st->name);
            return;
        }
}

static void check_casing(struct frontend *f)
{
    size_t n_lower = 0, n_upper = 0;
    bool lower;

    for (size_t i = 0; i < f->n_stages; i++) {
        n_lower += !has_upper(f->stages[i].from);
        n_upper += !has_lower(f->stages[i].from);
    }
    for (size_t i = f->n_global; i < f->n_instr; i++) {
        n_lower += !has_upper(f->instr[i].typed);
        n_upper += !has_lower(f->instr[i].typed);
    }
    lower = n_lower > n_upper;
    for (size_t i = 0; i < f->n_stages; i++) {
        const struct stage *st = &f->stages[i];

        if (lower ? has_upper(st->from) : has_lower(st->from))
            check_note(f, CHECK_CONSISTENT_INSTRUCTION_CASING, st->line, st->end_line,
                       "Command '%s' should match the case of the command majority "
                       "(%s)",
                       st->from, lower ? "lowercase" : "uppercase");
    }
    for (size_t i = f->n_global; i < f->n_instr; i++) {
        const struct instruction *in = &f->instr[i];

        if (lower ? has_upper(in->typed) : has_lower(in->typed))
            check_note(f, CHECK_CONSISTENT_INSTRUCTION_CASING, in->line, in->end_line,
                       "Command '%s' should match the case of the command majority "
                       "(%s)",
                       in->typed, lower ? "lowercase" : "uppercase");
    }
}

static void check_platform(struct frontend *f, const struct stage *st)
{
    struct mb_platform p;
    struct mb_error ignored;
    char text[MB_PLATFORM_TEXT_LEN];

    if (!st->platform)
        return;
    if (strcmp(st->platform, "$TARGETPLATFORM") == 0
        || strcmp(st->platform, "${TARGETPLATFORM}") == 0)
        check_note(f, CHECK_REDUNDANT_TARGET_PLATFORM, st->line, st->end_line,
                   "Setting platform to predefined %s in FROM is redundant as this is "
                   "the default behavior",
                   st->platform);
    if (strchr(st->platform, '$') || mb_platform_parse(st->platform, &p, &ignored) < 0)
        return;
    if (st->typed && (strstr(st->typed, p.os) || strstr(st->typed, p.arch)))
        return; /* the name says that it is meant so */
    check_note(f, CHECK_FROM_PLATFORM_FLAG_CONST_DISALLOWED, st->line, st->end_line,
               "FROM --platform flag should not use constant value \"%s\"",
               mb_platform_text(&p, text));
}

/* --- variables --- */

struct uses {
    const struct mb_kvlist *globals;
    const struct frontend *f;
    struct mb_strv missing;
};

static const char *get_global(const char *name, void *arg)
{
    const struct uses *u = arg;

    return mb_kv_get(u->globals, name);
}

static bool is_declared(const struct frontend *f, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < f->n_global; i++)
        for (size_t j = 0; j < f->instr[i].args.n; j++) {
            const char *arg = f->instr[i].args.v[j];

            if (strncmp(arg, name, len) == 0 && (!arg[len] || arg[len] == '='))
                return true;
        }
    return false;
}

static void note_unset(const char *name, void *arg)
{
    struct uses *u = arg;

    if (u->missing.n < CHECK_NAMES_MAX && !is_declared(u->f, name)
        && !mb_strv_contains(&u->missing, name))
        mb_strv_add(&u->missing, name);
}

static char *global_hint(struct frontend *f, const struct mb_kvlist *globals,
                         const char *typed)
{
    _cleanup_free_ const char **names = mb_xcalloc(globals->n + 1, sizeof(*names));

    for (size_t i = 0; i < globals->n; i++)
        names[i] = globals->v[i].key;
    return check_hint(f, "", typed, names, globals->n);
}

static void check_words(struct frontend *f, const struct stage *st,
                        const struct mb_kvlist *globals)
{
    const char *words[] = {st->base, st->platform};
    struct uses u = {.globals = globals, .f = f};
    const struct expand x = {
        .escape = f->escape, .get = get_global, .unset = note_unset, .arg = &u};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        _cleanup_free_ char *text = NULL;
        struct mb_error ignored;

        if (words[i])
            mb_ignore(expand_word(&x, words[i], &text, &ignored),
                      "the build itself says what is wrong");
    }
    for (size_t i = 0; i < u.missing.n; i++) {
        _cleanup_free_ char *hint = global_hint(f, globals, u.missing.v[i]);

        check_note(f, CHECK_UNDEFINED_ARG_IN_FROM, st->line, st->end_line,
                   "FROM argument '%s' is not declared%s", u.missing.v[i], hint);
    }
    mb_strv_done(&u.missing);
}

/* Does the base have a name when no --build-arg is given? */
static void check_default(struct frontend *f, const struct stage *st,
                          const struct mb_kvlist *defaults)
{
    struct uses u = {.globals = defaults, .f = f};
    const struct expand x = {.escape = f->escape, .get = get_global, .arg = &u};
    _cleanup_(mb_reference_done) struct mb_reference r = {0};
    _cleanup_free_ char *text = NULL;
    struct mb_error ignored;

    if (!strchr(st->base, '$') || expand_word(&x, st->base, &text, &ignored) < 0)
        return;
    if (mb_reference_parse(text, &r, &ignored) < 0)
        check_note(f, CHECK_INVALID_DEFAULT_ARG_IN_FROM, st->line, st->end_line,
                   "Default value for ARG %s results in empty or invalid base image "
                   "name",
                   st->base);
}

void checks_from(struct frontend *f, const struct mb_kvlist *build_args)
{
    const struct frontend_args given = {.build_args = build_args};
    const struct frontend_args none = {0};
    _cleanup_kv_ struct mb_kvlist globals = {0}, defaults = {0};
    struct mb_error ignored;
    bool have_globals = global_args(f, &given, &globals, &ignored) == 0;
    bool have_defaults = global_args(f, &none, &defaults, &ignored) == 0;

    check_casing(f);
    for (size_t i = 0; i < f->n_stages; i++) {
        check_names(f, i);
        check_platform(f, &f->stages[i]);
        if (have_globals)
            check_words(f, &f->stages[i], &globals);
        if (have_defaults)
            check_default(f, &f->stages[i], &defaults);
    }
}
