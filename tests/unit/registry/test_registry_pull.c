/* SPDX-License-Identifier: Apache-2.0 */
/* The client's reading half against a server that misbehaves on demand. */
#include <sys/mman.h>

#include "tests/unit/registry/client_fixture.h"

static const char blob[] = "the quick brown fox jumps over the lazy dog";
#define BLOB_LEN (sizeof(blob) - 1)
#define BLOB_PATH "GET /v2/team/app/blobs/"

static int get(struct fixture *f, struct mb_error *err)
{
    struct mb_descriptor d = describe(blob, BLOB_LEN);

    return mb_registry_get_blob(f->client, &f->ref, &d, f->store, err);
}

static bool stored(struct fixture *f)
{
    struct mb_descriptor d = describe(blob, BLOB_LEN);

    return mb_blob_store_has(f->store, &d.digest, NULL);
}

static void get_blob_stores_it_and_asks_once(void **state)
{
    struct fake_rule rules[] = {
        {.when = BLOB_PATH, .head = "200 OK", .body = blob, .len = BLOB_LEN}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_ok(get(&f, &err), err);
    assert_ok(get(&f, &err), err);
    assert_true(stored(&f));
    assert_int_equal(fake_http_count(f.fake, BLOB_PATH), 1);
}

/* Each row is what one answer of a broken or hostile registry can be. */
static void get_blob_refuses_wrong_content(void **state)
{
    static const struct {
        const char *head, *body;
        size_t len;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {"200 OK", "the quick brown fox jumps over the lazy cat", BLOB_LEN,
         MB_ERR_CORRUPT, "digest"},
        {"200 OK", blob, BLOB_LEN - 1, MB_ERR_CORRUPT, "42 bytes"},
        {"200 OK", "the quick brown fox jumps over the lazy dogs", BLOB_LEN + 1,
         MB_ERR_CORRUPT, "44 bytes"},
        {"200 OK\r\nTransfer-Encoding: chunked\r\nX-Content-Length: 0",
         "2c\r\nthe quick brown fox jumps over the lazy dogs\r\n0\r\n\r\n", 55,
         MB_ERR_CORRUPT, "longer"},
        {"200 OK\r\nTransfer-Encoding: chunked\r\nX-Content-Length: 0",
         "2\r\nth\r\n0\r\n\r\n", 12, MB_ERR_CORRUPT, "ends after 2"},
        {"206 Partial Content", blob, BLOB_LEN, MB_ERR_PROTOCOL, "range"},
        {"206 Partial Content\r\nContent-Range: bytes 1-43/44", blob, BLOB_LEN,
         MB_ERR_PROTOCOL, "range"},
        {"204 No Content", "", 0, MB_ERR_PROTOCOL, "answered 204"},
        {"404 Not Found",
         BYTES(
             "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\",\"message\":\"x\\u001b[1m\"}]}"),
         MB_ERR_NOT_FOUND, "BLOB_UNKNOWN: x\\x1b"},
        {"403 Forbidden", "", 0, MB_ERR_DENIED, "docker login"},
        {"302 Found\r\nLocation: file:///etc/passwd", "", 0, MB_ERR_INVALID, "address"},
        {"302 Found\r\nLocation: http://%HOST%/v2/team/app/blobs/", "", 0,
         MB_ERR_PROTOCOL, "redirects"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule rules[] = {{.when = BLOB_PATH,
                                     .head = rows[i].head,
                                     .body = rows[i].body,
                                     .len = rows[i].len}};
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_fails(get(&f, &err), err, rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_contains(err.msg, fake_http_host(f.fake));
        assert_false(stored(&f));
    }
}

static void get_blob_resumes_where_the_connection_broke(void **state)
{
    static const struct {
        const char *has, *head; /* of the second answer */
        size_t from;            /* where its body starts */
    } rows[] = {
        {"Range: bytes=10-", "206 Partial Content\r\nContent-Range: bytes 10-42/43",
         10},
        {"Range: bytes=10-", "200 OK", 0}, /* does not know ranges */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule rules[] = {
            {BLOB_PATH, NULL, 1, "200 OK", blob, BLOB_LEN, .cut = 10},
            {BLOB_PATH, rows[i].has, 1, rows[i].head, blob + rows[i].from,
             BLOB_LEN - rows[i].from, 0, NULL},
        };
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_descriptor d = describe(blob, BLOB_LEN);
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_ok(get(&f, &err), err);
        assert_true(stored(&f));
        assert_ok(mb_blob_store_remove(f.store, &d.digest, &err), err);
    }
}

static void get_blob_tries_again_after_a_passing_fault(void **state)
{
    static const char *const faults[] = {
        "503 Service Unavailable", "429 Too Many Requests\r\nRetry-After: 0", NULL};

    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct fake_rule rules[] = {
            {.when = BLOB_PATH, .times = 2, .head = faults[i]},
            {.when = BLOB_PATH, .head = "200 OK", .body = blob, .len = BLOB_LEN},
        };
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_descriptor d = describe(blob, BLOB_LEN);
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_ok(get(&f, &err), err);
        assert_int_equal(fake_http_count(f.fake, BLOB_PATH), 3);
        assert_ok(mb_blob_store_remove(f.store, &d.digest, &err), err);
    }
}

static void a_registry_that_stays_down_is_given_up(void **state)
{
    struct fake_rule rules[] = {
        {.when = BLOB_PATH, .head = "500 Internal Server Error"}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_fails(get(&f, &err), err, MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, "after 5 tries");
    assert_int_equal(fake_http_count(f.fake, BLOB_PATH), 5);
}

static void a_closed_loopback_port_is_given_up_at_once(void **state)
{
    _cleanup_free_ char *text = mb_xasprintf("localhost:%u/a:1", fake_free_port());
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(1024);
    _cleanup_(mb_reference_done) struct mb_reference ref = {0};
    _cleanup_(mb_registry_client_freep) struct mb_registry_client *c =
        mb_registry_client_new(&(struct mb_registry_opts){0});
    struct mb_descriptor d;
    struct mb_error err;

    (void)state;
    assert_ok(mb_reference_parse(text, &ref, &err), err);
    assert_fails(mb_registry_get_manifest(c, &ref, &doc, &d, &err), err,
                 MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, ref.registry);
    assert_contains(err.msg, "after 2 tries");
    assert_contains(err.msg, "onnection refused");
}

static void authorization_stays_with_its_origin(void **state)
{
    struct fake_rule store_rules[] = {
        {.when = "GET /else", .head = "200 OK", .body = blob, .len = BLOB_LEN}};
    struct fake_http *other = fake_http_start(store_rules, 1);
    _cleanup_free_ char *head =
        mb_xasprintf("307 Temporary Redirect\r\nLocation: http://%s/else?sig=1",
                     fake_http_host(other));
    struct fake_rule rules[] = {{.when = BLOB_PATH, .head = head}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules),
                 &(struct mb_registry_opts){.bearer_token = "secret"});
    assert_ok(get(&f, &err), err);
    assert_true(fake_http_saw(f.fake, BLOB_PATH, "Authorization: Bearer secret\r\n"));
    assert_int_equal(fake_http_count(other, "GET /else?sig=1"), 1);
    assert_false(fake_http_saw(other, "GET /", "uthorization"));
    fake_http_stop(other);
}

static void cancelling_ends_a_stalled_transfer(void **state)
{
    atomic_bool cancel = false;
    struct fake_rule rules[] = {{.when = BLOB_PATH, .set = &cancel}};
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules),
                 &(struct mb_registry_opts){.cancel = &cancel});
    assert_fails(get(&f, &err), err, MB_ERR_CANCELLED);
    assert_fails(get(&f, &err), err, MB_ERR_CANCELLED);
    assert_int_equal(fake_http_count(f.fake, BLOB_PATH), 1);
}

