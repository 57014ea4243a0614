/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From request to plan: what the client must upload, the bases, the listing of the
 * context, the steps, and which of them are known already.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"
#include "coordinator/scheduler/scheduler.h"

/* --- the request --- */

static bool pick_build_platform(struct build *b, struct mb_platform *ret)
{
    size_t n = 0;
    struct sched_agent *v = mb_xcalloc(agents_count(b->env->agents) + 1, sizeof(*v));

    for (struct agent_session *a = agents_first(b->env->agents); a; a = a->next)
        v[n++] =
            (struct sched_agent){.info = &a->info, .usable = a->state == AGENT_READY};
    bool found = scheduler_build_platform(v, n, ret);
    free(v);
    return found;
}

static struct mb_layout_need *layout_need(struct mb_build_needs *needs,
                                          const char *name)
{
    for (size_t i = 0; i < needs->n_layouts; i++)
        if (strcmp(needs->layouts[i].name, name) == 0)
            return &needs->layouts[i];
    needs->layouts =
        mb_xreallocarray(needs->layouts, needs->n_layouts + 1, sizeof(*needs->layouts));
    struct mb_layout_need *n = &needs->layouts[needs->n_layouts++];
    *n = (struct mb_layout_need){.name = mb_xstrdup(name)};
    return n;
}

static void send_needs(struct build *b)
{
    const struct plan *p = b->plan;
    char text[MB_PLATFORM_TEXT_LEN];
    struct mb_build_needs needs = {.build_id = b->id, .context = p->needs_context};
    struct mb_error err;

    mb_strv_copy(&needs.paths, &p->context_paths);
    for (size_t i = 0; i < p->n_bases; i++)
        if (p->bases[i].named)
            mb_strv_add(&layout_need(&needs, p->bases[i].name)->platforms,
                        mb_platform_text(&p->bases[i].platform, text));
    needs.locals = mb_xcalloc(p->n_locals + 1, sizeof(*needs.locals));
    for (; needs.n_locals < p->n_locals; needs.n_locals++) {
        const struct plan_local *l = &p->locals[needs.n_locals];
        needs.locals[needs.n_locals].name = mb_xstrdup(l->name);
        mb_strv_copy(&needs.locals[needs.n_locals].paths, &l->paths);
    }
    int r =
        build_try_send(b, MB_KIND_BUILD_NEEDS, &mb_build_needs_schema, &needs, &err);
    mb_wire_done(&mb_build_needs_schema, &needs);
    if (r < 0) {
        mb_fail(&err, MB_ERR_LIMIT,
                "the sources of all COPY instructions together are over the limit of "
                "%d KiB: name directories instead of many long paths",
                (int)(MB_MSG_BYTES_MAX / MB_KIB));
        build_fail(b, &err, NULL);
    }
}

static bool cluster_can_run(struct build *b, const struct mb_platform *p)
{
    const char *emulation = b->request.emulation;
    bool never = emulation && strcmp(emulation, "never") == 0;

    for (struct agent_session *a = agents_first(b->env->agents); a; a = a->next)
        for (size_t i = 0; i < a->info.n_platforms; i++)
            if (mb_platform_equal(&a->info.platforms[i].platform, p)
                && !(never && a->info.platforms[i].emulated))
                return true;
    return false;
}

static int check_platforms(struct build *b, struct mb_error *err)
{
    char text[MB_PLATFORM_TEXT_LEN];

    for (size_t i = 0; i < b->plan->run_platforms.n; i++) {
        const struct mb_platform *p = &b->plan->run_platforms.v[i];
        if (cluster_can_run(b, p))
            continue;
        _cleanup_free_ char *have = agents_platforms_text(b->env->agents);
        return mb_fail(err, MB_ERR_INVALID,
                       "nobody can run %s here; the cluster has: %s. Add an agent of "
                       "that platform, "
                       "or install qemu-user-static on one and allow emulation",
                       mb_platform_text(p, text), have);
    }
    return 0;
}

/* Errors of the Dockerfile begin with their place, "NAME:LINE: ": that is their source.
 */
static void fail_at_line(struct build *b, const struct mb_error *err)
{
    _cleanup_free_ char *source = NULL;
    const char *file = build_file_name(b);
    size_t n = strlen(file);

    if (strncmp(err->msg, file, n) == 0 && err->msg[n] == ':') {
        size_t digits = strspn(err->msg + n + 1, "0123456789");
        if (digits > 0)
            source = mb_xstrndup(err->msg, n + 1 + digits);
    }
    build_fail(b, err, source);
}

/* The client shows the loading of the Dockerfile and of the context: it sends them. */
void build_begin(struct build *b)
{
    struct mb_platform build_platform;
    struct mb_error err;

    if (!pick_build_platform(b, &build_platform))
        return; /* all torpid: build_wake() comes again */
    if (plan_new(&b->request, &build_platform, &b->plan, &err) < 0
        || check_platforms(b, &err) < 0) {
        fail_at_line(b, &err);
        return;
    }
    build_set_state(b, BUILD_WAITING_INPUT);
    send_needs(b);
}

