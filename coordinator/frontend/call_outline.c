/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_outline - what can be given to a build of one target: the ARGs of its stage and
 * of those that it takes from, with the global ARGs that each FROM uses.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/call_internal.h"

struct outline {
    const struct frontend *f;
    const struct frontend_args *a;
    bool *needed;            /* stages */
    struct mb_kvlist values; /* of the ARGs found, in order */
    struct mb_kvlist descriptions;
    struct mb_kvlist globals;
    unsigned *lines; /* of each value */
};

/* Mark @stage and what it takes from: always earlier stages. */
static int mark(struct outline *o, size_t stage, struct mb_error *err)
{
    o->needed[stage] = true;
    for (size_t s = stage + 1; s-- > 0;) {
        _cleanup_(frontend_from_done) struct frontend_from from = {0};
        struct frontend_from *list = NULL;
        size_t n = 0;

        if (!o->needed[s])
            continue;
        if (resolve_from(o->f, s, o->a, &o->globals, &from, err) < 0
            || frontend_copy_sources(o->f, s, o->a, &list, &n, err) < 0)
            return -1;
        if (from.source == FRONTEND_STAGE)
            o->needed[from.stage] = true;
        for (size_t i = 0; i < n; i++) {
            if (list[i].source == FRONTEND_STAGE)
                o->needed[list[i].stage] = true;
            frontend_from_done(&list[i]);
        }
        free(list);
    }
    return 0;
}

static const char *get_value(const char *name, void *arg)
{
    const struct outline *o = arg;

    return mb_kv_get(&o->values, name);
}

/* The first of a name counts; its default as it comes out of the ARGs above it. */
static void add_arg(struct outline *o, const struct instruction *in, const char *text)
{
    const struct expand x = {.escape = o->f->escape, .get = get_value, .arg = o};
    const char *eq = strchr(text, '=');
    _cleanup_free_ char *name = mb_xstrndup(text, strcspn(text, "="));
    const char *given = o->a->build_args ? mb_kv_get(o->a->build_args, name) : NULL;
    _cleanup_free_ char *value = mb_xstrdup(given);
    struct mb_error ignored;

    if (mb_kv_get(&o->values, name))
        return;
    if (!value && eq && expand_word(&x, eq + 1, &value, &ignored) < 0)
        value = mb_xstrdup(eq + 1);
    if (!value)
        value = mb_xstrdup(mb_kv_get(&o->globals, name));
    o->lines = mb_xreallocarray(o->lines, o->values.n + 1, sizeof(*o->lines));
    o->lines[o->values.n] = in->line;
    mb_kv_set(&o->values, name, value ? value : "");
    mb_kv_set(&o->descriptions, name, call_description(&in->comments, name));
}

static bool names_variable(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = text; p && (p = strchr(p, '$'));) {
        p += p[1] == '{' ? 2 : 1;
        if (strncmp(p, name, len) == 0 && strcspn(p + len, "}:-+?#%/$@. \t") == 0)
            return true;
    }
    return false;
}

/* Is the global ARG @name in a FROM of a needed stage, or in one that is in it? */
static bool is_used(const struct outline *o, const char *name, size_t from)
{
    const struct frontend *f = o->f;

    for (size_t i = 0; i < f->n_stages; i++)
        if (o->needed[i]
            && (names_variable(f->stages[i].base, name)
                || names_variable(f->stages[i].platform, name)))
            return true;
    for (size_t i = from + 1; i < f->n_global; i++)
        for (size_t j = 0; j < f->instr[i].args.n; j++)
            if (names_variable(f->instr[i].args.v[j], name))
                return true;
    return false;
}

static void collect(struct outline *o)
{
    for (size_t i = 0; i < o->f->n_global; i++)
        for (size_t j = 0; j < o->f->instr[i].args.n; j++) {
            const char *text = o->f->instr[i].args.v[j];
            _cleanup_free_ char *name = mb_xstrndup(text, strcspn(text, "="));

            if (is_used(o, name, i))
                add_arg(o, &o->f->instr[i], text);
        }
    for (size_t s = 0; s < o->f->n_stages; s++) {
        size_t n;
        const struct instruction *in = stage_instructions(o->f, s, &n);

        for (size_t i = 0; o->needed[s] && i < n; i++)
            for (size_t j = 0; in[i].kind == INSTR_ARG && j < in[i].args.n; j++)
                add_arg(o, &in[i], in[i].args.v[j]);
    }
}

static void outline_text(const struct outline *o, const char *name,
                         const char *description, struct mb_buf *out)
{
    _cleanup_strv_ struct mb_strv head = {0}, cells = {0};

    mb_strv_add(&head, "TARGET:");
    mb_strv_add(&head, name);
    if (*description) {
        mb_strv_add(&head, "DESCRIPTION:");
        mb_strv_add(&head, description);
    }
    call_table(&head, 2, out);
    mb_buf_add_byte(out, '\n');
    if (o->values.n == 0)
        return;
    mb_strv_add(&cells, "BUILD ARG");
    mb_strv_add(&cells, "VALUE");
    mb_strv_add(&cells, "DESCRIPTION");
    for (size_t i = 0; i < o->values.n; i++) {
        mb_strv_add(&cells, o->values.v[i].key);
        mb_strv_add(&cells, o->values.v[i].value);
        mb_strv_add(&cells, o->descriptions.v[i].value);
    }
    call_table(&cells, 3, out);
    mb_buf_add_byte(out, '\n');
}

static void outline_json(const struct outline *o, const struct frontend_call *c,
                         const char *name, const char *description, struct mb_buf *out)
{
    _cleanup_free_ char *data = mb_base64(c->text, c->text_len);
    _cleanup_json_ json_t *all = json_pack("{s:s}", "name", name);
    json_t *args = json_array();

    if (*description)
        json_object_set_new(all, "description", json_string(description));
    for (size_t i = 0; i < o->values.n; i++) {
        const char *text = o->descriptions.v[i].value;
        json_t *arg = json_pack("{s:s}", "name", o->values.v[i].key);

        if (*text)
            json_object_set_new(arg, "description", json_string(text));
        if (*o->values.v[i].value)
            json_object_set_new(arg, "value", json_string(o->values.v[i].value));
        json_object_set_new(arg, "location", call_location(o->lines[i], o->lines[i]));
        json_array_append_new(args, arg);
    }
    json_object_set_new(all, "args", args);
    json_object_set_new(all, "sources", json_pack("[s]", data));
    mb_json_write(all, 2, false, out);
    mb_buf_add_byte(out, '\n');
}

static void outline_done(struct outline *o)
{
    free(o->needed);
    free(o->lines);
    mb_kv_done(&o->values);
    mb_kv_done(&o->descriptions);
    mb_kv_done(&o->globals);
}

int call_outline(const struct frontend *f, const struct frontend_call *c,
                 struct mb_buf *out, struct mb_error *err)
{
    _cleanup_(outline_done) struct outline o = {.f = f, .a = c->args};
    const char *description;
    size_t target;

    o.needed = mb_xcalloc(f->n_stages, sizeof(*o.needed));
    if (frontend_find_stage(f, c->target, &target, err) < 0
        || global_args(f, c->args, &o.globals, err) < 0 || mark(&o, target, err) < 0)
        return -1;
    collect(&o);
    const struct stage *st = &f->stages[target];
    const char *name = st->name ? st->name : "default";
    description = st->name ? call_description(&st->comments, st->typed) : "";
    if (c->json)
        outline_json(&o, c, name, description, out);
    else
        outline_text(&o, name, description, out);
    return 0;
}