static void a_mirror_that_fails_leads_to_the_registry(void **state)
{
    static const struct {
        const char *head;
        size_t len, asked_twice; /* requests that the mirror saw after two blobs */
    } rows[] = {
        {"404 Not Found", 0, 2},           /* may have the next one */
        {"200 OK", BLOB_LEN - 1, 1},       /* corrupt: never again */
        {"503 Service Unavailable", 0, 2}, /* two tries for the first blob */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule bad[] = {{.when = BLOB_PATH,
                                   .head = rows[i].head,
                                   .body = "x quick brown fox jumps over the lazy dogs",
                                   .len = rows[i].len}};
        struct fake_rule rules[] = {
            {.when = BLOB_PATH, .head = "200 OK", .body = blob, .len = BLOB_LEN}};
        struct fake_http *mirror = fake_http_start(bad, 1);
        char *mirrors[] = {(char *)(uintptr_t)fake_http_host(mirror), NULL};
        struct mb_registry_host host = {.mirrors = {mirrors, 1}};
        struct mb_registry_config config = {&host, 1};
        _cleanup_(fixture_close) struct fixture f = {0};
        struct mb_descriptor d = describe(blob, BLOB_LEN);
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules),
                     &(struct mb_registry_opts){.config = &config});
        host.name = f.ref.registry;
        for (unsigned n = 0; n < 2; n++) {
            assert_ok(get(&f, &err), err);
            assert_ok(mb_blob_store_remove(f.store, &d.digest, &err), err);
        }
        assert_int_equal(fake_http_count(mirror, BLOB_PATH), rows[i].asked_twice);
        assert_int_equal(fake_http_count(f.fake, BLOB_PATH), 2);
        fake_http_stop(mirror);
    }
}

