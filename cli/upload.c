/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/upload.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/context.h"
#include "cli/layouts.h"

struct upload_job *upload_job_new(const struct build_options *opts,
                                  struct mb_build_needs *needs, const char *url,
                                  const char *token)
{
    struct upload_job *j = mb_xcalloc(1, sizeof(*j));

    j->opts = opts;
    j->needs = *needs;
    *needs = (struct mb_build_needs){0};
    j->url = mb_xstrdup(url);
    j->token = mb_xstrdup(token);
    return j;
}

void upload_job_free(struct upload_job *j)
{
    if (!j)
        return;
    mb_wire_done(&mb_build_needs_schema, &j->needs);
    mb_wire_done(&mb_build_ready_schema, &j->ready);
    free(j->url);
    free(j->token);
    free(j);
}

/* Only the user's own directories have ignore files. @dockerfile: where it is, for
 * DOCKERFILE.dockerignore; NULL: not looked for. */
static int tar_source(struct upload_job *j, const struct context_source *s,
                      const char *dockerfile, const struct mb_strv *paths, int *ret_fd,
                      struct mb_descriptor *ret, struct mb_error *err)
{
    _cleanup_(mb_ignore_freep) struct mb_ignore *ignore = NULL;
    _cleanup_close_ int dir_fd = -1;

    if (mb_open_dir(AT_FDCWD, s->dir, &dir_fd, err) < 0
        || (s->kind == CONTEXT_DIR
            && context_ignore(dir_fd, dockerfile, &ignore, err) < 0))
        return -1;
    return context_tar(dir_fd, ignore, paths, &j->state, ret_fd, ret, err);
}

static int send_source(struct upload_job *j, struct transfer *t,
                       const struct context_source *s, const char *dockerfile,
                       const struct mb_strv *paths, struct mb_descriptor *ret,
                       struct mb_error *err)
{
    _cleanup_close_ int tar_fd = -1;
    struct mb_descriptor d = s->tar;

    if (!s->has_tar && tar_source(j, s, dockerfile, paths, &tar_fd, &d, err) < 0)
        return -1;
    atomic_store(&j->state.total, d.size);
    atomic_store(&j->state.bytes, 0);
    if (transfer_push(t, &d, s->has_tar ? s->tar_fd : tar_fd, err) < 0)
        return mb_wrap(err, "send the build context to the coordinator");
    *ret = d;
    return 0;
}

static int send_context(struct upload_job *j, struct transfer *t, struct mb_error *err)
{
    const char *file = j->opts->dockerfile;
    bool own = file && strcmp(file, "-") != 0 && !strstr(file, "://");

    return send_source(j, t, &j->opts->source, own ? file : NULL, &j->needs.paths,
                       &j->ready.context, err);
}

static const struct mb_named_context *find_context(const struct build_options *o,
                                                   const char *name)
{
    for (size_t i = 0; i < o->request.n_contexts; i++)
        if (strcmp(o->request.contexts[i].name, name) == 0)
            return &o->request.contexts[i];
    return NULL;
}

static int send_layouts(struct upload_job *j, struct transfer *t, struct mb_error *err)
{
    struct mb_build_ready *r = &j->ready;

    r->layouts = mb_xcalloc(j->needs.n_layouts + 1, sizeof(*r->layouts));
    for (size_t i = 0; i < j->needs.n_layouts; i++) {
        const struct mb_layout_need *need = &j->needs.layouts[i];
        const struct mb_named_context *c =
            need->name ? find_context(j->opts, need->name) : NULL;
        struct mb_layout_root *root = &r->layouts[r->n_layouts];

        if (!c)
            return mb_fail(
                err, MB_ERR_PROTOCOL,
                "the coordinator asks for a build context \"%s\" that was not given",
                need->name ? need->name : "");
        if (layout_upload(t, c->value, &need->platforms, &root->root, err) < 0)
            return mb_wrap(err, "--build-context %s", c->name);
        root->name = mb_xstrdup(need->name);
        r->n_layouts++;
    }
    return 0;
}

static const struct context_source *find_local(const struct build_options *o,
                                               const char *name)
{
    const struct mb_named_context *c = name ? find_context(o, name) : NULL;
    size_t i = c ? (size_t)(c - o->request.contexts) : 0;

    return c && strcmp(c->kind, MB_CONTEXT_LOCAL) == 0 && i < o->n_named ? &o->named[i]
                                                                         : NULL;
}

static int send_locals(struct upload_job *j, struct transfer *t, struct mb_error *err)
{
    struct mb_build_ready *r = &j->ready;

    r->locals = mb_xcalloc(j->needs.n_locals + 1, sizeof(*r->locals));
    for (size_t i = 0; i < j->needs.n_locals; i++) {
        const struct mb_local_need *need = &j->needs.locals[i];
        const struct context_source *s = find_local(j->opts, need->name);
        struct mb_layout_root *root = &r->locals[r->n_locals];

        if (!s)
            return mb_fail(
                err, MB_ERR_PROTOCOL,
                "the coordinator asks for a build context \"%s\" that was not given",
                need->name ? need->name : "");
        if (send_source(j, t, s, NULL, &need->paths, &root->root, err) < 0)
            return mb_wrap(err, "--build-context %s", need->name);
        root->name = mb_xstrdup(need->name);
        r->n_locals++;
    }
    return 0;
}

void upload_job_run(void *job)
{
    struct upload_job *j = job;
    _cleanup_(transfer_done) struct transfer t = {0};

    j->result = -1;
    if (transfer_init(&t, j->url, j->token, &j->state, &j->error) < 0
        || send_layouts(j, &t, &j->error) < 0 || send_locals(j, &t, &j->error) < 0
        || (j->needs.context && send_context(j, &t, &j->error) < 0))
        return;
    j->result = 0;
}
