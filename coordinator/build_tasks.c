/* SPDX-License-Identifier: Apache-2.0 */
/* Handing waiting steps to agents. */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"
#include "coordinator/scheduler/scheduler.h"

#define TASK_STEPS_MAX 32

/* --- which steps --- */

static bool is_ready(const struct build *b, const struct plan_step *s)
{
    return s->state == PLAN_STEP_WAITING && plan_ref_is_done(b->plan, s->parent)
           && plan_inputs_are_done(b->plan, s);
}

/* A waiting step right behind @index whose other input is there already; SIZE_MAX:
 * none. */
static size_t step_behind(const struct build *b, size_t index)
{
    for (size_t i = 0; i < b->plan->n_steps; i++) {
        const struct plan_step *s = &b->plan->steps[i];
        if (s->state == PLAN_STEP_WAITING && s->parent.origin == PLAN_STEP
            && s->parent.index == index && plan_inputs_are_done(b->plan, s))
            return i;
    }
    return SIZE_MAX;
}

/* The maximal run of one stage from @first on: it is cut only where it waits for
 * another stage. */
static struct task *form_task(const struct build *b, size_t first)
{
    struct task *t = mb_xcalloc(1, sizeof(*t));

    t->platform = b->plan->steps[first].platform;
    t->steps = mb_xcalloc(TASK_STEPS_MAX, sizeof(size_t));
    for (size_t i = first; i != SIZE_MAX && t->n_steps < TASK_STEPS_MAX;
         i = step_behind(b, i)) {
        if (!mb_platform_equal(&b->plan->steps[i].platform, &t->platform))
            break;
        t->steps[t->n_steps++] = i;
    }
    return t;
}

/* COPY and WORKDIR execute nothing of the image: any agent can do them. Keeps those at
 * the front. */
static bool keep_portable_steps(const struct build *b, struct task *t)
{
    size_t n = 0;

    while (n < t->n_steps && b->plan->steps[t->steps[n]].fe->kind != FRONTEND_RUN)
        n++;
    t->n_steps = n;
    return n > 0;
}

/* --- who takes them --- */

static enum sched_emulation emulation_of(const struct build *b)
{
    const char *e = b->request.emulation;

    if (e && strcmp(e, "never") == 0)
        return SCHED_EMULATION_NEVER;
    return e && strcmp(e, "always") == 0 ? SCHED_EMULATION_ALWAYS
                                         : SCHED_EMULATION_AUTO;
}

struct candidates {
    struct agent_session **sessions;
    struct sched_agent *v;
    size_t n;
};

static struct candidates list_candidates(const struct build *b,
                                         const struct plan_step *first)
{
    size_t n = agents_count(b->env->agents);
    struct candidates c = {
        .sessions = mb_xcalloc(n + 1, sizeof(*c.sessions)),
        .v = mb_xcalloc(n + 1, sizeof(*c.v)),
    };
    const char *holder = first->parent.origin == PLAN_STEP
                             ? b->plan->steps[first->parent.index].agent
                             : NULL;

    for (struct agent_session *a = agents_first(b->env->agents); a; a = a->next) {
        c.sessions[c.n] = a;
        c.v[c.n++] = (struct sched_agent){
            .info = &a->info,
            .running = a->running,
            .usable = a->state == AGENT_READY && a->gone_usec == 0,
            .failed_before = mb_strv_contains(&first->failed_on, a->name),
            .holds_start = holder && strcmp(holder, a->name) == 0,
        };
    }
    return c;
}

static void candidates_done(struct candidates *c)
{
    free(c->sessions);
    free(c->v);
}

/* The agents' own first platforms, for steps that need no platform. */
static enum sched_verdict pick_any(const struct candidates *c, size_t *ret_index)
{
    enum sched_verdict verdict = SCHED_IMPOSSIBLE;

    for (size_t i = 0; i < c->n; i++) {
        if (!c->v[i].usable)
            continue;
        if (c->v[i].running < c->v[i].info->slots) {
            *ret_index = i;
            return SCHED_ASSIGN;
        }
        verdict = SCHED_WAIT;
    }
    return verdict;
}

static bool somebody_may_return(const struct candidates *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->v[i].usable)
            return true;
    return false;
}

