/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling what was pushed to a real registry, and documents that do not add up. */
#include "coordinator/publish/pull.h"

#include "base/limits.h"
#include "tests/unit/coordinator/images.h"
#include "tests/unit/registry/docker_registry.h"
#include "tests/unit/registry/fake_http.h"

static const struct pull_opts no_opts = {0};

/* Pushes @n images as HOST/team/app:1 and returns that reference. */
static char *push_images(const struct docker_registry *r, struct mb_blob_store *store,
                         struct publish_image *im, size_t n,
                         struct mb_descriptor *ret_root)
{
    _cleanup_strv_ struct mb_strv tags = {0};
    const struct publish_push_opts opts = {.tags = &tags};
    struct mb_error err;

    mb_strv_addf(&tags, "%s/team/app:1", r->host);
    assert_ok(publish_assemble(store, im, n, false, ret_root, &err), err);
    assert_ok(publish_push(store, im, n, ret_root, &opts, &err), err);
    return mb_xstrdup(tags.v[0]);
}

static void assert_pulled(struct mb_blob_store *store, const char *ref,
                          const struct publish_image *im, const struct mb_digest *root)
{
    _cleanup_(pulled_image_done) struct pulled_image p = {0};
    struct mb_error err;

    assert_ok(pull_image(store, ref, &im->platform, &no_opts, &p, &err), err);
    assert_true(mb_digest_equal(&p.root.digest, root));
    assert_true(mb_digest_equal(&p.manifest.digest, &im->manifest.digest));
    assert_true(mb_platform_equal(&p.config.platform, &im->platform));
    assert_int_equal(p.n_layers, 1);
    assert_true(mb_digest_equal(&p.layers[0].digest, &im->layers[0].digest));
    assert_string_equal(p.layers[0].media_type, MB_MT_OCI_LAYER_GZIP);
    assert_true(mb_blob_store_has(store, &p.layers[0].digest, NULL));
    assert_true(mb_blob_store_has(store, &p.root.digest, NULL));
}

