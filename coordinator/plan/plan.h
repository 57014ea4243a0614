/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - a Dockerfile and its platforms to a DAG of steps.
 *
 * Three moves, since base images must be known in between:
 *   plan_new()     walks FROM and COPY --from for every target platform: which bases,
 * which paths of the context, which uploaded layouts the build can touch (bases are
 * pulled into plan->bases, the context is listed) plan_steps()   evaluates each stage
 * on its base and makes the steps; equal keys are one step, so a stage on
 * $BUILDPLATFORM that does not look at its target exists once for all platforms
 */
#ifndef COORDINATOR_PLAN_H
#define COORDINATOR_PLAN_H

#include "coordinator/frontend/frontend.h"
#include "coordinator/publish/pull.h"
#include "fs/tree.h"
#include "proto/build.h"
#include "proto/task.h"

enum plan_origin { PLAN_SCRATCH, PLAN_BASE, PLAN_STEP, PLAN_CONTEXT, PLAN_LOCAL };
/* A file system state, named by where it comes from. */
struct plan_ref {
    enum plan_origin origin;
    size_t index; /* BASE: plan->bases; STEP: plan->steps; LOCAL: plan->locals */
};

struct plan_base {
    char *name;    /* reference or named context */
    bool named;    /* a --build-context */
    unsigned line; /* first use */
    struct mb_platform platform;
    struct pulled_image image; /* filled between the two moves */
    struct mb_digest chain_id;
};

/* A --build-context of the client's files. */
struct plan_local {
    char *name;
    unsigned line;        /* first use */
    struct mb_strv paths; /* patterns that the build can touch */
    /* filled between the two moves */
    struct mb_tree tree;
    struct mb_layer_ref layer; /* all of it, as a layer */
    struct mb_digest key;      /* of all of it, for a stage that is FROM it */
};

enum plan_step_state {
    PLAN_STEP_UNNEEDED, /* nothing that is published or missing depends on it */
    PLAN_STEP_WAITING,
    PLAN_STEP_ASSIGNED, /* part of a task that an agent has */
    PLAN_STEP_DONE,
};
struct plan_step {
    struct mb_digest key;
    struct mb_platform platform;
    const struct frontend_step *fe; /* borrowed from an instance's result */
    struct plan_ref parent;
    bool has_source;
    struct plan_ref source;
    struct plan_ref *mount_sources; /* of fe->mounts that have a from; owned */
    char *label;                    /* "linux/arm64 build 2/4" */
    char *stage;                    /* borrowed name of the stage, for the record */
    /* changed by the build while it runs */
    enum plan_step_state state;
    bool cached, has_layer, emulated;
    bool fresh;               /* not to be taken from the cache: --no-cache-filter */
    unsigned tries;           /* infrastructure errors so far */
    struct mb_strv failed_on; /* agents that had them */
    struct mb_layer_ref layer;
    char *agent; /* that made it */
    uint64_t usec;
    uint64_t vertex; /* progress number; 0 none yet */
};

/* One stage evaluated for one target platform. */
struct plan_stage {
    size_t stage;
    struct mb_platform target;   /* the image's platform */
    struct mb_platform platform; /* the stage's own */
    struct frontend_result result;
    struct plan_ref base; /* what its first step stands on */
    size_t *steps;        /* indices into plan->steps, one for each of result.steps */
    size_t n_steps;
    struct plan_ref tip;
};

struct plan {
    struct frontend *frontend; /* owned */
    struct mb_platforms targets;
    struct mb_platform build_platform;
    size_t target_stage;
    struct frontend_args args; /* build_args and contexts borrowed from the request */
    struct mb_strv context_names;
    const struct mb_build_request *request; /* borrowed */
    struct plan_base *bases;
    size_t n_bases;
    struct plan_local *locals;
    size_t n_locals;
    bool needs_context;
    struct mb_strv context_paths;
    struct mb_platforms run_platforms; /* that some RUN needs */
    struct plan_stage *stages;
    size_t n_stages;
    struct plan_step *steps;
    size_t n_steps;
    size_t *images; /* for each target: index into stages */
};

/* @request must outlive the plan. INVALID with file and line. */
int plan_new(const struct mb_build_request *request,
             const struct mb_platform *build_platform, struct plan **ret,
             struct mb_error *err) _must_check_;
/* @context: listing of the uploaded context, NULL when none was needed. NOT_FOUND for a
 * COPY source that is not there. */
int plan_steps(struct plan *p, const struct mb_tree *context, uint64_t gzip_level,
               struct mb_error *err) _must_check_;
void plan_free(struct plan *p);
DEFINE_CLEANUP(struct plan *, plan_free)

/* Layers of a state, bottom first, into *ret (zeroed; free by plan_state_done). Every
 * step below it must be DONE; @context is the context's layer. */
void plan_state(const struct plan *p, struct plan_ref ref,
                const struct mb_layer_ref *context, struct mb_state_ref *ret);
void plan_state_done(struct mb_state_ref *s);
/* Is everything there that @ref is made of? */
bool plan_ref_is_done(const struct plan *p, struct plan_ref ref);
/* And that a step takes besides what it stands on? */
bool plan_inputs_are_done(const struct plan *p, const struct plan_step *s);

#endif
