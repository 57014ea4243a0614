/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zap - who may connect: answers ZeroMQ's authentication requests (RFC 27) on a thread
 * of its own. One per process. Stopping it refuses everybody (ZAP_ENFORCE_DOMAIN on the
 * server socket).
 */
#ifndef MB_NET_ZAP_H
#define MB_NET_ZAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/keys.h"

#define MB_ZAP_DOMAIN "mbcluster"
#define MB_USER_ID_LEN 160

/* Runs on the ZAP thread: fill @ret_user_id for a key that may come in and return true;
 * else a reason for the log (warning
 * key_refused; a flood is cut). User ids look like "agent:a1" or "token:<16
 * hex>:agent".
 */
typedef bool mb_zap_lookup_fn(const uint8_t public_key[MB_KEY_LEN],
                              char ret_user_id[MB_USER_ID_LEN], char *ret_reason,
                              size_t reason_len, void *arg);

struct mb_zap;
/* UNAVAILABLE when the process has one already. */
int mb_zap_start(mb_zap_lookup_fn *lookup, void *arg, struct mb_zap **ret,
                 struct mb_error *err) _must_check_;
void mb_zap_free(struct mb_zap *z);

#endif