static enum sched_verdict pick(const struct build *b, struct task *t,
                               const struct candidates *c, size_t *ret_index)
{
    enum sched_verdict verdict = scheduler_pick(
        c->v, c->n, &t->platform, emulation_of(b), ret_index, &t->emulated);

    if (verdict == SCHED_IMPOSSIBLE && keep_portable_steps(b, t)) {
        t->emulated = false;
        verdict = pick_any(c, ret_index);
    }
    if (verdict == SCHED_IMPOSSIBLE && somebody_may_return(c))
        return SCHED_WAIT;
    return verdict;
}

/* --- the message --- */

static const char *network_of(const struct build *b, const struct frontend_step *fe)
{
    const char *n = fe->network ? fe->network : "default";

    if (strcmp(n, "default") == 0 && b->request.network)
        n = b->request.network;
    return strcmp(n, "default") == 0 ? "host" : n;
}

static size_t add_source(const struct build *b, struct mb_task *m, struct plan_ref ref)
{
    m->sources = mb_xreallocarray(m->sources, m->n_sources + 1, sizeof(*m->sources));
    m->sources[m->n_sources] = (struct mb_state_ref){0};
    plan_state(b->plan, ref, &b->context, &m->sources[m->n_sources]);
    return m->n_sources++;
}

static const struct mb_secret *find_secret(const struct build *b, const char *id)
{
    for (size_t i = 0; i < b->request.n_secrets; i++)
        if (strcmp(b->request.secrets[i].id, id) == 0)
            return &b->request.secrets[i];
    return NULL;
}

/* A secret that was not given is no mount at all. */
static bool fill_mount(const struct build *b, struct mb_task *m,
                       const struct frontend_mount *fm, struct plan_ref source,
                       struct mb_step_mount *ret)
{
    const struct mb_secret *secret =
        fm->kind == FRONTEND_SECRET ? find_secret(b, fm->id) : NULL;

    if (fm->kind == FRONTEND_SECRET && !secret)
        return false;
    *ret = (struct mb_step_mount){
        .kind = fm->kind,
        .target = mb_xstrdup(fm->target),
        .source = fm->has_from ? 1 + add_source(b, m, source) : 0,
        .source_path = mb_xstrdup(fm->source),
        .read_only = fm->read_only,
        .id = mb_xstrdup(fm->id),
        .sharing = fm->kind == FRONTEND_CACHE ? fm->sharing : 0,
        .mode = fm->mode,
        .uid = fm->uid,
        .gid = fm->gid,
        .size_bytes = fm->size_bytes,
        .env = mb_xstrdup(fm->env),
    };
    if (secret && secret->data.len > 0) {
        ret->data.data = mb_xmalloc(secret->data.len);
        ret->data.len = secret->data.len;
        memcpy(ret->data.data, secret->data.data, secret->data.len);
    }
    return true;
}

/* The kinds have the same numbers on the wire: enum mb_mount_kind, mb_cache_sharing. */
static void fill_mounts(const struct build *b, struct mb_task *m,
                        const struct plan_step *s, struct mb_step *ret)
{
    const struct frontend_step *fe = s->fe;

    ret->mounts = mb_xcalloc(fe->n_mounts + 1, sizeof(*ret->mounts));
    for (size_t i = 0; i < fe->n_mounts; i++)
        ret->n_mounts += fill_mount(b, m, &fe->mounts[i], s->mount_sources[i],
                                    &ret->mounts[ret->n_mounts]);
}

static int check_secrets(const struct build *b, const struct task *t,
                         struct mb_error *err)
{
    for (size_t i = 0; i < t->n_steps; i++) {
        const struct frontend_step *fe = b->plan->steps[t->steps[i]].fe;

        for (size_t k = 0; k < fe->n_mounts; k++)
            if (fe->mounts[k].kind == FRONTEND_SECRET && fe->mounts[k].required
                && !find_secret(b, fe->mounts[k].id))
                return mb_fail(err, MB_ERR_INVALID,
                               "%s:%u: secret %.200s: not found: give it by --secret "
                               "id=%.200s,src=FILE or ,env=NAME",
                               build_file_name(b), fe->line, fe->mounts[k].id,
                               fe->mounts[k].id);
    }
    return 0;
}

