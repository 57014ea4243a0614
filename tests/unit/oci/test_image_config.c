/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/limits.h"
#include "base/mem.h"
#include "oci/image_config.h"

#define HEX "1111111111111111111111111111111111111111111111111111111111111111"

/* Every field, in the order and form BuildKit writes. */
static const char full[] =
    "{\"architecture\":\"arm\",\"author\":\"me\",\"config\":{\"User\":\"1000\","
    "\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{}},"
    "\"Env\":[\"PATH=/usr/bin:/bin\",\"A=x=y\",\"B=\"],"
    "\"Entrypoint\":[\"/bin/sh\",\"-c\"],\"Cmd\":[\"a \\u0026\\u0026 b \\u003e c\"],"
    "\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/w\","
    "\"Labels\":{\"a\":\"1\",\"b\":\"2\"},\"StopSignal\":\"SIGINT\",\"ArgsEscaped\":"
    "true,"
    "\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":5000000000},"
    "\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/bash\",\"-c\"]},"
    "\"created\":\"2026-01-02T03:04:05.12Z\",\"history\":["
    "{\"created\":\"2026-01-02T03:04:05Z\",\"created_by\":\"RUN x\",\"author\":\"me\","
    "\"comment\":\"c\"},{\"created_by\":\"CMD\",\"empty_layer\":true}],"
    "\"os\":\"linux\",\"os.version\":\"10.0\",\"rootfs\":{\"type\":\"layers\","
    "\"diff_ids\":[\"sha256:" HEX "\"]},\"variant\":\"v7\"}";

static void decoding_and_encoding_give_the_same_bytes(void **state _unused_)
{
    _cleanup_(mb_image_config_done) struct mb_image_config c = {0};
    _cleanup_(mb_image_config_done) struct mb_image_config copy = {0};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4 * MB_KIB);
    struct mb_error err;

    assert_ok(mb_image_config_decode(full, strlen(full), &c, &err), err);
    mb_image_config_copy(&copy, &c);
    mb_image_config_encode(&copy, &out);
    assert_string_equal(out.data, full);

    assert_string_equal(mb_kv_get(&c.env, "A"), "x=y");
    assert_string_equal(mb_kv_get(&c.env, "B"), "");
    assert_int_equal(c.n_history, 2);
    assert_true(c.history[1].empty_layer);
    assert_null(c.history[1].created);
    assert_int_equal(c.n_diff_ids, 1);
}

static void an_empty_config_is_still_a_valid_one(void **state _unused_)
{
    struct mb_image_config c = {.platform = {.os = "linux", .arch = "amd64"}};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_KIB);

    mb_image_config_encode(&c, &out);
    assert_string_equal(out.data, "{\"architecture\":\"amd64\",\"config\":{},\"os\":"
                                  "\"linux\",\"rootfs\":{\"type\":\"layers\","
                                  "\"diff_ids\":[]}}");
}

static void maps_are_sorted_and_lists_are_not(void **state _unused_)
{
    _cleanup_(mb_image_config_done) struct mb_image_config c = {
        .platform = {.os = "linux", .arch = "amd64"}};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_KIB);
    struct mb_digest d = mb_digest_of("a", 1);

    mb_kv_set(&c.env, "Z", "1");
    mb_kv_set(&c.env, "A", "\xff<");
    mb_kv_set(&c.labels, "z", "1");
    mb_kv_set(&c.labels, "B", "2");
    mb_strv_add(&c.volumes, "/b");
    mb_strv_add(&c.volumes, "/a");
    mb_strv_add(&c.volumes, "/b");
    mb_image_config_add_diff_id(&c, &d);
    mb_image_config_add_history(&c, NULL, "x", NULL, false);
    mb_image_config_encode(&c, &out);
    assert_contains(out.data, "\"Env\":[\"Z=1\",\"A=\xef\xbf\xbd\\u003c\"],"
                              "\"Volumes\":{\"/a\":{},\"/b\":{}},"
                              "\"Labels\":{\"B\":\"2\",\"z\":\"1\"}");
    assert_contains(out.data, "\"history\":[{\"created_by\":\"x\"}]");
}

static void an_empty_list_is_not_the_same_as_none(void **state _unused_)
{
    static const char text[] = "{\"config\":{\"Cmd\":[],\"Entrypoint\":null}}";
    _cleanup_(mb_image_config_done) struct mb_image_config c = {0};
    struct mb_error err;

    assert_ok(mb_image_config_decode(text, strlen(text), &c, &err), err);
    assert_true(c.has_cmd);
    assert_false(c.has_entrypoint);
    assert_int_equal(c.cmd.n, 0);
    assert_string_equal(c.platform.os, "");
}

