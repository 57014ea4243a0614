/* SPDX-License-Identifier: Apache-2.0 */
/* What the client sees while a build runs. */
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"

void build_send(struct build *b, enum mb_kind kind, const struct mb_wire_schema *schema,
                const void *msg)
{
    struct mb_error err;

    if (b->client_gone)
        return;
    if (sender_send(b->env->server, &b->client, kind, schema, msg, &err) == 0)
        return;
    mb_log(MB_LOG_INFO, "client_send_failed", "build=%llu kind=%s reason=\"%s\"",
           (unsigned long long)b->id, mb_kind_name(kind), err.msg);
}

static void send_vertex(struct build *b, uint64_t vertex, enum mb_vertex_state state,
                        const char *name, uint64_t usec, const char *error)
{
    struct mb_build_vertex m = {
        .vertex = vertex,
        .state = (uint64_t)state,
        .name = (char *)(uintptr_t)name,
        .usec = usec,
        .error = (char *)(uintptr_t)error,
    };

    build_send(b, MB_KIND_BUILD_VERTEX, &mb_build_vertex_schema, &m);
}

uint64_t build_vertex_new(struct build *b, const char *name)
{
    uint64_t vertex = ++b->last_vertex;

    send_vertex(b, vertex, MB_VERTEX_STARTED, name, 0, NULL);
    return vertex;
}

void build_vertex_end(struct build *b, uint64_t vertex, enum mb_vertex_state state,
                      uint64_t usec, const char *error)
{
    send_vertex(b, vertex, state, NULL, usec, error);
}

char *build_step_where(const struct plan_step *s)
{
    if (!s->agent || s->cached)
        return mb_xasprintf("[%s]", s->label);
    return mb_xasprintf("[%s @%s%s]", s->label, s->agent,
                        s->emulated ? " emulated" : "");
}

const char *build_file_name(const struct build *b)
{
    return b->request.dockerfile_name ? b->request.dockerfile_name : "Dockerfile";
}

void build_step_vertex(struct build *b, struct plan_step *s, enum mb_vertex_state state,
                       const char *error)
{
    _cleanup_free_ char *where = build_step_where(s);
    _cleanup_free_ char *name = mb_xasprintf("%s %s", where, s->fe->text);

    if (s->vertex == 0)
        s->vertex = ++b->last_vertex;
    send_vertex(b, s->vertex, state, name, s->usec, error);
}
