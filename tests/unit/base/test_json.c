/* SPDX-License-Identifier: Apache-2.0 */
/* json and toml. */
#include "mb_test.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/toml.h"

static void parse_refuses_what_is_not_one_plain_value(void **state _unused_)
{
    static const struct {
        const char *text;
        size_t len;
        const char *why;
    } rows[] = {
        {BYTES(""), "line 1"},
        {BYTES("{} {}"), "line 1"},
        {BYTES("{\"a\":1,\n\"a\":2}"), "line 2"},
        {BYTES("{\"a\":1,}"), "line 1"},
        {BYTES("\"\xff\""), "line 1"},
        {BYTES("\"a\\u0000\""), "line 1"},
        {BYTES("{}\0"), "line 1"},
        {BYTES("123456789012345678901234567890"), "line 1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;
        json_t *v = NULL;

        assert_fails(mb_json_parse(rows[i].text, rows[i].len, 100, &v, &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_null(v);
    }
}

static void parse_meets_its_limits_first(void **state _unused_)
{
    struct mb_error err;
    json_t *v = NULL;
    char deep[100000];

    assert_fails(mb_json_parse("[1,2]", 5, 4, &v, &err), err, MB_ERR_LIMIT);
    memset(deep, '[', sizeof(deep));
    assert_fails(mb_json_parse(deep, sizeof(deep), sizeof(deep), &v, &err), err,
                 MB_ERR_INVALID);
    assert_ok(mb_json_parse("[1,2]", 5, 5, &v, &err), err);
    json_decref(v);
}

struct sample {
    char *s;
    uint64_t u;
    int64_t i;
    bool b;
    json_t *o, *a;
    struct mb_strv l;
    struct mb_kvlist kv;
};

static const struct mb_json_field fields[] = {
    {"s", MB_JSON_STR, offsetof(struct sample, s), true},
    {"u", MB_JSON_U64, offsetof(struct sample, u), false},
    {"i", MB_JSON_I64, offsetof(struct sample, i), false},
    {"b", MB_JSON_BOOL, offsetof(struct sample, b), false},
    {"o", MB_JSON_OBJECT, offsetof(struct sample, o), false},
    {"a", MB_JSON_ARRAY, offsetof(struct sample, a), false},
    {"l", MB_JSON_STRV, offsetof(struct sample, l), false},
    {"kv", MB_JSON_KV, offsetof(struct sample, kv), false},
};

static void sample_done(struct sample *s)
{
    free(s->s);
    mb_strv_done(&s->l);
    mb_kv_done(&s->kv);
}

static int read_sample(const char *text, json_t **doc, struct sample *ret,
                       struct mb_error *err)
{
    if (mb_json_parse(text, strlen(text), MB_KIB, doc, err) < 0)
        return -1;
    return mb_json_read(*doc, fields, ARRAY_SIZE(fields), ret, err);
}

static void read_fills_a_struct_by_its_table(void **state _unused_)
{
    _cleanup_json_ json_t *doc = NULL;
    _cleanup_(sample_done) struct sample s = {0};
    struct mb_error err;

    assert_ok(read_sample("{\"s\":\"x\",\"u\":9223372036854775807,\"i\":-5,\"b\":true,"
                          "\"o\":{},\"a\":[1],\"l\":[\"p\",\"q\"],"
                          "\"kv\":{\"z\":\"1\",\"a\":\"2\"},\"new\":[]}",
                          &doc, &s, &err),
              err);
    assert_string_equal(s.s, "x");
    assert_true(s.u == INT64_MAX && s.i == -5 && s.b);
    assert_true(json_is_object(s.o) && json_array_size(s.a) == 1);
    assert_int_equal(s.l.n, 2);
    assert_string_equal(s.kv.v[0].key, "z"); /* order of the text */
    assert_string_equal(mb_kv_get(&s.kv, "a"), "2");
}

static void read_names_the_key_that_is_wrong(void **state _unused_)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[]", "not a JSON object"},
        {"{}", "'s' is missing"},
        {"{\"s\":null}", "'s' is missing"},
        {"{\"s\":1}", "'s' is not a string"},
        {"{\"s\":\"\",\"u\":-1}", "'u' is negative"},
        {"{\"s\":\"\",\"u\":1.0}", "'u' is not an integer"},
        {"{\"s\":\"\",\"i\":\"1\"}", "'i' is not an integer"},
        {"{\"s\":\"\",\"b\":1}", "'b' is not true"},
        {"{\"s\":\"\",\"o\":[]}", "'o' is not an object"},
        {"{\"s\":\"\",\"a\":{}}", "'a' is not a list"},
        {"{\"s\":\"\",\"l\":[\"x\",1]}", "'l' is not a list of strings"},
        {"{\"s\":\"\",\"kv\":{\"a\":\"x\",\"b\":{}}}", "'kv' is not an object of"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_json_ json_t *doc = NULL;
        _cleanup_(sample_done) struct sample s = {0};
        struct mb_error err;

        assert_fails(read_sample(rows[i].text, &doc, &s, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
    }
}

static char *rewritten(const char *text, int indent, bool sort_keys)
{
    _cleanup_json_ json_t *v = NULL;
    struct mb_buf out = MB_BUF_INIT(MB_KIB);
    struct mb_error err;

    assert_ok(mb_json_parse(text, strlen(text), MB_KIB, &v, &err), err);
    mb_json_write(v, indent, sort_keys, &out);
    return mb_buf_steal(&out);
}

static void write_is_byte_for_byte_what_go_writes(void **state _unused_)
{
    static const struct {
        const char *in;
        int indent;
        bool sort_keys;
        const char *out;
    } rows[] = {
        {"{ \"b\" : [ 1 , -2 ], \"a\" : { } }", 0, false, "{\"b\":[1,-2],\"a\":{}}"},
        {"{\"b\":1,\"a\":{\"d\":[],\"c\":null}}", 0, true,
         "{\"a\":{\"c\":null,\"d\":[]},\"b\":1}"},
        {"{\"b\":[1,{\"x\":true}],\"a\":{},\"c\":[]}", 2, false,
         "{\n  \"b\": [\n    1,\n    {\n      \"x\": true\n    }\n  ],\n"
         "  \"a\": {},\n  \"c\": []\n}"},
        {"\"a<b>&c\"", 0, false, "\"a\\u003cb\\u003e\\u0026c\""},
        {"\"\\u2028\\u2029\\u007f\\u00e4/\\\"\\\\\"", 0, false,
         "\"\\u2028\\u2029\x7f\xc3\xa4/\\\"\\\\\""},
        {"\"\\b\\f\\n\\r\\t\\u0001\\u001f\"", 0, false,
         "\"\\b\\f\\n\\r\\t\\u0001\\u001f\""},
        {"{\"a<\":false}", 0, false, "{\"a\\u003c\":false}"},
        {"[0.5,1e300,1e-7,1.0,100000000000000000000.0,1e21,0.1,3.14159e-5]", 0, false,
         "[0.5,1e+300,1e-7,1,100000000000000000000,1e+21,0.1,0.0000314159]"},
        {"[9223372036854775807]", 0, false, "[9223372036854775807]"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *got =
            rewritten(rows[i].in, rows[i].indent, rows[i].sort_keys);

        assert_string_equal(got, rows[i].out);
    }
}

static void toml_becomes_json(void **state _unused_)
{
    static const char text[] = "name = \"a1\"\nslots = 2\nratio = 0.5\non = true\n"
                               "since = 2026-01-02T03:04:05Z\nday = 2026-01-02\n"
                               "list = [1, [\"x\"], {k = 1}]\n[peer.tls]\nkey = 'k'\n"
                               "[[agent]]\nid = 1\n[[agent]]\nid = 2\n";
    _cleanup_json_ json_t *v = NULL;
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_KIB);
    struct mb_error err;

    assert_ok(mb_toml_parse(text, strlen(text), &v, &err), err);
    mb_json_write(v, 0, true, &out);
    assert_string_equal(out.data,
                        "{\"agent\":[{\"id\":1},{\"id\":2}],\"day\":\"2026-01-02\","
                        "\"list\":[1,[\"x\"],{\"k\":1}],\"name\":\"a1\",\"on\":true,"
                        "\"peer\":{\"tls\":{\"key\":\"k\"}},\"ratio\":0.5,"
                        "\"since\":\"2026-01-02T03:04:05Z\",\"slots\":2}");
}

/* Blanks behind a backslash go, letters do not. */
static void toml_strings_may_hold_any_character(void **state _unused_)
{
    static const char text[] =
        "a = \"\"\"\\\n  \xc3\x9e x\xc3\xa4\"\"\"\nb = '\xe2\x82\xac'\n";
    _cleanup_json_ json_t *v = NULL;
    struct mb_error err;

    assert_ok(mb_toml_parse(text, strlen(text), &v, &err), err);
    assert_string_equal(json_string_value(json_object_get(v, "a")),
                        "\xc3\x9e x\xc3\xa4");
    assert_string_equal(json_string_value(json_object_get(v, "b")), "\xe2\x82\xac");
}

static void toml_of_nothing_is_an_empty_object(void **state _unused_)
{
    _cleanup_json_ json_t *v = NULL;
    struct mb_error err;

    assert_ok(mb_toml_parse("", 0, &v, &err), err);
    assert_int_equal(json_object_size(v), 0);
}

static void toml_errors_name_the_line(void **state _unused_)
{
    static const struct {
        const char *text;
        size_t len;
        enum mb_errc code;
        const char *why;
    } rows[] = {
        {BYTES("a = 1\nb = \n"), MB_ERR_INVALID, "line 2"},
        {BYTES("a = 1\n\na = 2\n"), MB_ERR_INVALID, "line 3"},
        {BYTES("x = 'a\n"), MB_ERR_INVALID, "line 1"},
        {BYTES("a = 1\nb = \"x\\u0000\"\n"), MB_ERR_INVALID, "line 2"},
        {BYTES("a = 1\n\"k\\u0000\" = 1\n"), MB_ERR_INVALID, "NUL"},
        {BYTES("a = 1\nb = inf\n"), MB_ERR_INVALID, "line 2"},
        {BYTES("a = \"\xff\"\n"), MB_ERR_INVALID, "line 1"},
        {BYTES("a = 1\n\xc3\x9e = 1\n"), MB_ERR_INVALID, "line 2"},
        {BYTES("a = 1 \xe1\x9a\x81\n"), MB_ERR_INVALID, "line 1"},
        {BYTES("\na = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n"), MB_ERR_INVALID,
         "line 2"},
        {BYTES(
             "\na.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
             "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1"),
         MB_ERR_LIMIT, "line 2"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;
        json_t *v = NULL;

        assert_fails(mb_toml_parse(rows[i].text, rows[i].len, &v, &err), err,
                     rows[i].code);
        assert_contains(err.msg, rows[i].why);
        assert_null(v);
    }
}

static void toml_over_its_limit_is_not_read(void **state _unused_)
{
    size_t len = MB_CONFIG_FILE_BYTES_MAX + 1;
    _cleanup_free_ char *text = mb_xmalloc(len);
    struct mb_error err;
    json_t *v = NULL;

    memset(text, '\n', len);
    assert_fails(mb_toml_parse(text, len, &v, &err), err, MB_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_refuses_what_is_not_one_plain_value),
        cmocka_unit_test(parse_meets_its_limits_first),
        cmocka_unit_test(read_fills_a_struct_by_its_table),
        cmocka_unit_test(read_names_the_key_that_is_wrong),
        cmocka_unit_test(write_is_byte_for_byte_what_go_writes),
        cmocka_unit_test(toml_becomes_json),
        cmocka_unit_test(toml_strings_may_hold_any_character),
        cmocka_unit_test(toml_of_nothing_is_an_empty_object),
        cmocka_unit_test(toml_errors_name_the_line),
        cmocka_unit_test(toml_over_its_limit_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
