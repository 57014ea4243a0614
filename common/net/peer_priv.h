/* SPDX-License-Identifier: Apache-2.0 */
/* peer_priv - what the two ends of the control channel share. Private to common/net. */
#ifndef MB_NET_PEER_PRIV_H
#define MB_NET_PEER_PRIV_H

#include <zmq.h>

#include "net/peer_socket.h"

#define PEER_FRAMES_MAX 3

/* A message as received; frames over the maximum are counted but not kept. */
struct peer_frames {
    zmq_msg_t m[PEER_FRAMES_MAX];
    size_t n;
};
/* 1 a whole message, 0 none is there. */
int peer_receive(void *socket, struct peer_frames *ret);
void peer_frames_done(struct peer_frames *f);
/* Is it a head and a body, behind @n_before other frames? Else says so in the debug
 * log. */
bool peer_frames_check(struct peer_frames *f, size_t n_before);

/* Queue head and body, behind what was sent with ZMQ_SNDMORE before. UNAVAILABLE. */
int peer_send(void *socket, uint8_t kind, const void *data, size_t len,
              struct mb_error *err);
int peer_check_len(uint8_t kind, size_t len, struct mb_error *err);

/* A socket with the options that both ends have. IO. */
int peer_open(void *context, int type, void **ret, struct mb_error *err);
int peer_set_int(void *socket, int option, int value, struct mb_error *err);
int peer_set_bytes(void *socket, int option, const void *value, size_t len,
                   struct mb_error *err);

#endif
