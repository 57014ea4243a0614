/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frontend - Dockerfile text to what each stage means on one platform.
 *
 * Two passes: frontend_parse() gives stages and instructions with line and column;
 * frontend_eval() gives, for one stage and platform, the steps to run and the image
 * config, once the base image's config is known. Errors carry "Dockerfile:LINE: " in
 * front, as the user typed the name. Rules: Dockerfile reference; BuildKit's texts for
 * history and messages.
 */
#ifndef COORDINATOR_FRONTEND_H
#define COORDINATOR_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/kv.h"
#include "base/strv.h"
#include "oci/image_config.h"
#include "oci/platform.h"

struct frontend; /* a parsed Dockerfile */

/* INVALID, LIMIT. @name for messages. */
int frontend_parse(const char *name, const void *data, size_t len,
                   struct frontend **ret, struct mb_error *err) _must_check_;
/* The same with --build-arg: BUILDKIT_SYNTAX and BUILDKIT_DOCKERFILE_CHECK stand for
 * the directives. */
int frontend_parse_with(const char *name, const void *data, size_t len,
                        const struct mb_kvlist *build_args, struct frontend **ret,
                        struct mb_error *err) _must_check_;
void frontend_free(struct frontend *f);
DEFINE_CLEANUP(struct frontend *, frontend_free)

size_t frontend_n_stages(const struct frontend *f);
/* "build", or "stage-1" for an unnamed one. */
const char *frontend_stage_name(const struct frontend *f, size_t stage);
/* By name (case folded) or number; NULL target: the last. INVALID: target stage "x"
 * could not be found. */
int frontend_find_stage(const struct frontend *f, const char *target, size_t *ret,
                        struct mb_error *err) _must_check_;
/* Does the stage execute anything of its platform (RUN)? */
bool frontend_stage_has_run(const struct frontend *f, size_t stage);
/* A build check that the text does not pass. */
struct frontend_warning {
    const char *rule, *description; /* static */
    char *url;
    char *detail;
    unsigned line, end_line;
};
/* In order of lines; without those that the check directive skips. */
const struct frontend_warning *frontend_checks(const struct frontend *f, size_t *ret_n);
/* FAILED when the check directive says error=true and there is a warning. */
int frontend_check_error(const struct frontend *f, struct mb_error *err) _must_check_;
/* The same as texts "Rule: what (line 3)". */
const struct mb_strv *frontend_warnings(const struct frontend *f);
/* Appends one warning when some of @build_args (may be NULL) are declared nowhere. */
void frontend_unused_build_args(const struct frontend *f,
                                const struct mb_kvlist *build_args,
                                struct mb_strv *ret);

struct frontend_args {
    struct mb_platform build_platform;
    struct mb_platform target_platform; /* of the image being built */
    const struct mb_kvlist *build_args;
    const struct mb_strv *contexts; /* names of --build-context, which override names */
    const char *target;             /* --target for TARGETSTAGE; NULL: the last stage */
    /* What frontend_context_paths() answered for all stages; NULL: everything is there.
     */
    const struct mb_strv *context_paths;
};

/* Where a stage or a COPY --from takes its files. */
enum frontend_source {
    FRONTEND_SCRATCH,
    FRONTEND_STAGE,   /* stage */
    FRONTEND_IMAGE,   /* name: a reference */
    FRONTEND_NAMED,   /* name: of a --build-context */
    FRONTEND_CONTEXT, /* the main build context */
};
struct frontend_from {
    enum frontend_source source;
    size_t stage;
    char *name;
    struct mb_platform
        platform; /* of the stage: --platform, else the target platform; a stage on a
                     stage keeps its own --platform or inherits */
    unsigned line;
};
/* FROM of @stage with its --platform and ARGs expanded. A stage whose own name is a
 * --build-context is FRONTEND_NAMED, and nothing in it is run. INVALID. */
int frontend_from(const struct frontend *f, size_t stage, const struct frontend_args *a,
                  struct frontend_from *ret, struct mb_error *err) _must_check_;
void frontend_from_done(struct frontend_from *from);

/* All that a stage takes from besides FROM: its COPY --from sources (each once, in
 * order). */
int frontend_copy_sources(const struct frontend *f, size_t stage,
                          const struct frontend_args *a, struct frontend_from **ret,
                          size_t *ret_n, struct mb_error *err) _must_check_;
