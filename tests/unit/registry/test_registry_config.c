/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_config.h"

#include "mb_test.h"
#include "registry/credentials.h"
#include "registry/endpoint.h"

static const char config_text[] = "debug = true\n"
                                  "[registry.\"docker.io\"]\n"
                                  "mirrors = [\"m1:5000\", \"m2.example/proxy\"]\n"
                                  "[registry.\"m1:5000\"]\n"
                                  "http = true\n"
                                  "[registry.\"self.signed\"]\n"
                                  "insecure = true\n"
                                  "keypair = [{key = \"k\", cert = \"c\"}]\n"
                                  "[worker.oci]\n"
                                  "enabled = false\n";

static void load(struct mb_registry_config *c)
{
    struct mb_error err;

    assert_ok(mb_registry_config_parse(BYTES(config_text), "config.toml", c, &err),
              err);
}

static void parse_reads_buildkits_tables(void **state _unused_)
{
    _cleanup_(mb_registry_config_done) struct mb_registry_config c = {0};
    const struct mb_registry_host *h;

    load(&c);
    assert_int_equal(c.n, 3);
    h = mb_registry_config_find(&c, "docker.io");
    assert_non_null(h);
    assert_int_equal(h->mirrors.n, 2);
    assert_string_equal(h->mirrors.v[0], "m1:5000");
    assert_false(h->http || h->insecure);
    h = mb_registry_config_find(&c, "Self.Signed");
    assert_true(h && h->insecure);
    assert_null(mb_registry_config_find(&c, "other"));
    assert_null(mb_registry_config_find(NULL, "other"));
}

static void parse_names_file_and_key(void **state _unused_)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[registry.\"a\"]\nhttp = 1\n", "http"},
        {"[registry.\"a\"]\nmirrors = \"x\"\n", "mirrors"},
        {"[registry.\"a\"]\nca = [1]\n", "ca"},
        {"registry = 3\n", "registry"},
        {"[registry]\na = 1\n", "registry.\"a\""},
        {"[registry\n", "f.toml"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_registry_config c = {.n = 7};
        struct mb_error err;

        assert_fails(mb_registry_config_parse(rows[i].text, strlen(rows[i].text),
                                              "f.toml", &c, &err),
                     err, MB_ERR_INVALID);
        assert_contains(err.msg, "f.toml");
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(c.n, 7);
    }
}

static void a_missing_file_is_an_empty_configuration(void **state _unused_)
{
    struct mb_registry_config c = {.n = 7};
    struct mb_error err;

    assert_ok(mb_registry_config_load("/nonexistent/config.toml", &c, &err), err);
    assert_int_equal(c.n, 0);
    assert_ok(mb_registry_config_load(NULL, &c, &err), err);
}

static void routes_follow_the_configuration(void **state _unused_)
{
    static const struct {
        const char *registry;
        size_t n;
        const char *first, *last; /* url of repository r, tail t */
    } rows[] = {
        {"docker.io", 3, "http://m1:5000/v2/r/t",
         "https://registry-1.docker.io/v2/r/t"},
        {"ghcr.io", 1, "https://ghcr.io/v2/r/t", "https://ghcr.io/v2/r/t"},
        {"localhost:5000", 1, "http://localhost:5000/v2/r/t",
         "http://localhost:5000/v2/r/t"},
        {"127.0.0.9", 1, "http://127.0.0.9/v2/r/t", "http://127.0.0.9/v2/r/t"},
        {"[::1]:5000", 1, "http://[::1]:5000/v2/r/t", "http://[::1]:5000/v2/r/t"},
        {"localhost.evil.example", 1, "https://localhost.evil.example/v2/r/t",
         "https://localhost.evil.example/v2/r/t"},
        {"self.signed", 1, "https://self.signed/v2/r/t", "https://self.signed/v2/r/t"},
    };
    _cleanup_(mb_registry_config_done) struct mb_registry_config c = {0};

    load(&c);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(mb_route_done) struct mb_route r = {0};
        _cleanup_free_ char *first = NULL;
        _cleanup_free_ char *last = NULL;
        struct mb_error err;

        assert_ok(mb_route_make(&c, rows[i].registry, &r, &err), err);
        assert_int_equal(r.n, rows[i].n);
        first = mb_endpoint_url(&r.v[0], "r", "t");
        last = mb_endpoint_url(&r.v[r.n - 1], "r", "t");
        assert_string_equal(first, rows[i].first);
        assert_string_equal(last, rows[i].last);
    }
}

