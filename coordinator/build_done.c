/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last message of a build, with the record of who ran which step.
 *
 * It must arrive whatever the build was like, so when it is over the message limit the
 * record gets shorter: first the steps' texts, then the steps themselves.
 */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"

#define STAGE_SHOWN_MAX 200
#define TEXT_SHOWN_MAX 128
#define WARNINGS_SHOWN_MAX 100
#define WARNING_SHOWN_MAX 1000

/* A copy of at most @max bytes and "...", cut between UTF-8 characters. */
static char *cut(const char *text, size_t max)
{
    size_t n = strlen(text);

    if (n <= max)
        return mb_xstrdup(text);
    for (n = max; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
        n--;
    return mb_xasprintf("%.*s...", (int)n, text);
}

static void add_records(const struct build *b, size_t text_max, struct mb_build_done *m)
{
    char platform[MB_PLATFORM_TEXT_LEN];

    m->steps = mb_xcalloc(b->plan->n_steps + 1, sizeof(*m->steps));
    for (size_t i = 0; i < b->plan->n_steps; i++) {
        const struct plan_step *s = &b->plan->steps[i];

        if (s->state != PLAN_STEP_DONE)
            continue;
        m->steps[m->n_steps++] = (struct mb_build_step_record){
            .platform = mb_xstrdup(mb_platform_text(&s->platform, platform)),
            .stage = cut(s->stage, STAGE_SHOWN_MAX),
            .text = cut(s->fe->text, text_max),
            .agent = mb_xstrdup(s->agent),
            .emulated = s->emulated,
            .cached = s->cached,
            .usec = s->usec,
        };
    }
}

static void drop_records(struct mb_build_done *m)
{
    for (size_t i = 0; i < m->n_steps; i++) {
        free(m->steps[i].platform);
        free(m->steps[i].stage);
        free(m->steps[i].text);
        free(m->steps[i].agent);
    }
    free(m->steps);
    m->steps = NULL;
    m->n_steps = 0;
}

static void add_warnings(const struct build *b, struct mb_strv *ret)
{
    _cleanup_strv_ struct mb_strv all = {0};

    mb_strv_copy(&all, frontend_warnings(b->plan->frontend));
    for (size_t i = 0; i < b->plan->n_stages; i++) {
        const struct mb_strv *l = &b->plan->stages[i].result.warnings;

        for (size_t k = 0; k < l->n; k++)
            if (!mb_strv_contains(&all, l->v[k]))
                mb_strv_add(&all, l->v[k]);
    }
    frontend_unused_build_args(b->plan->frontend, &b->request.build_args, &all);
    for (size_t i = 0; i < all.n && i < WARNINGS_SHOWN_MAX; i++)
        mb_strv_add_take(ret, cut(all.v[i], WARNING_SHOWN_MAX));
    if (all.n > WARNINGS_SHOWN_MAX)
        mb_strv_addf(ret, "and %zu more", all.n - WARNINGS_SHOWN_MAX);
}

static int send_with_record(struct build *b, struct mb_build_done *m,
                            struct mb_error *err)
{
    static const size_t text_max[] = {16 * MB_KIB, TEXT_SHOWN_MAX};

    for (size_t i = 0; b->plan && i < ARRAY_SIZE(text_max); i++) {
        add_records(b, text_max[i], m);
        int r = build_try_send(b, MB_KIND_BUILD_DONE, &mb_build_done_schema, m, err);
        drop_records(m);
        if (r == 0)
            return 0;
    }
    if (b->plan)
        mb_strv_addf(&m->warnings, "the record of %zu steps is too long to be sent",
                     b->plan->n_steps);
    return build_try_send(b, MB_KIND_BUILD_DONE, &mb_build_done_schema, m, err);
}

void build_send_done(struct build *b)
{
    struct mb_build_done m = {
        .ok = b->error.code == MB_OK,
        .code = (uint64_t)b->error.code,
        .message = b->error.code == MB_OK ? NULL : b->error.msg,
        .source = b->error_source,
        .root = b->root,
        .images = b->images,
        .n_images = b->n_images,
    };
    struct mb_error err;

    if (b->plan)
        add_warnings(b, &m.warnings);
    if (send_with_record(b, &m, &err) < 0)
        mb_log(MB_LOG_ERR, "message_too_big", "build=%llu reason=\"%s\"",
               (unsigned long long)b->id, err.msg);
    mb_strv_done(&m.warnings);
}
