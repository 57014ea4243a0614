/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys - CURVE key pairs on disk, and join strings. PROTOCOL.md section 3.
 *
 * Join string: "mbc1-" + base64url of: version byte 1, role byte, server public key
 * (32), token secret key (32), address bytes ("tcp://host:port"). The token is a
 * temporary CURVE key pair.
 */
#ifndef MB_NET_KEYS_H
#define MB_NET_KEYS_H

#include <stdint.h>

#include "base/error.h"

#define MB_KEY_LEN 32
#define MB_ADDRESS_LEN_MAX 255

enum mb_role { MB_ROLE_CLIENT = 1, MB_ROLE_AGENT = 2, MB_ROLE_ADMIN = 3 };
const char *mb_role_name(enum mb_role role);
int mb_role_parse(const char *text, enum mb_role *ret, struct mb_error *err)
    _must_check_;

struct mb_keypair {
    uint8_t public_key[MB_KEY_LEN];
    uint8_t secret_key[MB_KEY_LEN];
};
void mb_keypair_new(struct mb_keypair *ret); /* aborts without entropy */
/* One line of 64 hex digits (the secret; the public key is derived), mode 0600; a file
 * that others may read is refused (DENIED). NOT_FOUND. */
int mb_keypair_load(const char *path, struct mb_keypair *ret, struct mb_error *err)
    _must_check_;
int mb_keypair_save(const char *path, const struct mb_keypair *k, struct mb_error *err)
    _must_check_;
void mb_keypair_clear(struct mb_keypair *k); /* wipes */
/* "tcp://host:port" with a port from 1 on; "[v6]:port" too. INVALID. */
int mb_address_check(const char *address, struct mb_error *err) _must_check_;

struct mb_join {
    enum mb_role role;
    uint8_t server_key[MB_KEY_LEN];
    struct mb_keypair token;
    char address[MB_ADDRESS_LEN_MAX + 1];
};
char *mb_join_encode(const struct mb_join *j); /* malloc'ed */
/* INVALID says what a join string looks like and where it comes from; it never repeats
 * the text, which is a secret. */
int mb_join_decode(const char *text, struct mb_join *ret, struct mb_error *err)
    _must_check_;

#endif
