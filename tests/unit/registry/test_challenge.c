/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/challenge.h"

#include "base/mem.h"
#include "mb_test.h"

static void assert_text(const char *got, const char *want)
{
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
}

static void parse_reads_what_registries_send(void **state _unused_)
{
    static const struct {
        const char *header;
        bool bearer;
        const char *realm, *service, *scope;
    } rows[] = {
        {"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
         "scope=\"repository:library/busybox:pull\"",
         true, "https://auth.docker.io/token", "registry.docker.io",
         "repository:library/busybox:pull"},
        {"Basic realm=\"Registry Realm\"", false, "Registry Realm", NULL, NULL},
        {"Basic", false, NULL, NULL, NULL},
        {"bearer REALM=x", true, "x", NULL, NULL},
        {"Bearer realm = \"a\\\"b\" , service=s", true, "a\"b", "s", NULL},
        {"Basic realm=\"b\", Bearer realm=\"t\"", true, "t", NULL, NULL},
        {"Bearer realm=\"t\", Basic realm=\"b\"", true, "t", NULL, NULL},
        {"Negotiate YWJj==, Basic realm=\"b\"", false, "b", NULL, NULL},
        {"Negotiate, Digest qop=\"auth,auth-int\", nonce=x, Basic realm=b", false, "b",
         NULL, NULL},
        {",, Basic ,", false, NULL, NULL, NULL},
        {"Bearer realm=\"\"", true, "", NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_challenge c = {0};
        struct mb_error err;

        assert_ok(mb_challenge_parse(rows[i].header, &c, &err), err);
        assert_int_equal(c.bearer, rows[i].bearer);
        assert_text(c.realm, rows[i].realm);
        assert_text(c.service, rows[i].service);
        assert_text(c.scope, rows[i].scope);
        mb_challenge_done(&c);
    }
}

static void parse_refuses_malformed_headers(void **state _unused_)
{
    static const char *const rows[] = {
        "",
        ",",
        "Digest realm=x",
        "Bearer service=\"no realm\"",
        "realm=\"no scheme\"",
        "Bearer realm=\"does not end",
        "Bearer realm=\"ends in a backslash\\",
        "Bearer realm=\"line\nbreak\"",
        "Bearer realm=a, realm=b",
        "\"quoted\"",
        "Bearer \xff",
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_challenge c = {.realm = NULL};
        struct mb_error err;

        assert_fails(mb_challenge_parse(rows[i], &c, &err), err, MB_ERR_INVALID);
        assert_null(c.realm);
    }
}

static void parse_limits_size_and_parts(void **state _unused_)
{
    _cleanup_free_ char *text = mb_xmalloc(200001);
    struct mb_challenge c;
    struct mb_error err;

    memset(text, 'a', 200000);
    text[200000] = '\0';
    assert_fails(mb_challenge_parse(text, &c, &err), err, MB_ERR_LIMIT);
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(text + i, "a,", 2);
    text[1000] = '\0';
    assert_fails(mb_challenge_parse(text, &c, &err), err, MB_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_what_registries_send),
        cmocka_unit_test(parse_refuses_malformed_headers),
        cmocka_unit_test(parse_limits_size_and_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
