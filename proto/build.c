/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/build.h"

#include <string.h>

#include "proto/wire_table.h"

#define MAX_CONTEXTS 64
#define MAX_TAGS 256
#define MAX_WARNINGS 1000
#define MAX_VERTEX_NAME \
    (MAX_TEXT + MB_KIB) /* a step's text and what stands in front of it */

static const struct mb_wire_field named_context_fields[] = {
    FIELD(struct mb_named_context, name, STR, .required = true, .min = 1,
          .max = MB_REFERENCE_LEN_MAX),
    FIELD(struct mb_named_context, kind, STR, .required = true, .min = 1, .max = 32),
    FIELD(struct mb_named_context, value, STR),
};
static const struct mb_wire_schema named_context_schema =
    SCHEMA("context", struct mb_named_context, named_context_fields);

static const struct mb_wire_field secret_fields[] = {
    FIELD(struct mb_secret, id, STR, .required = true, .min = 1, .max = 255),
    FIELD(struct mb_secret, data, BYTES, .max = MB_SECRET_BYTES_MAX),
};
static const struct mb_wire_schema secret_schema =
    SCHEMA("secret", struct mb_secret, secret_fields);

static const struct mb_wire_field build_request_fields[] = {
    FIELD(struct mb_build_request, dockerfile_name, STR),
    FIELD(struct mb_build_request, dockerfile, BYTES, .required = true,
          .max = MB_DOCKERFILE_BYTES_MAX),
    FIELD(struct mb_build_request, context_name, STR),
    FIELD(struct mb_build_request, platforms, STRV, .max = MB_PLATFORMS_MAX),
    FIELD(struct mb_build_request, build_args, KV),
    FIELD(struct mb_build_request, labels, KV),
    FIELD(struct mb_build_request, target, STR, .max = 255),
    FIELD(struct mb_build_request, tags, STRV, .max = MAX_TAGS),
    LIST(struct mb_build_request, contexts, struct mb_named_context,
         named_context_schema, .max = MAX_CONTEXTS),
    FIELD(struct mb_build_request, push, BOOL),
    FIELD(struct mb_build_request, rewrite_timestamp, BOOL),
    FIELD(struct mb_build_request, has_source_date_epoch, BOOL),
    FIELD(struct mb_build_request, source_date_epoch, I64),
    FIELD(struct mb_build_request, no_cache, BOOL),
    FIELD(struct mb_build_request, pull, BOOL),
    FIELD(struct mb_build_request, network, STR, .max = 32),
    FIELD(struct mb_build_request, emulation, STR, .max = 32),
    FIELD(struct mb_build_request, no_cache_filter, STRV, .max = MAX_TAGS),
    FIELD(struct mb_build_request, hosts, STRV, .max = MAX_TAGS),
    FIELD(struct mb_build_request, ulimits, STRV, .max = MAX_TAGS),
    FIELD(struct mb_build_request, shm_bytes, U64, .max = INT64_MAX),
    LIST(struct mb_build_request, secrets, struct mb_secret, secret_schema,
         .max = MB_SECRETS_MAX),
    FIELD(struct mb_build_request, allow, STRV, .max = 16),
};
const struct mb_wire_schema mb_build_request_schema =
    SCHEMA("BUILD", struct mb_build_request, build_request_fields);

static const struct mb_wire_field layout_need_fields[] = {
    FIELD(struct mb_layout_need, name, STR, .required = true, .min = 1,
          .max = MB_REFERENCE_LEN_MAX),
    FIELD(struct mb_layout_need, platforms, STRV, .max = MB_PLATFORMS_MAX),
};
static const struct mb_wire_schema layout_need_schema =
    SCHEMA("layout", struct mb_layout_need, layout_need_fields);

static const struct mb_wire_field local_need_fields[] = {
    FIELD(struct mb_local_need, name, STR, .required = true, .min = 1,
          .max = MB_REFERENCE_LEN_MAX),
    FIELD(struct mb_local_need, paths, STRV, .max = MB_STEPS_MAX),
};
static const struct mb_wire_schema local_need_schema =
    SCHEMA("local", struct mb_local_need, local_need_fields);

static const struct mb_wire_field build_needs_fields[] = {
    FIELD(struct mb_build_needs, build_id, U64, .required = true),
    FIELD(struct mb_build_needs, context, BOOL),
    FIELD(struct mb_build_needs, paths, STRV, .max = MB_STEPS_MAX),
    LIST(struct mb_build_needs, layouts, struct mb_layout_need, layout_need_schema,
         .max = MAX_CONTEXTS),
    LIST(struct mb_build_needs, locals, struct mb_local_need, local_need_schema,
         .max = MAX_CONTEXTS),
};
const struct mb_wire_schema mb_build_needs_schema =
    SCHEMA("BUILD_NEEDS", struct mb_build_needs, build_needs_fields);

