/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sender.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "proto/session.h"

int sender_send(struct mb_peer_server *s, const struct mb_route *to, enum mb_kind kind,
                const struct mb_wire_schema *schema, const void *msg,
                struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);

    mb_wire_encode(schema, msg, &out);
    int rc = mb_buf_check(&out, mb_kind_name(kind), err);
    if (rc == 0)
        rc = mb_peer_server_send(s, to, (uint8_t)kind, out.data, out.len, err);
    if (out.data)
        explicit_bzero(out.data, out.len); /* there may be secrets in it */
    return rc;
}

void sender_refuse(struct mb_peer_server *s, const struct mb_route *to,
                   enum mb_errc code, const char *text)
{
    struct mb_refused m = {.code = (uint64_t)code, .message = (char *)(uintptr_t)text};
    struct mb_error ignored;

    mb_ignore(sender_send(s, to, MB_KIND_REFUSED, &mb_refused_schema, &m, &ignored),
              "a peer that left needs no refusal");
}
