/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a join string; one that decodes must encode to a text that means the
 * same. */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "net/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = mb_xstrndup((const char *)data, len);
    _cleanup_free_ char *again = NULL;
    struct mb_join a, b;
    struct mb_error err;

    if (mb_join_decode(text, &a, &err) < 0)
        return 0;
    again = mb_join_encode(&a);
    BUG_ON(mb_join_decode(again, &b, &err) < 0);
    BUG_ON(memcmp(&a, &b, sizeof(a)) != 0);
    return 0;
}
