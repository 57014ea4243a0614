/* SPDX-License-Identifier: Apache-2.0 */
/* Assembling, and pushing to a fake registry that counts; test_pull has the real one.
 */
#include "coordinator/publish/publish.h"

#include "base/limits.h"
#include "tests/unit/coordinator/images.h"
#include "tests/unit/registry/fake_http.h"

static void assemble_writes_index_manifests_and_configs(void **state)
{
    struct mb_blob_store *store = open_store(*state, "store");
    struct publish_image im[2] = {make_image(store, "linux/arm64", "layer a"),
                                  make_image(store, "linux/amd64", "layer b")};
    _cleanup_(mb_index_done) struct mb_index ix = {0};
    _cleanup_(mb_manifest_done) struct mb_manifest m = {0};
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    struct mb_descriptor root;
    struct mb_error err;

    assert_ok(publish_assemble(store, im, 2, false, &root, &err), err);
    assert_string_equal(root.media_type, MB_MT_OCI_INDEX);
    assert_ok(mb_blob_store_read(store, &root.digest, &doc, &err), err);
    assert_int_equal(doc.len, root.size);
    assert_ok(mb_index_decode(doc.data, doc.len, &ix, &err), err);
    assert_int_equal(ix.n, 2);
    for (size_t i = 0; i < 2; i++) { /* in the order given */
        assert_true(mb_digest_equal(&ix.v[i].desc.digest, &im[i].manifest.digest));
        assert_true(mb_platform_equal(&ix.v[i].platform, &im[i].platform));
        assert_true(mb_blob_store_has(store, &im[i].config_desc.digest, NULL));
    }
    mb_buf_clear(&doc);
    assert_ok(mb_blob_store_read(store, &im[0].manifest.digest, &doc, &err), err);
    assert_ok(mb_manifest_decode(doc.data, doc.len, &m, &err), err);
    assert_string_equal(m.layers[0].media_type, MB_MT_OCI_LAYER_GZIP);
    assert_string_equal(m.config.media_type, MB_MT_OCI_CONFIG);
    for (size_t i = 0; i < 2; i++)
        image_done(&im[i]);
    mb_blob_store_free(store);
}

static void one_image_is_a_plain_manifest_unless_asked(void **state)
{
    struct mb_blob_store *store = open_store(*state, "store");
    struct publish_image im = make_image(store, "linux/s390x", "layer");
    struct mb_descriptor root;
    struct mb_error err;

    assert_ok(publish_assemble(store, &im, 1, false, &root, &err), err);
    assert_string_equal(root.media_type, MB_MT_OCI_MANIFEST);
    assert_true(mb_digest_equal(&root.digest, &im.manifest.digest));
    assert_ok(publish_assemble(store, &im, 1, true, &root, &err), err);
    assert_string_equal(root.media_type, MB_MT_OCI_INDEX);
    image_done(&im);
    mb_blob_store_free(store);
}

/* --- pushing --- */

struct push_case {
    struct mb_blob_store *store;
    struct publish_image im[2];
    struct mb_descriptor root;
    struct mb_strv tags;
    struct fake_http *fake;
    unsigned begun, done;
};

static void on_progress(const char *id, uint64_t current, uint64_t total, bool done,
                        void *arg)
{
    struct push_case *c = arg;

    c->begun += !done && current == 0;
    c->done += done && current == total && !strncmp(id, "sha256:", 7);
}

static int run_push(struct push_case *c, const struct mb_test_dir *t,
                    struct fake_rule *rules, size_t n, struct mb_error *err)
{
    const struct publish_push_opts opts = {
        .tags = &c->tags, .progress = on_progress, .progress_arg = c};

    c->store = open_store(t, "store");
    c->im[0] = make_image(c->store, "linux/amd64", "shared layer");
    c->im[1] = make_image(c->store, "linux/arm64", "shared layer");
    assert_ok(publish_assemble(c->store, c->im, 2, false, &c->root, err), *err);
    c->fake = fake_http_start(rules, n);
    mb_strv_addf(&c->tags, "%s/app:1", fake_http_host(c->fake));
    mb_strv_addf(&c->tags, "%s/app:latest", fake_http_host(c->fake));
    mb_strv_addf(&c->tags, "%s/other:1", fake_http_host(c->fake));
    return publish_push(c->store, c->im, 2, &c->root, &opts, err);
}

