/* SPDX-License-Identifier: Apache-2.0 */
/* The second move of a plan: stages evaluated on their bases become steps with keys. */
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/plan/key.h"
#include "coordinator/plan/plan_internal.h"

struct maker {
    struct plan *p;
    const struct mb_tree *context;
    uint64_t gzip_level;
};

static int make_stage(struct maker *m, size_t stage, const struct mb_platform *target,
                      size_t *ret, struct mb_error *err);

static const char *file_name(const struct plan *p)
{
    return p->request->dockerfile_name ? p->request->dockerfile_name : "Dockerfile";
}

struct mb_digest plan_ref_key(const struct plan *p, struct plan_ref ref)
{
    if (ref.origin == PLAN_STEP)
        return p->steps[ref.index].key;
    if (ref.origin == PLAN_BASE)
        return p->bases[ref.index].chain_id;
    if (ref.origin == PLAN_LOCAL)
        return p->locals[ref.index].key;
    return (struct mb_digest){0};
}

/* Where a FROM or COPY --from leads. */
static int resolve(struct maker *m, const struct frontend_from *from,
                   const struct mb_platform *target, struct plan_ref *ret,
                   size_t *ret_stage, struct mb_error *err)
{
    size_t stage = 0;

    switch (from->source) {
    case FRONTEND_SCRATCH:
        *ret = (struct plan_ref){PLAN_SCRATCH, 0};
        return 0;
    case FRONTEND_CONTEXT:
        *ret = (struct plan_ref){PLAN_CONTEXT, 0};
        return 0;
    case FRONTEND_STAGE:
        if (make_stage(m, from->stage, target, &stage, err) < 0)
            return -1;
        *ret = m->p->stages[stage].tip;
        if (ret_stage)
            *ret_stage = stage;
        return 0;
    case FRONTEND_NAMED:
        *ret = (struct plan_ref){PLAN_LOCAL, plan_find_local(m->p, from)};
        if (ret->index != SIZE_MAX)
            return 0;
        break;
    case FRONTEND_IMAGE:
        break;
    }
    *ret = (struct plan_ref){PLAN_BASE, plan_find_base(m->p, from)};
    BUG_ON(ret->index == SIZE_MAX);
    return 0;
}

/* --- keys --- */

static int select_one(struct maker *m, const struct mb_tree *tree,
                      const struct frontend_step *fe, const char *pattern,
                      struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv paths = {0};
    char text[MB_DIGEST_TEXT_LEN + 1];

    if (tree && mb_tree_select(tree, pattern, &paths, err) < 0)
        return mb_wrap(err, "%s:%u", file_name(m->p), fe->line);
    if (paths.n == 0)
        return mb_fail(
            err, MB_ERR_NOT_FOUND,
            "%s:%u: \"/%s\": not found in the build context%s%s (is it there, and not "
            "left out by .dockerignore?)",
            file_name(m->p), fe->line, pattern, fe->from.name ? " " : "",
            fe->from.name ? fe->from.name : "");
    for (size_t i = 0; i < paths.n; i++) {
        struct mb_digest d;
        if (mb_tree_digest(tree, paths.v[i], &d, err) < 0)
            return mb_wrap(err, "%s:%u", file_name(m->p), fe->line);
        mb_strv_addf(ret, "%s %s", mb_digest_text(&d, text), paths.v[i]);
    }
    return 0;
}

/* Modes of the directories that lead to @path: --parents copies them. */
static void select_parents(const struct mb_tree *tree, const char *path,
                           struct mb_strv *ret)
{
    for (size_t i = 0; i < tree->n; i++) {
        const struct mb_tree_entry *e = &tree->v[i];
        size_t n = strlen(e->path);

        if (strncmp(path, e->path, n) == 0 && path[n] == '/')
            mb_strv_addf(ret, "%o %s", (unsigned)e->mode, e->path);
    }
}

/* The main context or a local one. */
static int select_context(struct maker *m, const struct plan_step *s,
                          struct mb_strv *ret, struct mb_error *err)
{
    const struct mb_tree *tree = s->source.origin == PLAN_LOCAL
                                     ? &m->p->locals[s->source.index].tree
                                     : m->context;

    for (size_t i = 0; i < s->fe->paths.n; i++) {
        _cleanup_free_ char *path =
            frontend_asked_path(s->fe->paths.v[i], s->fe->parents);

        if (select_one(m, tree, s->fe, path, ret, err) < 0)
            return -1;
        if (tree && s->fe->parents)
            select_parents(tree, path, ret);
    }
    return 0;
}

/* --network of the build counts where the step names none. */
static const char *key_network(const struct mb_build_request *req,
                               const struct frontend_step *fe)
{
    if (fe->kind == FRONTEND_RUN && req->network && fe->network
        && strcmp(fe->network, "default") == 0)
        return req->network;
    return fe->network;
}

