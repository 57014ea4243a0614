/* SPDX-License-Identifier: Apache-2.0 */
/* The value itself; decoding and encoding are in files of their own. */
#include "oci/image_config.h"

#include <stdlib.h>

#include "base/mem.h"

static void history_done(struct mb_history *h)
{
    free(h->created);
    free(h->created_by);
    free(h->comment);
    free(h->author);
}

void mb_image_config_done(struct mb_image_config *c)
{
    free(c->os_version);
    free(c->created);
    free(c->author);
    free(c->user);
    mb_strv_done(&c->exposed_ports);
    mb_kv_done(&c->env);
    mb_strv_done(&c->entrypoint);
    mb_strv_done(&c->cmd);
    mb_strv_done(&c->volumes);
    free(c->working_dir);
    mb_kv_done(&c->labels);
    free(c->stop_signal);
    mb_strv_done(&c->shell);
    mb_strv_done(&c->on_build);
    free(c->healthcheck);
    free(c->diff_ids);
    for (size_t i = 0; i < c->n_history; i++)
        history_done(&c->history[i]);
    free(c->history);
    *c = (struct mb_image_config){0};
}

void mb_image_config_copy(struct mb_image_config *ret,
                          const struct mb_image_config *from)
{
    struct mb_image_config c = {
        .platform = from->platform,
        .os_version = mb_xstrdup(from->os_version),
        .created = mb_xstrdup(from->created),
        .author = mb_xstrdup(from->author),
        .user = mb_xstrdup(from->user),
        .has_entrypoint = from->has_entrypoint,
        .has_cmd = from->has_cmd,
        .working_dir = mb_xstrdup(from->working_dir),
        .stop_signal = mb_xstrdup(from->stop_signal),
        .healthcheck = mb_xstrdup(from->healthcheck),
        .args_escaped = from->args_escaped,
    };

    mb_strv_copy(&c.exposed_ports, &from->exposed_ports);
    mb_kv_copy(&c.env, &from->env);
    mb_strv_copy(&c.entrypoint, &from->entrypoint);
    mb_strv_copy(&c.cmd, &from->cmd);
    mb_strv_copy(&c.volumes, &from->volumes);
    mb_kv_copy(&c.labels, &from->labels);
    mb_strv_copy(&c.shell, &from->shell);
    mb_strv_copy(&c.on_build, &from->on_build);
    for (size_t i = 0; i < from->n_diff_ids; i++)
        mb_image_config_add_diff_id(&c, &from->diff_ids[i]);
    for (size_t i = 0; i < from->n_history; i++) {
        const struct mb_history *h = &from->history[i];

        mb_image_config_add_history(&c, h->created, h->created_by, h->comment,
                                    h->empty_layer);
        c.history[i].author = mb_xstrdup(h->author);
    }
    *ret = c;
}

void mb_image_config_add_diff_id(struct mb_image_config *c, const struct mb_digest *d)
{
    struct mb_digest copy = *d; /* @d may be in the list */

    c->diff_ids =
        mb_xreallocarray(c->diff_ids, c->n_diff_ids + 1, sizeof(*c->diff_ids));
    c->diff_ids[c->n_diff_ids++] = copy;
}

void mb_image_config_add_history(struct mb_image_config *c, const char *created,
                                 const char *created_by, const char *comment,
                                 bool empty_layer)
{
    c->history = mb_xreallocarray(c->history, c->n_history + 1, sizeof(*c->history));
    c->history[c->n_history++] = (struct mb_history){
        .created = mb_xstrdup(created),
        .created_by = mb_xstrdup(created_by),
        .comment = mb_xstrdup(comment),
        .empty_layer = empty_layer,
    };
}