static void push_case_done(struct push_case *c)
{
    fake_http_stop(c->fake);
    mb_strv_done(&c->tags);
    for (size_t i = 0; i < 2; i++)
        image_done(&c->im[i]);
    mb_blob_store_free(c->store);
}

#define UPLOADS                                                     \
    {.when = "HEAD ", .head = "404 Not Found"},                     \
        {.when = "POST ", .head = "202 Accepted\r\nLocation: /up"}, \
    {                                                               \
        .when = "PUT /up?", .head = "201 Created"                   \
    }

static void push_sends_each_blob_once_per_repository(void **state)
{
    struct fake_rule rules[] = {UPLOADS, {.when = "PUT /v2/", .head = "201 Created"}};
    struct push_case c = {0};
    struct mb_error err;

    assert_ok(run_push(&c, *state, rules, ARRAY_SIZE(rules), &err), err);
    /* one shared layer and two configs; two manifests and the index; tags */
    assert_int_equal(fake_http_count(c.fake, "POST /v2/app/"), 3);
    assert_int_equal(fake_http_count(c.fake, "POST /v2/other/"), 3);
    assert_int_equal(fake_http_count(c.fake, "PUT /v2/app/manifests/sha256:"), 3);
    assert_int_equal(fake_http_count(c.fake, "PUT /v2/app/manifests/1 "), 1);
    assert_int_equal(fake_http_count(c.fake, "PUT /v2/app/manifests/latest "), 1);
    assert_int_equal(fake_http_count(c.fake, "PUT /v2/other/manifests/1 "), 1);
    assert_int_equal(c.begun, 6);
    assert_int_equal(c.done, 6);
    push_case_done(&c);
}

/* Whatever step fails, in whatever repository: no tag anywhere. */
static void a_failed_push_leaves_no_tag(void **state)
{
    static const char *const failing[] = {
        "HEAD /v2/other/",
        "POST /v2/other/",
        "PUT /v2/other/manifests/sha256:",
        "PUT /v2/app/manifests/sha256:",
    };

    for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
        struct fake_rule rules[] = {{.when = failing[i], .head = "403 Forbidden"},
                                    UPLOADS,
                                    {.when = "PUT /v2/", .head = "201 Created"}};
        struct push_case c = {0};
        struct mb_error err;

        assert_fails(run_push(&c, *state, rules, ARRAY_SIZE(rules), &err), err,
                     MB_ERR_DENIED);
        assert_contains(err.msg, fake_http_host(c.fake));
        assert_int_equal(fake_http_count(c.fake, "PUT /v2/app/manifests/1 "), 0);
        assert_int_equal(fake_http_count(c.fake, "PUT /v2/app/manifests/latest "), 0);
        assert_int_equal(fake_http_count(c.fake, "PUT /v2/other/manifests/1 "), 0);
        push_case_done(&c);
    }
}

static void push_refuses_malformed_tags_before_anything(void **state)
{
    static const char *const bad[] = {
        "a/UPPER:1", "a:b:c", "",
        "a@sha256:0000000000000000000000000000000000000000000000000000000000000001"};
    struct mb_blob_store *store = open_store(*state, "store");
    struct publish_image im = make_image(store, "linux/amd64", "layer");
    struct mb_descriptor root;
    struct mb_error err;

    assert_ok(publish_assemble(store, &im, 1, false, &root, &err), err);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_strv_ struct mb_strv tags = {0};
        const struct publish_push_opts opts = {.tags = &tags};

        mb_strv_add(&tags, bad[i]);
        assert_fails(publish_push(store, &im, 1, &root, &opts, &err), err,
                     MB_ERR_INVALID);
    }
    image_done(&im);
    mb_blob_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(assemble_writes_index_manifests_and_configs),
        mb_test_in_dir(one_image_is_a_plain_manifest_unless_asked),
        mb_test_in_dir(push_sends_each_blob_once_per_repository),
        mb_test_in_dir(a_failed_push_leaves_no_tag),
        mb_test_in_dir(push_refuses_malformed_tags_before_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
