/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/bug.h"
#include "base/mem.h"

struct mb_sha256 {
    EVP_MD_CTX *ctx;
};

struct mb_sha256 *mb_sha256_new(void)
{
    struct mb_sha256 *h = mb_xcalloc(1, sizeof(*h));

    h->ctx = EVP_MD_CTX_new();
    BUG_ON(!h->ctx);
    BUG_ON(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1);
    return h;
}

void mb_sha256_add(struct mb_sha256 *h, const void *data, size_t len)
{
    BUG_ON(EVP_DigestUpdate(h->ctx, data, len) != 1);
}

void mb_sha256_end(struct mb_sha256 *h, uint8_t out[MB_SHA256_LEN])
{
    BUG_ON(EVP_DigestFinal_ex(h->ctx, out, NULL) != 1);
}

void mb_sha256_free(struct mb_sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void mb_sha256(const void *data, size_t len, uint8_t out[MB_SHA256_LEN])
{
    BUG_ON(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1);
}