/* --- bases and context, on worker threads --- */

struct resolve_job {
    struct build *b;
    struct plan_base *base;           /* or NULL: list a context */
    const struct mb_digest *context;  /* its tar */
    const char *context_name;         /* or NULL: the main one */
    struct mb_tree *tree;             /* its listing goes here */
    const struct mb_descriptor *root; /* of an uploaded layout, or NULL: registry */
    uint64_t vertex, began_usec;
    int result;
    struct mb_error err;
};

static int pull_base(struct resolve_job *j)
{
    struct build *b = j->b;
    struct pull_opts opts = {
        .config = b->env->registries,
        .docker_config = b->env->docker_config,
        .cancel = &b->cancel,
    };

    if (j->base->named)
        return pull_from_store(b->env->store, j->base->name, j->root,
                               &j->base->platform, &j->base->image, &j->err);
    return pull_image(b->env->store, j->base->name, &j->base->platform, &opts,
                      &j->base->image, &j->err);
}

static int list_context(struct resolve_job *j)
{
    _cleanup_close_ int fd = -1;

    if (mb_blob_store_open_blob(j->b->env->store, j->context, &fd, NULL, &j->err) < 0
        || mb_tree_from_tar(fd, j->tree, &j->err) < 0)
        return mb_wrap(&j->err, "build context%s%s", j->context_name ? " " : "",
                       j->context_name ? j->context_name : "");
    return 0;
}

static void run_resolve(void *arg)
{
    struct resolve_job *j = arg;

    j->result = j->base ? pull_base(j) : list_context(j);
}

static void make_plan(struct build *b);

/* A bare word in FROM or --from may be meant as a stage: say that there is none. */
static void hint_at_stages(const struct plan_base *base, struct mb_error *err)
{
    struct mb_error pulled = *err;

    if (base->named || strpbrk(base->name, "/:.@"))
        return;
    mb_fail(err, pulled.code, "%s (no stage and no --build-context is named \"%s\")",
            pulled.msg, base->name);
}

static void resolve_failed(struct build *b, struct resolve_job *j)
{
    _cleanup_free_ char *source = NULL;

    if (j->base) {
        source = mb_xasprintf("%s:%u", build_file_name(b), j->base->line);
        hint_at_stages(j->base, &j->err);
    }
    build_fail(b, &j->err, source);
}

static void resolve_done(void *arg, bool cancelled)
{
    struct resolve_job *j = arg;
    struct build *b = j->b;
    uint64_t usec = mb_now_usec() - j->began_usec;

    b->n_jobs--;
    if (cancelled) {
        mb_fail(&j->err, MB_ERR_CANCELLED, "canceled");
        j->result = -1;
    }
    if (b->state == BUILD_RESOLVING) {
        if (j->vertex > 0)
            build_vertex_end(b, j->vertex,
                             j->result == 0 ? MB_VERTEX_DONE : MB_VERTEX_ERROR, usec,
                             j->result == 0 ? NULL : j->err.msg);
        if (j->result < 0)
            resolve_failed(b, j);
        else if (b->n_jobs == 0)
            make_plan(b);
    }
    free(j);
}

static void submit(struct build *b, const struct resolve_job *job,
                   const char *vertex_name)
{
    struct resolve_job *j = mb_xmemdup(job, sizeof(*job));

    j->b = b;
    j->began_usec = mb_now_usec();
    j->vertex = vertex_name ? build_vertex_new(b, vertex_name) : 0;
    b->n_jobs++;
    mb_workers_submit(b->env->workers, run_resolve, resolve_done, j);
}

static void submit_context(struct build *b, const struct mb_descriptor *tar,
                           const char *name, struct mb_tree *tree,
                           struct mb_layer_ref *ret_layer)
{
    struct resolve_job j = {
        .context = &tar->digest, .context_name = name, .tree = tree};

    *ret_layer = (struct mb_layer_ref){.diff_id = tar->digest, .blob = *tar};
    submit(b, &j, NULL);
}

static const struct mb_descriptor *find_root(const struct mb_layout_root *v, size_t n,
                                             const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].name, name) == 0)
            return &v[i].root;
    return NULL;
}

static int not_uploaded(const char *name, struct mb_error *err)
{
    return mb_fail(err, MB_ERR_PROTOCOL, "the client did not upload the context \"%s\"",
                   name);
}

static int submit_local(struct build *b, struct plan_local *l, struct mb_error *err)
{
    const struct mb_descriptor *tar =
        find_root(b->ready.locals, b->ready.n_locals, l->name);

    if (!tar)
        return not_uploaded(l->name, err);
    submit_context(b, tar, l->name, &l->tree, &l->layer);
    return 0;
}

