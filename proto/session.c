/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/session.h"

#include "proto/wire_table.h"

#define MAX_URL 1024
#define MAX_TOKEN 1024
#define MAX_FACT 255 /* a fact about a machine, as text */

static const struct mb_wire_field join_request_fields[] = {
    FIELD(struct mb_join_request, public_key, BYTES, .required = true, .min = 32,
          .max = 32),
    FIELD(struct mb_join_request, name, STR, .required = true, .min = 1,
          .max = MAX_NAME),
};
const struct mb_wire_schema mb_join_request_schema =
    SCHEMA("JOIN", struct mb_join_request, join_request_fields);

static const struct mb_wire_field join_reply_fields[] = {
    FIELD(struct mb_join_reply, name, STR, .required = true, .min = 1, .max = MAX_NAME),
};
const struct mb_wire_schema mb_join_reply_schema =
    SCHEMA("JOINED", struct mb_join_reply, join_reply_fields);

static const struct mb_wire_field agent_platform_fields[] = {
    FIELD(struct mb_agent_platform, platform, PLATFORM, .required = true),
    FIELD(struct mb_agent_platform, emulated, BOOL),
    FIELD(struct mb_agent_platform, via, STR, .max = 32),
    FIELD(struct mb_agent_platform, slowdown_x100, U64, .max = 10000000),
};
static const struct mb_wire_schema agent_platform_schema =
    SCHEMA("platform", struct mb_agent_platform, agent_platform_fields);

static const struct mb_wire_field agent_info_fields[] = {
    FIELD(struct mb_agent_info, arch, STR, .required = true, .max = MAX_NAME),
    FIELD(struct mb_agent_info, hostname, STR, .max = MAX_FACT),
    FIELD(struct mb_agent_info, kernel, STR, .max = MAX_FACT),
    FIELD(struct mb_agent_info, runtime, STR, .max = MAX_FACT),
    FIELD(struct mb_agent_info, qemu, STR, .max = MAX_FACT),
    FIELD(struct mb_agent_info, codec, STR, .max = MAX_FACT),
    FIELD(struct mb_agent_info, mode, STR, .max = 32),
    LIST(struct mb_agent_info, platforms, struct mb_agent_platform,
         agent_platform_schema, .max = MB_PLATFORMS_MAX),
    FIELD(struct mb_agent_info, slots, U64, .max = 4096),
    FIELD(struct mb_agent_info, cores, U64, .max = 65536),
    FIELD(struct mb_agent_info, memory_bytes, U64),
    FIELD(struct mb_agent_info, disk_free_bytes, U64),
};
const struct mb_wire_schema mb_agent_info_schema =
    SCHEMA("agent", struct mb_agent_info, agent_info_fields);

static const struct mb_wire_field hello_fields[] = {
    FIELD(struct mb_hello, role, U64, .required = true, .min = 1, .max = 3),
    FIELD(struct mb_hello, session, BYTES, .required = true, .min = 16, .max = 16),
    FIELD(struct mb_hello, version, STR, .required = true, .max = MAX_VERSION),
    STRUCT(struct mb_hello, agent, struct mb_agent_info, mb_agent_info_schema),
};
const struct mb_wire_schema mb_hello_schema =
    SCHEMA("HELLO", struct mb_hello, hello_fields);

static const struct mb_wire_field welcome_fields[] = {
    FIELD(struct mb_welcome, name, STR, .required = true, .min = 1, .max = MAX_NAME),
    FIELD(struct mb_welcome, coordinator_version, STR, .max = MAX_VERSION),
    FIELD(struct mb_welcome, blob_url, STR, .max = MAX_URL),
    FIELD(struct mb_welcome, blob_token, STR, .max = MAX_TOKEN),
    FIELD(struct mb_welcome, heartbeat_msec, U64, .required = true, .min = 1,
          .max = 3600000),
    FIELD(struct mb_welcome, resumed, BOOL),
};
const struct mb_wire_schema mb_welcome_schema =
    SCHEMA("WELCOME", struct mb_welcome, welcome_fields);

static const struct mb_wire_field refused_fields[] = {
    FIELD(struct mb_refused, code, U64, .required = true, .max = MAX_CODE),
    FIELD(struct mb_refused, message, STR, .max = MAX_MESSAGE),
};
const struct mb_wire_schema mb_refused_schema =
    SCHEMA("REFUSED", struct mb_refused, refused_fields);

static const struct mb_wire_field heartbeat_fields[] = {
    FIELD(struct mb_heartbeat, running, U64, .max = 4096),
    FIELD(struct mb_heartbeat, blob_token, STR, .max = MAX_TOKEN),
};
const struct mb_wire_schema mb_heartbeat_schema =
    SCHEMA("HEARTBEAT", struct mb_heartbeat, heartbeat_fields);

static const struct mb_wire_field ls_agent_fields[] = {
    FIELD(struct mb_ls_agent, name, STR, .required = true, .min = 1, .max = MAX_NAME),
    FIELD(struct mb_ls_agent, state, STR, .required = true, .min = 1, .max = 32),
    STRUCT(struct mb_ls_agent, info, struct mb_agent_info, mb_agent_info_schema),
    FIELD(struct mb_ls_agent, running, U64, .max = 4096),
    FIELD(struct mb_ls_agent, seen_msec_ago, U64),
    FIELD(struct mb_ls_agent, version, STR, .max = MAX_VERSION),
};
static const struct mb_wire_schema ls_agent_schema =
    SCHEMA("agent", struct mb_ls_agent, ls_agent_fields);

static const struct mb_wire_field ls_reply_fields[] = {
    FIELD(struct mb_ls_reply, coordinator_version, STR, .max = MAX_VERSION),
    LIST(struct mb_ls_reply, agents, struct mb_ls_agent, ls_agent_schema),
};
const struct mb_wire_schema mb_ls_reply_schema =
    SCHEMA("LS_REPLY", struct mb_ls_reply, ls_reply_fields);

/* A body without fields; later versions may add some. Decodes to nothing: ret may be
 * NULL. */
const struct mb_wire_schema mb_empty_schema = {.name = "empty body"};