static int make_key(struct maker *m, const struct plan_step *s, struct mb_digest *ret,
                    struct mb_error *err)
{
    const struct mb_build_request *req = m->p->request;
    const struct frontend_step *fe = s->fe;
    _cleanup_strv_ struct mb_strv selection = {0}, mounts = {0};
    struct key_material k = {
        .format = KEY_FORMAT,
        .platform = s->platform,
        .kind = fe->kind,
        .parent = plan_ref_key(m->p, s->parent),
        .argv = fe->argv,
        .env = fe->env,
        .cwd = fe->cwd,
        .user = fe->user,
        .network = (char *)(uintptr_t)key_network(req, fe),
        .paths = fe->paths,
        .dest = fe->dest,
        .chown = fe->chown,
        .chmod = fe->chmod,
        .excludes = fe->excludes,
        .files = fe->files,
        .unpack = fe->unpack,
        .link = fe->link,
        .parents = fe->parents,
        .gzip_level = m->gzip_level,
    };

    if (fe->kind == FRONTEND_RUN)
        k.hosts = req->hosts;
    if (req->rewrite_timestamp && req->has_source_date_epoch) {
        k.clamp_mtime = true;
        k.max_mtime_sec = req->source_date_epoch;
    }
    if (s->has_source
        && (s->source.origin == PLAN_CONTEXT || s->source.origin == PLAN_LOCAL)) {
        if (select_context(m, s, &selection, err) < 0)
            return -1;
        k.selection = selection;
    } else if (s->has_source) {
        k.source = plan_ref_key(m->p, s->source);
    }
    if (plan_mount_texts(m->p, m->context, s, &mounts, err) < 0)
        return -1;
    k.mounts = mounts;
    k.insecure = fe->insecure;
    *ret = key_of(&k);
    return 0;
}

/* --- steps --- */

static char *make_label(const struct plan *p, const struct plan_stage *st, size_t i)
{
    bool from_counts = st->base.origin != PLAN_SCRATCH || st->result.n_steps == 0;
    size_t total = st->result.n_steps + from_counts, number = i + 1 + from_counts;
    char text[MB_PLATFORM_TEXT_LEN];
    const char *stage = frontend_stage_name(p->frontend, st->stage);

    if (p->targets.n == 1 && mb_platform_equal(&st->platform, &p->targets.v[0]))
        return mb_xasprintf("%s %zu/%zu", stage, number, total);
    return mb_xasprintf("%s %s %zu/%zu", mb_platform_text(&st->platform, text), stage,
                        number, total);
}

static size_t find_step(const struct plan *p, const struct mb_digest *key)
{
    for (size_t i = 0; i < p->n_steps; i++)
        if (mb_digest_equal(&p->steps[i].key, key))
            return i;
    return SIZE_MAX;
}

static int check_allowed(const struct plan *p, const struct frontend_step *fe,
                         struct mb_error *err)
{
    if (!fe->insecure)
        return 0;
    if (mb_strv_contains(&p->request->allow, "security.insecure"))
        return mb_fail(err, MB_ERR_INVALID,
                       "%s:%u: RUN --security=insecure is not supported yet",
                       file_name(p), fe->line);
    return mb_fail(err, MB_ERR_INVALID,
                   "%s:%u: security.insecure is not allowed: it needs --allow "
                   "security.insecure",
                   file_name(p), fe->line);
}

static int resolve_mounts(struct maker *m, const struct mb_platform *target,
                          struct plan_step *s, struct mb_error *err)
{
    const struct frontend_step *fe = s->fe;

    if (fe->n_mounts == 0)
        return 0;
    s->mount_sources = mb_xcalloc(fe->n_mounts, sizeof(*s->mount_sources));
    for (size_t i = 0; i < fe->n_mounts; i++)
        if (fe->mounts[i].has_from
            && resolve(m, &fe->mounts[i].from, target, &s->mount_sources[i], NULL, err)
                   < 0)
            return -1;
    return 0;
}

/* The step's inputs and its key. */
static int complete(struct maker *m, const struct mb_platform *target,
                    struct plan_step *s, struct mb_error *err)
{
    if (check_allowed(m->p, s->fe, err) < 0)
        return -1;
    if (s->has_source && resolve(m, &s->fe->from, target, &s->source, NULL, err) < 0)
        return -1;
    if (resolve_mounts(m, target, s, err) == 0 && make_key(m, s, &s->key, err) == 0)
        return 0;
    free(s->mount_sources);
    return -1;
}

static int add_step(struct maker *m, struct plan_stage *st, size_t i,
                    struct plan_ref parent, size_t *ret, struct mb_error *err)
{
    struct plan *p = m->p;
    struct plan_step s = {
        .platform = st->platform,
        .fe = &st->result.steps[i],
        .parent = parent,
        .has_source = st->result.steps[i].paths.n > 0,
    };

