/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build - one user's build from request to result; lives on the loop.
 *
 *   WAITING_AGENTS -> WAITING_INPUT -> RESOLVING -> RUNNING -> PUBLISHING -> ENDED
 *
 * Any state may go to ENDED (failure, cancellation, client gone); BUILD_DONE is sent on
 * entering it. An ended build stays until its worker jobs and tasks have drained, then
 * build_is_over() is true.
 */
#ifndef COORDINATOR_BUILD_H
#define COORDINATOR_BUILD_H

#include "coordinator/agents.h"
#include "coordinator/cache/cache.h"
#include "net/worker.h"
#include "registry/registry_config.h"

/* What all builds share; all borrowed. */
struct build_env {
    struct mb_peer_server *server;
    struct agents *agents;
    struct mb_blob_store *store;
    struct cache *cache;
    struct mb_workers *workers;
    const struct mb_registry_config *registries;
    const char *docker_config;
    uint64_t last_task_id; /* counts over all builds */
};

struct build;
/* Never fails: what is wrong with the request ends the build with a message. */
struct build *build_new(struct build_env *env, uint64_t id,
                        const struct mb_route *client, const void *data, size_t len);
void build_free(
    struct build *b); /* only when over, or at shutdown after the workers ended */
uint64_t build_id(const struct build *b);
bool build_is_over(const struct build *b);
/* Does the task belong to this build? */
bool build_has_task(const struct build *b, uint64_t task_id);

/* From the client. */
void build_ready(struct build *b, const void *data, size_t len);
void build_cancel(struct build *b, const char *why);
/* Nobody listens any more: cancelled, and nothing is kept for sending. */
void build_client_gone(struct build *b, const char *why);
/* From agents; @kind STEP_STARTED, STEP_LOG, STEP_DONE, TASK_DONE. */
void build_task_message(struct build *b, struct agent_session *from, uint8_t kind,
                        const void *data, size_t len);
void build_agent_lost(struct build *b, struct agent_session *a, const char *reason);
/* Something changed that may let waiting steps run: agents, slots, time. */
void build_wake(struct build *b);
/* Cancels what runs without telling anybody (shutdown). */
void build_abandon(struct build *b);

#endif
