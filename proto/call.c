/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/call.h"

#include "proto/wire_table.h"

static const struct mb_wire_field call_request_fields[] = {
    FIELD(struct mb_call_request, method, STR, .required = true, .min = 1, .max = 64),
    FIELD(struct mb_call_request, dockerfile_name, STR),
    FIELD(struct mb_call_request, dockerfile, BYTES, .required = true,
          .max = MB_DOCKERFILE_BYTES_MAX),
    FIELD(struct mb_call_request, build_args, KV),
    FIELD(struct mb_call_request, target, STR, .max = 255),
    FIELD(struct mb_call_request, json, BOOL),
};
const struct mb_wire_schema mb_call_request_schema =
    SCHEMA("CALL", struct mb_call_request, call_request_fields);

static const struct mb_wire_field call_reply_fields[] = {
    FIELD(struct mb_call_reply, code, U64, .max = MAX_CODE),
    FIELD(struct mb_call_reply, message, STR, .max = MAX_MESSAGE),
    FIELD(struct mb_call_reply, text, BYTES, .max = MB_MSG_BYTES_MAX),
    FIELD(struct mb_call_reply, violation, STR, .max = MAX_MESSAGE),
};
const struct mb_wire_schema mb_call_reply_schema =
    SCHEMA("CALL_REPLY", struct mb_call_reply, call_reply_fields);
