/* SPDX-License-Identifier: Apache-2.0 */
/* What the client sees while a build runs. */
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "coordinator/build_internal.h"

#define OUTBOX_MAX 20000

struct outgoing {
    struct outgoing *next;
    enum mb_kind kind;
    struct mb_buf body;
};

static int send_bytes(struct build *b, enum mb_kind kind, const struct mb_buf *body)
{
    struct mb_error err;

    return mb_peer_server_send(b->env->server, &b->client, (uint8_t)kind, body->data,
                               body->len, &err);
}

/* Takes the bytes. */
static void queue(struct build *b, enum mb_kind kind, struct mb_buf *body)
{
    struct outgoing *o = mb_xcalloc(1, sizeof(*o));

    if (b->n_outbox >= OUTBOX_MAX) {
        build_client_gone(b, "the client does not read");
        mb_buf_done(body);
        free(o);
        return;
    }
    o->kind = kind;
    o->body = *body;
    *body = (struct mb_buf){0};
    if (!b->outbox)
        b->outbox_end = &b->outbox;
    *b->outbox_end = o;
    b->outbox_end = &o->next;
    b->n_outbox++;
}

static struct outgoing *take(struct build *b)
{
    struct outgoing *o = b->outbox;

    b->outbox = o->next;
    b->n_outbox--;
    return o;
}

static void outgoing_free(struct outgoing *o)
{
    mb_buf_done(&o->body);
    free(o);
}

void build_flush_outbox(struct build *b)
{
    while (b->outbox && send_bytes(b, b->outbox->kind, &b->outbox->body) == 0)
        outgoing_free(take(b));
}

void build_drop_outbox(struct build *b)
{
    while (b->outbox)
        outgoing_free(take(b));
}

/* What the client could not read would end its build with a riddle. */
static int check_body(const struct mb_wire_schema *schema, const struct mb_buf *body,
                      struct mb_error *err)
{
    _cleanup_free_ void *copy = mb_xcalloc(1, schema->size);

    if (mb_buf_check(body, schema->name, err) < 0)
        return -1;
    if (mb_wire_decode(schema, body->data, body->len, copy, err) < 0) {
        err->code = MB_ERR_LIMIT;
        return -1;
    }
    mb_wire_done(schema, copy);
    return 0;
}

int build_try_send(struct build *b, enum mb_kind kind,
                   const struct mb_wire_schema *schema, const void *msg,
                   struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf body = MB_BUF_INIT(MB_MSG_BYTES_MAX);

    if (b->client_gone)
        return 0;
    mb_wire_encode(schema, msg, &body);
    if (kind != MB_KIND_BUILD_LOG && check_body(schema, &body, err) < 0)
        return -1;
    if (!b->outbox && send_bytes(b, kind, &body) == 0)
        return 0; /* the usual way */
    if (kind == MB_KIND_BUILD_LOG)
        b->clipped_bytes += body.len;
    else
        queue(b, kind, &body);
    return 0;
}

void build_send(struct build *b, enum mb_kind kind, const struct mb_wire_schema *schema,
                const void *msg)
{
    struct mb_error err;

    if (build_try_send(b, kind, schema, msg, &err) < 0)
        mb_log(MB_LOG_ERR, "message_too_big", "build=%llu reason=\"%s\"",
               (unsigned long long)b->id, err.msg);
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
