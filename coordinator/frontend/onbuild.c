/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onbuild - triggers: instructions that a stage leaves for those that are FROM it.
 *
 * A trigger is kept as text, in the image's config too, and read again with the default
 * escape character. It has no line of its own: errors name the FROM.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "coordinator/frontend/internal.h"
#include "coordinator/frontend/lexer.h"

static int parse_one(const char *text, unsigned line, struct instruction *ret,
                     struct mb_error *err)
{
    _cleanup_(lexer_done) struct lexer_result lines = {0};

    if (lexer_run("trigger", text, strlen(text), &lines, err) < 0)
        return -1;
    if (lines.n != 1)
        return mb_fail(err, MB_ERR_INVALID,
                       "onbuild trigger should be a single expression");
    if (instruction_parse(&lines.v[0], lines.escape, ret, err) < 0)
        return -1;
    ret->line = ret->end_line = line;
    if (onbuild_allows(ret->keyword, err) == 0)
        return 0;
    instruction_done(ret);
    return -1;
}

int onbuild_allows(const char *keyword, struct mb_error *err)
{
    if (strcasecmp(keyword, "ONBUILD") == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (strcasecmp(keyword, "FROM") == 0 || strcasecmp(keyword, "MAINTAINER") == 0)
        return mb_fail(err, MB_ERR_INVALID, "%s isn't allowed as an ONBUILD trigger",
                       keyword);
    return 0;
}

int triggers_parse(const struct frontend *f, unsigned line, const struct mb_strv *texts,
                   struct triggers *ret, struct mb_error *err)
{
    struct triggers t = {.v = mb_xcalloc(texts->n + 1, sizeof(*t.v))};

    for (size_t i = 0; i < texts->n; i++, t.n++)
        if (parse_one(texts->v[i], line, &t.v[t.n], err) < 0) {
            mb_ignore(mb_wrap(err, "ONBUILD %.60s", texts->v[i]),
                      "the line goes in front");
            triggers_done(&t);
            return at_line(f, line, err);
        }
    *ret = t;
    return 0;
}

int stage_triggers(const struct frontend *f, size_t stage,
                   const struct frontend_args *a, const struct mb_kvlist *globals,
                   struct triggers *ret, struct mb_error *err)
{
    _cleanup_(frontend_from_done) struct frontend_from from = {0};
    _cleanup_strv_ struct mb_strv texts = {0};

    if (resolve_from(f, stage, a, globals, &from, err) < 0)
        return -1;
    if (from.source == FRONTEND_STAGE && !stage_is_replaced(f, from.stage, a))
        for (size_t i = f->stages[from.stage].first; i < f->stages[from.stage].end; i++)
            if (f->instr[i].kind == INSTR_ONBUILD)
                mb_strv_add(&texts, f->instr[i].args.v[0]);
    return triggers_parse(f, f->stages[stage].line, &texts, ret, err);
}

void triggers_done(struct triggers *t)
{
    for (size_t i = 0; i < t->n; i++)
        instruction_done(&t->v[i]);
    free(t->v);
    *t = (struct triggers){0};
}

static bool leaves_run(const struct frontend *f, size_t stage)
{
    for (size_t i = f->stages[stage].first; i < f->stages[stage].end; i++)
        if (f->instr[i].kind == INSTR_ONBUILD
            && strncasecmp(f->instr[i].args.v[0], "RUN", 3) == 0)
            return true;
    return false;
}

bool stage_may_trigger_run(const struct frontend *f, size_t stage)
{
    const char *base = f->stages[stage].base;

    for (size_t i = 0; i < stage; i++)
        if (leaves_run(f, i)
            && (strchr(base, '$') || strspn(base, "0123456789") == strlen(base)
                || (f->stages[i].name && strcasecmp(f->stages[i].name, base) == 0)))
            return true;
    return false;
}
