/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/limits.h"
#include "oci/manifest.h"

#define HEX1 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX2 "2222222222222222222222222222222222222222222222222222222222222222"
#define DESC(mt, hex, size) \
    "{\"mediaType\":\"" mt "\",\"digest\":\"sha256:" hex "\",\"size\":" size "}"
#define CONFIG DESC(MB_MT_OCI_CONFIG, HEX1, "7")
#define LAYER DESC(MB_MT_OCI_LAYER_GZIP, HEX2, "32654")
#define HEAD "{\"schemaVersion\":2,"

static struct mb_descriptor descriptor(const char *mt, const char *hex, uint64_t size)
{
    struct mb_descriptor d = {.size = size};
    struct mb_error err;
    char text[MB_DIGEST_TEXT_LEN + 1];

    (void)snprintf(d.media_type, sizeof(d.media_type), "%s", mt);
    (void)snprintf(text, sizeof(text), "sha256:%s", hex);
    assert_ok(mb_digest_parse(text, &d.digest, &err), err);
    return d;
}

static void kinds_are_told_by_type_or_content(void **state _unused_)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {HEAD "\"config\":" CONFIG ",\"layers\":[]}", MB_MT_OCI_MANIFEST},
        {HEAD "\"manifests\":[]}", MB_MT_OCI_INDEX},
        {HEAD "\"mediaType\":\"" MB_MT_DOCKER_LIST "\",\"manifests\":[]}",
         MB_MT_DOCKER_LIST},
        {HEAD "\"mediaType\":\"" MB_MT_DOCKER_MANIFEST "\",\"layers\":null}",
         MB_MT_DOCKER_MANIFEST},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char kind[MB_MEDIA_TYPE_LEN];
        struct mb_error err;

        assert_ok(mb_manifest_kind(rows[i].text, strlen(rows[i].text), kind, &err),
                  err);
        assert_string_equal(kind, rows[i].want);
    }
}

static void manifests_are_read(void **state _unused_)
{
    static const char text[] =
        HEAD "\"config\":" CONFIG ",\"layers\":[" LAYER "," LAYER "],\"new\":1}";
    _cleanup_(mb_manifest_done) struct mb_manifest m = {0};
    struct mb_error err;
    struct mb_descriptor want = descriptor(MB_MT_OCI_LAYER_GZIP, HEX2, 32654);

    assert_ok(mb_manifest_decode(text, strlen(text), &m, &err), err);
    assert_string_equal(m.media_type, MB_MT_OCI_MANIFEST);
    assert_true(m.config.size == 7);
    assert_int_equal(m.n_layers, 2);
    assert_string_equal(m.layers[1].media_type, want.media_type);
    assert_true(mb_digest_equal(&m.layers[1].digest, &want.digest));
    assert_true(m.layers[1].size == want.size);
}