static int submit_base(struct build *b, struct plan_base *base, struct mb_error *err)
{
    char text[MB_PLATFORM_TEXT_LEN];
    struct resolve_job j = {
        .base = base,
        .root = base->named
                    ? find_root(b->ready.layouts, b->ready.n_layouts, base->name)
                    : NULL,
    };
    _cleanup_free_ char *name =
        mb_xasprintf("[%s internal] load metadata for %s",
                     mb_platform_text(&base->platform, text), base->name);

    if (base->named && !j.root)
        return not_uploaded(base->name, err);
    submit(b, &j, name);
    return 0;
}

void build_resolve(struct build *b)
{
    struct mb_error err;

    build_set_state(b, BUILD_RESOLVING);
    if (b->plan->needs_context)
        submit_context(b, &b->ready.context, NULL, &b->tree, &b->context);
    for (size_t i = 0; i < b->plan->n_locals && b->state == BUILD_RESOLVING; i++)
        if (submit_local(b, &b->plan->locals[i], &err) < 0)
            build_fail(b, &err, NULL);
    for (size_t i = 0; i < b->plan->n_bases && b->state == BUILD_RESOLVING; i++)
        if (submit_base(b, &b->plan->bases[i], &err) < 0)
            build_fail(b, &err, NULL);
    if (b->state == BUILD_RESOLVING && b->n_jobs == 0)
        make_plan(b);
}

/* --- what is to be done --- */

static bool find_cached(struct build *b, struct plan_step *s)
{
    struct cache_result r;
    uint64_t size = 0;

    if (b->request.no_cache || s->fresh || !cache_find(b->env->cache, &s->key, &r))
        return false;
    if (r.has_layer
        && (!mb_blob_store_has(b->env->store, &r.layer.blob.digest, &size)
            || size != r.layer.blob.size)) {
        cache_forget(b->env->cache, &s->key);
        return false;
    }
    s->has_layer = r.has_layer;
    s->layer = r.layer;
    s->emulated = r.emulated;
    s->usec = r.usec;
    s->agent = mb_xstrdup(r.agent);
    s->cached = true;
    return true;
}

/* Walk from what is published to what must run: a cached step needs only the layers
 * below it. */
static void mark_needed(struct build *b, struct plan_ref ref)
{
    while (ref.origin == PLAN_STEP) {
        struct plan_step *s = &b->plan->steps[ref.index];
        if (s->state != PLAN_STEP_UNNEEDED)
            return;
        s->state = find_cached(b, s) ? PLAN_STEP_DONE : PLAN_STEP_WAITING;
        if (s->state == PLAN_STEP_WAITING && s->has_source)
            mark_needed(b, s->source);
        for (size_t i = 0; s->state == PLAN_STEP_WAITING && i < s->fe->n_mounts; i++)
            mark_needed(b, s->mount_sources[i]);
        ref = s->parent;
    }
}

/* What a step needs has a lower index. */
static bool is_fresh(const struct plan *p, struct plan_ref ref)
{
    return ref.origin == PLAN_STEP && p->steps[ref.index].fresh;
}

/* Steps of the named stages, and all that stands on them. */
static void mark_fresh(struct build *b)
{
    const struct mb_strv *names = &b->request.no_cache_filter;

    for (size_t i = 0; names->n > 0 && i < b->plan->n_steps; i++) {
        struct plan_step *s = &b->plan->steps[i];

        for (size_t k = 0; k < names->n; k++)
            s->fresh = s->fresh || strcasecmp(s->stage, names->v[k]) == 0;
        s->fresh = s->fresh || is_fresh(b->plan, s->parent)
                   || (s->has_source && is_fresh(b->plan, s->source));
        for (size_t k = 0; k < s->fe->n_mounts; k++)
            s->fresh = s->fresh
                       || (s->fe->mounts[k].has_from
                           && is_fresh(b->plan, s->mount_sources[k]));
    }
}

static void report_cached(struct build *b)
{
    for (size_t i = 0; i < b->plan->n_steps; i++)
        if (b->plan->steps[i].state == PLAN_STEP_DONE)
            build_step_vertex(b, &b->plan->steps[i], MB_VERTEX_CACHED, NULL);
}

static void make_plan(struct build *b)
{
    struct mb_error err;

    if (plan_steps(b->plan, b->plan->needs_context ? &b->tree : NULL,
                   MB_GZIP_LEVEL_DEFAULT, &err)
            < 0
        || check_platforms(b, &err) < 0) { /* again: bases may bring a RUN */
        fail_at_line(b, &err);
        return;
    }
    mark_fresh(b);
    for (size_t i = 0; i < b->plan->targets.n; i++)
        mark_needed(b, b->plan->stages[b->plan->images[i]].tip);
    report_cached(b);
    build_set_state(b, BUILD_RUNNING);
    build_dispatch(b);
}
