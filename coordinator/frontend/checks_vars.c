/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks_vars - UndefinedVar: a variable that neither an ARG or ENV in front of it nor
 * the base sets.
 *
 * What an image has in its environment is not in the text: only stages that come from
 * scratch, themselves or through their parents, are looked at here; frontend_eval()
 * asks for the others when it knows the base.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "coordinator/frontend/checks_internal.h"

#define KNOWN_MAX 1000 /* names to look for a near miss in */

struct scope {
    struct frontend *f;
    const struct instruction *in;
    bool known;           /* comes from scratch */
    struct mb_strv names; /* ARG and ENV so far */
    struct mb_strv noted; /* in this instruction */
};

static const char *get(const char *name, void *arg)
{
    const struct scope *s = arg;

    return mb_strv_contains(&s->names, name) ? "" : NULL;
}

static const char **borrow_names(const struct mb_strv *l)
{
    const char **names = mb_xcalloc(l->n + 1, sizeof(*names));

    for (size_t i = 0; i < l->n; i++)
        names[i] = l->v[i];
    return names;
}

char *check_undefined(const struct frontend *f, const char *name,
                      const struct mb_strv *known, unsigned line)
{
    _cleanup_free_ const char **names = NULL;
    const char *near = NULL;

    if (!*name || !check_wanted(f, CHECK_UNDEFINED_VAR))
        return NULL;
    names = borrow_names(known);
    if (known->n < KNOWN_MAX)
        near = suggest(name, names);
    return mb_xasprintf("UndefinedVar: Usage of undefined variable '$%.500s'%s%.500s%s "
                        "(line %u)",
                        name, near ? " (did you mean $" : "", near ? near : "",
                        near ? "?)" : "", line);
}

static void note_unset(const char *name, void *arg)
{
    struct scope *s = arg;
    _cleanup_free_ const char **names = NULL;
    _cleanup_free_ char *hint = NULL;

    if (!*name || s->noted.n >= CHECK_NAMES_MAX || mb_strv_contains(&s->noted, name))
        return;
    mb_strv_add(&s->noted, name);
    names = borrow_names(&s->names);
    hint = check_hint(s->f, "$", name, names, s->names.n);
    check_note(s->f, CHECK_UNDEFINED_VAR, s->in->line, s->in->end_line,
               "Usage of undefined variable '$%s'%s", name, hint);
}

static void look_at(struct scope *s, const char *word)
{
    const struct expand x = {
        .escape = s->f->escape, .get = get, .unset = note_unset, .arg = s};
    _cleanup_free_ char *text = NULL;
    struct mb_error ignored;

    if (s->known && word && strchr(word, '$'))
        mb_ignore(expand_word(&x, word, &text, &ignored),
                  "the build itself says what is wrong");
}

static bool expands(enum instruction_kind kind)
{
    return kind == INSTR_ADD || kind == INSTR_ARG || kind == INSTR_COPY
           || kind == INSTR_ENV || kind == INSTR_EXPOSE || kind == INSTR_LABEL
           || kind == INSTR_STOPSIGNAL || kind == INSTR_USER || kind == INSTR_VOLUME
           || kind == INSTR_WORKDIR;
}

static void declare(struct scope *s, char *name)
{
    if (mb_strv_contains(&s->names, name))
        free(name);
    else
        mb_strv_add_take(&s->names, name);
}

static void walk(struct scope *s, const struct instruction *in)
{
    s->in = in;
    mb_strv_done(&s->noted);
    for (size_t i = 0; expands(in->kind) && i < in->args.n; i++) {
        const char *word = in->args.v[i];

        if (in->kind == INSTR_ARG) {
            const char *eq = strchr(word, '=');

            look_at(s, eq);
            declare(s, mb_xstrndup(word, strcspn(word, "=")));
        } else {
            look_at(s, word);
        }
    }
    look_at(s, mb_kv_get(&in->flags, "chown"));
    look_at(s, mb_kv_get(&in->flags, "chmod"));
    for (size_t i = 0; in->kind == INSTR_ENV && i < in->args.n; i += 2)
        declare(s, mb_xstrdup(in->args.v[i]));
}

/* Where the triggers of a parent run, names are set that nobody sees here. */
static bool leaves_triggers(const struct frontend *f, size_t stage)
{
    for (size_t i = f->stages[stage].first; i < f->stages[stage].end; i++)
        if (f->instr[i].kind == INSTR_ONBUILD)
            return true;
    return false;
}

static void check_stage(struct frontend *f, size_t stage, struct scope *scopes)
{
    struct scope *s = &scopes[stage];
    size_t parent = check_parent(f, stage);

    s->f = f;
    s->known = strcmp(f->stages[stage].base, "scratch") == 0;
    if (parent != SIZE_MAX && !s->known) {
        s->known = scopes[parent].known && !leaves_triggers(f, parent);
        mb_strv_copy(&s->names, &scopes[parent].names);
    } else {
        mb_strv_add(&s->names, "PATH");
    }
    for (size_t i = f->stages[stage].first; s->known && i < f->stages[stage].end; i++)
        walk(s, &f->instr[i]);
}

void checks_variables(struct frontend *f)
{
    struct scope *scopes = mb_xcalloc(f->n_stages, sizeof(*scopes));

    for (size_t i = 0; i < f->n_stages; i++)
        check_stage(f, i, scopes);
    for (size_t i = 0; i < f->n_stages; i++) {
        mb_strv_done(&scopes[i].names);
        mb_strv_done(&scopes[i].noted);
    }
    free(scopes);
}