static const struct mb_wire_field layout_root_fields[] = {
    FIELD(struct mb_layout_root, name, STR, .required = true, .min = 1,
          .max = MB_REFERENCE_LEN_MAX),
    FIELD(struct mb_layout_root, root, DESC, .required = true),
};
static const struct mb_wire_schema layout_root_schema =
    SCHEMA("layout", struct mb_layout_root, layout_root_fields);

static const struct mb_wire_field build_ready_fields[] = {
    FIELD(struct mb_build_ready, context, DESC),
    LIST(struct mb_build_ready, layouts, struct mb_layout_root, layout_root_schema,
         .max = MAX_CONTEXTS),
    LIST(struct mb_build_ready, locals, struct mb_layout_root, layout_root_schema,
         .max = MAX_CONTEXTS),
};
const struct mb_wire_schema mb_build_ready_schema =
    SCHEMA("BUILD_READY", struct mb_build_ready, build_ready_fields);

static const struct mb_wire_field build_vertex_fields[] = {
    FIELD(struct mb_build_vertex, vertex, U64, .required = true),
    FIELD(struct mb_build_vertex, state, U64, .required = true,
          .min = MB_VERTEX_STARTED, .max = MB_VERTEX_CANCELED),
    FIELD(struct mb_build_vertex, name, STR, .max = MAX_VERTEX_NAME),
    FIELD(struct mb_build_vertex, usec, U64),
    FIELD(struct mb_build_vertex, error, STR, .max = MAX_MESSAGE),
};
const struct mb_wire_schema mb_build_vertex_schema =
    SCHEMA("BUILD_VERTEX", struct mb_build_vertex, build_vertex_fields);

static const struct mb_wire_field build_log_fields[] = {
    FIELD(struct mb_build_log, vertex, U64, .required = true),
    FIELD(struct mb_build_log, stream, U64, .required = true, .min = 1, .max = 2),
    FIELD(struct mb_build_log, usec, U64),
    FIELD(struct mb_build_log, data, BYTES, .max = MB_LOG_DATA_BYTES_MAX),
};
const struct mb_wire_schema mb_build_log_schema =
    SCHEMA("BUILD_LOG", struct mb_build_log, build_log_fields);

static const struct mb_wire_field build_status_fields[] = {
    FIELD(struct mb_build_status, vertex, U64, .required = true),
    FIELD(struct mb_build_status, id, STR, .max = 1024),
    FIELD(struct mb_build_status, current, U64),
    FIELD(struct mb_build_status, total, U64),
    FIELD(struct mb_build_status, usec, U64),
    FIELD(struct mb_build_status, done, BOOL),
};
const struct mb_wire_schema mb_build_status_schema =
    SCHEMA("BUILD_STATUS", struct mb_build_status, build_status_fields);

static const struct mb_wire_field step_record_fields[] = {
    FIELD(struct mb_build_step_record, platform, STR, .max = MB_PLATFORM_TEXT_LEN),
    FIELD(struct mb_build_step_record, stage, STR, .max = 255),
    FIELD(struct mb_build_step_record, text, STR, .max = MAX_TEXT),
    FIELD(struct mb_build_step_record, agent, STR, .max = MAX_NAME),
    FIELD(struct mb_build_step_record, emulated, BOOL),
    FIELD(struct mb_build_step_record, cached, BOOL),
    FIELD(struct mb_build_step_record, usec, U64),
};
static const struct mb_wire_schema step_record_schema =
    SCHEMA("step", struct mb_build_step_record, step_record_fields);

static const struct mb_wire_field image_record_fields[] = {
    FIELD(struct mb_build_image_record, platform, PLATFORM, .required = true),
    FIELD(struct mb_build_image_record, manifest, DESC, .required = true),
    FIELD(struct mb_build_image_record, config, DIGEST),
};
static const struct mb_wire_schema image_record_schema =
    SCHEMA("image", struct mb_build_image_record, image_record_fields);

static const struct mb_wire_field build_done_fields[] = {
    FIELD(struct mb_build_done, ok, BOOL, .required = true),
    FIELD(struct mb_build_done, code, U64, .max = MAX_CODE),
    FIELD(struct mb_build_done, message, STR, .max = MAX_MESSAGE),
    FIELD(struct mb_build_done, source, STR),
    FIELD(struct mb_build_done, root, DESC),
    LIST(struct mb_build_done, images, struct mb_build_image_record,
         image_record_schema, .max = MB_PLATFORMS_MAX),
    LIST(struct mb_build_done, steps, struct mb_build_step_record, step_record_schema,
         .max = MB_STEPS_MAX),
    FIELD(struct mb_build_done, warnings, STRV, .max = MAX_WARNINGS),
};
const struct mb_wire_schema mb_build_done_schema =
    SCHEMA("BUILD_DONE", struct mb_build_done, build_done_fields);

void mb_build_request_wipe(struct mb_build_request *r)
{
    for (size_t i = 0; i < r->n_secrets; i++)
        if (r->secrets[i].data.data)
            explicit_bzero(r->secrets[i].data.data, r->secrets[i].data.len);
}
