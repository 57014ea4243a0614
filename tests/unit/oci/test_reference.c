/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/limits.h"
#include "oci/reference.h"

#define HEX "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define DIGEST "sha256:" HEX

static void short_names_get_their_full_form(void **state _unused_)
{
    static const struct {
        const char *text, *registry, *repository, *tag, *full;
    } rows[] = {
        {"busybox", "docker.io", "library/busybox", "latest",
         "docker.io/library/busybox:latest"},
        {"busybox:1.36", "docker.io", "library/busybox", "1.36",
         "docker.io/library/busybox:1.36"},
        {"docker.io/busybox", "docker.io", "library/busybox", "latest",
         "docker.io/library/busybox:latest"},
        {"index.docker.io/a/b", "docker.io", "a/b", "latest", "docker.io/a/b:latest"},
        {"user/app", "docker.io", "user/app", "latest", "docker.io/user/app:latest"},
        {"localhost/app", "localhost", "app", "latest", "localhost/app:latest"},
        {"localhost:5000/app:v1", "localhost:5000", "app", "v1",
         "localhost:5000/app:v1"},
        {"localhost:5000", "docker.io", "library/localhost", "5000",
         "docker.io/library/localhost:5000"},
        {"127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", "latest",
         "127.0.0.1:5000/a/b/c:latest"},
        {"[::1]:5000/a", "[::1]:5000", "a", "latest", "[::1]:5000/a:latest"},
        {"[fe80::1]/a:x", "[fe80::1]", "a", "x", "[fe80::1]/a:x"},
        {"Registry/a", "Registry", "a", "latest", "Registry/a:latest"},
        {"my-host.example/a__b/c-d/e---f.g_h:T_1.-x", "my-host.example",
         "a__b/c-d/e---f.g_h", "T_1.-x", "my-host.example/a__b/c-d/e---f.g_h:T_1.-x"},
        {"busybox@" DIGEST, "docker.io", "library/busybox", NULL,
         "docker.io/library/busybox@" DIGEST},
        {"r.io/a:t@" DIGEST, "r.io", "a", "t", "r.io/a:t@" DIGEST},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(mb_reference_done) struct mb_reference r = {0};
        _cleanup_(mb_reference_done) struct mb_reference copy = {0};
        struct mb_error err;

        assert_ok(mb_reference_parse(rows[i].text, &r, &err), err);
        assert_string_equal(r.registry, rows[i].registry);
        assert_string_equal(r.repository, rows[i].repository);
        if (rows[i].tag)
            assert_string_equal(r.tag, rows[i].tag);
        else
            assert_null(r.tag);
        assert_int_equal(r.has_digest, strchr(rows[i].text, '@') != NULL);
        mb_reference_copy(&copy, &r);
        _cleanup_free_ char *full = mb_reference_text(&copy);
        assert_string_equal(full, rows[i].full);
    }
}

static void bad_names_are_refused_with_a_reason(void **state _unused_)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "empty"},
        {"Busybox", "lower-case"},
        {"r.io/User/app", "lower-case"},
        {":tag", "missing"},
        {"@" DIGEST, "missing"},
        {"r.io/", "missing"},
        {"r.io/:x", "missing"},
        {"a:", "tag"},
        {"a:-x", "tag"},
        {"a:.x", "tag"},
        {"a:b c", "tag"},
        {"a:b:c", "repository"},
        {"a//b", "repository"},
        {"/a", "repository"},
        {"a/", "repository"},
        {"-a", "repository"},
        {"a-", "repository"},
        {"a..b", "repository"},
        {"a___b", "repository"},
        {"a._b", "repository"},
        {"../../etc", "registry"},
        {"r.io/../x", "repository"},
        {"a b", "repository"},
        {"a?x=1", "repository"},
        {"a%2fb", "repository"},
        {"\xc3\xa4", "repository"},
        {"a\nb", "repository"},
        {"r.io:x/a", "registry"},
        {"r.io:/a", "registry"},
        {"r.io:123456/a", "registry"},
        {"-r.io/a", "registry"},
        {"r-.io/a", "registry"},
        {".io/a", "registry"},
        {"r..io/a", "registry"},
        {"user@r.io/a", "digest"},
        {"http://r.io/a", "registry"},
        {"[::1/a", "registry"},
        {"[::1]x/a", "registry"},
        {"[x]/a", "registry"},
        {"a@sha256:abc", "hex digits"},
        {"a@md5:abc", "sha256"},
        {"a@" DIGEST "x", "hex digits"},
        {"a@" DIGEST "@" DIGEST, "hex digits"},
        {HEX, "image id"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_reference r = {0};
        struct mb_error err;

        assert_fails(mb_reference_parse(rows[i].text, &r, &err), err, MB_ERR_INVALID);
        if (!strstr(err.msg, rows[i].why))
            fail_msg("'%s': %s", rows[i].text, err.msg);
        assert_null(strchr(err.msg, '\n'));
        assert_null(r.registry);
    }
}

static void lengths_are_limited(void **state _unused_)
{
    struct mb_reference r = {0};
    struct mb_error err;
    char text[MB_REFERENCE_LEN_MAX + 2];

    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_fails(mb_reference_parse(text, &r, &err), err, MB_ERR_LIMIT);
    text[255 - strlen("docker.io/library/")] = '\0';
    assert_ok(mb_reference_parse(text, &r, &err), err);
    mb_reference_done(&r);
    text[255 - strlen("docker.io/library/")] = 'a';
    text[256 - strlen("docker.io/library/")] = '\0';
    assert_fails(mb_reference_parse(text, &r, &err), err, MB_ERR_LIMIT);

    memset(text, 'a', sizeof(text));
    text[1] = ':';
    text[2 + 128] = '\0';
    assert_ok(mb_reference_parse(text, &r, &err), err);
    mb_reference_done(&r);
    text[2 + 128] = 'a';
    text[2 + 129] = '\0';
    assert_fails(mb_reference_parse(text, &r, &err), err, MB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_names_get_their_full_form),
        cmocka_unit_test(bad_names_are_refused_with_a_reason),
        cmocka_unit_test(lengths_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
