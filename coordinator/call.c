/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/call.h"

#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/frontend/call.h"

#define TEXT_BYTES_MAX (MB_MSG_BYTES_MAX - 16 * MB_KIB)

static int answer(const struct mb_call_request *q, struct mb_call_reply *ret,
                  struct mb_error *err)
{
    const char *name = q->dockerfile_name ? q->dockerfile_name : "Dockerfile";
    const struct frontend_args args = {
        .build_platform = mb_platform_host(),
        .target_platform = mb_platform_host(),
        .build_args = &q->build_args,
        .target = q->target,
    };
    struct frontend_call c = {
        .method = q->method,
        .target = q->target,
        .name = name,
        .text = q->dockerfile.data,
        .text_len = q->dockerfile.len,
        .json = q->json,
        .args = &args,
    };
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(TEXT_BYTES_MAX);
    _cleanup_(frontend_freep) struct frontend *f = NULL;
    struct mb_error violation;

    if (frontend_parse_with(name, q->dockerfile.data, q->dockerfile.len, &q->build_args,
                            &f, err)
            < 0
        || frontend_call(f, &c, &out, err) < 0
        || mb_buf_check(&out, "answer to --call", err) < 0)
        return -1;
    if (frontend_check_error(f, &violation) < 0)
        ret->violation = mb_xstrdup(violation.msg);
    ret->text.len = out.len;
    ret->text.data = mb_buf_steal(&out);
    return 0;
}

void call_answer(const void *data, size_t len, struct mb_call_reply *ret)
{
    struct mb_call_request q = {0};
    struct mb_error err;
    int r = mb_wire_decode(&mb_call_request_schema, data, len, &q, &err);

    if (r == 0) {
        r = answer(&q, ret, &err);
        mb_wire_done(&mb_call_request_schema, &q);
    }
    if (r < 0) {
        ret->code = (uint64_t)err.code;
        ret->message = mb_xstrdup(err.msg);
    }
}
