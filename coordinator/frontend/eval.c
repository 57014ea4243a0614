/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables: a value of an ENV instruction beats an ARG of that name, which beats what
 * the base image has in its environment. An instruction sees what stood before it.
 */
#include "coordinator/frontend/eval.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/frontend/mounts.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define WARNINGS_MAX 100 /* of one stage */
#define HISTORY_COMMENT "buildkit.dockerfile.v0"

static const eval_fn handlers[] = {
    [INSTR_ADD] = eval_copy,
    [INSTR_ARG] = eval_arg,
    [INSTR_CMD] = eval_cmd,
    [INSTR_COPY] = eval_copy,
    [INSTR_ENTRYPOINT] = eval_entrypoint,
    [INSTR_ENV] = eval_env,
    [INSTR_EXPOSE] = eval_expose,
    [INSTR_HEALTHCHECK] = eval_healthcheck,
    [INSTR_LABEL] = eval_label,
    [INSTR_MAINTAINER] = eval_maintainer,
    [INSTR_ONBUILD] = eval_onbuild,
    [INSTR_RUN] = eval_run,
    [INSTR_SHELL] = eval_shell,
    [INSTR_STOPSIGNAL] = eval_stopsignal,
    [INSTR_USER] = eval_user,
    [INSTR_VOLUME] = eval_volume,
    [INSTR_WORKDIR] = eval_workdir,
};

void eval_init(struct eval *e, const struct frontend *f, size_t stage,
               const struct frontend_args *a, const struct mb_kvlist *globals)
{
    *e = (struct eval){.f = f,
                       .a = a,
                       .globals = globals,
                       .stage = stage,
                       .work = EXPAND_WORK_MAX,
                       .bytes = MB_EVAL_BYTES_MAX};
}

void eval_done(struct eval *e)
{
    frontend_result_done(&e->r);
    mb_strv_done(&e->taints);
    free(e->ports);
    e->ports = NULL;
}

static const char *get_arg(const struct eval *e, const char *name)
{
    const char *v = mb_kv_get(&e->r.args, name);

    return v && !mb_strv_contains(&e->r.unset_args, name) ? v : NULL;
}

const char *eval_get(struct eval *e, const char *name)
{
    const char *env = mb_kv_get(&e->r.config.env, name);
    const char *arg = get_arg(e, name);

    if (e->dry && mb_strv_contains(&e->taints, name))
        e->tainted = true;
    if (env && (!arg || mb_strv_contains(&e->r.env_set, name)))
        return env;
    if (!arg && e->dry && !e->base_known)
        e->tainted = true;
    return arg;
}

const char *eval_lookup(const char *name, void *eval)
{
    return eval_get(eval, name);
}

/* Triggers are somebody else's, and a declared ARG may well be without a value. */
void eval_unset(const char *name, void *eval)
{
    struct eval *e = eval;
    _cleanup_strv_ struct mb_strv known = {0};
    _cleanup_free_ char *text = NULL;

    if (e->dry || e->on_build || mb_kv_get(&e->r.args, name)
        || e->n_unset >= WARNINGS_MAX)
        return;
    e->n_unset++;
    for (size_t i = 0; i < e->r.config.env.n; i++)
        mb_strv_add(&known, e->r.config.env.v[i].key);
    for (size_t i = 0; i < e->r.args.n; i++)
        mb_strv_add(&known, e->r.args.v[i].key);
    text = check_undefined(e->f, name, &known, e->line);
    if (text && !mb_strv_contains(&e->r.warnings, text))
        mb_strv_add(&e->r.warnings, text);
}

int eval_expand(struct eval *e, const char *word, char **ret, struct mb_error *err)
{
    const struct expand x = {.escape = e->f->escape,
                             .get = eval_lookup,
                             .unset = eval_unset,
                             .arg = e,
                             .work = &e->work};

    if (expand_word(&x, word, ret, err) == 0)
        return 0;
    if (!e->tainted)
        return -1;
    *ret = mb_xstrdup(""); /* the base's value may be what makes it right */
    return 0;
}

int eval_expand_all(struct eval *e, const struct mb_strv *words, struct mb_strv *ret,
                    struct mb_error *err)
{
    for (size_t i = 0; i < words->n; i++) {
        char *word;

        if (eval_expand(e, words->v[i], &word, err) < 0)
            return -1;
        mb_strv_add_take(ret, word);
        if (eval_spend(e, strlen(word), err) < 0)
            return -1;
    }
    return 0;
}

int eval_spend(struct eval *e, size_t bytes, struct mb_error *err)
{
    if (e->bytes < bytes)
        return mb_fail(err, MB_ERR_LIMIT,
                       "the stage expands to more than %llu MiB of text",
                       (unsigned long long)(MB_EVAL_BYTES_MAX / MB_MIB));
    e->bytes -= bytes;
    return 0;
}

int eval_history(struct eval *e, const char *text, bool empty_layer,
                 struct mb_error *err)
{
    if (eval_spend(e, strlen(text), err) < 0)
        return -1;
    mb_image_config_add_history(&e->r.config, NULL, text, HISTORY_COMMENT, empty_layer);
    return 0;
}

