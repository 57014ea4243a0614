/* SPDX-License-Identifier: Apache-2.0 */
/* The blob endpoint: by the registry client, and by requests that no client makes. */
#include "coordinator/http/http.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/http/http_access.h"
#include "coordinator/http/http_reply.h"
#include "coordinator/http/http_route.h"
#include "mb_test.h"
#include "registry/registry_client.h"

static const char blob[] = "0123456789";
#define BLOB_LEN (sizeof(blob) - 1)
#define BLOB_DIGEST \
    "sha256:84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
#define ZERO_DIGEST \
    "sha256:0000000000000000000000000000000000000000000000000000000000000000"
static const char index_doc[] =
    "{\"schemaVersion\":2,\"mediaType\":\"" MB_MT_OCI_INDEX "\",\"manifests\":[]}";

struct fixture {
    char dir[64], peer_dir[64];
    struct mb_blob_store *store, *peer_store;
    struct http_server *server;
    char *token;
    struct mb_registry_client *client;
    struct mb_reference ref;
};

static struct mb_registry_client *client_with(const struct fixture *f,
                                              const char *token)
{
    return mb_registry_client_new(&(struct mb_registry_opts){
        .base_url = http_url(f->server), .bearer_token = token});
}

static void fixture_open(struct fixture *f, const struct mb_test_dir *t)
{
    struct mb_error err;

    snprintf(f->dir, sizeof(f->dir), "%.40s/store", t->path);
    snprintf(f->peer_dir, sizeof(f->peer_dir), "%.40s/peer", t->path);
    assert_ok(mb_blob_store_open(f->dir, &f->store, &err), err);
    assert_ok(mb_blob_store_open(f->peer_dir, &f->peer_store, &err), err);
    assert_ok(http_start("127.0.0.1:0", f->store, &f->server, &err), err);
    f->token = http_token_new(f->server, "agent:a1", 60);
    f->client = client_with(f, f->token);
    assert_ok(mb_reference_parse("cluster.local/build/1:x", &f->ref, &err), err);
}

static void fixture_close(struct fixture *f)
{
    mb_registry_client_free(f->client);
    http_stop(f->server);
    mb_blob_store_free(f->store);
    mb_blob_store_free(f->peer_store);
    mb_reference_done(&f->ref);
    free(f->token);
}

static struct mb_descriptor describe(const void *data, size_t len)
{
    struct mb_descriptor d = {.media_type = MB_MT_OCI_LAYER_GZIP, .size = len};

    d.digest = mb_digest_of(data, len);
    return d;
}

static int push(struct mb_registry_client *c, const struct fixture *f, const void *data,
                size_t len, const struct mb_descriptor *d, struct mb_error *err)
{
    _cleanup_close_ int fd = memfd_create("blob", MFD_CLOEXEC);

    if (mb_write_all(fd, data, len, err) < 0)
        return -1;
    return mb_registry_push_blob(c, &f->ref, d, fd, err);
}

static void blobs_of_any_size_go_there_and_back(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 3 * 1024 * 1024 + 1};
    _cleanup_(fixture_close) struct fixture f = {0};
    _cleanup_free_ char *data = mb_xmalloc(4 * 1024 * 1024);
    struct mb_error err;

    fixture_open(&f, *state);
    mb_random_bytes(data, 4 * 1024 * 1024);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct mb_descriptor d = describe(data, sizes[i]);
        bool has = true;
        uint64_t size;

        assert_ok(mb_registry_has_blob(f.client, &f.ref, &d.digest, &has, &err), err);
        assert_false(has);
        assert_ok(push(f.client, &f, data, sizes[i], &d, &err), err);
        assert_ok(mb_registry_has_blob(f.client, &f.ref, &d.digest, &has, &err), err);
        assert_true(has);
        assert_true(mb_blob_store_has(f.store, &d.digest, &size));
        assert_int_equal(size, sizes[i]);
        assert_ok(mb_registry_get_blob(f.client, &f.ref, &d, f.peer_store, &err), err);
        assert_true(mb_blob_store_has(f.peer_store, &d.digest, &size));
        assert_int_equal(size, sizes[i]);
    }
}

