/* SPDX-License-Identifier: Apache-2.0 */
/* kinds - the message kinds of the control channel; numbers are fixed. PROTOCOL.md
 * section 5. */
#ifndef MB_PROTO_KINDS_H
#define MB_PROTO_KINDS_H

enum mb_kind {
    /* session: both roles */
    MB_KIND_JOIN = 1,    /* peer, on a token's connection: struct mb_join_request */
    MB_KIND_JOINED = 2,  /* coordinator: struct mb_join_reply */
    MB_KIND_HELLO = 3,   /* peer: struct mb_hello */
    MB_KIND_WELCOME = 4, /* coordinator: struct mb_welcome */
    MB_KIND_REFUSED =
        5, /* coordinator: struct mb_refused, then it ignores the session */
    MB_KIND_HEARTBEAT = 6, /* both ways: struct mb_heartbeat */
    MB_KIND_BYE = 7,       /* peer: empty map */
    /* client */
    MB_KIND_LS = 16,           /* client: empty map */
    MB_KIND_LS_REPLY = 17,     /* struct mb_ls_reply */
    MB_KIND_BUILD = 18,        /* client: struct mb_build_request */
    MB_KIND_BUILD_NEEDS = 19,  /* struct mb_build_needs */
    MB_KIND_BUILD_READY = 20,  /* client: struct mb_build_ready */
    MB_KIND_BUILD_VERTEX = 21, /* struct mb_build_vertex */
    MB_KIND_BUILD_LOG = 22,    /* struct mb_build_log */
    MB_KIND_BUILD_DONE = 23,   /* struct mb_build_done */
    MB_KIND_BUILD_CANCEL = 24, /* client: empty map */
    MB_KIND_BUILD_STATUS = 25, /* struct mb_build_status */
    MB_KIND_CALL = 26,         /* client: struct mb_call_request */
    MB_KIND_CALL_REPLY = 27,   /* struct mb_call_reply */
    /* agent */
    MB_KIND_TASK = 48,         /* coordinator: struct mb_task */
    MB_KIND_TASK_CANCEL = 49,  /* coordinator: struct mb_task_ref */
    MB_KIND_STEP_STARTED = 50, /* agent: struct mb_step_started */
    MB_KIND_STEP_LOG = 51,     /* agent: struct mb_step_log */
    MB_KIND_STEP_DONE = 52,    /* agent: struct mb_step_done */
    MB_KIND_TASK_DONE = 53,    /* agent: struct mb_task_done */
};
struct mb_wire_schema;

const char *mb_kind_name(unsigned kind); /* "HELLO"; "unknown" */
/* The body of that kind; NULL for a kind that does not exist. */
const struct mb_wire_schema *mb_kind_schema(unsigned kind);

#endif