static void odd_values_of_old_images_are_taken(void **state _unused_)
{
    static const char text[] =
        "{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"config\":{"
        "\"Env\":[\"A=1\",\"\",\"=x\",\"B\",\"A=2\"],\"Labels\":null,\"Hostname\":"
        "\"h\"},"
        "\"container_config\":7,\"history\":null,\"rootfs\":{\"diff_ids\":null}}";
    _cleanup_(mb_image_config_done) struct mb_image_config c = {0};
    struct mb_error err;

    assert_ok(mb_image_config_decode(text, strlen(text), &c, &err), err);
    assert_int_equal(c.env.n, 2);
    assert_string_equal(mb_kv_get(&c.env, "A"), "2");
    assert_string_equal(mb_kv_get(&c.env, "B"), "");
    assert_string_equal(c.platform.variant, "");
}

static void malformed_configs_are_refused(void **state _unused_)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "JSON"},
        {"7", "object"},
        {"{\"os\":\"linux\"}", "architecture"},
        {"{\"os\":\"li nux\",\"architecture\":\"a\"}", "os"},
        {"{\"config\":[]}", "'config'"},
        {"{\"config\":{\"Env\":[1]}}", "'Env'"},
        {"{\"config\":{\"Env\":{}}}", "'Env'"},
        {"{\"config\":{\"Cmd\":\"x\"}}", "'Cmd'"},
        {"{\"config\":{\"Cmd\":[\"x\",1]}}", "'Cmd'"},
        {"{\"config\":{\"Labels\":{\"a\":\"x\",\"b\":1}}}", "'Labels'"},
        {"{\"config\":{\"ExposedPorts\":[]}}", "'ExposedPorts'"},
        {"{\"config\":{\"User\":\"a\",\"User\":\"b\"}}", "JSON"},
        {"{\"rootfs\":{\"type\":\"other\"}}", "'layers'"},
        {"{\"rootfs\":{\"diff_ids\":[7]}}", "'diff_ids'"},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX "\",\"x\"]}}", "digest"},
        {"{\"history\":[{\"created_by\":\"a\"},{\"created_by\":7}]}", "history 1"},
        {"{\"history\":[\"x\"]}", "history 0"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_image_config c = {.n_history = 4711};
        struct mb_error err;

        assert_fails(
            mb_image_config_decode(rows[i].text, strlen(rows[i].text), &c, &err), err,
            MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(c.n_history, 4711);
    }
}

static void counts_have_limits(void **state _unused_)
{
    static const struct {
        const char *head, *item, *tail;
        size_t n;
    } rows[] = {
        {"{\"config\":{\"Env\":[", "\"A=1\"", "]}}", MB_CONFIG_ITEMS_MAX},
        {"{\"config\":{\"OnBuild\":[", "\"A\"", "]}}", MB_CONFIG_ITEMS_MAX},
        {"{\"history\":[", "{}", "]}", MB_STEPS_MAX},
        {"{\"rootfs\":{\"diff_ids\":[", "\"sha256:" HEX "\"", "]}}", MB_LAYERS_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t extra = 0; extra < 2; extra++) {
            _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_MIB);
            _cleanup_(mb_image_config_done) struct mb_image_config c = {0};
            struct mb_error err;

            mb_buf_add_str(&text, rows[i].head);
            for (size_t k = 0; k < rows[i].n + extra; k++)
                mb_buf_addf(&text, "%s%s", k > 0 ? "," : "", rows[i].item);
            mb_buf_add_str(&text, rows[i].tail);
            if (extra)
                assert_fails(mb_image_config_decode(text.data, text.len, &c, &err), err,
                             MB_ERR_LIMIT);
            else
                assert_ok(mb_image_config_decode(text.data, text.len, &c, &err), err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_and_encoding_give_the_same_bytes),
        cmocka_unit_test(an_empty_config_is_still_a_valid_one),
        cmocka_unit_test(maps_are_sorted_and_lists_are_not),
        cmocka_unit_test(an_empty_list_is_not_the_same_as_none),
        cmocka_unit_test(odd_values_of_old_images_are_taken),
        cmocka_unit_test(malformed_configs_are_refused),
        cmocka_unit_test(counts_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
