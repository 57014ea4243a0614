/* SPDX-License-Identifier: Apache-2.0 */
/* What the mounts of a RUN add to its inputs and to its key. */
#include <string.h>

#include "base/mem.h"
#include "coordinator/plan/plan_internal.h"

bool plan_inputs_are_done(const struct plan *p, const struct plan_step *s)
{
    if (s->has_source && !plan_ref_is_done(p, s->source))
        return false;
    for (size_t i = 0; i < s->fe->n_mounts; i++)
        if (s->fe->mounts[i].has_from && !plan_ref_is_done(p, s->mount_sources[i]))
            return false;
    return true;
}

/* The content that a mount with a from shows: by what it selects of the context, or by
 * the state that it is in. */
static int source_text(const struct plan *p, const struct mb_tree *context,
                       const struct frontend_step *fe, const struct frontend_mount *m,
                       struct plan_ref ref, struct mb_strv *ret, struct mb_error *err)
{
    const char *file =
        p->request->dockerfile_name ? p->request->dockerfile_name : "Dockerfile";
    struct mb_digest d = {0};
    char text[MB_DIGEST_TEXT_LEN + 1];

    if (ref.origin != PLAN_CONTEXT)
        d = plan_ref_key(p, ref);
    else if (!context
             || mb_tree_digest(context, strcmp(m->source, ".") == 0 ? "" : m->source,
                               &d, err)
                    < 0)
        return mb_fail(
            err, MB_ERR_NOT_FOUND,
            "%s:%u: \"/%s\": not found in the build context (is it there, and not left "
            "out by .dockerignore?)",
            file, fe->line, m->source);
    mb_strv_add(ret, ref.origin == PLAN_CONTEXT ? "context" : "state");
    mb_strv_add(ret, mb_digest_text(&d, text));
    mb_strv_add(ret, m->source);
    return 0;
}

static void add_text(struct mb_strv *ret, const char *s)
{
    mb_strv_add(ret, s ? s : "");
}

int plan_mount_texts(const struct plan *p, const struct mb_tree *context,
                     const struct plan_step *s, struct mb_strv *ret,
                     struct mb_error *err)
{
    const struct frontend_step *fe = s->fe;

    for (size_t i = 0; i < fe->n_mounts; i++) {
        const struct frontend_mount *m = &fe->mounts[i];

        mb_strv_addf(ret, "%d %d %d %llo %llu:%llu %llu", (int)m->kind, m->read_only,
                     (int)m->sharing, (unsigned long long)m->mode,
                     (unsigned long long)m->uid, (unsigned long long)m->gid,
                     (unsigned long long)m->size_bytes);
        add_text(ret, m->target);
        add_text(ret, m->id);
        add_text(ret, m->env);
        if (m->has_from
            && source_text(p, context, fe, m, s->mount_sources[i], ret, err) < 0)
            return -1;
    }
    return 0;
}
