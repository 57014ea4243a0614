/* SPDX-License-Identifier: Apache-2.0 */
/* session - joining, greeting and listing. PROTOCOL.md sections 3, 5. */
#ifndef MB_PROTO_SESSION_H
#define MB_PROTO_SESSION_H

#include "proto/wire.h"

struct mb_join_request {
    struct mb_bytes public_key; /* 32: the peer's own new key */
    char *name;                 /* wished: [a-zA-Z0-9._-]{1,64} */
};
struct mb_join_reply {
    char *name; /* what the key is called from now on */
};

/* What an agent can run; `emulated` ones through QEMU. Each was proved by running a
 * program. */
struct mb_agent_platform {
    struct mb_platform platform;
    bool emulated;
    char *via;              /* "native", "private-binfmt", "host-binfmt" */
    uint64_t slowdown_x100; /* emulated: measured factor * 100; 0 unknown */
};
struct mb_agent_info {
    char *arch; /* of the machine, as in platforms */
    char *hostname;
    char *kernel;  /* uname -r */
    char *runtime; /* "crun 1.8.1" */
    char *qemu;    /* "7.2.22" or NULL */
    char *codec;   /* mb_gzip_codec() */
    char *mode;    /* "root" or "rootless" */
    struct mb_agent_platform *platforms;
    size_t n_platforms;
    uint64_t slots, cores;
    uint64_t memory_bytes, disk_free_bytes;
};
struct mb_hello {
    uint64_t role;              /* enum mb_role */
    struct mb_bytes session;    /* 16: random per start */
    char *version;              /* software */
    struct mb_agent_info agent; /* agents only */
};
struct mb_welcome {
    char *name; /* the peer's, as ZAP has it */
    char *coordinator_version;
    char *blob_url;   /* "http://127.0.0.1:7481" */
    char *blob_token; /* bearer */
    uint64_t heartbeat_msec;
    bool
        resumed; /* agents: the session was open already, its tasks are still awaited */
};
struct mb_refused {
    uint64_t code; /* enum mb_errc */
    char *message;
};
struct mb_heartbeat {
    uint64_t running; /* tasks on the agent */
    char *blob_token; /* coordinator to peer: a fresh one, when the old one ages */
};

struct mb_ls_agent {
    char *name;
    char *state; /* "ready", "torpid", "lost" */
    struct mb_agent_info info;
    uint64_t running;
    uint64_t seen_msec_ago;
    char *version;
};
struct mb_ls_reply {
    char *coordinator_version;
    struct mb_ls_agent *agents;
    size_t n_agents;
};

extern const struct mb_wire_schema mb_join_request_schema, mb_join_reply_schema,
    mb_hello_schema, mb_welcome_schema, mb_refused_schema, mb_heartbeat_schema,
    mb_agent_info_schema, mb_ls_reply_schema, mb_empty_schema;

#endif
