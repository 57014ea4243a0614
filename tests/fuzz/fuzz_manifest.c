/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest and index decoders: what is accepted is written and read back the same. */
#include "base/bug.h"
#include "base/limits.h"
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_manifest(const struct mb_manifest *m)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(2 * MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_manifest_done) struct mb_manifest again = {0};
    struct mb_error err;

    mb_manifest_encode(m, &text);
    if (text.len > MB_MANIFEST_BYTES_MAX)
        return;
    BUG_ON(mb_manifest_decode(text.data, text.len, &again, &err) < 0);
    BUG_ON(again.n_layers != m->n_layers);
    BUG_ON(!mb_digest_equal(&again.config.digest, &m->config.digest));
}

static void check_index(const struct mb_index *ix)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(2 * MB_MANIFEST_BYTES_MAX);
    _cleanup_(mb_index_done) struct mb_index again = {0};
    struct mb_platform host = mb_platform_host();
    struct mb_error err;

    (void)mb_index_find(ix, &host);
    mb_index_encode(ix, &text);
    if (text.len > MB_MANIFEST_BYTES_MAX)
        return;
    BUG_ON(mb_index_decode(text.data, text.len, &again, &err) < 0);
    BUG_ON(again.n != ix->n);
    for (size_t i = 0; i < ix->n; i++) {
        BUG_ON(again.v[i].has_platform != ix->v[i].has_platform);
        BUG_ON(!mb_platform_equal(&again.v[i].platform, &ix->v[i].platform));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(mb_manifest_done) struct mb_manifest m = {0};
    _cleanup_(mb_index_done) struct mb_index ix = {0};
    char kind[MB_MEDIA_TYPE_LEN];
    struct mb_error err;

    int has_kind = mb_manifest_kind(data, len, kind, &err);
    int is_manifest = mb_manifest_decode(data, len, &m, &err);
    int is_index = mb_index_decode(data, len, &ix, &err);

    BUG_ON(is_manifest == 0 && is_index == 0);
    BUG_ON(has_kind < 0 && (is_manifest == 0 || is_index == 0));
    if (is_manifest == 0)
        check_manifest(&m);
    if (is_index == 0)
        check_index(&ix);
    return 0;
}
