/* SPDX-License-Identifier: Apache-2.0 */
/* sender - a message struct to a peer's connection. */
#ifndef COORDINATOR_SENDER_H
#define COORDINATOR_SENDER_H

#include "net/peer_socket.h"
#include "proto/kinds.h"
#include "proto/wire.h"

/* UNAVAILABLE: the connection is gone or stuck. LIMIT: the message is over
 * MB_MSG_BYTES_MAX. */
int sender_send(struct mb_peer_server *s, const struct mb_route *to, enum mb_kind kind,
                const struct mb_wire_schema *schema, const void *msg,
                struct mb_error *err) _must_check_;
/* REFUSED with @code and @text; failure to deliver is ignored. */
void sender_refuse(struct mb_peer_server *s, const struct mb_route *to,
                   enum mb_errc code, const char *text);

#endif