static void malformed_manifests_are_refused(void **state _unused_)
{
    static const struct {
        const char *text;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {"", MB_ERR_INVALID, "JSON"},
        {"[]", MB_ERR_INVALID, "object"},
        {"{}", MB_ERR_INVALID, "neither"},
        {HEAD "\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", MB_ERR_INVALID,
         "both"},
        {HEAD "\"mediaType\":\"" MB_MT_OCI_INDEX "\",\"config\":" CONFIG "}",
         MB_ERR_INVALID, "does not fit"},
        {HEAD "\"mediaType\":\"" MB_MT_OCI_MANIFEST "\",\"manifests\":[]}",
         MB_ERR_INVALID, "does not fit"},
        {HEAD "\"mediaType\":\"text/html\",\"layers\":[]}", MB_ERR_INVALID, "neither"},
        {HEAD "\"manifests\":[]}", MB_ERR_INVALID, "index"},
        {HEAD "\"layers\":[]}", MB_ERR_INVALID, "'config' is missing"},
        {"{\"schemaVersion\":1,\"config\":" CONFIG ",\"layers\":[]}", MB_ERR_INVALID,
         "schemaVersion"},
        {"{\"config\":" CONFIG ",\"layers\":[]}", MB_ERR_INVALID, "schemaVersion"},
        {HEAD "\"config\":" CONFIG ",\"layers\":[" LAYER ",{}]}", MB_ERR_INVALID,
         "layer 1"},
        {HEAD "\"config\":" CONFIG ",\"layers\":[7]}", MB_ERR_INVALID, "layer 0"},
        {HEAD "\"config\":" CONFIG ",\"config\":" CONFIG ",\"layers\":[]}",
         MB_ERR_INVALID, "JSON"},
        {HEAD "\"config\":" DESC("a/b", HEX1, "-1") ",\"layers\":[]}", MB_ERR_INVALID,
         "'size' is negative"},
        {HEAD "\"config\":" DESC("a/b", HEX1, "1.5") ",\"layers\":[]}", MB_ERR_INVALID,
         "'size'"},
        {HEAD "\"config\":" DESC("a/b", HEX1, "68719476737") ",\"layers\":[]}",
         MB_ERR_LIMIT, "size"},
        {HEAD "\"config\":" DESC("a b", HEX1, "1") ",\"layers\":[]}", MB_ERR_INVALID,
         "mediaType"},
        {HEAD "\"config\":" DESC("", HEX1, "1") ",\"layers\":[]}", MB_ERR_INVALID,
         "mediaType"},
        {HEAD "\"config\":" DESC("a/b", "xyz", "1") ",\"layers\":[]}", MB_ERR_INVALID,
         "digest"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_manifest m = {.n_layers = 4711};
        struct mb_error err;

        assert_fails(mb_manifest_decode(rows[i].text, strlen(rows[i].text), &m, &err),
                     err, rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(m.n_layers, 4711);
    }
}

static void too_many_layers_are_refused(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_MIB);
    struct mb_manifest m = {0};
    struct mb_error err;

    mb_buf_add_str(&text, HEAD "\"config\":" CONFIG ",\"layers\":[" LAYER);
    for (int i = 0; i < MB_LAYERS_MAX; i++)
        mb_buf_add_str(&text, "," LAYER);
    mb_buf_add_str(&text, "]}");
    assert_fails(mb_manifest_decode(text.data, text.len, &m, &err), err, MB_ERR_LIMIT);
}

static void manifests_are_written_as_go_does(void **state _unused_)
{
    struct mb_descriptor layer = descriptor(MB_MT_OCI_LAYER_GZIP, HEX2, 32654);
    struct mb_manifest m = {.config = descriptor(MB_MT_OCI_CONFIG, HEX1, 7),
                            .layers = &layer,
                            .n_layers = 1};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_KIB);

    (void)snprintf(m.media_type, sizeof(m.media_type), "%s", MB_MT_OCI_MANIFEST);
    mb_manifest_encode(&m, &out);
    assert_string_equal(
        out.data, "{\n"
                  "  \"schemaVersion\": 2,\n"
                  "  \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\",\n"
                  "  \"config\": {\n"
                  "    \"mediaType\": \"application/vnd.oci.image.config.v1+json\",\n"
                  "    \"digest\": \"sha256:" HEX1 "\",\n"
                  "    \"size\": 7\n"
                  "  },\n"
                  "  \"layers\": [\n"
                  "    {\n"
                  "      \"mediaType\": "
                  "\"application/vnd.oci.image.layer.v1.tar+gzip\",\n"
                  "      \"digest\": \"sha256:" HEX2 "\",\n"
                  "      \"size\": 32654\n"
                  "    }\n"
                  "  ]\n"
                  "}");
}

static void indexes_are_written_as_go_does(void **state _unused_)
{
    _cleanup_(mb_index_done) struct mb_index ix = {0};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4 * MB_KIB);
    struct mb_descriptor d = descriptor(MB_MT_OCI_MANIFEST, HEX1, 480);
    struct mb_platform p;
    struct mb_error err;

    (void)snprintf(ix.media_type, sizeof(ix.media_type), "%s", MB_MT_OCI_INDEX);
    assert_ok(mb_platform_parse("linux/arm/v7", &p, &err), err);
    mb_index_add(&ix, &d, &p);
    mb_index_add(&ix, &d, NULL);
    ix.v[1].ref_name = strdup("latest");
    mb_index_encode(&ix, &out);
    assert_string_equal(
        out.data, "{\n"
                  "  \"schemaVersion\": 2,\n"
                  "  \"mediaType\": \"application/vnd.oci.image.index.v1+json\",\n"
                  "  \"manifests\": [\n"
                  "    {\n"
                  "      \"mediaType\": "
                  "\"application/vnd.oci.image.manifest.v1+json\",\n"
                  "      \"digest\": \"sha256:" HEX1 "\",\n"
                  "      \"size\": 480,\n"
                  "      \"platform\": {\n"
                  "        \"architecture\": \"arm\",\n"
                  "        \"os\": \"linux\",\n"
                  "        \"variant\": \"v7\"\n"
                  "      }\n"
                  "    },\n"
                  "    {\n"
                  "      \"mediaType\": "
                  "\"application/vnd.oci.image.manifest.v1+json\",\n"
                  "      \"digest\": \"sha256:" HEX1 "\",\n"
                  "      \"size\": 480,\n"
                  "      \"annotations\": {\n"
                  "        \"org.opencontainers.image.ref.name\": \"latest\"\n"
                  "      }\n"
                  "    }\n"
                  "  ]\n"
                  "}");

    _cleanup_(mb_index_done) struct mb_index again = {0};
    assert_ok(mb_index_decode(out.data, out.len, &again, &err), err);
    assert_int_equal(again.n, 2);
    assert_true(mb_platform_equal(&again.v[0].platform, &p));
    assert_false(again.v[1].has_platform);
    assert_string_equal(again.v[1].ref_name, "latest");
}

