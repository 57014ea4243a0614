/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/limits.h"
#include "oci/platform.h"

static void names_are_normalised(void **state _unused_)
{
    static const struct {
        const char *text, *want, *dirname;
    } rows[] = {
        {"linux/amd64", "linux/amd64", "linux_amd64"},
        {"Linux/X86_64", "linux/amd64", "linux_amd64"},
        {"amd64", "linux/amd64", "linux_amd64"},
        {"linux/amd64/v1", "linux/amd64", "linux_amd64"},
        {"linux/amd64/v2", "linux/amd64/v2", "linux_amd64_v2"},
        {"arm64", "linux/arm64", "linux_arm64"},
        {"aarch64", "linux/arm64", "linux_arm64"},
        {"linux/arm64/v8", "linux/arm64", "linux_arm64"},
        {"linux/arm64/8", "linux/arm64", "linux_arm64"},
        {"linux/arm64/v9", "linux/arm64/v9", "linux_arm64_v9"},
        {"linux/arm", "linux/arm/v7", "linux_arm_v7"},
        {"linux/arm/7", "linux/arm/v7", "linux_arm_v7"},
        {"linux/arm/v6", "linux/arm/v6", "linux_arm_v6"},
        {"armhf", "linux/arm/v7", "linux_arm_v7"},
        {"armel", "linux/arm/v6", "linux_arm_v6"},
        {"linux/i386", "linux/386", "linux_386"},
        {"mips64el", "linux/mips64le", "linux_mips64le"},
        {"riscv64", "linux/riscv64", "linux_riscv64"},
        {"linux/s390x", "linux/s390x", "linux_s390x"},
        {"macos/arm64", "darwin/arm64", "darwin_arm64"},
        {"unknown/unknown", "unknown/unknown", "unknown_unknown"},
        {"linux/future_arch-1/x", "linux/future_arch-1/x", "linux_future_arch-1_x"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_platform p, again;
        struct mb_error err;
        char text[MB_PLATFORM_TEXT_LEN];

        assert_ok(mb_platform_parse(rows[i].text, &p, &err), err);
        assert_string_equal(mb_platform_text(&p, text), rows[i].want);
        assert_ok(mb_platform_parse(text, &again, &err), err);
        assert_true(mb_platform_equal(&p, &again));
        assert_string_equal(mb_platform_dirname(&p, text), rows[i].dirname);
    }
}

static void malformed_names_are_refused(void **state _unused_)
{
    static const char *const rows[] = {
        "",
        "/",
        "linux/",
        "/amd64",
        "linux//v7",
        "linux/arm/",
        "linux/arm/v7/x",
        "linux",
        "windows",
        "linux/am d64",
        "linux/amd64;x",
        "../../etc",
        "linux/arm.v7",
        "an-os-name-that-is-long/amd64",
        "linux/an-architecture-name-long",
        "linux/arm/a-variant-name-long",
        "linux/amd64aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "linux/\xc3\xa4",
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_platform p = {.os = "x"};
        struct mb_error err;

        assert_fails(mb_platform_parse(rows[i], &p, &err), err, MB_ERR_INVALID);
        assert_string_equal(p.os, "x");
    }
}

/* Each row: what is wanted, then what serves it, best first. */
static void matches_are_ordered_as_containerd_does(void **state _unused_)
{
    static const char *const rows[][8] = {
        {"linux/amd64", "linux/amd64", "linux/386"},
        {"linux/amd64/v3", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64",
         "linux/386"},
        {"linux/arm64", "linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6",
         "linux/arm/v5"},
        {"linux/arm64/v9", "linux/arm64/v9", "linux/arm64", "linux/arm/v8",
         "linux/arm/v7"},
        {"linux/arm/v7", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"},
        {"linux/arm/v5", "linux/arm/v5"},
        {"linux/riscv64", "linux/riscv64"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_platform want, have;
        struct mb_error err;
        int last = INT32_MAX;

        assert_ok(mb_platform_parse(rows[i][0], &want, &err), err);
        for (size_t k = 1; rows[i][k]; k++) {
            assert_ok(mb_platform_parse(rows[i][k], &have, &err), err);
            int match = mb_platform_match(&want, &have);
            assert_true(match > 0 && match < last);
            last = match;
        }
    }
}

static void what_cannot_run_does_not_match(void **state _unused_)
{
    static const struct {
        const char *want, *have;
    } rows[] = {
        {"linux/amd64", "linux/arm64"},    {"linux/amd64", "windows/amd64"},
        {"linux/amd64", "linux/amd64/v2"}, {"linux/386", "linux/amd64"},
        {"linux/arm/v6", "linux/arm/v7"},  {"linux/arm/v7", "linux/arm64"},
        {"linux/arm/v7", "linux/arm/x"},   {"linux/arm64", "linux/arm64/v9"},
        {"linux/s390x", "linux/ppc64le"},  {"linux/riscv64", "linux/riscv64/x"},
        {"linux/arm64", "windows/arm/v7"}, {"linux/amd64", "unknown/unknown"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_platform want, have;
        struct mb_error err;

        assert_ok(mb_platform_parse(rows[i].want, &want, &err), err);
        assert_ok(mb_platform_parse(rows[i].have, &have, &err), err);
        assert_int_equal(mb_platform_match(&want, &have), 0);
    }
}

static void lists_keep_order_and_drop_duplicates(void **state _unused_)
{
    _cleanup_(mb_platforms_done) struct mb_platforms l = {0};
    struct mb_error err;

    assert_ok(mb_platforms_parse("linux/arm64, amd64,linux/arm64/v8", &l, &err), err);
    assert_ok(mb_platforms_parse("x86_64,s390x", &l, &err), err);
    _cleanup_free_ char *text = mb_platforms_text(&l);
    assert_string_equal(text, "linux/arm64, linux/amd64, linux/s390x");

    assert_fails(mb_platforms_parse("riscv64,,386", &l, &err), err, MB_ERR_INVALID);
    assert_int_equal(l.n, 3); /* nothing of it */

    struct mb_platform host = mb_platform_host();
    assert_ok(mb_platforms_parse("local", &l, &err), err);
    assert_true(mb_platforms_contain(&l, &host));
}

static void lists_have_a_limit(void **state _unused_)
{
    _cleanup_(mb_platforms_done) struct mb_platforms l = {0};
    struct mb_error err;
    char name[32];

    for (int i = 0; i < MB_PLATFORMS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "linux/a%d", i);
        assert_ok(mb_platforms_parse(name, &l, &err), err);
    }
    assert_ok(mb_platforms_parse("linux/a0", &l, &err), err);
    assert_fails(mb_platforms_parse("linux/b", &l, &err), err, MB_ERR_LIMIT);
    assert_int_equal(l.n, MB_PLATFORMS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_normalised),
        cmocka_unit_test(malformed_names_are_refused),
        cmocka_unit_test(matches_are_ordered_as_containerd_does),
        cmocka_unit_test(what_cannot_run_does_not_match),
        cmocka_unit_test(lists_keep_order_and_drop_duplicates),
        cmocka_unit_test(lists_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
