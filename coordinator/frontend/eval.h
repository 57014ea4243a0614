/* SPDX-License-Identifier: Apache-2.0 */
/* eval - one stage on one platform, instruction by instruction. */
#ifndef COORDINATOR_FRONTEND_EVAL_H
#define COORDINATOR_FRONTEND_EVAL_H

#include "coordinator/frontend/internal.h"

struct eval {
    const struct frontend *f; /* borrowed, as the next two */
    const struct frontend_args *a;
    const struct mb_kvlist *globals;
    size_t stage;
    struct frontend_result r; /* so far */
    bool cmd_set;             /* a CMD of this stage */
    unsigned n_unset;         /* uses of unset variables */
    unsigned line;            /* of the instruction */
    bool on_build;            /* a trigger is being run */
    bool foreign_trigger;     /* and it is the base image's */
    uint64_t work;            /* left for patterns */
    uint64_t bytes;           /* left for texts */
    uint8_t *ports; /* EXPOSE: which are in config, PORT_KINDS x 65536; or NULL */
    /* Before the base image is known, for frontend_context_paths(): */
    bool dry;
    bool base_known;       /* FROM scratch */
    bool tainted;          /* the last expansion looked at what the base may set */
    struct mb_strv taints; /* variables whose value is not known */
};

void eval_init(struct eval *e, const struct frontend *f, size_t stage,
               const struct frontend_args *a, const struct mb_kvlist *globals);
void eval_done(struct eval *e);

/* The variable's value, or NULL: ENV, then ARG, then what the base image has. */
const char *eval_get(struct eval *e, const char *name);
/* For struct expand: eval_get() with the arguments changed; a warning. */
const char *eval_lookup(const char *name, void *eval);
void eval_unset(const char *name, void *eval);
int eval_expand(struct eval *e, const char *word, char **ret, struct mb_error *err)
    _must_check_;
/* Each word of @words; appends. */
int eval_expand_all(struct eval *e, const struct mb_strv *words, struct mb_strv *ret,
                    struct mb_error *err) _must_check_;
int eval_history(struct eval *e, const char *text, bool empty_layer,
                 struct mb_error *err) _must_check_;
/* LIMIT when all texts together become too long. */
int eval_spend(struct eval *e, size_t bytes, struct mb_error *err) _must_check_;
/* The arguments of RUN, CMD, ENTRYPOINT: as they are, or one behind the shell. */
void eval_command(const struct eval *e, const struct instruction *in,
                  struct mb_strv *ret);

typedef int (*eval_fn)(struct eval *e, const struct instruction *in,
                       struct mb_error *err);
/* eval_config.c */
int eval_arg(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_cmd(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_entrypoint(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_env(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_label(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_maintainer(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_shell(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_stopsignal(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_user(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_volume(struct eval *e, const struct instruction *in, struct mb_error *err);
/* eval_expose.c, eval_health.c */
int eval_expose(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_healthcheck(struct eval *e, const struct instruction *in,
                     struct mb_error *err);
/* eval_steps.c */
int eval_onbuild(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_run(struct eval *e, const struct instruction *in, struct mb_error *err);
int eval_workdir(struct eval *e, const struct instruction *in, struct mb_error *err);
void frontend_step_done(struct frontend_step *s);
/* Where relative paths start: "/" or a WORKDIR. */
const char *eval_cwd(const struct eval *e);
/* Append the step, its history entry with it. Takes what @s holds, also on failure. */
int eval_add_step(struct eval *e, const struct instruction *in, struct frontend_step *s,
                  const char *history, struct mb_error *err) _must_check_;
/* eval_copy.c: COPY and ADD */
int eval_copy(struct eval *e, const struct instruction *in, struct mb_error *err);
/* Source as a pattern below the root: "." is the root. malloc'ed. */
char *eval_source_path(const char *path);
/* Is --parents on? */
bool copy_keeps_parents(const struct instruction *in);
/* Source as a pattern below the root, with @parents behind "PIVOT/./" if there is one;
 * "." is the root. malloc'ed. */
char *copy_source_path(const char *path, bool parents);

/* eval_heredoc.c: what the shell gets; *ret_shown: what the history says instead, or
 * untouched. Both malloc'ed. INVALID. */
int heredoc_command(const struct instruction *in, char **ret, char **ret_shown,
                    struct mb_error *err) _must_check_;
/* The instruction as progress shows it, variables not replaced; malloc'ed. */
char *heredoc_title(const struct instruction *in);

/* gotext.c: how Go's fmt prints lists of strings. */
char *gotext_quoted(const struct mb_strv *l); /* %q: ["a" "b"] */
char *gotext_plain(const struct mb_strv *l);  /* %v: [a b] */

#endif
