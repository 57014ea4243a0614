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

static int send_context(struct upload_job *j, struct transfer *t, struct mb_error *err)
{
    const char *file = j->opts->dockerfile;
    _cleanup_(mb_ignore_freep) struct mb_ignore *ignore = NULL;
    _cleanup_close_ int dir_fd = -1;
    _cleanup_close_ int tar_fd = -1;
    struct mb_descriptor d;

    if (mb_open_dir(AT_FDCWD, j->opts->context_dir, &dir_fd, err) < 0
        || context_ignore(dir_fd, !file || strcmp(file, "-") == 0 ? NULL : file,
                          &ignore, err)
               < 0
        || context_tar(dir_fd, ignore, &j->needs.paths, &j->state, &tar_fd, &d, err)
               < 0)
        return -1;
    atomic_store(&j->state.total, d.size);
    atomic_store(&j->state.bytes, 0);
    if (transfer_push(t, &d, tar_fd, err) < 0)
        return mb_wrap(err, "send the build context to the coordinator");
    j->ready.context = d;
    return 0;
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

void upload_job_run(void *job)
{
    struct upload_job *j = job;
    _cleanup_(transfer_done) struct transfer t = {0};

    j->result = -1;
    if (transfer_init(&t, j->url, j->token, &j->state, &j->error) < 0
        || send_layouts(j, &t, &j->error) < 0
        || (j->needs.context && send_context(j, &t, &j->error) < 0))
        return;
    j->result = 0;
}
