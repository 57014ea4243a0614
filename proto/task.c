/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/task.h"

#include <string.h>

#include "proto/wire_table.h"

#define MAX_OWNER 255

static const struct mb_wire_field layer_ref_fields[] = {
    FIELD(struct mb_layer_ref, diff_id, DIGEST, .required = true),
    FIELD(struct mb_layer_ref, blob, DESC, .required = true),
};
static const struct mb_wire_schema layer_ref_schema =
    SCHEMA("layer", struct mb_layer_ref, layer_ref_fields);

static const struct mb_wire_field state_ref_fields[] = {
    LIST(struct mb_state_ref, layers, struct mb_layer_ref, layer_ref_schema,
         .max = MB_LAYERS_MAX),
};
static const struct mb_wire_schema state_ref_schema =
    SCHEMA("state", struct mb_state_ref, state_ref_fields);

static const struct mb_wire_field step_mount_fields[] = {
    FIELD(struct mb_step_mount, kind, U64, .required = true, .min = MB_MOUNT_BIND,
          .max = MB_MOUNT_SECRET),
    FIELD(struct mb_step_mount, target, STR, .max = MB_PATH_LEN_MAX),
    FIELD(struct mb_step_mount, source, U64, .max = MB_STEPS_MAX),
    FIELD(struct mb_step_mount, source_path, STR, .max = MB_PATH_LEN_MAX),
    FIELD(struct mb_step_mount, read_only, BOOL),
    FIELD(struct mb_step_mount, id, STR, .max = MB_PATH_LEN_MAX),
    FIELD(struct mb_step_mount, sharing, U64, .max = MB_CACHE_LOCKED),
    FIELD(struct mb_step_mount, mode, U64, .max = 07777),
    FIELD(struct mb_step_mount, uid, U64, .max = UINT32_MAX),
    FIELD(struct mb_step_mount, gid, U64, .max = UINT32_MAX),
    FIELD(struct mb_step_mount, size_bytes, U64, .max = INT64_MAX),
    FIELD(struct mb_step_mount, env, STR, .max = 255),
    FIELD(struct mb_step_mount, data, BYTES, .max = MB_SECRET_BYTES_MAX),
};
const struct mb_wire_schema mb_step_mount_schema =
    SCHEMA("mount", struct mb_step_mount, step_mount_fields);

static const struct mb_wire_field step_fields[] = {
    FIELD(struct mb_step, step_id, U64, .required = true),
    FIELD(struct mb_step, kind, U64, .required = true, .min = MB_STEP_RUN,
          .max = MB_STEP_WORKDIR),
    FIELD(struct mb_step, text, STR, .max = MAX_TEXT),
    FIELD(struct mb_step, argv, STRV),
    FIELD(struct mb_step, env, STRV),
    FIELD(struct mb_step, cwd, STR, .max = MB_PATH_LEN_MAX),
    FIELD(struct mb_step, user, STR, .max = MAX_OWNER),
    FIELD(struct mb_step, network, STR, .max = 32),
    FIELD(struct mb_step, source, U64, .max = MB_STEPS_MAX),
    FIELD(struct mb_step, paths, STRV),
    FIELD(struct mb_step, excludes, STRV),
    FIELD(struct mb_step, dest, STR, .max = MB_PATH_LEN_MAX),
    FIELD(struct mb_step, chown, STR, .max = MAX_OWNER),
    FIELD(struct mb_step, chmod, STR, .max = MAX_OWNER),
    LIST(struct mb_step, mounts, struct mb_step_mount, mb_step_mount_schema,
         .max = MB_MOUNTS_MAX),
    FIELD(struct mb_step, insecure, BOOL),
    FIELD(struct mb_step, files, STRV),
    FIELD(struct mb_step, unpack, BOOL),
    FIELD(struct mb_step, hosts, STRV),
    FIELD(struct mb_step, ulimits, STRV),
    FIELD(struct mb_step, shm_bytes, U64, .max = INT64_MAX),
    FIELD(struct mb_step, link, BOOL),
    FIELD(struct mb_step, parents, BOOL),
};
static const struct mb_wire_schema step_schema =
    SCHEMA("step", struct mb_step, step_fields);

