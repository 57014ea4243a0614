/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include <string.h>

#include "base/sha256.h"
#include "base/text.h"

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

int mb_digest_parse(const char *text, struct mb_digest *ret, struct mb_error *err)
{
    if (!mb_starts_with(text, PREFIX))
        return mb_fail(err, MB_ERR_INVALID,
                       "digest '%.80s' does not begin with '" PREFIX "'", text);
    if (mb_unhex(text + PREFIX_LEN, ret->bytes, sizeof(ret->bytes), err) < 0)
        return mb_wrap(err, "digest");
    return 0;
}

const char *mb_digest_hex(const struct mb_digest *d, char out[MB_DIGEST_HEX_LEN + 1])
{
    mb_hex(d->bytes, sizeof(d->bytes), out);
    return out;
}

const char *mb_digest_text(const struct mb_digest *d, char out[MB_DIGEST_TEXT_LEN + 1])
{
    memcpy(out, PREFIX, PREFIX_LEN);
    mb_hex(d->bytes, sizeof(d->bytes), out + PREFIX_LEN);
    return out;
}

bool mb_digest_equal(const struct mb_digest *a, const struct mb_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool mb_digest_is_zero(const struct mb_digest *d)
{
    static const struct mb_digest zero;

    return mb_digest_equal(d, &zero);
}

struct mb_digest mb_digest_of(const void *data, size_t len)
{
    struct mb_digest d;

    mb_sha256(data, len, d.bytes);
    return d;
}

struct mb_digest mb_chain_id(const struct mb_digest *diff_ids, size_t n)
{
    struct mb_digest chain = {0};

    if (n > 0)
        chain = diff_ids[0];
    for (size_t i = 1; i < n; i++) {
        char text[2 * MB_DIGEST_TEXT_LEN + 2];

        mb_digest_text(&chain, text);
        text[MB_DIGEST_TEXT_LEN] = ' ';
        mb_digest_text(&diff_ids[i], text + MB_DIGEST_TEXT_LEN + 1);
        chain = mb_digest_of(text, sizeof(text) - 1);
    }
    return chain;
}