#define INDEX_HEAD "200 OK\r\nContent-Type: " MB_MT_OCI_INDEX
static const char index_doc[] =
    "{\"schemaVersion\":2,\"mediaType\":\"" MB_MT_OCI_INDEX "\",\"manifests\":[]}";

static void get_manifest_checks_what_it_was_told(void **state)
{
    static const struct {
        const char *head, *body;
        size_t len;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {INDEX_HEAD
         "\r\nDocker-Content-Digest: "
         "sha256:0000000000000000000000000000000000000000000000000000000000000"
         "001",
         index_doc, sizeof(index_doc) - 1, MB_ERR_CORRUPT, "Docker-Content-Digest"},
        {"200 OK\r\nContent-Type: " MB_MT_OCI_MANIFEST, index_doc,
         sizeof(index_doc) - 1, MB_ERR_CORRUPT, "sent as"},
        {INDEX_HEAD, BYTES("not json"), MB_ERR_INVALID, "manifest"},
        {"200 OK", BYTES("{}"), MB_ERR_INVALID, "manifest"},
        {INDEX_HEAD, "", 0, MB_ERR_INVALID, "manifest"},
        {"404 Not Found", "", 0, MB_ERR_NOT_FOUND, "team/app:1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake_rule rules[] = {{.when = "GET /v2/team/app/manifests/1 ",
                                     .head = rows[i].head,
                                     .body = rows[i].body,
                                     .len = rows[i].len}};
        _cleanup_(fixture_close) struct fixture f = {0};
        _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(4096);
        struct mb_descriptor d;
        struct mb_error err;

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_fails(mb_registry_get_manifest(f.client, &f.ref, &doc, &d, &err), err,
                     rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(doc.len, 0);
    }
}

static void get_manifest_returns_bytes_and_descriptor(void **state)
{
    struct fake_rule rules[] = {
        {.when = "GET /v2/team/app/manifests/1 ",
         .head = "200 OK\r\nContent-Type: application/json; charset=utf-8",
         .body = index_doc,
         .len = sizeof(index_doc) - 1}};
    _cleanup_(fixture_close) struct fixture f = {0};
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(4096);
    struct mb_descriptor d, want = describe(index_doc, sizeof(index_doc) - 1);
    struct mb_error err;

    fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
    assert_ok(mb_registry_get_manifest(f.client, &f.ref, &doc, &d, &err), err);
    assert_string_equal(doc.data, index_doc);
    assert_string_equal(d.media_type, MB_MT_OCI_INDEX);
    assert_true(mb_digest_equal(&d.digest, &want.digest));
    assert_int_equal(d.size, doc.len);
}

static void answers_have_limits(void **state)
{
    _cleanup_free_ char *big = mb_xmalloc(100001);
    _cleanup_free_ char *head = NULL;
    struct mb_error err;
    struct mb_descriptor d;

    memset(big, 'x', 100000);
    big[100000] = '\0';
    head = mb_xasprintf("200 OK\r\nA: %.40000s\r\nB: %.40000s", big, big);
    for (unsigned i = 0; i < 2; i++) {
        struct fake_rule rules[] = {{.when = "GET /v2/team/app/manifests/1 ",
                                     .head = i ? head : "200 OK",
                                     .body = big,
                                     .len = 100000}};
        _cleanup_(fixture_close) struct fixture f = {0};
        _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(4096);

        fixture_open(&f, *state, rules, ARRAY_SIZE(rules), NULL);
        assert_fails(mb_registry_get_manifest(f.client, &f.ref, &doc, &d, &err), err,
                     MB_ERR_LIMIT);
        assert_int_equal(doc.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(get_blob_stores_it_and_asks_once),
        mb_test_in_dir(get_blob_refuses_wrong_content),
        mb_test_in_dir(get_blob_resumes_where_the_connection_broke),
        mb_test_in_dir(get_blob_tries_again_after_a_passing_fault),
        mb_test_in_dir(a_registry_that_stays_down_is_given_up),
        mb_test_in_dir(a_closed_loopback_port_is_given_up_at_once),
        mb_test_in_dir(authorization_stays_with_its_origin),
        mb_test_in_dir(cancelling_ends_a_stalled_transfer),
        mb_test_in_dir(a_mirror_that_fails_leads_to_the_registry),
        mb_test_in_dir(get_manifest_checks_what_it_was_told),
        mb_test_in_dir(get_manifest_returns_bytes_and_descriptor),
        mb_test_in_dir(answers_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
