/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers - which CURVE keys may come in, as what.
 *
 * On disk, so that "mbcluster-coordinator token" works beside a running coordinator:
 *   DIR/server.key          the coordinator's secret, 0600
 *   DIR/tokens/<key hex>    JSON {"role", "expires", "reusable"}: the public half of a
 * join token DIR/peers/<key hex>     JSON {"role", "name"}: a peer that joined Files
 * appear by rename and disappear by unlink; unlinking a one-time token is what consumes
 * it, so exactly one join wins. Looked up from the ZAP thread, changed from the loop:
 * no state is shared but the directory and, embedded, two keys that are set before ZAP
 * starts.
 */
#ifndef COORDINATOR_PEERS_H
#define COORDINATOR_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "net/keys.h"
#include "net/zap.h"

#define PEER_NAME_LEN_MAX 64

struct peers;
/* @dir NULL: only the keys of peers_allow (embedded). */
struct peers *peers_new(const char *dir);
void peers_free(struct peers *p);

/* The server's key pair, made on first use. */
int peers_server_key(const char *dir, struct mb_keypair *ret, struct mb_error *err)
    _must_check_;
/* Known for this process only; call before ZAP starts, at most four times. */
void peers_allow(struct peers *p, const uint8_t public_key[MB_KEY_LEN],
                 enum mb_role role, const char *name);

/* Make a token and the join string that holds it; malloc'ed. @expires_sec 0: never. */
int peers_new_token(const char *dir, enum mb_role role, bool reusable,
                    uint64_t lifetime_sec, const char *address, char **ret_join,
                    struct mb_error *err) _must_check_;

/* mb_zap_lookup_fn; arg is the struct peers. User ids: "agent:NAME", "client:NAME",
 * "admin:NAME", "token:<key hex>:ROLE". */
bool peers_lookup(const uint8_t public_key[MB_KEY_LEN],
                  char ret_user_id[MB_USER_ID_LEN], char *ret_reason, size_t reason_len,
                  void *arg);

/* What a user id says. False when it is malformed. */
struct peer_identity {
    bool is_token;
    enum mb_role role;
    char name[PEER_NAME_LEN_MAX + 1]; /* "" for a token */
    char token_hex[2 * MB_KEY_LEN + 1];
};
bool peers_identity(const char *user_id, struct peer_identity *ret);

/* JOIN: consume the token (DENIED when it is gone) and store the key under a free name
 * made from
 * @wished ("a1", then "a1-2" ..). malloc'ed name. INVALID for a malformed name or key.
 */
int peers_join(struct peers *p, const struct peer_identity *token,
               const void *public_key, size_t key_len, const char *wished,
               char **ret_name, struct mb_error *err) _must_check_;

#endif
