/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a path, the rest an ignore file. */
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "fs/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    const char *end = len ? memchr(text, '\n', len) : NULL;
    _cleanup_free_ char *path = NULL;
    _cleanup_(mb_ignore_freep) struct mb_ignore *ig = NULL;
    struct mb_error err;

    if (!end)
        return 0;
    path = mb_xstrndup(text, (size_t)(end - text));
    if (mb_ignore_parse(end + 1, len - (size_t)(end + 1 - text), &ig, &err) < 0)
        return 0;
    (void)mb_ignore_match(ig, path);
    (void)mb_ignore_may_reinclude(ig, path);
    return 0;
}
