/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kinds.h"

#include "proto/build.h"
#include "proto/call.h"
#include "proto/session.h"
#include "proto/task.h"

static const struct {
    const char *name;
    const struct mb_wire_schema *schema;
} kinds[] = {
    [MB_KIND_JOIN] = {"JOIN", &mb_join_request_schema},
    [MB_KIND_JOINED] = {"JOINED", &mb_join_reply_schema},
    [MB_KIND_HELLO] = {"HELLO", &mb_hello_schema},
    [MB_KIND_WELCOME] = {"WELCOME", &mb_welcome_schema},
    [MB_KIND_REFUSED] = {"REFUSED", &mb_refused_schema},
    [MB_KIND_HEARTBEAT] = {"HEARTBEAT", &mb_heartbeat_schema},
    [MB_KIND_BYE] = {"BYE", &mb_empty_schema},
    [MB_KIND_LS] = {"LS", &mb_empty_schema},
    [MB_KIND_LS_REPLY] = {"LS_REPLY", &mb_ls_reply_schema},
    [MB_KIND_BUILD] = {"BUILD", &mb_build_request_schema},
    [MB_KIND_BUILD_NEEDS] = {"BUILD_NEEDS", &mb_build_needs_schema},
    [MB_KIND_BUILD_READY] = {"BUILD_READY", &mb_build_ready_schema},
    [MB_KIND_BUILD_VERTEX] = {"BUILD_VERTEX", &mb_build_vertex_schema},
    [MB_KIND_BUILD_LOG] = {"BUILD_LOG", &mb_build_log_schema},
    [MB_KIND_BUILD_DONE] = {"BUILD_DONE", &mb_build_done_schema},
    [MB_KIND_BUILD_CANCEL] = {"BUILD_CANCEL", &mb_empty_schema},
    [MB_KIND_BUILD_STATUS] = {"BUILD_STATUS", &mb_build_status_schema},
    [MB_KIND_CALL] = {"CALL", &mb_call_request_schema},
    [MB_KIND_CALL_REPLY] = {"CALL_REPLY", &mb_call_reply_schema},
    [MB_KIND_TASK] = {"TASK", &mb_task_schema},
    [MB_KIND_TASK_CANCEL] = {"TASK_CANCEL", &mb_task_ref_schema},
    [MB_KIND_STEP_STARTED] = {"STEP_STARTED", &mb_step_started_schema},
    [MB_KIND_STEP_LOG] = {"STEP_LOG", &mb_step_log_schema},
    [MB_KIND_STEP_DONE] = {"STEP_DONE", &mb_step_done_schema},
    [MB_KIND_TASK_DONE] = {"TASK_DONE", &mb_task_done_schema},
};

const char *mb_kind_name(unsigned kind)
{
    return mb_kind_schema(kind) ? kinds[kind].name : "unknown";
}

const struct mb_wire_schema *mb_kind_schema(unsigned kind)
{
    return kind < ARRAY_SIZE(kinds) ? kinds[kind].schema : NULL;
}
