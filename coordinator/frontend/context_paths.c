/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_paths - what a stage may take from the main context, before any base image is
 * known. ARG and ENV of the stage and of the stages it is FROM are followed; a value
 * that looks at something only the base image can have set is "tainted", and so are its
 * uses.
 */
#include "base/mem.h"
#include "coordinator/frontend/mounts.h"

static char *asked_path(const struct instruction *in, const char *word)
{
    bool parents = copy_keeps_parents(in);
    _cleanup_free_ char *path = copy_source_path(word, parents);

    return frontend_asked_path(path, parents);
}

static int add_sources(struct eval *e, const struct instruction *in,
                       struct mb_strv *ret, struct mb_error *err)
{
    e->tainted = false;
    for (size_t i = 0; i + 1 < in->args.n; i++) {
        _cleanup_free_ char *word = NULL, *path = NULL;

        if (in->heredocs.n > 0 && heredoc_is_word(in->args.v[i]))
            continue;
        if (eval_expand(e, in->args.v[i], &word, err) < 0)
            return -1;
        path = e->tainted ? mb_xstrdup(".") : asked_path(in, word);
        e->tainted = false;
        if (!mb_strv_contains(ret, path))
            mb_strv_add(ret, path);
    }
    return 0;
}

static int walk_list(struct eval *e, const struct instruction *list, size_t n,
                     struct mb_strv *ret, struct mb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct instruction *in = &list[i];
        int r = 0;

        if (in->kind == INSTR_ENV)
            r = eval_env(e, in, err);
        else if (in->kind == INSTR_ARG)
            r = eval_arg(e, in, err);
        else if ((in->kind == INSTR_COPY || in->kind == INSTR_ADD) && ret
                 && !mb_kv_get(&in->flags, "from"))
            r = add_sources(e, in, ret, err);
        else if (in->kind == INSTR_RUN && ret)
            r = mounts_context_paths(e, in, ret, err);
        if (r < 0)
            return at_line(e->f, in->line, err);
    }
    return 0;
}

/* One stage of the chain; only the asked-for one has @ret. */
static int walk(struct eval *e, size_t stage, struct mb_strv *ret, struct mb_error *err)
{
    size_t n;
    const struct instruction *own = stage_instructions(e->f, stage, &n);
    _cleanup_(triggers_done) struct triggers t = {0};

    if (stage_triggers(e->f, stage, e->a, e->globals, &t, err) < 0
        || walk_list(e, t.v, t.n, ret, err) < 0)
        return -1;
    return walk_list(e, own, n, ret, err);
}

/* The stages from the root to @stage: which each is FROM. *ret malloc'ed, root last. */
static int chain(struct eval *e, size_t stage, size_t **ret, size_t *ret_n,
                 struct mb_error *err)
{
    _cleanup_free_ size_t *list = mb_xcalloc(stage + 1, sizeof(*list));
    enum frontend_source source = FRONTEND_STAGE;
    size_t n = 0;

    while (source == FRONTEND_STAGE) {
        _cleanup_(frontend_from_done) struct frontend_from from = {0};

        list[n++] = stage;
        if (resolve_from(e->f, stage, e->a, e->globals, &from, err) < 0)
            return -1;
        source = from.source;
        stage = from.stage;
    }
    e->base_known = source == FRONTEND_SCRATCH;
    *ret = steal_ptr(list);
    *ret_n = n;
    return 0;
}

int frontend_context_paths(const struct frontend *f, size_t stage,
                           const struct frontend_args *a, struct mb_strv *ret,
                           struct mb_error *err)
{
    _cleanup_kv_ struct mb_kvlist globals = {0};
    _cleanup_strv_ struct mb_strv paths = {0};
    _cleanup_(eval_done) struct eval e;
    _cleanup_free_ size_t *stages = NULL;
    size_t n;

    eval_init(&e, f, stage, a, &globals);
    e.dry = true;
    if (stage_is_replaced(f, stage, a))
        return 0;
    if (global_args(f, a, &globals, err) < 0 || chain(&e, stage, &stages, &n, err) < 0)
        return -1;
    for (size_t i = n; i-- > 0;)
        if (!stage_is_replaced(f, stages[i], a)
            && walk(&e, stages[i], i == 0 ? &paths : NULL, err) < 0)
            return -1;
    for (size_t i = 0; i < paths.n; i++)
        if (!mb_strv_contains(ret, paths.v[i]))
            mb_strv_add(ret, paths.v[i]);
    return 0;
}