static const struct mb_wire_field task_fields[] = {
    FIELD(struct mb_task, build_id, U64, .required = true),
    FIELD(struct mb_task, task_id, U64, .required = true),
    FIELD(struct mb_task, epoch, U64, .required = true),
    FIELD(struct mb_task, platform, PLATFORM, .required = true),
    FIELD(struct mb_task, emulated, BOOL),
    STRUCT(struct mb_task, start, struct mb_state_ref, state_ref_schema),
    LIST(struct mb_task, sources, struct mb_state_ref, state_ref_schema,
         .max = MB_STEPS_MAX),
    LIST(struct mb_task, steps, struct mb_step, step_schema, .required = true, .min = 1,
         .max = MB_STEPS_MAX),
    FIELD(struct mb_task, clamp_mtime, BOOL),
    FIELD(struct mb_task, max_mtime_sec, I64),
    FIELD(struct mb_task, gzip_level, U64, .max = 12),
};
const struct mb_wire_schema mb_task_schema =
    SCHEMA("TASK", struct mb_task, task_fields);

static const struct mb_wire_field task_ref_fields[] = {
    FIELD(struct mb_task_ref, task_id, U64, .required = true),
    FIELD(struct mb_task_ref, epoch, U64, .required = true),
};
const struct mb_wire_schema mb_task_ref_schema =
    SCHEMA("TASK_CANCEL", struct mb_task_ref, task_ref_fields);

static const struct mb_wire_field step_started_fields[] = {
    FIELD(struct mb_step_started, task_id, U64, .required = true),
    FIELD(struct mb_step_started, epoch, U64, .required = true),
    FIELD(struct mb_step_started, step_id, U64, .required = true),
};
const struct mb_wire_schema mb_step_started_schema =
    SCHEMA("STEP_STARTED", struct mb_step_started, step_started_fields);

static const struct mb_wire_field step_log_fields[] = {
    FIELD(struct mb_step_log, task_id, U64, .required = true),
    FIELD(struct mb_step_log, epoch, U64, .required = true),
    FIELD(struct mb_step_log, step_id, U64, .required = true),
    FIELD(struct mb_step_log, stream, U64, .required = true, .min = 1, .max = 2),
    FIELD(struct mb_step_log, usec, U64),
    FIELD(struct mb_step_log, data, BYTES, .max = MB_LOG_DATA_BYTES_MAX),
};
const struct mb_wire_schema mb_step_log_schema =
    SCHEMA("STEP_LOG", struct mb_step_log, step_log_fields);

static const struct mb_wire_field step_done_fields[] = {
    FIELD(struct mb_step_done, task_id, U64, .required = true),
    FIELD(struct mb_step_done, epoch, U64, .required = true),
    FIELD(struct mb_step_done, step_id, U64, .required = true),
    FIELD(struct mb_step_done, has_layer, BOOL),
    STRUCT(struct mb_step_done, layer, struct mb_layer_ref, layer_ref_schema),
    FIELD(struct mb_step_done, usec, U64),
};
const struct mb_wire_schema mb_step_done_schema =
    SCHEMA("STEP_DONE", struct mb_step_done, step_done_fields);

static const struct mb_wire_field task_done_fields[] = {
    FIELD(struct mb_task_done, task_id, U64, .required = true),
    FIELD(struct mb_task_done, epoch, U64, .required = true),
    FIELD(struct mb_task_done, code, U64, .required = true, .max = MAX_CODE),
    FIELD(struct mb_task_done, message, STR, .max = MAX_MESSAGE),
    FIELD(struct mb_task_done, step_id, U64),
    FIELD(struct mb_task_done, exit_code, U64, .max = 255),
};
const struct mb_wire_schema mb_task_done_schema =
    SCHEMA("TASK_DONE", struct mb_task_done, task_done_fields);

void mb_step_wipe(struct mb_step *s)
{
    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].data.data)
            explicit_bzero(s->mounts[i].data.data, s->mounts[i].data.len);
}

void mb_task_wipe(struct mb_task *t)
{
    for (size_t i = 0; i < t->n_steps; i++)
        mb_step_wipe(&t->steps[i]);
}
