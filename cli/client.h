/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - everything between a verb and a welcomed session: the loop, Ctrl-C, which
 * cluster, joining once, or the embedded pair.  One thread.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli/session.h"

struct client_opts {
    const char *cluster;   /* --cluster, or NULL */
    const char *state_dir; /* --state-dir, or NULL; for the embedded pair */
};
struct client_ops {
    void (*message)(uint8_t kind, const void *data, size_t len, void *arg);
    /* The session or the embedded agent ended; at most once. */
    void (*failed)(const struct mb_error *why, void *arg);
    /* SIGINT or SIGTERM; each time. */
    void (*interrupted)(void *arg);
};
struct client;
/* Blocks until welcomed (deadline 10 s). CANCELLED when interrupted meanwhile, else the
 * errors of session.h and cluster_config.h. */
int client_open(const struct client_opts *opts, const struct client_ops *ops, void *arg,
                struct client **ret, struct mb_error *err) _must_check_;
/* Says goodbye; stops the embedded pair. From now on Ctrl-C ends the process at once.
 */
void client_close(struct client *c);
DEFINE_CLEANUP(struct client *, client_close)

struct mb_loop *client_loop(struct client *c);
struct session *client_session(struct client *c);
bool client_is_embedded(const struct client *c);
/* "building with \"ann-host\" at tcp://..." malloc'ed. */
char *client_title(const struct client *c);

#endif
