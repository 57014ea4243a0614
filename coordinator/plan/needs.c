/* SPDX-License-Identifier: Apache-2.0 */
/* The first move of a plan: what the build can touch, before any base image is known.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/plan/plan_internal.h"

static bool source_has_base(enum frontend_source s)
{
    return s == FRONTEND_IMAGE || s == FRONTEND_NAMED;
}

size_t plan_find_base(const struct plan *p, const struct frontend_from *from)
{
    for (size_t i = 0; i < p->n_bases; i++) {
        const struct plan_base *b = &p->bases[i];
        if (b->named == (from->source == FRONTEND_NAMED)
            && strcmp(b->name, from->name) == 0
            && mb_platform_equal(&b->platform, &from->platform))
            return i;
    }
    return SIZE_MAX;
}

static void add_base(struct plan *p, const struct frontend_from *from)
{
    if (plan_find_base(p, from) != SIZE_MAX)
        return;
    p->bases = mb_xreallocarray(p->bases, p->n_bases + 1, sizeof(*p->bases));
    p->bases[p->n_bases++] = (struct plan_base){
        .name = mb_xstrdup(from->name),
        .named = from->source == FRONTEND_NAMED,
        .line = from->line,
        .platform = from->platform,
    };
}

/* Stages seen for one target; frontend refuses references forward, so this ends. */
struct walk {
    struct plan *p;
    const struct frontend_args *args;
    bool *seen;
};

static int walk_stage(struct walk *w, size_t stage, struct mb_error *err);

static int walk_source(struct walk *w, const struct frontend_from *from,
                       struct mb_error *err)
{
    if (source_has_base(from->source))
        add_base(w->p, from);
    if (from->source == FRONTEND_CONTEXT)
        w->p->needs_context = true;
    if (from->source == FRONTEND_STAGE)
        return walk_stage(w, from->stage, err);
    return 0;
}

static int walk_copies(struct walk *w, size_t stage, struct mb_error *err)
{
    struct frontend_from *sources = NULL;
    size_t n = 0;
    int r = frontend_copy_sources(w->p->frontend, stage, w->args, &sources, &n, err);

    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            r = walk_source(w, &sources[i], err);
        frontend_from_done(&sources[i]);
    }
    free(sources);
    return r;
}

static int walk_stage(struct walk *w, size_t stage, struct mb_error *err)
{
    _cleanup_(frontend_from_done) struct frontend_from from = {0};
    struct mb_strv paths = {0};

    if (w->seen[stage])
        return 0;
    w->seen[stage] = true;
    if (frontend_from(w->p->frontend, stage, w->args, &from, err) < 0
        || walk_source(w, &from, err) < 0 || walk_copies(w, stage, err) < 0)
        return -1;
    if (frontend_stage_has_run(w->p->frontend, stage)
        && !mb_platforms_contain(&w->p->run_platforms, &from.platform))
        mb_platforms_add(&w->p->run_platforms, &from.platform);
    if (frontend_context_paths(w->p->frontend, stage, w->args, &paths, err) < 0)
        return -1;
    for (size_t i = 0; i < paths.n; i++)
        if (!mb_strv_contains(&w->p->context_paths, paths.v[i]))
            mb_strv_add(&w->p->context_paths, paths.v[i]);
    w->p->needs_context = w->p->needs_context || paths.n > 0;
    mb_strv_done(&paths);
    return 0;
}

int plan_walk_needs(struct plan *p, struct mb_error *err)
{
    size_t n = frontend_n_stages(p->frontend);

    for (size_t i = 0; i < p->targets.n; i++) {
        struct frontend_args args = p->args;
        args.target_platform = p->targets.v[i];
        _cleanup_free_ bool *seen = mb_xcalloc(n + 1, sizeof(bool));
        struct walk w = {p, &args, seen};
        if (walk_stage(&w, p->target_stage, err) < 0)
            return -1;
    }
    return 0;
}
