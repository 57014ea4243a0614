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

/* Every stage of @f on what it is FROM; images are empty. The first error ends it;
 * @results: one for each stage. */
static inline int test_eval_stages(const struct frontend *f,
                                   const struct frontend_args *a,
                                   struct frontend_result *results,
                                   struct mb_error *err)
{
    const struct mb_image_config base = {0};

    for (size_t i = 0; i < frontend_n_stages(f); i++) {
        _cleanup_(frontend_from_done) struct frontend_from from = {0};
        const struct frontend_result *parent = NULL;

        if (frontend_from(f, i, a, &from, err) < 0)
            return -1;
        if (from.source == FRONTEND_STAGE)
            parent = &results[from.stage];
        if (frontend_eval(f, i, a, parent ? &parent->config : &base, parent,
                          &results[i], err)
            < 0)
            return -1;
    }
    return 0;
}

/* Parse and evaluate every stage; the first error ends it. */
static inline int test_eval_all(const char *text, const struct frontend_args *a,
                                struct mb_error *err)
{
    struct frontend *f = NULL;
    struct frontend_result *results = NULL;
    int r = frontend_parse("Dockerfile", text, strlen(text), &f, err);

    if (r == 0) {
        results = mb_xcalloc(frontend_n_stages(f), sizeof(*results));
        r = test_eval_stages(f, a, results, err);
        for (size_t i = 0; i < frontend_n_stages(f); i++)
            frontend_result_done(&results[i]);
    }
    free(results);
    frontend_free(f);
    return r;
}

#endif
