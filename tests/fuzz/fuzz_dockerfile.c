/* SPDX-License-Identifier: Apache-2.0 */
/* Parse the input as a Dockerfile and ask everything about each stage on a fixed base.
 */
#include <stdint.h>

#include "base/mem.h"
#include "coordinator/frontend/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(const struct frontend *f, size_t stage, const struct frontend_args *a,
                const struct mb_image_config *base)
{
    struct frontend_from from;
    struct frontend_from *list;
    _cleanup_strv_ struct mb_strv paths = {0};
    struct frontend_result r;
    struct mb_error err;
    size_t n;

    if (frontend_from(f, stage, a, &from, &err) == 0)
        frontend_from_done(&from);
    if (frontend_copy_sources(f, stage, a, &list, &n, &err) == 0) {
        for (size_t i = 0; i < n; i++)
            frontend_from_done(&list[i]);
        free(list);
    }
    mb_ignore(frontend_context_paths(f, stage, a, &paths, &err), "any answer is fine");
    if (frontend_eval(f, stage, a, base, NULL, &r, &err) == 0) {
        struct frontend_result child;

        if (frontend_eval(f, stage, a, &r.config, &r, &child, &err) == 0)
            frontend_result_done(&child);
        frontend_result_done(&r);
    }
}

static void call(const struct frontend *f, const struct frontend_args *a,
                 const uint8_t *data, size_t len)
{
    static const char *const methods[] = {"check", "outline", "targets"};

    for (size_t i = 0; i < 2 * ARRAY_SIZE(methods); i++) {
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(1 << 18);
        const struct frontend_call c = {.method = methods[i / 2],
                                        .name = "Dockerfile",
                                        .text = (const char *)data,
                                        .text_len = len,
                                        .json = i % 2 == 1,
                                        .args = a};
        struct mb_error err;

        mb_ignore(frontend_call(f, &c, &out, &err), "any answer is fine");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_kv_ struct mb_kvlist args = {0};
    _cleanup_strv_ struct mb_strv contexts = {0};
    struct mb_image_config base = {0};
    struct frontend_args a = {.build_args = &args, .contexts = &contexts};
    _cleanup_(frontend_freep) struct frontend *f = NULL;
    struct mb_error err;

    mb_kv_set(&args, "BUILDKIT_SYNTAX", "docker/dockerfile:1");
    if (frontend_parse_with("Dockerfile", data, len, &args, &f, &err) < 0)
        return 0;
    mb_ignore(frontend_check_error(f, &err), "any answer is fine");
    mb_ignore(mb_platform_parse("linux/amd64", &a.build_platform, &err), "is good");
    mb_ignore(mb_platform_parse("linux/s390x", &a.target_platform, &err), "is good");
    mb_kv_set(&args, "A", "given");
    mb_kv_set(&args, "http_proxy", "http://proxy");
    mb_strv_add(&contexts, "ctx");
    mb_kv_set(&base.env, "PATH", "/bin");
    mb_kv_set(&base.env, "B", "of the base/x.tar.gz");
    base.working_dir = mb_xstrdup("/srv");
    mb_strv_add(&base.on_build, "ENV B=2");
    mb_strv_add(&base.on_build, "RUN <<E\nx\nE");
    for (size_t i = 0; i < frontend_n_stages(f) && i < 20; i++)
        ask(f, i, &a, &base);
    frontend_unused_build_args(f, &args, &contexts);
    call(f, &a, data, len);
    mb_image_config_done(&base);
    return 0;
}