static void manifests_go_by_digest(void **state)
{
    _cleanup_(fixture_close) struct fixture f = {0};
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(4096);
    struct mb_descriptor d = {0};
    struct mb_error err;

    fixture_open(&f, *state);
    assert_ok(mb_registry_put_manifest(f.client, &f.ref, NULL, MB_MT_OCI_INDEX,
                                       index_doc, sizeof(index_doc) - 1, &err),
              err);
    assert_fails(mb_registry_put_manifest(f.client, &f.ref, "tag", MB_MT_OCI_INDEX,
                                          index_doc, sizeof(index_doc) - 1, &err),
                 err, MB_ERR_CORRUPT);
    assert_fails(mb_registry_get_manifest(f.client, &f.ref, &doc, &d, &err), err,
                 MB_ERR_NOT_FOUND);
    f.ref.has_digest = true;
    f.ref.digest = mb_digest_of(index_doc, sizeof(index_doc) - 1);
    assert_ok(mb_registry_get_manifest(f.client, &f.ref, &doc, &d, &err), err);
    assert_string_equal(doc.data, index_doc);
    assert_string_equal(d.media_type, MB_MT_OCI_INDEX);
}

static void a_wrong_digest_stores_nothing(void **state)
{
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_descriptor d = describe("other bytes", BLOB_LEN);
    struct mb_digest real = mb_digest_of(blob, BLOB_LEN);
    struct mb_error err;

    fixture_open(&f, *state);
    assert_fails(push(f.client, &f, blob, BLOB_LEN, &d, &err), err, MB_ERR_CORRUPT);
    assert_contains(err.msg, "DIGEST_INVALID");
    assert_false(mb_blob_store_has(f.store, &d.digest, NULL));
    assert_false(mb_blob_store_has(f.store, &real, NULL));
}

static int has_blob(struct mb_registry_client *c, struct fixture *f,
                    struct mb_error *err)
{
    struct mb_digest d = mb_digest_of(blob, BLOB_LEN);
    bool has;

    return mb_registry_has_blob(c, &f->ref, &d, &has, err);
}

static void only_living_tokens_are_let_in(void **state)
{
    _cleanup_(fixture_close) struct fixture f = {0};
    _cleanup_free_ char *expired = NULL;
    _cleanup_free_ char *revoked = NULL;
    char *tokens[4];
    struct mb_error err;

    fixture_open(&f, *state);
    expired = http_token_new(f.server, "agent:a1", 0);
    revoked = http_token_new(f.server, "agent:a2", 60);
    assert_ok(has_blob(f.client, &f, &err), err);
    http_token_revoke(f.server, "agent:a2");
    tokens[0] = expired;
    tokens[1] = revoked;
    tokens[2] = (char[]){"0"};
    tokens[3] = (char[]){""};
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        struct mb_registry_client *c = client_with(&f, tokens[i]);

        assert_fails(has_blob(c, &f, &err), err, MB_ERR_DENIED);
        mb_registry_client_free(c);
    }
    assert_ok(has_blob(f.client, &f, &err), err);
    http_token_revoke(f.server, "agent:a1");
    assert_fails(has_blob(f.client, &f, &err), err, MB_ERR_DENIED);
    assert_null(strstr(err.msg, f.token));
}

/* One raw request; the whole answer. */
static char *talk(const struct fixture *f, const char *request, size_t len)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct mb_buf out = MB_BUF_INIT(1 * MB_MIB);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct mb_error err;
    uint64_t port = 0;

    assert_ok(
        mb_parse_u64(strrchr(http_url(f->server), ':') + 1, UINT16_MAX, &port, &err),
        err);
    sa.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_ok(mb_write_all(fd, request, len, &err), err);
    shutdown(fd, SHUT_WR);
    mb_ignore(mb_read_to_end(fd, &out, &err), "what came before a reset is judged");
    close(fd);
    return mb_buf_steal(&out);
}

/* @rest: what follows "METHOD /path HTTP/1.1\r\nHost: x\r\n". */
static char *request(const struct fixture *f, const char *line, const char *rest)
{
    _cleanup_free_ char *text =
        mb_xasprintf("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     "Authorization: Bearer %s\r\n%s",
                     line, f->token, rest);

    return talk(f, text, strlen(text));
}