static void a_mirror_may_have_a_prefix(void **state _unused_)
{
    _cleanup_(mb_registry_config_done) struct mb_registry_config c = {0};
    _cleanup_(mb_route_done) struct mb_route r = {0};
    _cleanup_free_ char *url = NULL;
    struct mb_error err;

    load(&c);
    assert_ok(mb_route_make(&c, "docker.io", &r, &err), err);
    url = mb_endpoint_url(&r.v[1], "library/x", "tags/list");
    assert_string_equal(url, "https://m2.example/v2/proxy/library/x/tags/list");
}

static void a_missing_ca_file_is_named(void **state _unused_)
{
    static const char text[] = "[registry.\"a.b\"]\nca = [\"/nonexistent/ca.pem\"]\n";
    _cleanup_(mb_registry_config_done) struct mb_registry_config c = {0};
    struct mb_route r;
    struct mb_error err;

    assert_ok(mb_registry_config_parse(BYTES(text), "f", &c, &err), err);
    assert_fails(mb_route_make(&c, "a.b", &r, &err), err, MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "/nonexistent/ca.pem");
    assert_contains(err.msg, "a.b");
}

static void credentials_come_from_auths(void **state)
{
    const struct mb_test_dir *t = *state;
    static const char text[] =
        "{\"auths\": {"
        "\"https://index.docker.io/v1/\": {\"auth\": \"YTpiOmM=\"},"
        "\"host:5000\": {\"username\": \"u\", \"password\": \"p\"},"
        "\"bad\": {\"auth\": \"!\"},"
        "\"empty\": {}},"
        "\"credHelpers\": {\"gcr.io\": \"gcloud\"}}";
    static const struct {
        const char *registry, *user, *password;
        bool helper;
    } rows[] = {
        {"docker.io", "a", "b:c", false}, {"host:5000", "u", "p", false},
        {"host", NULL, NULL, false},      {"empty", NULL, NULL, false},
        {"gcr.io", NULL, NULL, true},
    };
    struct mb_credentials c = {0};
    char path[128];
    struct mb_error err;

    snprintf(path, sizeof(path), "%s/config.json", t->path);
    assert_ok(mb_write_file(AT_FDCWD, path, BYTES(text), 0600, &err), err);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(mb_credentials_find(path, rows[i].registry, &c, &err), err);
        assert_int_equal(c.has_helper, rows[i].helper);
        if (rows[i].user) {
            assert_string_equal(c.username, rows[i].user);
            assert_string_equal(c.password, rows[i].password);
        } else {
            assert_null(c.username);
        }
        mb_credentials_done(&c);
    }
    assert_fails(mb_credentials_find(path, "bad", &c, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, path);
    assert_ok(mb_credentials_find("/nonexistent", "x", &c, &err), err);
    assert_null(c.username);
}

static void a_grant_to_push_serves_pulls_but_not_the_other_way(void **state _unused_)
{
    _cleanup_(mb_route_done) struct mb_route r = {0};
    struct mb_error err;

    assert_ok(mb_route_fixed("http://127.0.0.1:1", &r, &err), err);
    mb_endpoint_set_grant(&r.v[0], "a", false, strdup("Bearer pull"));
    assert_null(mb_endpoint_grant(&r.v[0], "a", true));
    assert_null(mb_endpoint_grant(&r.v[0], "b", false));
    assert_string_equal(mb_endpoint_grant(&r.v[0], "a", false), "Bearer pull");
    mb_endpoint_set_grant(&r.v[0], "a", true, strdup("Bearer push"));
    assert_string_equal(mb_endpoint_grant(&r.v[0], "a", false), "Bearer push");
    assert_int_equal(r.v[0].n_grants, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_buildkits_tables),
        cmocka_unit_test(parse_names_file_and_key),
        cmocka_unit_test(a_missing_file_is_an_empty_configuration),
        cmocka_unit_test(routes_follow_the_configuration),
        cmocka_unit_test(a_mirror_may_have_a_prefix),
        cmocka_unit_test(a_missing_ca_file_is_named),
        mb_test_in_dir(credentials_come_from_auths),
        cmocka_unit_test(a_grant_to_push_serves_pulls_but_not_the_other_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
