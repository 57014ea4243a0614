/* SPDX-License-Identifier: Apache-2.0 */
/* digest - "sha256:<64 hex>" of bytes as stored. Spec: OCI image-spec descriptor.md
 * "Digests". */
#ifndef MB_OCI_DIGEST_H
#define MB_OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MB_DIGEST_HEX_LEN 64
#define MB_DIGEST_TEXT_LEN (7 + MB_DIGEST_HEX_LEN)

struct mb_digest {
    uint8_t bytes[32]; /* SHA-256; all zero means "none" */
};

/* Only sha256 is supported, lower-case hex. INVALID. */
int mb_digest_parse(const char *text, struct mb_digest *ret, struct mb_error *err)
    _must_check_;
/* Both return @out. */
const char *mb_digest_text(const struct mb_digest *d, char out[MB_DIGEST_TEXT_LEN + 1]);
const char *mb_digest_hex(const struct mb_digest *d, char out[MB_DIGEST_HEX_LEN + 1]);
bool mb_digest_equal(const struct mb_digest *a, const struct mb_digest *b);
bool mb_digest_is_zero(const struct mb_digest *d);
struct mb_digest mb_digest_of(const void *data, size_t len);

/* chainID of @n layers: C0 = D0, Cn = digest(Cn-1 + " " + Dn). image-spec config.md. */
struct mb_digest mb_chain_id(const struct mb_digest *diff_ids, size_t n);

#endif
