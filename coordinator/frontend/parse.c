/* SPDX-License-Identifier: Apache-2.0 */
/* parse - lines to instructions to stages; what can be told without any value. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/internal.h"
#include "coordinator/frontend/lexer.h"

int at_line(const struct frontend *f, unsigned line, struct mb_error *err)
{
    return mb_wrap(err, "%s:%u", f->name, line);
}

static bool is_stage_name(const char *s)
{
    if (*s < 'a' || *s > 'z')
        return false;
    for (; *s; s++)
        if (!(*s >= 'a' && *s <= 'z') && !isdigit((unsigned char)*s)
            && !strchr("-_.", *s))
            return false;
    return true;
}

static char *lower(const char *s)
{
    char *ret = mb_xstrdup(s);

    for (char *p = ret; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return ret;
}

static int add_stage(struct frontend *f, const struct instruction *in,
                     struct mb_error *err)
{
    _cleanup_free_ char *name = NULL;
    struct stage *st;

    if (in->args.n != 1 && (in->args.n != 3 || strcasecmp(in->args.v[1], "as") != 0))
        return mb_fail(err, MB_ERR_INVALID,
                       "FROM requires either one or three arguments"
                       " (FROM image [AS name])");
    if (in->args.n == 3) {
        name = lower(in->args.v[2]);
        if (!is_stage_name(name))
            return mb_fail(err, MB_ERR_INVALID,
                           "invalid name for build stage: \"%.100s\", name can't start "
                           "with a number or contain symbols",
                           in->args.v[2]);
    }
    if (f->n_stages >= MB_STAGES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "more than %d stages", MB_STAGES_MAX);
    f->stages = mb_xreallocarray(f->stages, f->n_stages + 1, sizeof(*f->stages));
    st = &f->stages[f->n_stages];
    *st = (struct stage){.base = mb_xstrdup(in->args.v[0]),
                         .platform = mb_xstrdup(mb_kv_get(&in->flags, "platform")),
                         .from = mb_xstrdup(in->typed),
                         .line = in->line,
                         .end_line = in->end_line,
                         .first = f->n_instr,
                         .end = f->n_instr};
    st->label = name ? mb_xstrdup(name) : mb_xasprintf("stage-%zu", f->n_stages);
    st->name = steal_ptr(name);
    mb_strv_copy(&st->comments, &in->comments);
    if (in->args.n == 3) {
        st->as = mb_xstrdup(in->args.v[1]);
        st->typed = mb_xstrdup(in->args.v[2]);
    }
    f->n_stages++;
    return 0;
}

/* Put the parsed line where it belongs; takes what it needs of @in. */
static int place(struct frontend *f, struct instruction *in, struct mb_error *err)
{
    if (in->kind == INSTR_FROM) {
        if (add_stage(f, in, err) < 0)
            return -1;
        instruction_done(in);
        return 0;
    }
    if (f->n_stages == 0 && in->kind != INSTR_ARG)
        return mb_fail(err, MB_ERR_INVALID,
                       "no build stage in current context: %s before the first FROM",
                       in->keyword);
    if ((f->n_instr & (f->n_instr - 1)) == 0)
        f->instr = mb_xreallocarray(f->instr, f->n_instr ? f->n_instr * 2 : 1,
                                    sizeof(*f->instr));
    f->instr[f->n_instr++] = *in;
    *in = (struct instruction){0};
    if (f->n_stages == 0)
        f->n_global = f->n_instr;
    else
        f->stages[f->n_stages - 1].end = f->n_instr;
    return 0;
}

static int parse_lines(struct frontend *f, struct lexer_result *lines,
                       struct mb_error *err)
{
    for (size_t i = 0; i < lines->n; i++) {
        _cleanup_(instruction_done) struct instruction in = {0};
        struct lexer_line *ln = &lines->v[i];

        if (instruction_parse(ln, f->escape, &in, err) < 0)
            return at_line(f, ln->line, err);
        if (place(f, &in, err) < 0)
            return at_line(f, ln->line, err);
    }
    return 0;
}