static void add_shell(const struct eval *e, struct mb_strv *ret)
{
    if (e->r.config.shell.n > 0) {
        mb_strv_add_all(ret, &e->r.config.shell);
        return;
    }
    mb_strv_add(ret, "/bin/sh");
    mb_strv_add(ret, "-c");
}

void eval_command(const struct eval *e, const struct instruction *in,
                  struct mb_strv *ret)
{
    if (!in->json)
        add_shell(e, ret);
    if (in->json || in->args.n > 0)
        mb_strv_add_all(ret, &in->args);
    else
        mb_strv_add(ret, "");
}

/* Where the stage starts from. */
static void start(struct eval *e, const struct frontend_from *from,
                  const struct mb_image_config *base,
                  const struct frontend_result *parent)
{
    struct mb_image_config *c = &e->r.config;

    mb_image_config_copy(c, parent ? &parent->config : base);
    free(c->created);
    c->created = NULL;
    mb_strv_done(&c->on_build);
    if (parent) {
        mb_kv_copy(&e->r.args, &parent->args);
        mb_strv_copy(&e->r.unset_args, &parent->unset_args);
        mb_strv_copy(&e->r.env_set, &parent->env_set);
    }
    if (!*c->platform.arch)
        c->platform = from->platform;
    if (from->source == FRONTEND_SCRATCH) {
        free(c->working_dir);
        c->working_dir = mb_xstrdup("/");
    }
    if (!mb_kv_get(&c->env, "PATH") && strcmp(c->platform.os, "windows") != 0)
        mb_kv_set(&c->env, "PATH", DEFAULT_PATH);
}

/* What the base, an image or a stage, has left for whoever is FROM it. */
static int run_triggers(struct eval *e, const struct mb_strv *texts, bool foreign,
                        struct mb_error *err)
{
    unsigned line = e->f->stages[e->stage].line;
    _cleanup_(triggers_done) struct triggers t = {0};

    if (triggers_parse(e->f, line, texts, &t, err) < 0)
        return -1;
    e->on_build = true;
    e->foreign_trigger = foreign;
    for (size_t i = 0; i < t.n; i++) {
        if (handlers[t.v[i].kind](e, &t.v[i], err) == 0)
            continue;
        mb_ignore(mb_wrap(err, "ONBUILD %.60s", t.v[i].original),
                  "the line goes in front");
        return at_line(e->f, line, err);
    }
    e->on_build = e->foreign_trigger = false;
    return 0;
}

static int run_all(struct eval *e, struct mb_error *err)
{
    const struct stage *st = &e->f->stages[e->stage];

    for (size_t i = st->first; i < st->end; i++) {
        const struct instruction *in = &e->f->instr[i];

        e->line = in->line;
        if (handlers[in->kind](e, in, err) < 0)
            return at_line(e->f, in->line, err);
    }
    if (e->f->check.error && e->r.warnings.n > 0)
        return mb_fail(err, MB_ERR_INVALID, "lint violation found for rules: %.150s",
                       e->r.warnings.v[0]);
    return 0;
}

int frontend_eval(const struct frontend *f, size_t stage, const struct frontend_args *a,
                  const struct mb_image_config *base,
                  const struct frontend_result *parent, struct frontend_result *ret,
                  struct mb_error *err)
{
    _cleanup_kv_ struct mb_kvlist globals = {0};
    _cleanup_(frontend_from_done) struct frontend_from from = {0};
    _cleanup_(eval_done) struct eval e;

    eval_init(&e, f, stage, a, &globals);
    if (global_args(f, a, &globals, err) < 0
        || resolve_from(f, stage, a, &globals, &from, err) < 0)
        return -1;
    start(&e, &from, base, parent);
    if (!stage_is_replaced(f, stage, a)
        && (run_triggers(&e, parent ? &parent->config.on_build : &base->on_build,
                         !parent, err)
                < 0
            || run_all(&e, err) < 0))
        return -1;
    add_shell(&e, &e.r.shell);
    *ret = e.r;
    e.r = (struct frontend_result){0};
    return 0;
}

void frontend_step_done(struct frontend_step *s)
{
    free(s->text);
    mb_strv_done(&s->argv);
    mb_strv_done(&s->env);
    mb_strv_done(&s->unkeyed_env);
    free(s->cwd);
    free(s->user);
    free(s->network);
    frontend_from_done(&s->from);
    for (size_t i = 0; i < s->n_mounts; i++)
        frontend_mount_done(&s->mounts[i]);
    free(s->mounts);
    mb_strv_done(&s->paths);
    free(s->dest);
    free(s->chown);
    free(s->chmod);
    mb_strv_done(&s->excludes);
    mb_strv_done(&s->files);
}

void frontend_result_done(struct frontend_result *r)
{
    for (size_t i = 0; i < r->n_steps; i++)
        frontend_step_done(&r->steps[i]);
    free(r->steps);
    mb_image_config_done(&r->config);
    mb_kv_done(&r->args);
    mb_strv_done(&r->unset_args);
    mb_strv_done(&r->env_set);
    mb_strv_done(&r->warnings);
    mb_strv_done(&r->shell);
    *r = (struct frontend_result){0};
}