static void answers_follow_the_specification(void **state)
{
    static const struct {
        const char *line, *rest;
        const char *status, *has;
    } rows[] = {
        {"GET /v2/", "\r\n", "200", "registry/2.0"},
        {"GET /", "\r\n", "404", "UNSUPPORTED"},
        {"GET /v2/x/tags/list", "\r\n", "404", "UNSUPPORTED"},
        {"DELETE /v2/a/blobs/" BLOB_DIGEST, "\r\n", "405", "UNSUPPORTED"},
        {"GET /v2/a/blobs/" BLOB_DIGEST, "\r\n", "200", "\r\n\r\n0123456789"},
        {"GET /v2/a/b/c/blobs/" BLOB_DIGEST, "Range: bytes=2-4\r\n\r\n", "206",
         "Content-Range: bytes 2-4/10\r\n"},
        {"GET /v2/a/blobs/" BLOB_DIGEST, "Range: bytes=2-4\r\n\r\n", "206",
         "\r\n\r\n234"},
        {"GET /v2/a/blobs/" BLOB_DIGEST, "Range: bytes=10-\r\n\r\n", "416",
         "Content-Range: bytes */10"},
        {"HEAD /v2/a/blobs/" BLOB_DIGEST, "\r\n", "200", "Content-Length: 10\r\n"},
        {"HEAD /v2/a/blobs/" BLOB_DIGEST, "\r\n", "200",
         "Docker-Content-Digest: " BLOB_DIGEST},
        {"GET /v2/a/blobs/" ZERO_DIGEST, "\r\n", "404", "BLOB_UNKNOWN"},
        {"GET /v2/a/blobs/sha256:..", "\r\n", "400", "DIGEST_INVALID"},
        {"GET /v2/a/blobs/sha256:..%2f..%2fetc", "\r\n", "404", "UNSUPPORTED"},
        {"GET /v2/a/blobs/..%2f..%2f..%2fetc%2fpasswd", "\r\n", "404", ""},
        {"GET /v2/../blobs/" BLOB_DIGEST, "\r\n", "400", "NAME_INVALID"},
        {"GET /v2/UP/blobs/" BLOB_DIGEST, "\r\n", "400", "NAME_INVALID"},
        {"GET /v2/a/manifests/latest", "\r\n", "404", "MANIFEST_UNKNOWN"},
        {"GET /v2/a/manifests/" BLOB_DIGEST, "\r\n", "404", "MANIFEST_UNKNOWN"},
        {"POST /v2/a/blobs/uploads/", "Content-Length: 0\r\n\r\n", "202",
         "Location: /v2/a/blobs/uploads/"},
        {"POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST,
         "Content-Length: 10\r\n\r\n0123456789", "201",
         "Location: /v2/a/blobs/" BLOB_DIGEST},
        {"POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST,
         "Content-Length: 10\r\n\r\n012345678x", "400", "DIGEST_INVALID"},
        {"POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST,
         "Content-Length: 99999999999999\r\n\r\nx", "413", "SIZE_INVALID"},
        {"POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST,
         "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "411",
         "SIZE_INVALID"},
        {"POST /v2/a/blobs/uploads/?digest=md5:1", "Content-Length: 0\r\n\r\n", "400",
         "DIGEST_INVALID"},
        {"PUT /v2/a/blobs/uploads/none?digest=" BLOB_DIGEST,
         "Content-Length: 10\r\n\r\n0123456789", "404", "BLOB_UPLOAD_UNKNOWN"},
        {"PUT /v2/a/manifests/latest", "Content-Length: 2\r\n\r\n{}", "400",
         "DIGEST_INVALID"},
    };
    _cleanup_(fixture_close) struct fixture f = {0};
    struct mb_error err;

    fixture_open(&f, *state);
    assert_ok(mb_blob_store_put(f.store, blob, BLOB_LEN, NULL, &err), err);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *got = request(&f, rows[i].line, rows[i].rest);

        _cleanup_free_ char *status = mb_xasprintf("HTTP/1.1 %s", rows[i].status);

        assert_contains(got, status);
        assert_contains(got, rows[i].has);
    }
}

static void strangers_get_nothing(void **state)
{
    static const char *const rows[] = {
        "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/a/blobs/" BLOB_DIGEST " HTTP/1.1\r\nHost: x\r\n"
        "Authorization: Basic YTpi\r\n\r\n",
        "POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST " HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 10\r\n\r\n0123456789",
        "POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST " HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 99999999999\r\n\r\n0123456789",
    };
    struct mb_digest d = mb_digest_of(blob, BLOB_LEN);
    _cleanup_(fixture_close) struct fixture f = {0};

    fixture_open(&f, *state);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *got = talk(&f, rows[i], strlen(rows[i]));

        assert_contains(got, " 401 ");
        assert_contains(got, "WWW-Authenticate: Bearer");
        assert_contains(got, "UNAUTHORIZED");
        assert_false(mb_blob_store_has(f.store, &d, NULL));
    }
}

