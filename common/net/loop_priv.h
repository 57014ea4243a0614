/* SPDX-License-Identifier: Apache-2.0 */
/* loop_priv - what only common/net itself needs of the loop and of libzmq. */
#ifndef MB_NET_LOOP_PRIV_H
#define MB_NET_LOOP_PRIV_H

#include "net/loop.h"

/* Call @fn whenever the ZeroMQ socket has something to read; it may leave some for next
 * time. */
void mb_loop_add_socket(struct mb_loop *l, void *socket, mb_loop_timer_fn *fn,
                        void *arg);
void mb_loop_remove_socket(struct mb_loop *l, void *socket);

/* The process's only ZeroMQ context, shared so that inproc:// (ZAP, monitors) works
 * between threads. Made by the first user, ended by the last, so that a program that
 * never talks has no ZeroMQ threads. Any thread. Every socket of it must be closed
 * before the unref. */
void *mb_net_context_ref(void);
void mb_net_context_unref(void);

#endif
