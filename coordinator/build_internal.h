/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by build*.c only. */
#ifndef COORDINATOR_BUILD_INTERNAL_H
#define COORDINATOR_BUILD_INTERNAL_H

#include <stdatomic.h>

#include "coordinator/build.h"
#include "coordinator/plan/plan.h"
#include "coordinator/task.h"
#include "fs/gzip.h"
#include "proto/build.h"

enum build_state {
    BUILD_WAITING_AGENTS,
    BUILD_WAITING_INPUT,
    BUILD_RESOLVING,
    BUILD_RUNNING,
    BUILD_PUBLISHING,
    BUILD_ENDED,
};

struct build {
    struct build_env *env;
    uint64_t id;
    struct mb_route client;
    bool client_gone;
    enum build_state state;
    uint64_t began_usec;
    struct mb_build_request request;
    struct mb_build_ready ready;
    struct plan *plan;
    struct mb_tree tree;         /* of the context */
    struct mb_layer_ref context; /* the context as a layer */
    struct task *tasks;          /* all that are not over */
    uint64_t last_vertex;
    struct outgoing *outbox,
        **outbox_end; /* what the client's full queue did not take */
    size_t n_outbox;
    uint64_t clipped_bytes; /* of logs, dropped meanwhile */
    size_t n_jobs;          /* on worker threads now */
    atomic_bool cancel;     /* read by those */
    struct mb_error error;  /* the first; code MB_OK: none */
    char *error_source;     /* "Dockerfile:7" */
    uint64_t retry_usec;    /* earliest time for steps that failed by infrastructure */
    struct mb_descriptor root; /* after publishing */
    struct mb_build_image_record *images;
    size_t n_images;
};

/* build.c */
void build_set_state(struct build *b, enum build_state to);
/* End the build with *err (first caller wins). @source may be NULL; copied. */
void build_fail(struct build *b, const struct mb_error *err, const char *source);
void build_finish(struct build *b);

/* build_done.c */
void build_send_done(struct build *b);

/* build_resolve.c */
void build_begin(struct build *b); /* WAITING_AGENTS -> WAITING_INPUT */
void build_resolve(struct build *b);

/* build_tasks.c */
void build_dispatch(struct build *b);
void build_cancel_tasks(struct build *b);
void build_drop_task(struct build *b, struct task *t);

/* build_results.c is reached through build.h only */
void build_step_failed(struct build *b, struct task *t, const struct mb_error *err,
                       uint64_t exit_code);

/* build_publish.c */
bool build_images_are_done(const struct build *b);
void build_publish(struct build *b);

/* build_progress.c: to the client. A client that reads slowly loses log lines, never
 * states: those wait in the outbox for build_flush_outbox(). */
int build_try_send(struct build *b, enum mb_kind kind,
                   const struct mb_wire_schema *schema, const void *msg,
                   struct mb_error *err) _must_check_; /* LIMIT: too big a message */
void build_send(struct build *b, enum mb_kind kind, const struct mb_wire_schema *schema,
                const void *msg);
void build_flush_outbox(struct build *b);
void build_drop_outbox(struct build *b);
uint64_t build_vertex_new(struct build *b, const char *name);
void build_vertex_end(struct build *b, uint64_t vertex, enum mb_vertex_state state,
                      uint64_t usec, const char *error);
/* "[linux/s390x build 2/3 @a2 emulated]"; malloc'ed. */
char *build_step_where(const struct plan_step *s);
/* Of the Dockerfile, as typed. */
const char *build_file_name(const struct build *b);
/* The step by its place, agent and text; its vertex gets a number on first use. */
void build_step_vertex(struct build *b, struct plan_step *s, enum mb_vertex_state state,
                       const char *error);

#endif