static void an_upload_that_breaks_off_leaves_nothing(void **state)
{
    struct mb_digest d = mb_digest_of(blob, BLOB_LEN);
    _cleanup_(fixture_close) struct fixture f = {0};
    _cleanup_free_ char *got = NULL;

    fixture_open(&f, *state);
    got = request(&f, "POST /v2/a/blobs/uploads/?digest=" BLOB_DIGEST,
                  "Content-Length: 10\r\n\r\n01234");
    assert_null(strstr(got, " 201 "));
    assert_false(mb_blob_store_has(f.store, &d, NULL));
}

static void an_upload_belongs_to_who_opened_it(void **state _unused_)
{
    struct http_access *a = http_access_new();
    char *mine = http_access_open_upload(a, "agent:a1");

    assert_true(http_access_owns_upload(a, "agent:a1", mine));
    assert_false(http_access_owns_upload(a, "agent:a2", mine));
    assert_false(http_access_owns_upload(a, "agent:a1", "guess"));
    http_access_close_upload(a, mine);
    assert_false(http_access_owns_upload(a, "agent:a1", mine));
    free(mine);
    mine = http_access_open_upload(a, "agent:a1");
    http_access_revoke(a, "agent:a1");
    assert_false(http_access_owns_upload(a, "agent:a1", mine));
    free(mine);
    http_access_free(a);
}