static void what_was_pushed_is_pulled(void **state)
{
    const struct mb_test_dir *t = *state;
    struct mb_blob_store *from = open_store(t, "from"), *to = open_store(t, "to");
    struct publish_image im[2] = {make_image(from, "linux/amd64", "layer a"),
                                  make_image(from, "linux/arm/v7", "layer b")};
    struct docker_registry r;
    _cleanup_free_ char *ref = NULL;
    _cleanup_free_ char *pinned = NULL;
    char digest[MB_DIGEST_TEXT_LEN + 1];
    struct pulled_image p = {0};
    struct mb_descriptor root;
    struct mb_platform riscv = make_platform("linux/riscv64");
    struct mb_error err;

    docker_registry_start(&r, t->path, NULL);
    ref = push_images(&r, from, im, 2, &root);
    pinned = mb_xasprintf("%s@%s", ref, mb_digest_text(&root.digest, digest));
    for (size_t i = 0; i < 2; i++)
        assert_pulled(to, ref, &im[i], &root.digest);

    assert_fails(pull_image(to, ref, &riscv, &no_opts, &p, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "has linux/amd64, linux/arm/v7; not linux/riscv64");
    assert_null(p.layers);

    docker_registry_stop(&r); /* what is pinned and stored needs no registry */
    assert_pulled(to, pinned, &im[0], &root.digest);
    assert_fails(pull_image(to, ref, &im[0].platform, &no_opts, &p, &err), err,
                 MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, r.host);
    for (size_t i = 0; i < 2; i++)
        image_done(&im[i]);
    mb_blob_store_free(from);
    mb_blob_store_free(to);
}

static void a_plain_manifest_must_be_of_the_platform(void **state)
{
    const struct mb_test_dir *t = *state;
    struct mb_blob_store *from = open_store(t, "from"), *to = open_store(t, "to");
    struct publish_image im = make_image(from, "linux/arm64", "layer");
    struct mb_platform amd64 = make_platform("linux/amd64");
    struct pulled_image p = {0};
    _cleanup_free_ char *ref = NULL;
    _cleanup_free_ char *none = NULL;
    struct docker_registry r;
    struct mb_descriptor root;
    struct mb_error err;

    docker_registry_start(&r, t->path, NULL);
    ref = push_images(&r, from, &im, 1, &root);
    assert_pulled(to, ref, &im, &root.digest);
    assert_fails(pull_image(to, ref, &amd64, &no_opts, &p, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, "wrong-platform base");
    assert_contains(err.msg, "linux/arm64");
    assert_contains(err.msg, "linux/amd64");
    assert_contains(err.msg, "--platform");

    none = mb_xasprintf("%s/team/app:absent", r.host);
    assert_fails(pull_image(to, none, &amd64, &no_opts, &p, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "app:absent");
    docker_registry_stop(&r);
    image_done(&im);
    mb_blob_store_free(from);
    mb_blob_store_free(to);
}

static void malformed_references_are_the_users_error(void **state)
{
    struct mb_blob_store *store = open_store(*state, "store");
    struct mb_platform p = make_platform("linux/amd64");
    struct pulled_image out = {0};
    struct mb_error err;

    assert_fails(pull_image(store, "No Such", &p, &no_opts, &out, &err), err,
                 MB_ERR_INVALID);
    mb_blob_store_free(store);
}

/* --- from the store --- */

#define CONFIG(arch, diff_ids)                                                    \
    "{\"architecture\":\"" arch                                                   \
    "\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" diff_ids \
    "]}}"
#define DIFF_ID \
    "\"sha256:0000000000000000000000000000000000000000000000000000000000000001\""

/* A manifest of @config and, unless NULL, the blob "layer" as @layer_type. */
static struct mb_descriptor put_manifest(struct mb_blob_store *s, const char *config,
                                         const char *config_type,
                                         const char *layer_type)
{
    struct mb_descriptor layer = {.size = 5}, d = {0};
    struct mb_manifest m = {.media_type = MB_MT_DOCKER_MANIFEST,
                            .config.size = strlen(config),
                            .layers = &layer,
                            .n_layers = layer_type ? 1 : 0};
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    struct mb_error err;

    snprintf(m.config.media_type, sizeof(m.config.media_type), "%s", config_type);
    snprintf(layer.media_type, sizeof(layer.media_type), "%s",
             layer_type ? layer_type : "");
    assert_ok(mb_blob_store_put(s, config, strlen(config), &m.config.digest, &err),
              err);
    assert_ok(mb_blob_store_put(s, "layer", 5, &layer.digest, &err), err);
    mb_manifest_encode(&m, &doc);
    assert_ok(mb_blob_store_put(s, doc.data, doc.len, &d.digest, &err), err);
    d.size = doc.len;
    return d;
}

static void documents_must_add_up(void **state)
{
    static const struct {
        const char *config, *layer_type;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {CONFIG("amd64", DIFF_ID), MB_MT_DOCKER_LAYER_GZIP, MB_OK, NULL},
        {CONFIG("amd64", DIFF_ID), MB_MT_OCI_LAYER_ZSTD, MB_OK, NULL},
        {CONFIG("amd64", DIFF_ID), NULL, MB_ERR_CORRUPT, "0 layers, the config 1"},
        {CONFIG("amd64", ""), MB_MT_OCI_LAYER_GZIP, MB_ERR_CORRUPT, "diff_ids"},
        {CONFIG("amd64", DIFF_ID), "application/x-helm", MB_ERR_INVALID, "x-helm"},
        {CONFIG("s390x", DIFF_ID), MB_MT_OCI_LAYER_GZIP, MB_ERR_INVALID,
         "wrong-platform base: up is an image of linux/s390x"},
        {"{}", MB_MT_OCI_LAYER_GZIP, MB_ERR_INVALID, "read up"},
        {"", MB_MT_OCI_LAYER_GZIP, MB_ERR_INVALID, "read up"},
    };
    struct mb_blob_store *store = open_store(*state, "store");
    struct mb_platform amd64 = make_platform("linux/amd64");

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_descriptor d = put_manifest(store, rows[i].config,
                                              MB_MT_DOCKER_CONFIG, rows[i].layer_type);
        struct pulled_image p = {0};
        struct mb_error err;

        if (rows[i].code == MB_OK) {
            assert_ok(pull_from_store(store, "up", &d, &amd64, &p, &err), err);
            assert_string_equal(p.layers[0].media_type, rows[i].layer_type);
            pulled_image_done(&p);
            continue;
        }
        assert_fails(pull_from_store(store, "up", &d, &amd64, &p, &err), err,
                     rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(p.n_layers, 0);
    }
    mb_blob_store_free(store);
}

static void what_was_not_uploaded_is_named(void **state)
{
    struct mb_blob_store *store = open_store(*state, "store");
    struct mb_platform amd64 = make_platform("linux/amd64");
    struct mb_digest layer = mb_digest_of("layer", 5);
    struct mb_descriptor d = put_manifest(store, CONFIG("amd64", DIFF_ID),
                                          MB_MT_OCI_CONFIG, MB_MT_OCI_LAYER_GZIP);
    struct pulled_image p = {0};
    struct mb_error err;

    assert_ok(mb_blob_store_remove(store, &layer, &err), err);
    assert_fails(pull_from_store(store, "up", &d, &amd64, &p, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "was not uploaded");
    assert_contains(err.msg, "layer 1 of 1");
    mb_blob_store_free(store);
}

/* The index says arm/v6, the config has no variant: as arm32v6/busybox has it. */
static void an_index_may_know_the_variant_better_than_the_config(void **state)
{
    struct mb_blob_store *store = open_store(*state, "store");
    static const struct {
        const char *entry, *want;
        enum mb_errc code;
    } rows[] = {
        {"linux/arm/v6", "linux/arm/v6", MB_OK},
        {"linux/arm/v6", "linux/arm/v7", MB_OK},
        {"linux/arm64", "linux/arm64", MB_ERR_INVALID}, /* the config is of arm */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_descriptor m = put_manifest(store, CONFIG("arm", DIFF_ID),
                                              MB_MT_OCI_CONFIG, MB_MT_OCI_LAYER_GZIP);
        struct mb_platform entry = make_platform(rows[i].entry);
        struct mb_platform want = make_platform(rows[i].want);
        _cleanup_(mb_index_done) struct mb_index ix = {.media_type = MB_MT_OCI_INDEX};
        _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
        struct mb_descriptor root = {0};
        struct pulled_image p = {0};
        struct mb_error err;

        memcpy(m.media_type, MB_MT_OCI_MANIFEST, sizeof(MB_MT_OCI_MANIFEST));
        mb_index_add(&ix, &m, &entry);
        mb_index_encode(&ix, &doc);
        assert_ok(mb_blob_store_put(store, doc.data, doc.len, &root.digest, &err), err);
        if (rows[i].code == MB_OK)
            assert_ok(pull_from_store(store, "up", &root, &want, &p, &err), err);
        else
            assert_fails(pull_from_store(store, "up", &root, &want, &p, &err), err,
                         rows[i].code);
        pulled_image_done(&p);
    }
    mb_blob_store_free(store);
}

static void a_corrupt_layer_from_a_registry_is_not_stored(void **state)
{
    static const char config[] = CONFIG("amd64", DIFF_ID);
    const struct mb_test_dir *t = *state;
    struct mb_blob_store *from = open_store(t, "from"), *to = open_store(t, "to");
    struct mb_descriptor m =
        put_manifest(from, config, MB_MT_DOCKER_CONFIG, MB_MT_DOCKER_LAYER_GZIP);
    struct mb_digest layer = mb_digest_of("layer", 5),
                     config_digest = mb_digest_of(config, sizeof(config) - 1);
    struct mb_platform amd64 = make_platform("linux/amd64");
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    char layer_text[MB_DIGEST_TEXT_LEN + 1], config_text[MB_DIGEST_TEXT_LEN + 1];
    _cleanup_free_ char *get_layer =
        mb_xasprintf("GET /v2/library/x/blobs/%s", mb_digest_text(&layer, layer_text));
    _cleanup_free_ char *get_config = mb_xasprintf(
        "GET /v2/library/x/blobs/%s", mb_digest_text(&config_digest, config_text));
    struct fake_rule rules[] = {
        {.when = "GET /v2/library/x/manifests/2 ", .head = "200 OK"},
        {.when = get_config,
         .head = "200 OK",
         .body = config,
         .len = sizeof(config) - 1},
        {.when = get_layer, .head = "200 OK", .body = "laier", .len = 5},
    };
    struct pulled_image p = {0};
    _cleanup_free_ char *ref = NULL;
    struct fake_http *fake;
    struct mb_error err;

    assert_ok(mb_blob_store_read(from, &m.digest, &doc, &err), err);
    rules[0].body = doc.data;
    rules[0].len = doc.len;
    fake = fake_http_start(rules, ARRAY_SIZE(rules));
    ref = mb_xasprintf("%s/library/x:2", fake_http_host(fake));
    assert_fails(pull_image(to, ref, &amd64, &no_opts, &p, &err), err, MB_ERR_CORRUPT);
    assert_contains(err.msg, ref);
    assert_contains(err.msg, "layer 1 of 1");
    assert_false(mb_blob_store_has(to, &layer, NULL));
    assert_null(p.layers);
    fake_http_stop(fake);
    mb_blob_store_free(from);
    mb_blob_store_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(what_was_pushed_is_pulled),
        mb_test_in_dir(a_plain_manifest_must_be_of_the_platform),
        mb_test_in_dir(malformed_references_are_the_users_error),
        mb_test_in_dir(documents_must_add_up),
        mb_test_in_dir(what_was_not_uploaded_is_named),
        mb_test_in_dir(an_index_may_know_the_variant_better_than_the_config),
        mb_test_in_dir(a_corrupt_layer_from_a_registry_is_not_stored),
    };

    if (!docker_registry_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
