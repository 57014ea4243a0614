/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and Range headers that a peer may send to the blob endpoint. */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/mem.h"
#include "coordinator/http/http_reply.h"
#include "coordinator/http/http_route.h"

#define SIZE UINT64_C(1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mb_xstrndup((const char *)data, size);
    struct http_route r;
    uint64_t from, len;

    http_route_parse(text, &r);
    http_route_done(&r);
    if (http_range_parse(text, SIZE, &from, &len) == RANGE_PART)
        BUG_ON(!len || from >= SIZE || len > SIZE - from);
    return 0;
}
