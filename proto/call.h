/* SPDX-License-Identifier: Apache-2.0 */
/* call - a question about a Dockerfile, without a build. PROTOCOL.md section 6. */
#ifndef MB_PROTO_CALL_H
#define MB_PROTO_CALL_H

#include "proto/wire.h"

struct mb_call_request {
    char *method;          /* "check", "outline", "targets" */
    char *dockerfile_name; /* as typed, for messages */
    struct mb_bytes dockerfile;
    struct mb_kvlist build_args;
    char *target; /* or NULL */
    bool json;
};
struct mb_call_reply {
    uint64_t code;        /* enum mb_errc: of the question */
    char *message;        /* when it is not 0 */
    struct mb_bytes text; /* the answer, for printing */
    char *violation;      /* check: why a build would fail, or NULL */
};

extern const struct mb_wire_schema mb_call_request_schema, mb_call_reply_schema;

#endif