    if (s.fe->kind == FRONTEND_RUN
        && !mb_platforms_contain(&p->run_platforms, &s.platform))
        mb_platforms_add(&p->run_platforms, &s.platform);
    if (complete(m, &st->target, &s, err) < 0)
        return -1;
    *ret = find_step(p, &s.key);
    if (*ret != SIZE_MAX || p->n_steps >= MB_STEPS_MAX)
        free(s.mount_sources);
    if (*ret != SIZE_MAX)
        return 0;
    if (p->n_steps >= MB_STEPS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "the build has more than %d steps",
                       MB_STEPS_MAX);
    s.label = make_label(p, st, i);
    s.stage = (char *)(uintptr_t)frontend_stage_name(p->frontend, st->stage);
    p->steps = mb_xreallocarray(p->steps, p->n_steps + 1, sizeof(*p->steps));
    p->steps[p->n_steps] = s;
    *ret = p->n_steps++;
    return 0;
}

/* --- stages --- */

static size_t find_stage(const struct plan *p, size_t stage,
                         const struct mb_platform *target)
{
    for (size_t i = 0; i < p->n_stages; i++)
        if (p->stages[i].stage == stage
            && mb_platform_equal(&p->stages[i].target, target))
            return i;
    return SIZE_MAX;
}

static int evaluate(struct maker *m, struct plan_stage *st,
                    const struct frontend_from *from, size_t parent_stage,
                    struct mb_error *err)
{
    struct plan *p = m->p;
    static const struct mb_image_config empty;
    /* a layer that is there has an entry in the history, whoever made it */
    static char by[] = "buildkit.exporter.image.v0", comment[] = "files of a context";
    static struct mb_history made = {.created_by = by, .comment = comment};
    static const struct mb_image_config files = {.history = &made, .n_history = 1};
    struct frontend_args args = p->args;
    const struct frontend_result *parent = NULL;
    const struct mb_image_config *base = &empty;

    args.target_platform = st->target;
    if (from->source == FRONTEND_STAGE) {
        parent = &p->stages[parent_stage].result;
        base = &parent->config;
    } else if (st->base.origin == PLAN_BASE) {
        base = &p->bases[st->base.index].image.config;
    } else if (st->base.origin == PLAN_LOCAL) {
        base = &files;
    }
    return frontend_eval(p->frontend, st->stage, &args, base, parent, &st->result, err);
}

/* Steps refer to instances by index: the table may move while inner stages are made. */
static int make_stage(struct maker *m, size_t stage, const struct mb_platform *target,
                      size_t *ret, struct mb_error *err)
{
    struct plan *p = m->p;
    _cleanup_(frontend_from_done) struct frontend_from from = {0};
    struct frontend_args args = p->args;
    struct plan_stage st = {.stage = stage, .target = *target};
    size_t parent_stage = SIZE_MAX;

    *ret = find_stage(p, stage, target);
    if (*ret != SIZE_MAX)
        return 0;
    args.target_platform = *target;
    if (frontend_from(p->frontend, stage, &args, &from, err) < 0
        || resolve(m, &from, target, &st.base, &parent_stage, err) < 0)
        return -1;
    st.platform = from.platform;
    if (evaluate(m, &st, &from, parent_stage, err) < 0)
        return -1;
    st.tip = st.base;
    st.steps = mb_xcalloc(st.result.n_steps + 1, sizeof(size_t));
    for (; st.n_steps < st.result.n_steps; st.n_steps++) {
        size_t index;
        if (add_step(m, &st, st.n_steps, st.tip, &index, err) < 0) {
            free(st.steps);
            frontend_result_done(&st.result);
            return -1;
        }
        st.steps[st.n_steps] = index;
        st.tip = (struct plan_ref){PLAN_STEP, index};
    }
    p->stages = mb_xreallocarray(p->stages, p->n_stages + 1, sizeof(*p->stages));
    p->stages[p->n_stages] = st;
    *ret = p->n_stages++;
    return 0;
}

int plan_steps(struct plan *p, const struct mb_tree *context, uint64_t gzip_level,
               struct mb_error *err)
{
    struct maker m = {p, context, gzip_level};

    for (size_t i = 0; i < p->n_bases; i++)
        p->bases[i].chain_id = mb_chain_id(p->bases[i].image.config.diff_ids,
                                           p->bases[i].image.config.n_diff_ids);
    for (size_t i = 0; i < p->n_locals; i++)
        if (mb_tree_digest(&p->locals[i].tree, "", &p->locals[i].key, err) < 0)
            return mb_wrap(err, "build context %s", p->locals[i].name);
    p->images = mb_xcalloc(p->targets.n, sizeof(size_t));
    for (size_t i = 0; i < p->targets.n; i++)
        if (make_stage(&m, p->target_stage, &p->targets.v[i], &p->images[i], err) < 0)
            return -1;
    return 0;
}
