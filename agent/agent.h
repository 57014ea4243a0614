/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - one agent on a loop: joins, greets, runs tasks, reports. Also the embedded
 * agent.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "net/keys.h"
#include "net/loop.h"
#include "oci/platform.h"

struct agent_opts {
    const char *address; /* "tcp://..." */
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair keys; /* already known to the coordinator */
    const char *state_dir;
    const char *runtime;                  /* NULL: crun */
    const char *step_program;             /* NULL: beside this program */
    unsigned slots;                       /* 0: number of cores */
    const struct mb_platforms *platforms; /* --platform: offer only these; NULL: all */
    const char *emulate;                  /* "auto", "none" or a platform list */
};
struct agent;
typedef void agent_ended_fn(const struct mb_error *why, void *arg);
/* @ended is called from the loop when the agent cannot go on (refused, wrong server
 * key). */
int agent_new(struct mb_loop *l, const struct agent_opts *opts, agent_ended_fn *ended,
              void *arg, struct agent **ret, struct mb_error *err) _must_check_;
void agent_free(struct agent *a); /* cancels tasks, ends the step helper */
DEFINE_CLEANUP(struct agent *, agent_free)

/* --- embedded: an agent on a thread of its own --- */
struct agent_embed;
int agent_embed_start(const struct agent_opts *opts, struct agent_embed **ret,
                      struct mb_error *err) _must_check_;
void agent_embed_stop(struct agent_embed *e);
/* Non-zero and *err filled when the agent ended by itself; any thread. */
bool agent_embed_failed(struct agent_embed *e, struct mb_error *err);

#endif
