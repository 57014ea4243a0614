/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 - streaming SHA-256 (OpenSSL EVP inside). */
#ifndef MB_BASE_SHA256_H
#define MB_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define MB_SHA256_LEN 32

struct mb_sha256;

struct mb_sha256 *mb_sha256_new(void); /* aborts if the library cannot */
void mb_sha256_add(struct mb_sha256 *h, const void *data, size_t len);
/* Only free may follow. */
void mb_sha256_end(struct mb_sha256 *h, uint8_t out[MB_SHA256_LEN]);
void mb_sha256_free(struct mb_sha256 *h);
DEFINE_CLEANUP(struct mb_sha256 *, mb_sha256_free)

void mb_sha256(const void *data, size_t len, uint8_t out[MB_SHA256_LEN]);

#endif