static void routes_are_read_from_the_right(void **state _unused_)
{
    static const struct {
        const char *path;
        enum http_route_kind kind;
        const char *name, *last;
    } rows[] = {
        {"/v2", ROUTE_BASE, NULL, NULL},
        {"/v2/", ROUTE_BASE, NULL, NULL},
        {"/v2/a/blobs/x", ROUTE_BLOB, "a", "x"},
        {"/v2/blobs/blobs/blobs/x", ROUTE_BLOB, "blobs/blobs", "x"},
        {"/v2/a/blobs/uploads/", ROUTE_UPLOADS, "a", NULL},
        {"/v2/a/blobs/uploads", ROUTE_UPLOADS, "a", NULL},
        {"/v2/a/blobs/uploads/id", ROUTE_UPLOAD, "a", "id"},
        {"/v2/a/manifests/1.0", ROUTE_MANIFEST, "a", "1.0"},
        {"/v2/a-b/c_d/e.f/manifests/t", ROUTE_MANIFEST, "a-b/c_d/e.f", "t"},
        {"/v2//manifests/t", ROUTE_BAD_NAME, NULL, NULL},
        {"/v2/a//b/manifests/t", ROUTE_BAD_NAME, NULL, NULL},
        {"/v2/-a/manifests/t", ROUTE_BAD_NAME, NULL, NULL},
        {"/v2/a./b/manifests/t", ROUTE_BAD_NAME, NULL, NULL},
        {"/v2/../manifests/t", ROUTE_BAD_NAME, NULL, NULL},
        {"/v2/a/manifests/", ROUTE_NONE, NULL, NULL},
        {"/v2/manifests", ROUTE_NONE, NULL, NULL},
        {"/v1/a/blobs/x", ROUTE_NONE, NULL, NULL},
        {"", ROUTE_NONE, NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_route r;

        http_route_parse(rows[i].path, &r);
        assert_int_equal(r.kind, rows[i].kind);
        assert_string_equal(r.name ? r.name : "-", rows[i].name ? rows[i].name : "-");
        assert_string_equal(r.last ? r.last : "-", rows[i].last ? rows[i].last : "-");
        http_route_done(&r);
    }
}

static void ranges_are_cut_to_the_blob(void **state _unused_)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum http_range want;
        uint64_t from, len;
    } rows[] = {
        {NULL, 10, RANGE_ALL, 0, 0},
        {"bytes=0-0", 10, RANGE_PART, 0, 1},
        {"bytes=3-", 10, RANGE_PART, 3, 7},
        {"bytes=3-99", 10, RANGE_PART, 3, 7},
        {"bytes=-3", 10, RANGE_PART, 7, 3},
        {"bytes=-99", 10, RANGE_PART, 0, 10},
        {"bytes=-0", 10, RANGE_OUTSIDE, 0, 0},
        {"bytes=10-", 10, RANGE_OUTSIDE, 0, 0},
        {"bytes=0-", 0, RANGE_OUTSIDE, 0, 0},
        {"bytes=5-3", 10, RANGE_ALL, 0, 0},
        {"bytes=0-1,4-5", 10, RANGE_ALL, 0, 0},
        {"bytes=-", 10, RANGE_ALL, 0, 0},
        {"bytes=a-b", 10, RANGE_ALL, 0, 0},
        {"lines=1-2", 10, RANGE_ALL, 0, 0},
        {"bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
        {"bytes=99999999999999999999-", 10, RANGE_ALL, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t from = 0, len = 0;

        assert_int_equal(http_range_parse(rows[i].header, rows[i].size, &from, &len),
                         rows[i].want);
        assert_int_equal(from, rows[i].from);
        assert_int_equal(len, rows[i].len);
    }
}

static void start_listens_where_it_is_told(void **state)
{
    static const struct {
        const char *listen, *url;
    } good[] = {
        {"127.0.0.1:0", "http://127.0.0.1:"},
        {"[::1]:0", "http://[::1]:"},
        {"localhost:0", "http://localhost:"},
    };
    static const char *const bad[] = {"",      "127.0.0.1",   ":0",
                                      "::1:0", "127.0.0.1:x", "127.0.0.1:70000",
                                      "[::1]", "127.0.0.1:",  "[]:0"};
    struct fixture f = {0};
    struct http_server *s;
    struct mb_error err;

    fixture_open(&f, *state);
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        if (http_start(good[i].listen, f.store, &s, &err) < 0) {
            assert_true(good[i].listen[0] == '['); /* a machine without IPv6 */
            continue;
        }
        assert_true(mb_starts_with(http_url(s), good[i].url));
        assert_false(mb_ends_with(http_url(s), ":0"));
        http_stop(s);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_fails(http_start(bad[i], f.store, &s, &err), err, MB_ERR_INVALID);
    /* the address is taken */
    assert_fails(http_start(http_url(f.server) + 7, f.store, &s, &err), err, MB_ERR_IO);
    fixture_close(&f);
}

static bool is_good(struct http_access *a, const char *token)
{
    _cleanup_free_ char *header = mb_xasprintf("Bearer %s", token);
    _cleanup_free_ char *peer = http_access_check(a, header);

    return peer != NULL;
}

/* One peer can neither fill the tables nor keep others from their part of them. */
static void a_peer_that_asks_without_end_gets_its_share(void **state _unused_)
{
    struct http_access *a = http_access_new();
    _cleanup_free_ char *other = http_access_grant(a, "agent:a2", 60);
    char *tokens[1000], *id;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
        tokens[i] = http_access_grant(a, "agent:a1", 60);
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
        n += is_good(a, tokens[i]);
    assert_in_range(n, 2, 16);
    for (size_t i = ARRAY_SIZE(tokens) - n; i < ARRAY_SIZE(tokens); i++)
        assert_true(is_good(a, tokens[i]));
    assert_true(is_good(a, other));
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
        free(tokens[i]);
    while ((id = http_access_open_upload(a, "agent:a1")))
        free(id);
    id = http_access_open_upload(a, "agent:a2");
    assert_non_null(id);
    free(id);
    http_access_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_asks_without_end_gets_its_share),
        mb_test_in_dir(blobs_of_any_size_go_there_and_back),
        mb_test_in_dir(manifests_go_by_digest),
        mb_test_in_dir(a_wrong_digest_stores_nothing),
        mb_test_in_dir(only_living_tokens_are_let_in),
        mb_test_in_dir(answers_follow_the_specification),
        mb_test_in_dir(strangers_get_nothing),
        mb_test_in_dir(an_upload_that_breaks_off_leaves_nothing),
        cmocka_unit_test(an_upload_belongs_to_who_opened_it),
        cmocka_unit_test(routes_are_read_from_the_right),
        cmocka_unit_test(ranges_are_cut_to_the_blob),
        mb_test_in_dir(start_listens_where_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