static void the_best_platform_is_found_and_attestations_are_not(void **state _unused_)
{
    static const char *const have[] = {"unknown/unknown", "linux/arm/v6",
                                       "linux/arm/v7",    "linux/arm64",
                                       "linux/arm64",     "linux/386"};
    static const struct {
        const char *want;
        int found; /* -1: none */
    } rows[] = {
        {"linux/arm64", 3},   {"linux/arm/v7", 2},     {"linux/arm/v8", 2},
        {"linux/arm/v5", -1}, {"linux/amd64", 5},      {"linux/s390x", -1},
        {"windows/386", -1},  {"unknown/unknown", -1},
    };
    _cleanup_(mb_index_done) struct mb_index ix = {0};
    struct mb_descriptor d = descriptor(MB_MT_OCI_MANIFEST, HEX1, 480);
    struct mb_platform p;
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(have); i++) {
        assert_ok(mb_platform_parse(have[i], &p, &err), err);
        mb_index_add(&ix, &d, &p);
    }
    mb_index_add(&ix, &d, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(mb_platform_parse(rows[i].want, &p, &err), err);
        const struct mb_index_entry *e = mb_index_find(&ix, &p);
        assert_int_equal(e ? (int)(e - ix.v) : -1, rows[i].found);
    }
}

static void malformed_indexes_are_refused(void **state _unused_)
{
#define ENTRY_HEAD                                                         \
    HEAD "\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX1 \
         "\",\"size\":1,"
    static const struct {
        const char *text, *why;
    } rows[] = {
        {HEAD "\"config\":" CONFIG ",\"layers\":[]}", "one platform"},
        {HEAD "\"manifests\":{}}", "'manifests' is not a list"},
        {HEAD "\"manifests\":[null]}", "manifest 0"},
        {ENTRY_HEAD "\"platform\":[]}]}", "'platform' is not an object"},
        {ENTRY_HEAD "\"platform\":{\"os\":1}}]}", "'os'"},
        {ENTRY_HEAD "\"platform\":{\"os\":\"../x\",\"architecture\":\"a\"}}]}", "os"},
        {ENTRY_HEAD "\"annotations\":7}]}", "'annotations'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_index ix = {.n = 4711};
        struct mb_error err;

        assert_fails(mb_index_decode(rows[i].text, strlen(rows[i].text), &ix, &err),
                     err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(ix.n, 4711);
    }
}

static void media_types_have_their_oci_names(void **state _unused_)
{
    assert_string_equal(mb_media_type_oci(MB_MT_DOCKER_LAYER_GZIP),
                        MB_MT_OCI_LAYER_GZIP);
    assert_string_equal(mb_media_type_oci(MB_MT_DOCKER_LIST), MB_MT_OCI_INDEX);
    assert_string_equal(mb_media_type_oci("a/b"), "a/b");
    assert_true(mb_media_type_is_layer(MB_MT_OCI_LAYER_ZSTD));
    assert_false(mb_media_type_is_layer("application/vnd.in-toto+json"));
    assert_true(mb_media_type_is_index(MB_MT_DOCKER_LIST));
    assert_false(mb_media_type_is_index(MB_MT_OCI_MANIFEST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_by_type_or_content),
        cmocka_unit_test(manifests_are_read),
        cmocka_unit_test(malformed_manifests_are_refused),
        cmocka_unit_test(too_many_layers_are_refused),
        cmocka_unit_test(manifests_are_written_as_go_does),
        cmocka_unit_test(indexes_are_written_as_go_does),
        cmocka_unit_test(the_best_platform_is_found_and_attestations_are_not),
        cmocka_unit_test(malformed_indexes_are_refused),
        cmocka_unit_test(media_types_have_their_oci_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
