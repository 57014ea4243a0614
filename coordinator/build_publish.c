/* SPDX-License-Identifier: Apache-2.0 */
/* From finished steps to images, index and registry. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"
#include "coordinator/publish/publish.h"

bool build_images_are_done(const struct build *b)
{
    for (size_t i = 0; i < b->plan->targets.n; i++) {
        const struct plan_stage *st = &b->plan->stages[b->plan->images[i]];
        for (struct plan_ref ref = st->tip; ref.origin == PLAN_STEP;
             ref = b->plan->steps[ref.index].parent)
            if (!plan_ref_is_done(b->plan, ref))
                return false;
    }
    return true;
}

/* --- the image config --- */

/* The step of this stage chain whose history entry is @index; NULL: not a layer step of
 * ours. */
static const struct plan_step *step_of_history(const struct plan *p,
                                               struct plan_ref tip, size_t index)
{
    for (; tip.origin == PLAN_STEP; tip = p->steps[tip.index].parent)
        if (p->steps[tip.index].fe->history == index)
            return &p->steps[tip.index];
    return NULL;
}

static size_t base_history(const struct plan *p, struct plan_ref tip)
{
    while (tip.origin == PLAN_STEP)
        tip = p->steps[tip.index].parent;
    return tip.origin == PLAN_BASE ? p->bases[tip.index].image.config.n_history : 0;
}

static void fill_history(const struct build *b, const struct plan_stage *st,
                         struct mb_image_config *config, const char *created)
{
    for (size_t i = base_history(b->plan, st->tip); i < config->n_history; i++) {
        struct mb_history *h = &config->history[i];
        const struct plan_step *s = step_of_history(b->plan, st->tip, i);
        free(h->created);
        h->created = mb_xstrdup(created);
        if (s)
            h->empty_layer = !s->has_layer;
    }
}

static void fill_image(const struct build *b, size_t target, const char *created,
                       struct publish_image *ret)
{
    const struct plan *p = b->plan;
    const struct plan_stage *st = &p->stages[p->images[target]];
    struct mb_state_ref state = {0};

    ret->platform = p->targets.v[target];
    mb_image_config_copy(&ret->config, &st->result.config);
    ret->config.platform = st->platform;
    free(ret->config.created);
    ret->config.created = mb_xstrdup(created);
    for (size_t i = 0; i < b->request.labels.n; i++)
        mb_kv_set(&ret->config.labels, b->request.labels.v[i].key,
                  b->request.labels.v[i].value);
    fill_history(b, st, &ret->config, created);
    plan_state(p, st->tip, &b->context, &state);
    ret->layers = mb_xcalloc(state.n_layers + 1, sizeof(*ret->layers));
    ret->n_layers = state.n_layers;
    for (size_t i = 0; i < state.n_layers; i++) {
        ret->layers[i] = state.layers[i].blob;
        if (i >= ret->config.n_diff_ids)
            mb_image_config_add_diff_id(&ret->config, &state.layers[i].diff_id);
    }
    plan_state_done(&state);
}

/* --- the job --- */

struct publish_job {
    struct build *b;
    struct publish_image *images;
    size_t n;
    uint64_t vertex, began_usec;
    struct mb_descriptor root;
    int result;
    struct mb_error err;
};

static void run_publish(void *arg)
{
    struct publish_job *j = arg;
    struct build *b = j->b;
    struct publish_push_opts opts = {
        .config = b->env->registries,
        .docker_config = b->env->docker_config,
        .tags = &b->request.tags,
        .cancel = &b->cancel,
    };

    j->result =
        publish_assemble(b->env->store, j->images, j->n, false, &j->root, &j->err);
    if (j->result == 0 && b->request.push)
        j->result =
            publish_push(b->env->store, j->images, j->n, &j->root, &opts, &j->err);
}

static void free_job(struct publish_job *j)
{
    for (size_t i = 0; i < j->n; i++) {
        mb_image_config_done(&j->images[i].config);
        free(j->images[i].layers);
    }
    free(j->images);
    free(j);
}

static void record_images(struct build *b, const struct publish_job *j)
{
    b->root = j->root;
    b->images = mb_xcalloc(j->n + 1, sizeof(*b->images));
    for (; b->n_images < j->n; b->n_images++) {
        const struct publish_image *i = &j->images[b->n_images];
        b->images[b->n_images] = (struct mb_build_image_record){
            i->platform, i->manifest, i->config_desc.digest};
    }
}

static void send_status(struct build *b, uint64_t vertex, const char *what,
                        const struct mb_digest *d, uint64_t usec)
{
    char text[MB_DIGEST_TEXT_LEN + 1];
    _cleanup_free_ char *id = mb_xasprintf("%s %s", what, mb_digest_text(d, text));
    struct mb_build_status m = {.vertex = vertex, .id = id, .usec = usec, .done = true};

    build_send(b, MB_KIND_BUILD_STATUS, &mb_build_status_schema, &m);
}

static void publish_done(void *arg, bool cancelled)
{
    struct publish_job *j = arg;
    struct build *b = j->b;
    uint64_t usec = mb_now_usec() - j->began_usec;

    b->n_jobs--;
    if (cancelled)
        j->result = mb_fail(&j->err, MB_ERR_CANCELLED, "canceled");
    if (b->state == BUILD_PUBLISHING && j->result < 0) {
        build_vertex_end(b, j->vertex, MB_VERTEX_ERROR, usec, j->err.msg);
        build_fail(b, &j->err, NULL);
    } else if (b->state == BUILD_PUBLISHING) {
        for (size_t i = 0; i < j->n; i++)
            send_status(b, j->vertex, "exporting manifest",
                        &j->images[i].manifest.digest, usec);
        if (j->n > 1)
            send_status(b, j->vertex, "exporting manifest list", &j->root.digest, usec);
        build_vertex_end(b, j->vertex, MB_VERTEX_DONE, usec, NULL);
        record_images(b, j);
        build_finish(b);
    }
    free_job(j);
}

void build_publish(struct build *b)
{
    struct publish_job *j = mb_xcalloc(1, sizeof(*j));
    char created[MB_RFC3339_LEN];
    uint64_t now = mb_wall_usec();

    if (b->request.has_source_date_epoch)
        mb_rfc3339(b->request.source_date_epoch, 0, created);
    else
        mb_rfc3339((int64_t)(now / MB_USEC_PER_SEC), (uint32_t)(now % MB_USEC_PER_SEC),
                   created);
    build_set_state(b, BUILD_PUBLISHING);
    j->b = b;
    j->n = b->plan->targets.n;
    j->images = mb_xcalloc(j->n, sizeof(*j->images));
    for (size_t i = 0; i < j->n; i++)
        fill_image(b, i, created, &j->images[i]);
    j->began_usec = mb_now_usec();
    j->vertex = build_vertex_new(b, b->request.push ? "exporting to image and pushing"
                                                    : "exporting to image");
    b->n_jobs++;
    mb_workers_submit(b->env->workers, run_publish, publish_done, j);
}
