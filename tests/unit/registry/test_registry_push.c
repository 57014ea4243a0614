/* SPDX-License-Identifier: Apache-2.0 */
/* The client's writing half, and how it gets its authorization. */
#include <sys/mman.h>

#include "tests/unit/registry/client_fixture.h"

static const char blob[] = "layer bytes";
#define BLOB_LEN (sizeof(blob) - 1)
#define HEAD_BLOB "HEAD /v2/team/app/blobs/sha256:"
#define POST_UPLOAD "POST /v2/team/app/blobs/uploads/ "
#define MISSING                                    \
    {                                              \
        .when = HEAD_BLOB, .head = "404 Not Found" \
    }

static int push(struct fixture *f, struct mb_error *err)
{
    struct mb_descriptor d = describe(blob, BLOB_LEN);
    _cleanup_close_ int fd = make_file(blob, BLOB_LEN);

    return mb_registry_push_blob(f->client, &f->ref, &d, fd, err);
}

static void push_blob_sends_nothing_that_is_there(void **state)
{
    struct fake_rule rules[] = {
        {.when = HEAD_BLOB, .head = "200 OK\r\nContent-Length: 11"}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_ok(push(&f, &err), err);
    assert_int_equal(fake_http_count(f.fake, ""), 1);
}

static void push_blob_replaces_a_copy_of_another_length(void **state)
{
    struct fake_rule rules[] = {
        {.when = HEAD_BLOB, .head = "200 OK\r\nContent-Length: 10"},
        {.when = POST_UPLOAD, .head = "202 Accepted\r\nLocation: /v2/up/1"},
        {.when = "PUT /v2/up/1", .head = "201 Created"},
    };
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_ok(push(&f, &err), err);
    assert_int_equal(fake_http_count(f.fake, "PUT"), 1);
}

static void push_blob_follows_any_location(void **state)
{
    static const struct {
        const char *head, *put;
    } rows[] = {
        {"202 Accepted\r\nLocation: /v2/up/1", "PUT /v2/up/1?digest=sha256%3a"},
        {"202 Accepted\r\nLocation: /v2/up/1?_state=a%2Bb%3D",
         "PUT /v2/up/1?_state=a%2Bb%3D&digest=sha256%3a"},
        {"202 Accepted\r\nLocation: http://%HOST%/x", "PUT /x?digest=sha256%3a"},
        {"202 Accepted\r\nLocation: id", "PUT /v2/team/app/blobs/uploads/id?digest="},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule rules[] = {
            MISSING,
            {.when = POST_UPLOAD, .head = rows[i].head},
            {.when = rows[i].put,
             .has = "Content-Length: 11\r\n",
             .head = "201 Created"},
        };
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_ok(push(&f, &err), err);
        assert_int_equal(fake_http_count(f.fake, rows[i].put), 1);
        assert_false(fake_http_saw(f.fake, "PUT", "Expect:"));
    }
}

static void push_blob_opens_a_new_upload_when_one_breaks(void **state)
{
    static const char *const faults[] = {NULL, "404 Not Found", "500 Oh"};

    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct fake_rule rules[] = {
            MISSING,
            {.when = POST_UPLOAD, .head = "202 Accepted\r\nLocation: /up"},
            {.when = "PUT /up?", .times = 1, .head = faults[i]},
            {.when = "PUT /up?", .head = "201 Created"},
        };
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_ok(push(&f, &err), err);
        assert_int_equal(fake_http_count(f.fake, POST_UPLOAD), 2);
    }
}

