/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients - the sessions of CLIs and their builds. A session is one connection; when it
 * falls silent for 30 s, or its connection is found gone for 5 s, its builds are
 * cancelled.
 */
#ifndef COORDINATOR_CLIENTS_H
#define COORDINATOR_CLIENTS_H

#include "coordinator/build.h"

struct clients;
struct clients *clients_new(struct build_env *env, struct http_server *http);
void clients_free(struct clients *t); /* after the workers ended */

/* Any message of a client or admin. */
void clients_message(struct clients *t, const char *name, const struct mb_route *from,
                     uint8_t kind, const void *data, size_t len, uint64_t now_usec);
/* To the build that has the task; dropped when none does. */
void clients_task_message(struct clients *t, struct agent_session *from, uint8_t kind,
                          const void *data, size_t len);
void clients_agent_lost(struct clients *t, struct agent_session *a, const char *reason);
void clients_wake(struct clients *t);
void clients_tick(struct clients *t, uint64_t now_usec);
void clients_abandon(struct clients *t);

#endif
