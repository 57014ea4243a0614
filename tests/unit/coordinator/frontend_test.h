/* SPDX-License-Identifier: Apache-2.0 */
/* frontend_test - a Dockerfile text to parsed stages and results, for tests. */
#ifndef FRONTEND_TEST_H
#define FRONTEND_TEST_H

#include "base/mem.h"
#include "coordinator/frontend/frontend.h"
#include "mb_test.h"

static inline struct mb_platform test_platform(const char *text)
{
    struct mb_platform p = {0};
    struct mb_error err;

    assert_ok(mb_platform_parse(text, &p, &err), err);
    return p;
}

/* Built on amd64 for arm/v7. */
static inline struct frontend_args test_args(void)
{
    return (struct frontend_args){
        .build_platform = test_platform("linux/amd64"),
        .target_platform = test_platform("linux/arm/v7"),
    };
}

static inline struct frontend *test_parse(const char *text)
{
    struct frontend *f = NULL;
    struct mb_error err;

    assert_ok(frontend_parse("Dockerfile", text, strlen(text), &f, &err), err);
    return f;
}

/* The last stage of @text on an empty base with @a. */
static inline struct frontend_result test_eval(const char *text,
                                               const struct frontend_args *a)
{
    const struct mb_image_config base = {0};
    struct frontend *f = test_parse(text);
    struct frontend_result r = {0};
    struct mb_error err;

    assert_ok(frontend_eval(f, frontend_n_stages(f) - 1, a, &base, NULL, &r, &err),
              err);
    frontend_free(f);
    return r;
}

/* Parse and evaluate every stage, each on what it is FROM; the first error ends it. */
static inline int test_eval_all(const char *text, const struct frontend_args *a,
                                struct mb_error *err)
{
    const struct mb_image_config base = {0};
    struct frontend *f = NULL;
    int r = frontend_parse("Dockerfile", text, strlen(text), &f, err);

    for (size_t i = 0; r == 0 && i < frontend_n_stages(f); i++) {
        struct frontend_result res = {0};

        r = frontend_eval(f, i, a, &base, NULL, &res, err);
        frontend_result_done(&res);
    }
    frontend_free(f);
    return r;
}

#endif