static void fill_step(const struct build *b, struct mb_task *m, size_t index,
                      struct mb_step *ret)
{
    const struct plan_step *s = &b->plan->steps[index];
    const struct frontend_step *fe = s->fe;

    ret->step_id = index + 1;
    ret->kind = fe->kind;
    ret->text = mb_xstrdup(fe->text);
    mb_strv_copy(&ret->argv, &fe->argv);
    mb_strv_copy(&ret->env, &fe->env);
    mb_strv_add_all(&ret->env, &fe->unkeyed_env);
    ret->cwd = mb_xstrdup(fe->cwd);
    ret->user = mb_xstrdup(fe->user);
    ret->network = fe->kind == FRONTEND_RUN ? mb_xstrdup(network_of(b, fe)) : NULL;
    if (fe->kind == FRONTEND_RUN) {
        mb_strv_copy(&ret->hosts, &b->request.hosts);
        mb_strv_copy(&ret->ulimits, &b->request.ulimits);
        ret->shm_bytes = b->request.shm_bytes;
    }
    if (s->has_source)
        ret->source = add_source(b, m, s->source);
    mb_strv_copy(&ret->paths, &fe->paths);
    ret->dest = mb_xstrdup(fe->dest);
    ret->chown = mb_xstrdup(fe->chown);
    ret->chmod = mb_xstrdup(fe->chmod);
    ret->insecure = fe->insecure;
    fill_mounts(b, m, s, ret);
    mb_strv_copy(&ret->excludes, &fe->excludes);
    mb_strv_copy(&ret->files, &fe->files);
    ret->unpack = fe->unpack;
    ret->link = fe->link;
    ret->parents = fe->parents;
}

static void fill_task(const struct build *b, const struct task *t, struct mb_task *ret)
{
    ret->build_id = b->id;
    ret->task_id = t->id;
    ret->epoch = t->epoch;
    ret->platform = t->platform;
    ret->emulated = t->emulated;
    ret->gzip_level = MB_GZIP_LEVEL_DEFAULT;
    ret->clamp_mtime = b->request.rewrite_timestamp && b->request.has_source_date_epoch;
    ret->max_mtime_sec = ret->clamp_mtime ? b->request.source_date_epoch : 0;
    plan_state(b->plan, b->plan->steps[t->steps[0]].parent, &b->context, &ret->start);
    ret->steps = mb_xcalloc(t->n_steps, sizeof(*ret->steps));
    for (; ret->n_steps < t->n_steps; ret->n_steps++)
        fill_step(b, ret, t->steps[ret->n_steps], &ret->steps[ret->n_steps]);
}

/* An agent that cannot read its task cannot say so: what it would refuse (a path, a
 * user, an environment that is too long) is found here. */
static int check_task(const struct mb_task *m, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);
    struct mb_task copy = {0};

    mb_wire_encode(&mb_task_schema, m, &out);
    int rc = mb_buf_check(&out, "TASK", err);
    if (rc == 0) {
        rc = mb_wire_decode(&mb_task_schema, out.data, out.len, &copy, err);
        if (rc < 0)
            err->code = MB_ERR_LIMIT;
    }
    mb_task_wipe(&copy);
    mb_wire_done(&mb_task_schema, &copy);
    if (out.data)
        explicit_bzero(out.data, out.len);
    return rc;
}

static int send_task(struct build *b, struct task *t, struct mb_error *err)
{
    struct mb_task m = {0};

    fill_task(b, t, &m);
    int r = check_task(&m, err);
    if (r == 0)
        r = agents_send(b->env->agents, t->agent, MB_KIND_TASK, &mb_task_schema, &m,
                        err);
    mb_task_wipe(&m);
    mb_wire_done(&mb_task_schema, &m);
    return r;
}

/* --- assigning --- */

static void claim(struct build *b, struct task *t)
{
    for (size_t i = 0; i < t->n_steps; i++) {
        struct plan_step *s = &b->plan->steps[t->steps[i]];
        s->state = PLAN_STEP_ASSIGNED;
        s->emulated = t->emulated && s->fe->kind == FRONTEND_RUN;
        free(s->agent);
        s->agent = mb_xstrdup(t->agent->name);
    }
    t->agent->running++;
    t->next = b->tasks;
    b->tasks = t;
    mb_log(MB_LOG_INFO, "task_assigned",
           "build=%llu task=%llu agent=%s emulated=%s steps=%zu",
           (unsigned long long)b->id, (unsigned long long)t->id, t->agent->name,
           t->emulated ? "yes" : "no", t->n_steps);
}