/* Patterns of the main context that @stage can touch, appended; "." when one of them
 * depends on a variable that only the base image may set. */
int frontend_context_paths(const struct frontend *f, size_t stage,
                           const struct frontend_args *a, struct mb_strv *ret,
                           struct mb_error *err) _must_check_;

/* RUN --mount. A ssh mount is never in a step. */
enum frontend_mount_kind {
    FRONTEND_BIND = 1,
    FRONTEND_CACHE,
    FRONTEND_TMPFS,
    FRONTEND_SECRET,
    FRONTEND_SSH,
};
enum frontend_sharing { FRONTEND_SHARED = 1, FRONTEND_PRIVATE, FRONTEND_LOCKED };
struct frontend_mount {
    enum frontend_mount_kind kind;
    bool has_from; /* BIND: always; CACHE: when it begins with something */
    struct frontend_from from;
    char *source; /* of from: cleaned and clamped; "." the root */
    char *target; /* absolute; NULL: a secret that is a variable only */
    bool read_only;
    char *id; /* CACHE, SECRET */
    enum frontend_sharing sharing;
    uint64_t mode, uid, gid; /* CACHE, SECRET */
    uint64_t size_bytes;     /* TMPFS; 0: not given */
    char *env;               /* SECRET: the variable, or NULL */
    bool required;           /* SECRET */
};

/* What of the context a COPY source needs: itself, or with --parents what its elements
 * without wildcards name. malloc'ed. */
char *frontend_asked_path(const char *path, bool parents);

enum frontend_step_kind { FRONTEND_RUN = 1, FRONTEND_COPY = 2, FRONTEND_WORKDIR = 3 };
struct frontend_step {
    enum frontend_step_kind kind;
    unsigned line, end_line;
    char *text;     /* one line, as progress shows it: "RUN make", "ONBUILD RUN make" */
    size_t history; /* index of its entry in config.history */
    struct mb_strv argv; /* RUN: shell form already has SHELL in front */
    struct mb_strv env;  /* RUN: "K=V", ENV then declared ARGs that ENV does not set */
    struct mb_strv unkeyed_env;    /* RUN: proxy args, seen by the step but in no key */
    char *cwd;                     /* RUN, WORKDIR: absolute */
    char *user;                    /* "" when none */
    char *network;                 /* RUN: "default", "host", "none" */
    struct frontend_mount *mounts; /* RUN */
    size_t n_mounts;
    bool insecure;             /* RUN --security=insecure */
    struct frontend_from from; /* COPY */
    struct mb_strv paths;      /* COPY: sources, cleaned and clamped, patterns kept */
    char *dest;                /* COPY: absolute, trailing '/' kept */
    char *chown, *chmod;       /* COPY: NULL when absent */
    struct mb_strv excludes;   /* COPY: lines of an ignore file, for each source */
    struct mb_strv files;      /* COPY: name, content, ... of here-documents */
    bool unpack;               /* COPY: archives give what is in them */
    bool link, parents;        /* COPY; parents: paths may have a "/./" and "**" */
};
struct frontend_result {
    struct frontend_step *steps;
    size_t n_steps;
    /* The base's config changed by this stage: env, cmd, user ..., history appended
     * (created NULL on new entries). diff_ids are the base's; the plan adds the rest.
     */
    struct mb_image_config config;
    struct mb_kvlist
        args; /* ARGs in scope at the end, for stages built FROM this one */
    struct mb_strv unset_args; /* those of them that have no value */
    struct mb_strv warnings;   /* UndefinedVar, as frontend_warnings() writes it */
    struct mb_strv env_set; /* names that ENV instructions set, here or in a parent */
    struct mb_strv shell;
};
/* INVALID, LIMIT; also for a variable that nothing sets, when error=true is asked for.
 * @base: config of the base (zeroed for scratch). @parent: result of the stage it is
 * FROM, or NULL. */
int frontend_eval(const struct frontend *f, size_t stage, const struct frontend_args *a,
                  const struct mb_image_config *base,
                  const struct frontend_result *parent, struct frontend_result *ret,
                  struct mb_error *err) _must_check_;
void frontend_result_done(struct frontend_result *r);

#endif
