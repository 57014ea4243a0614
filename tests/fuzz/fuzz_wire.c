/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the body of any message: the first byte is the kind. What decodes must
 * encode to bytes that decode to the same again.
 */
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/mem.h"
#include "proto/kinds.h"
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_again(const struct mb_wire_schema *s, const void *msg)
{
    /* Large enough: an encoding is canonical, yet "absent" may become a required "". */
    _cleanup_buf_ struct mb_buf one = MB_BUF_INIT(2 * MB_MSG_BYTES_MAX);
    _cleanup_buf_ struct mb_buf two = MB_BUF_INIT(2 * MB_MSG_BYTES_MAX);
    _cleanup_free_ char *copy = mb_xcalloc(1, s->size + 1);
    _cleanup_free_ char *again = mb_xcalloc(1, s->size + 1);
    struct mb_error err;

    mb_wire_encode(s, msg, &one);
    mb_wire_copy(s, copy, msg);
    if (one.len <= MB_MSG_BYTES_MAX)
        BUG_ON(mb_wire_decode(s, one.data, one.len, again, &err) < 0);
    else
        mb_wire_copy(s, again, copy);
    mb_wire_done(s, copy);
    mb_wire_encode(s, again, &two);
    mb_wire_done(s, again);
    BUG_ON(one.len != two.len || memcmp(one.data, two.data, one.len) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct mb_wire_schema *s = len > 0 ? mb_kind_schema(data[0]) : NULL;
    _cleanup_free_ char *msg = s ? mb_xcalloc(1, s->size + 1) : NULL;
    struct mb_error err;

    if (!s || mb_wire_decode(s, data + 1, len - 1, msg, &err) < 0)
        return 0;
    check_again(s, msg);
    mb_wire_done(s, msg);
    return 0;
}