/* A message has a limit, and every step carries its whole environment: what is too long
 * goes out in halves. LIMIT when one step alone is. */
static int send_what_fits(struct build *b, struct task *t, struct mb_error *err)
{
    const struct frontend_step *fe = b->plan->steps[t->steps[0]].fe;
    int r = send_task(b, t, err);

    while (r < 0 && err->code == MB_ERR_LIMIT && t->n_steps > 1) {
        t->n_steps = (t->n_steps + 1) / 2;
        r = send_task(b, t, err);
    }
    if (r < 0 && err->code == MB_ERR_LIMIT)
        mb_wrap(err,
                "%s:%u: no agent can take this step (shorten its command, its paths, "
                "the values of ENV and ARG, or use fewer layers)",
                build_file_name(b), fe->line);
    return r;
}

/* 0: assigned or waiting; -1: the build cannot go on. */
static int assign(struct build *b, size_t first, struct mb_error *err)
{
    struct task *t = form_task(b, first);
    struct candidates c = list_candidates(b, &b->plan->steps[first]);
    char text[MB_PLATFORM_TEXT_LEN];
    size_t index = 0;
    int r = 0;
    enum sched_verdict verdict = pick(b, t, &c, &index);

    if (verdict == SCHED_ASSIGN) {
        t->agent = c.sessions[index];
        t->id = ++b->env->last_task_id;
        t->epoch = b->plan->steps[first].tries + 1;
        r = check_secrets(b, t, err);
        if (r == 0)
            r = send_what_fits(b, t, err);
        if (r == 0)
            claim(b, steal_ptr(t));
        else if (err->code == MB_ERR_UNAVAILABLE)
            r = 0; /* its connection just went: the next wake finds another */
    } else if (verdict == SCHED_IMPOSSIBLE) {
        _cleanup_free_ char *have = agents_platforms_text(b->env->agents);
        r = mb_fail(err, MB_ERR_UNAVAILABLE,
                    "no agent is left that can run %s; the cluster has: %s",
                    mb_platform_text(&b->plan->steps[first].platform, text), have);
    }
    candidates_done(&c);
    if (t)
        task_free(t);
    return r;
}

void build_dispatch(struct build *b)
{
    struct mb_error err;

    if (b->state != BUILD_RUNNING)
        return;
    if (build_images_are_done(b)) {
        build_publish(b);
        return;
    }
    for (size_t i = 0; i < b->plan->n_steps && b->state == BUILD_RUNNING; i++) {
        struct plan_step *s = &b->plan->steps[i];
        if (!is_ready(b, s) || (s->tries > 0 && mb_now_usec() < b->retry_usec))
            continue;
        if (assign(b, i, &err) < 0)
            build_fail(b, &err, NULL);
    }
}

void build_drop_task(struct build *b, struct task *t)
{
    for (struct task **p = &b->tasks; *p; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            break;
        }
    }
    t->agent->running--;
    task_free(t);
}

static void cancel_vertex(struct build *b, const struct task *t)
{
    if (t->state != TASK_RUNNING || t->n_done == t->n_steps)
        return;
    struct plan_step *s = &b->plan->steps[t->steps[t->n_done]];
    if (s->vertex > 0 && s->state == PLAN_STEP_ASSIGNED)
        build_step_vertex(b, s, MB_VERTEX_CANCELED, NULL);
}

void build_cancel_tasks(struct build *b)
{
    struct mb_error err;

    for (struct task *t = b->tasks; t; t = t->next) {
        struct mb_task_ref ref = {t->id, t->epoch};
        cancel_vertex(b, t);
        if (task_move(t, b->id, EV_CANCEL, &err) == 0)
            mb_ignore(agents_send(b->env->agents, t->agent, MB_KIND_TASK_CANCEL,
                                  &mb_task_ref_schema, &ref, &err),
                      "a gone agent's task ends when the agent is lost");
    }
}
