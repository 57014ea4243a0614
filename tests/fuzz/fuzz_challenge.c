/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate as a registry may send it. */
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "registry/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mb_xstrndup((const char *)data, size);
    struct mb_challenge c = {0};
    struct mb_error err;

    if (mb_challenge_parse(text, &c, &err) == 0)
        mb_challenge_done(&c);
    return 0;
}