static void push_blob_says_why_it_was_refused(void **state)
{
    static const struct {
        const char *post, *put, *body;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {"202 Accepted", NULL, NULL, MB_ERR_PROTOCOL, "Location"},
        {"202 Accepted\r\nLocation: ftp://h/x", NULL, NULL, MB_ERR_INVALID, "address"},
        {"403 No", NULL, NULL, MB_ERR_DENIED, "team/app denied"},
        {"202 Accepted\r\nLocation: /up", "400 Bad Request",
         "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"m\"}]}",
         MB_ERR_CORRUPT, "DIGEST_INVALID: m"},
        {"202 Accepted\r\nLocation: /up", "413 Too Large", "", MB_ERR_LIMIT, "413"},
        {"202 Accepted\r\nLocation: /up",
         "201 Created\r\nDocker-Content-Digest: "
         "sha256:0000000000000000000000000000000000000000000000000000000000000001",
         "", MB_ERR_CORRUPT, "stored it as"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule rules[] = {
            MISSING,
            {.when = POST_UPLOAD, .head = rows[i].post},
            {.when = "PUT /up?",
             .head = rows[i].put,
             .body = rows[i].body,
             .len = rows[i].body ? strlen(rows[i].body) : 0},
        };
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_fails(push(&f, &err), err, rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_contains(err.msg, fake_http_host(f.fake));
    }
}

static void push_blob_refuses_a_file_of_another_size(void **state)
{
    struct fake_rule rules[] = {MISSING};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_descriptor d = describe(blob, BLOB_LEN);
    _cleanup_close_ int fd = make_file(blob, BLOB_LEN - 1);
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_fails(mb_registry_push_blob(f.client, &f.ref, &d, fd, &err), err,
                 MB_ERR_CORRUPT);
    assert_int_equal(fake_http_count(f.fake, ""), 0);
}

static void put_manifest_checks_the_digest_it_is_told(void **state)
{
    struct fake_rule rules[] = {
        {.when = "PUT /v2/team/app/manifests/1 ",
         .has = "Content-Type: " MB_MT_OCI_INDEX "\r\n",
         .head =
             "201 Created\r\nDocker-Content-Digest: "
             "sha256:0000000000000000000000000000000000000000000000000000000000000001"},
        {.when = "PUT /v2/team/app/manifests/sha256:"
                 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a ",
         .head = "201 Created"}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_fails(
        mb_registry_put_manifest(f.client, &f.ref, "1", MB_MT_OCI_INDEX, "{}", 2, &err),
        err, MB_ERR_CORRUPT);
    assert_ok(mb_registry_put_manifest(f.client, &f.ref, NULL, MB_MT_OCI_INDEX, "{}", 2,
                                       &err),
              err);
}

/* --- authorization --- */

static char *write_auths(const struct mb_test_dir *t, const char *host)
{
    char *path = mb_xasprintf("%s/config.json", t->path);
    /* user:pw */
    _cleanup_free_ char *text =
        mb_xasprintf("{\"auths\":{\"%s\":{\"auth\":\"dXNlcjpwdw==\"}}}", host);
    struct mb_error err;

    assert_ok(mb_write_file(AT_FDCWD, path, text, strlen(text), 0600, &err), err);
    return path;
}

#define CHALLENGE                                     \
    "401 Unauthorized\r\nWWW-Authenticate: Bearer "   \
    "realm=\"http://%HOST%/token?x=1\",service=\"my " \
    "service\",scope=\"repository:team/"              \
    "app:pull\""
#define BASIC_USER_PW "Authorization: Basic dXNlcjpwdw==\r\n"

static void fixture_with_auths(struct fixture *f, const struct mb_test_dir *t,
                               struct fake_rule *rules, size_t n)
{
    _cleanup_free_ char *path = NULL;

    fixture_open(f, t, rules, n, NULL);
    path = write_auths(t, fake_http_host(f->fake));
    mb_registry_client_free(f->client);
    f->client =
        mb_registry_client_new(&(struct mb_registry_opts){.docker_config = path});
}

static void a_token_is_fetched_kept_and_renewed(void **state)
{
    struct fake_rule rules[] = {
        {.when = "GET /token?",
         .has = BASIC_USER_PW,
         .times = 1,
         .head = "200 OK",
         .body = "{\"token\":\"one\"}",
         .len = 15},
        {.when = "GET /token?",
         .has = BASIC_USER_PW,
         .head = "200 OK",
         .body = "{\"access_token\":\"two\"}",
         .len = 22},
        {.when = "HEAD ",
         .has = "Authorization: Bearer one\r\n",
         .times = 2,
         .head = "200 OK"},
        {.when = "HEAD ", .has = "Authorization: Bearer two\r\n", .head = "200 OK"},
        {.when = "HEAD ", .head = CHALLENGE},
    };
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_with_auths(&f, *state, rules, ARRAY_SIZE(rules));
    assert_ok(push(&f, &err), err);
    assert_ok(push(&f, &err), err);
    assert_int_equal(fake_http_count(f.fake, "GET /token?"), 1);
    assert_ok(push(&f, &err), err); /* the first token has ended */
    assert_int_equal(fake_http_count(f.fake, "GET /token?"), 2);
    assert_int_equal(fake_http_count(f.fake, "GET /token?x=1&service=my"), 2);
    assert_true(fake_http_saw(f.fake, "GET /token?", "pull"));
    assert_true(fake_http_saw(f.fake, "GET /token?", "push"));
}

static void basic_credentials_are_sent_when_asked_for(void **state)
{
    struct fake_rule rules[] = {
        {.when = "HEAD ", .has = BASIC_USER_PW, .head = "200 OK"},
        {.when = "HEAD ", .head = "401 No\r\nWWW-Authenticate: Basic realm=\"r\""},
    };
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_with_auths(&f, *state, rules, ARRAY_SIZE(rules));
    assert_ok(push(&f, &err), err);
    assert_ok(push(&f, &err), err);
    assert_int_equal(fake_http_count(f.fake, "HEAD "), 3);
}

static void denied_access_says_what_to_do(void **state)
{
    static const struct {
        const char *head, *token_head, *token_body;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {"401 No\r\nWWW-Authenticate: Basic realm=\"r\"", NULL, NULL, MB_ERR_DENIED,
         "docker login 127.0.0.1"},
        {CHALLENGE, "401 No", "", MB_ERR_DENIED, "config.json"},
        {CHALLENGE, "200 OK", "{\"token\":\"no good\"}", MB_ERR_PROTOCOL, "no token"},
        {CHALLENGE, "200 OK", "{\"token\":\"a\\r\\nX: y\"}", MB_ERR_PROTOCOL,
         "no token"},
        {CHALLENGE, "200 OK", "[", MB_ERR_PROTOCOL, "not JSON"},
        {CHALLENGE, "200 OK", "{\"token\":\"refused\"}", MB_ERR_DENIED, "docker login"},
        {"401 No", NULL, NULL, MB_ERR_PROTOCOL, "WWW-Authenticate"},
        {"401 No\r\nWWW-Authenticate: Digest realm=\"r\"", NULL, NULL, MB_ERR_PROTOCOL,
         "neither Bearer nor Basic"},
        {"401 No\r\nWWW-Authenticate: Bearer realm=\"file:///etc/passwd\"", NULL, NULL,
         MB_ERR_PROTOCOL, "token server"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule rules[] = {
            {.when = "HEAD ", .head = rows[i].head},
            {.when = "GET /token?",
             .head = rows[i].token_head,
             .body = rows[i].token_body,
             .len = rows[i].token_body ? strlen(rows[i].token_body) : 0},
        };
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_fails(push(&f, &err), err, rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_contains(err.msg, fake_http_host(f.fake));
        assert_true(fake_http_count(f.fake, "HEAD ") <= 2);
    }
}

static void credentials_are_never_in_messages(void **state)
{
    struct fake_rule rules[] = {
        {.when = "HEAD ", .head = "401 No\r\nWWW-Authenticate: Basic realm=\"r\""}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_with_auths(&f, *state, rules, ARRAY_SIZE(rules));
    assert_fails(push(&f, &err), err, MB_ERR_DENIED);
    assert_null(strstr(err.msg, "pw"));
    assert_null(strstr(err.msg, "dXNl"));
}

static void insecure_falls_back_to_plain_http(void **state)
{
    struct fake_rule rules[] = {{.when = "HEAD ", .head = "200 OK"}};
    struct mb_registry_host host = {.insecure = true};
    struct mb_registry_config config = {&host, 1};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules),
                 &(struct mb_registry_opts){.config = &config});
    host.name = f.ref.registry;
    assert_ok(push(&f, &err), err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(push_blob_sends_nothing_that_is_there),
        mb_test_in_dir(push_blob_replaces_a_copy_of_another_length),
        mb_test_in_dir(push_blob_follows_any_location),
        mb_test_in_dir(push_blob_opens_a_new_upload_when_one_breaks),
        mb_test_in_dir(push_blob_says_why_it_was_refused),
        mb_test_in_dir(push_blob_refuses_a_file_of_another_size),
        mb_test_in_dir(put_manifest_checks_the_digest_it_is_told),
        mb_test_in_dir(a_token_is_fetched_kept_and_renewed),
        mb_test_in_dir(basic_credentials_are_sent_when_asked_for),
        mb_test_in_dir(denied_access_says_what_to_do),
        mb_test_in_dir(credentials_are_never_in_messages),
        mb_test_in_dir(insecure_falls_back_to_plain_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
