/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer - one worker's connection to the coordinator's blob endpoint, and how far it
 * is.
 *
 * The worker counts, the loop's thread reads the counters for progress and sets cancel.
 */
#ifndef CLI_TRANSFER_H
#define CLI_TRANSFER_H

#include <stdatomic.h>

#include "registry/registry_client.h"

#define TRANSFER_REPOSITORY "mbcluster/build"

struct transfer_state {
    atomic_bool cancel;
    atomic_uint_least64_t bytes; /* done */
    atomic_uint_least64_t total; /* 0 while not known */
};
struct transfer {
    struct mb_registry_client *client;
    struct mb_reference ref;
    struct transfer_state *state; /* borrowed */
};
int transfer_init(struct transfer *t, const char *url, const char *token,
                  struct transfer_state *state, struct mb_error *err) _must_check_;
void transfer_done(struct transfer *t);

/* CANCELLED when cancel is set. */
int transfer_check(const struct transfer_state *s, struct mb_error *err) _must_check_;
/* Push what @fd holds from offset 0 on, and count it. */
int transfer_push(struct transfer *t, const struct mb_descriptor *d, int fd,
                  struct mb_error *err) _must_check_;
/* Push bytes in memory. */
int transfer_push_bytes(struct transfer *t, const struct mb_descriptor *d,
                        const void *data, size_t len, struct mb_error *err)
    _must_check_;
/* An unnamed temporary file in $TMPDIR, else /var/tmp. */
int transfer_temp_file(int *ret_fd, struct mb_error *err) _must_check_;

#endif
