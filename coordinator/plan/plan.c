/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/plan/plan.h"

#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "coordinator/plan/plan_internal.h"

static int read_targets(struct plan *p, struct mb_error *err)
{
    const struct mb_strv *list = &p->request->platforms;

    for (size_t i = 0; i < list->n; i++)
        if (mb_platforms_parse(list->v[i], &p->targets, err) < 0)
            return -1;
    if (p->targets.n == 0)
        mb_platforms_add(&p->targets, &p->build_platform);
    return 0;
}

/* --build-arg BUILDPLATFORM= overrides where shared stages run. */
static int read_build_platform(struct plan *p, struct mb_error *err)
{
    const char *text = mb_kv_get(&p->request->build_args, "BUILDPLATFORM");

    if (!text)
        return 0;
    if (mb_platform_parse(text, &p->build_platform, err) < 0)
        return mb_wrap(err, "--build-arg BUILDPLATFORM");
    return 0;
}

int plan_new(const struct mb_build_request *request,
             const struct mb_platform *build_platform, struct plan **ret,
             struct mb_error *err)
{
    _cleanup_(plan_freep) struct plan *p = mb_xcalloc(1, sizeof(*p));

    p->request = request;
    p->build_platform = *build_platform;
    if (read_build_platform(p, err) < 0 || read_targets(p, err) < 0)
        return -1;
    for (size_t i = 0; i < request->n_contexts; i++)
        mb_strv_add(&p->context_names, request->contexts[i].name);
    p->args.build_platform = p->build_platform;
    p->args.build_args = &request->build_args;
    p->args.contexts = &p->context_names;
    p->args.target = request->target;
    if (frontend_parse_with(request->dockerfile_name ? request->dockerfile_name
                                                     : "Dockerfile",
                            request->dockerfile.data, request->dockerfile.len,
                            &request->build_args, &p->frontend, err)
            < 0
        || frontend_check_error(p->frontend, err) < 0
        || frontend_find_stage(p->frontend, request->target, &p->target_stage, err) < 0
        || plan_walk_needs(p, err) < 0)
        return -1;
    p->args.context_paths = &p->context_paths;
    *ret = steal_ptr(p);
    return 0;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_steps; i++) {
        free(p->steps[i].label);
        free(p->steps[i].agent);
        mb_strv_done(&p->steps[i].failed_on);
        free(p->steps[i].mount_sources);
    }
    for (size_t i = 0; i < p->n_stages; i++) {
        frontend_result_done(&p->stages[i].result);
        free(p->stages[i].steps);
    }
    for (size_t i = 0; i < p->n_bases; i++) {
        free(p->bases[i].name);
        pulled_image_done(&p->bases[i].image);
    }
    for (size_t i = 0; i < p->n_locals; i++) {
        free(p->locals[i].name);
        mb_strv_done(&p->locals[i].paths);
        mb_tree_done(&p->locals[i].tree);
    }
    free(p->steps);
    free(p->stages);
    free(p->bases);
    free(p->locals);
    free(p->images);
    mb_strv_done(&p->context_paths);
    mb_strv_done(&p->context_names);
    mb_platforms_done(&p->targets);
    mb_platforms_done(&p->run_platforms);
    frontend_free(p->frontend);
    free(p);
}

/* --- states --- */

static size_t count_layers(const struct plan *p, struct plan_ref ref)
{
    size_t n = 0;

    while (ref.origin == PLAN_STEP) {
        n += p->steps[ref.index].has_layer;
        ref = p->steps[ref.index].parent;
    }
    if (ref.origin == PLAN_BASE)
        n += p->bases[ref.index].image.n_layers;
    return n + (ref.origin == PLAN_CONTEXT || ref.origin == PLAN_LOCAL);
}

void plan_state(const struct plan *p, struct plan_ref ref,
                const struct mb_layer_ref *context, struct mb_state_ref *ret)
{
    size_t at = count_layers(p, ref);

    ret->n_layers = at;
    ret->layers = mb_xcalloc(at + 1, sizeof(*ret->layers));
    for (; ref.origin == PLAN_STEP; ref = p->steps[ref.index].parent) {
        BUG_ON(p->steps[ref.index].state != PLAN_STEP_DONE);
        if (p->steps[ref.index].has_layer)
            ret->layers[--at] = p->steps[ref.index].layer;
    }
    if (ref.origin == PLAN_BASE) {
        const struct pulled_image *image = &p->bases[ref.index].image;
        for (size_t i = image->n_layers; i > 0; i--)
            ret->layers[--at] = (struct mb_layer_ref){image->config.diff_ids[i - 1],
                                                      image->layers[i - 1]};
    }
    if (ref.origin == PLAN_CONTEXT)
        ret->layers[--at] = *context;
    if (ref.origin == PLAN_LOCAL)
        ret->layers[--at] = p->locals[ref.index].layer;
    BUG_ON(at != 0);
}

void plan_state_done(struct mb_state_ref *s)
{
    free(s->layers);
    *s = (struct mb_state_ref){0};
}

bool plan_ref_is_done(const struct plan *p, struct plan_ref ref)
{
    return ref.origin != PLAN_STEP || p->steps[ref.index].state == PLAN_STEP_DONE;
}