/* The directive, or the build arg that stands for it; *ret_line: 0 for the latter. */
static const char *directive(const struct mb_kvlist *build_args, const char *name,
                             const char *written, unsigned line, unsigned *ret_line)
{
    const char *given = build_args ? mb_kv_get(build_args, name) : NULL;

    *ret_line = given && *given ? 0 : line;
    return given && *given ? given : written;
}

static int apply_directives(struct frontend *f, const struct lexer_result *lines,
                            const struct mb_kvlist *build_args, struct mb_error *err)
{
    unsigned line;
    const char *text = directive(build_args, "BUILDKIT_SYNTAX", lines->syntax,
                                 lines->syntax_line, &line);

    if (text && directive_syntax(text, err) < 0)
        return line > 0 ? at_line(f, line, err)
                        : mb_wrap(err, "--build-arg BUILDKIT_SYNTAX");
    text = directive(build_args, "BUILDKIT_DOCKERFILE_CHECK", lines->check,
                     lines->check_line, &line);
    if (text && directive_check(text, &f->check, err) < 0)
        return line > 0 ? at_line(f, line, err)
                        : mb_wrap(err, "--build-arg BUILDKIT_DOCKERFILE_CHECK");
    return 0;
}

int frontend_parse_with(const char *name, const void *data, size_t len,
                        const struct mb_kvlist *build_args, struct frontend **ret,
                        struct mb_error *err)
{
    _cleanup_(lexer_done) struct lexer_result lines = {0};
    _cleanup_(frontend_freep) struct frontend *f = mb_xcalloc(1, sizeof(*f));

    if (lexer_run(name, data, len, &lines, err) < 0)
        return -1;
    f->name = mb_xstrdup(name);
    f->escape = lines.escape;
    if (apply_directives(f, &lines, build_args, err) < 0
        || parse_lines(f, &lines, err) < 0)
        return -1;
    if (lines.n == 0)
        return mb_fail(err, MB_ERR_INVALID, "%s: file with no instructions", name);
    if (f->n_stages == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "%s: dockerfile contains no stages to build: add a FROM", name);
    checks_run(f, &lines, build_args);
    *ret = steal_ptr(f);
    return 0;
}

int frontend_parse(const char *name, const void *data, size_t len,
                   struct frontend **ret, struct mb_error *err)
{
    return frontend_parse_with(name, data, len, NULL, ret, err);
}

void frontend_free(struct frontend *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_instr; i++)
        instruction_done(&f->instr[i]);
    for (size_t i = 0; i < f->n_stages; i++) {
        free(f->stages[i].name);
        free(f->stages[i].typed);
        free(f->stages[i].from);
        free(f->stages[i].as);
        free(f->stages[i].label);
        free(f->stages[i].base);
        free(f->stages[i].platform);
        mb_strv_done(&f->stages[i].comments);
    }
    free(f->instr);
    free(f->stages);
    check_config_done(&f->check);
    checks_done(f);
    free(f->name);
    free(f);
}

const struct instruction *stage_instructions(const struct frontend *f, size_t stage,
                                             size_t *ret_n)
{
    const struct stage *st = &f->stages[stage];

    *ret_n = st->end - st->first;
    return *ret_n > 0 ? &f->instr[st->first] : NULL;
}

size_t frontend_n_stages(const struct frontend *f)
{
    return f->n_stages;
}

const char *frontend_stage_name(const struct frontend *f, size_t stage)
{
    return f->stages[stage].label;
}

bool frontend_stage_has_run(const struct frontend *f, size_t stage)
{
    const struct stage *st = &f->stages[stage];

    for (size_t i = st->first; i < st->end; i++)
        if (f->instr[i].kind == INSTR_RUN)
            return true;
    return stage_may_trigger_run(f, stage);
}
