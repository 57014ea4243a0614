/* SPDX-License-Identifier: Apache-2.0 */
/* embedded - a coordinator and an agent on threads of this process, for builds without
 * a cluster. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

#include <stdbool.h>

#include "net/keys.h"

struct embedded;
struct embedded_peer {
    char address[MB_ADDRESS_LEN_MAX + 1];
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair keys;
};
/* State goes below @state_dir (absolute, writable). */
int embedded_start(const char *state_dir, struct embedded **ret,
                   struct embedded_peer *ret_peer, struct mb_error *err) _must_check_;
/* Has the agent ended by itself?  Then *err says why. */
bool embedded_failed(struct embedded *e, struct mb_error *err);
void embedded_stop(struct embedded *e);

#endif
