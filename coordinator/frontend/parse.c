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
        if (strcmp(name, "scratch") == 0 || strcmp(name, "context") == 0)
            mb_strv_addf(&f->warnings,
                         "%s:%u: ReservedStageName: '%s' should not be used as a stage "
                         "name",
                         f->name, in->line, name);
    }
    if (f->n_stages >= MB_STAGES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "more than %d stages", MB_STAGES_MAX);
    f->stages = mb_xreallocarray(f->stages, f->n_stages + 1, sizeof(*f->stages));
    st = &f->stages[f->n_stages];
    *st = (struct stage){.base = mb_xstrdup(in->args.v[0]),
                         .platform = mb_xstrdup(mb_kv_get(&in->flags, "platform")),
                         .line = in->line,
                         .first = f->n_instr,
                         .end = f->n_instr};
    st->label = name ? mb_xstrdup(name) : mb_xasprintf("stage-%zu", f->n_stages);
    st->name = steal_ptr(name);
    f->n_stages++;
    return 0;
}

static void warn_about(struct frontend *f, const struct instruction *in)
{
    if (in->kind == INSTR_MAINTAINER)
        mb_strv_addf(
            &f->warnings,
            "%s:%u: MaintainerDeprecated: Maintainer instruction is deprecated "
            "in favor of using label",
            f->name, in->line);
    if ((in->kind == INSTR_CMD || in->kind == INSTR_ENTRYPOINT) && !in->json)
        mb_strv_addf(&f->warnings,
                     "%s:%u: JSONArgsRecommended: JSON arguments recommended for %s to "
                     "prevent unintended behavior related to OS signals",
                     f->name, in->line, in->keyword);
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
    warn_about(f, in);
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

static int parse_lines(struct frontend *f, const struct lexer_result *lines,
                       struct mb_error *err)
{
    for (size_t i = 0; i < lines->n; i++) {
        _cleanup_(instruction_done) struct instruction in = {0};
        const struct lexer_line *ln = &lines->v[i];

        if (ln->empty_continuation)
            mb_strv_addf(&f->warnings,
                         "%s:%u: NoEmptyContinuation: Empty continuation line", f->name,
                         ln->end_line);
        if (instruction_parse(ln->text, f->escape, &in, err) < 0)
            return at_line(f, ln->line, err);
        in.line = ln->line;
        in.end_line = ln->end_line;
        if (place(f, &in, err) < 0)
            return at_line(f, ln->line, err);
    }
    return 0;
}

int frontend_parse(const char *name, const void *data, size_t len,
                   struct frontend **ret, struct mb_error *err)
{
    _cleanup_(lexer_done) struct lexer_result lines = {0};
    _cleanup_(frontend_freep) struct frontend *f = mb_xcalloc(1, sizeof(*f));

    if (lexer_run(name, data, len, &lines, err) < 0)
        return -1;
    f->name = mb_xstrdup(name);
    f->escape = lines.escape;
    if (parse_lines(f, &lines, err) < 0)
        return -1;
    if (lines.n == 0)
        return mb_fail(err, MB_ERR_INVALID, "%s: file with no instructions", name);
    if (f->n_stages == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "%s: dockerfile contains no stages to build: add a FROM", name);
    *ret = steal_ptr(f);
    return 0;
}

void frontend_free(struct frontend *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_instr; i++)
        instruction_done(&f->instr[i]);
    for (size_t i = 0; i < f->n_stages; i++) {
        free(f->stages[i].name);
        free(f->stages[i].label);
        free(f->stages[i].base);
        free(f->stages[i].platform);
    }
    free(f->instr);
    free(f->stages);
    mb_strv_done(&f->warnings);
    free(f->name);
    free(f);
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
    return false;
}

const struct mb_strv *frontend_warnings(const struct frontend *f)
{
    return &f->warnings;
}
