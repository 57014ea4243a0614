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

static const struct mb_named_context *find_context(const struct plan *p,
                                                   const struct frontend_from *from)
{
    const struct mb_build_request *r = p->request;

    for (size_t i = 0; from->source == FRONTEND_NAMED && i < r->n_contexts; i++)
        if (strcmp(r->contexts[i].name, from->name) == 0)
            return &r->contexts[i];
    return NULL;
}

static bool is_kind(const struct mb_named_context *c, const char *kind)
{
    return c && strcmp(c->kind, kind) == 0;
}

/* What is to be pulled, and whether it is the client's upload of that name. */
static const char *base_name(const struct plan *p, const struct frontend_from *from,
                             bool *ret_named)
{
    const struct mb_named_context *c = find_context(p, from);

    *ret_named = from->source == FRONTEND_NAMED && !is_kind(c, MB_CONTEXT_IMAGE);
    return is_kind(c, MB_CONTEXT_IMAGE) ? c->value + strlen(MB_CONTEXT_IMAGE_PREFIX)
                                        : from->name;
}

size_t plan_find_base(const struct plan *p, const struct frontend_from *from)
{
    bool named;
    const char *name = base_name(p, from, &named);

    for (size_t i = 0; i < p->n_bases; i++) {
        const struct plan_base *b = &p->bases[i];
        if (b->named == named && strcmp(b->name, name) == 0
            && mb_platform_equal(&b->platform, &from->platform))
            return i;
    }
    return SIZE_MAX;
}

size_t plan_find_local(const struct plan *p, const struct frontend_from *from)
{
    for (size_t i = 0; from->source == FRONTEND_NAMED && i < p->n_locals; i++)
        if (strcmp(p->locals[i].name, from->name) == 0)
            return i;
    return SIZE_MAX;
}

/* False: it is no local context. */
static bool add_local(struct plan *p, const struct frontend_from *from)
{
    struct plan_local *l;

    if (!is_kind(find_context(p, from), MB_CONTEXT_LOCAL))
        return false;
    if (plan_find_local(p, from) != SIZE_MAX)
        return true;
    p->locals = mb_xreallocarray(p->locals, p->n_locals + 1, sizeof(*p->locals));
    l = &p->locals[p->n_locals++];
    *l = (struct plan_local){.name = mb_xstrdup(from->name), .line = from->line};
    mb_strv_add(&l->paths, ".");
    return true;
}

static void add_base(struct plan *p, const struct frontend_from *from)
{
    bool named;
    const char *name = base_name(p, from, &named);

    if (plan_find_base(p, from) != SIZE_MAX)
        return;
    p->bases = mb_xreallocarray(p->bases, p->n_bases + 1, sizeof(*p->bases));
    p->bases[p->n_bases++] = (struct plan_base){
        .name = mb_xstrdup(name),
        .named = named,
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
    if (source_has_base(from->source) && !add_local(w->p, from))
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

/* A client of a later version may have more kinds. */
static int check_kinds(const struct plan *p, struct mb_error *err)
{
    static const size_t prefix = sizeof(MB_CONTEXT_IMAGE_PREFIX) - 1;

    for (size_t i = 0; i < p->request->n_contexts; i++) {
        const struct mb_named_context *c = &p->request->contexts[i];
        bool image = is_kind(c, MB_CONTEXT_IMAGE);

        if (image && c->value
            && strncmp(c->value, MB_CONTEXT_IMAGE_PREFIX, prefix) == 0)
            continue;
        if (image || (!is_kind(c, MB_CONTEXT_LAYOUT) && !is_kind(c, MB_CONTEXT_LOCAL)))
            return mb_fail(err, MB_ERR_INVALID,
                           "the coordinator knows no build context of kind \"%s\"",
                           c->kind);
    }
    return 0;
}

int plan_walk_needs(struct plan *p, struct mb_error *err)
{
    size_t n = frontend_n_stages(p->frontend);

    if (check_kinds(p, err) < 0)
        return -1;
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
