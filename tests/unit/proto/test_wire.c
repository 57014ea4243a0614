/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec over a schema of its own that has every type of field. The exact bytes
 * stand here because they are hashed and must be the same on hosts of either byte
 * order.
 */
#include "mb_test.h"

#include "base/mem.h"
#include "proto/wire_table.h"

struct item {
    uint64_t n;
    char *s;
};
struct all {
    uint64_t u;
    int64_t i;
    bool b;
    char *s;
    struct mb_digest d;
    struct mb_bytes y;
    struct mb_strv l;
    struct mb_kvlist k;
    struct mb_platform p;
    struct mb_descriptor c;
    struct item *items;
    size_t n_items;
    struct item one;
};
static const struct mb_wire_field item_fields[] = {
    FIELD(struct item, n, U64, .required = true, .min = 1),
    FIELD(struct item, s, STR, .min = 1, .max = 3),
};
static const struct mb_wire_schema item_schema =
    SCHEMA("item", struct item, item_fields);
static const struct mb_wire_field all_fields[] = {
    FIELD(struct all, u, U64, .max = 1000),
    FIELD(struct all, i, I64),
    FIELD(struct all, b, BOOL),
    FIELD(struct all, s, STR, .max = 300),
    FIELD(struct all, d, DIGEST),
    FIELD(struct all, y, BYTES, .min = 2, .max = 4),
    FIELD(struct all, l, STRV, .max = 3),
    FIELD(struct all, k, KV, .max = 3),
    FIELD(struct all, p, PLATFORM),
    FIELD(struct all, c, DESC),
    LIST(struct all, items, struct item, item_schema, .max = 3),
    STRUCT(struct all, one, struct item, item_schema),
};
static const struct mb_wire_schema all_schema = SCHEMA("ALL", struct all, all_fields);

/* One integer of each kind without bounds. */
struct number {
    uint64_t u;
    int64_t i;
};
static const struct mb_wire_field number_fields[] = {
    FIELD(struct number, u, U64),
    FIELD(struct number, i, I64),
};
static const struct mb_wire_schema number_schema =
    SCHEMA("NUMBER", struct number, number_fields);

#define X8(c) c c c c c c c c
#define X32(c) X8(c) X8(c) X8(c) X8(c)
static const char all_bytes[] =
    "\x8c"
    "\xa1u\xcd\x01\x00"
    "\xa1i\xd1\xff\x00"
    "\xa1"
    "b\xc3"
    "\xa1s\xa2hi"
    "\xa1"
    "d\xc4\x20" X32("\x11") "\xa1y\xc4\x02\x00\xff"
                            "\xa1l\x92\xa1x\xa0"
                            "\xa1k\x81\xa1K\xa1V"
                            "\xa1p\xablinux/arm64"
                            "\xa1"
                            "c\x93\xa3"
                            "a/b\xc4\x20" X32(
                                "\x22") "\xce\x00\x01\x00\x00"
                                        "\xa5items\x91\x82\xa1n\x01\xa1s\xa1z"
                                        "\xa3one\x81\xa1n\x07";

static void fill_all(struct all *m)
{
    *m =
        (struct all){.u = 256, .i = -256, .b = true, .s = mb_xstrdup("hi"), .one.n = 7};
    memset(m->d.bytes, 0x11, sizeof(m->d.bytes));
    m->y = (struct mb_bytes){.data = mb_xmemdup("\0\xff", 2), .len = 2};
    mb_strv_add(&m->l, "x");
    mb_strv_add(&m->l, "");
    mb_kv_set(&m->k, "K", "V");
    m->p = (struct mb_platform){.os = "linux", .arch = "arm64"};
    m->c = (struct mb_descriptor){.media_type = "a/b", .size = 65536};
    memset(m->c.digest.bytes, 0x22, sizeof(m->c.digest.bytes));
    m->items = mb_xcalloc(1, sizeof(*m->items));
    m->items[0] = (struct item){.n = 1, .s = mb_xstrdup("z")};
    m->n_items = 1;
}

static void assert_encodes(const struct mb_wire_schema *s, const void *msg,
                           const void *bytes, size_t len)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);

    mb_wire_encode(s, msg, &out);
    assert_false(out.overflow);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, bytes, len);
}

static void encoding_gives_the_documented_bytes(void **state _unused_)
{
    struct all m;

    fill_all(&m);
    assert_encodes(&all_schema, &m, all_bytes, sizeof(all_bytes) - 1);
    mb_wire_done(&all_schema, &m);
    assert_encodes(&all_schema, &m, "\x80", 1); /* done() leaves an empty message */
}

static void decoding_gives_back_what_was_encoded(void **state _unused_)
{
    struct mb_error err;
    struct all m, want, copy = {0};

    fill_all(&want);
    assert_ok(mb_wire_decode(&all_schema, all_bytes, sizeof(all_bytes) - 1, &m, &err),
              err);
    assert_int_equal(m.u, 256);
    assert_int_equal(m.i, -256);
    assert_true(m.b);
    assert_string_equal(m.s, "hi");
    assert_true(mb_digest_equal(&m.d, &want.d));
    assert_memory_equal(m.y.data, "\0\xff", 2);
    assert_true(mb_strv_equal(&m.l, &want.l));
    assert_string_equal(mb_kv_get(&m.k, "K"), "V");
    assert_true(mb_platform_equal(&m.p, &want.p));
    assert_string_equal(m.c.media_type, "a/b");
    assert_int_equal(m.c.size, 65536);
    assert_int_equal(m.n_items, 1);
    assert_string_equal(m.items[0].s, "z");
    assert_int_equal(m.one.n, 7);
    assert_null(m.one.s);

    mb_wire_copy(&all_schema, &copy, &m);
    mb_wire_done(&all_schema, &m);
    mb_wire_done(&all_schema, &want);
    assert_encodes(&all_schema, &copy, all_bytes,
                   sizeof(all_bytes) - 1); /* shares nothing */
    mb_wire_done(&all_schema, &copy);
}

static void integers_take_the_shortest_form(void **state _unused_)
{
    static const struct {
        struct number n;
        const char *bytes;
        size_t len;
    } rows[] = {
        {{.u = 0}, BYTES("\x80")},
        {{.u = 127}, BYTES("\x81\xa1u\x7f")},
        {{.u = 128}, BYTES("\x81\xa1u\xcc\x80")},
        {{.u = 255}, BYTES("\x81\xa1u\xcc\xff")},
        {{.u = 256}, BYTES("\x81\xa1u\xcd\x01\x00")},
        {{.u = 0xffff}, BYTES("\x81\xa1u\xcd\xff\xff")},
        {{.u = 0x10000}, BYTES("\x81\xa1u\xce\x00\x01\x00\x00")},
        {{.u = UINT32_MAX}, BYTES("\x81\xa1u\xce\xff\xff\xff\xff")},
        {{.u = UINT64_C(1) << 32}, BYTES("\x81\xa1u\xcf\0\0\0\1\0\0\0\0")},
        {{.u = UINT64_C(0x0102030405060708)}, BYTES("\x81\xa1u\xcf\1\2\3\4\5\6\7\x08")},
        {{.u = UINT64_MAX}, BYTES("\x81\xa1u\xcf\xff\xff\xff\xff\xff\xff\xff\xff")},
        {{.i = 5}, BYTES("\x81\xa1i\x05")},
        {{.i = 200}, BYTES("\x81\xa1i\xcc\xc8")},
        {{.i = INT64_MAX}, BYTES("\x81\xa1i\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")},
        {{.i = -1}, BYTES("\x81\xa1i\xff")},
        {{.i = -32}, BYTES("\x81\xa1i\xe0")},
        {{.i = -33}, BYTES("\x81\xa1i\xd0\xdf")},
        {{.i = -128}, BYTES("\x81\xa1i\xd0\x80")},
        {{.i = -129}, BYTES("\x81\xa1i\xd1\xff\x7f")},
        {{.i = -32769}, BYTES("\x81\xa1i\xd2\xff\xff\x7f\xff")},
        {{.i = INT32_MIN}, BYTES("\x81\xa1i\xd2\x80\0\0\0")},
        {{.i = (int64_t)INT32_MIN - 1},
         BYTES("\x81\xa1i\xd3\xff\xff\xff\xff\x7f\xff\xff\xff")},
        {{.i = INT64_MIN}, BYTES("\x81\xa1i\xd3\x80\0\0\0\0\0\0\0")},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct number n;
        struct mb_error err;

        assert_encodes(&number_schema, &rows[i].n, rows[i].bytes, rows[i].len);
        assert_ok(mb_wire_decode(&number_schema, rows[i].bytes, rows[i].len, &n, &err),
                  err);
        assert_true(n.u == rows[i].n.u && n.i == rows[i].n.i);
    }
}

static void text_lengths_take_the_shortest_form(void **state _unused_)
{
    static const struct {
        size_t len;
        const char *head;
        size_t head_len;
    } rows[] = {
        {31, BYTES("\x81\xa1s\xbf")},
        {32, BYTES("\x81\xa1s\xd9\x20")},
        {255, BYTES("\x81\xa1s\xd9\xff")},
        {256, BYTES("\x81\xa1s\xda\x01\x00")},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);
        struct all m = {.s = mb_xcalloc(1, rows[i].len + 1)};

        memset(m.s, 'a', rows[i].len);
        mb_wire_encode(&all_schema, &m, &out);
        assert_int_equal(out.len, rows[i].head_len + rows[i].len);
        assert_memory_equal(out.data, rows[i].head, rows[i].head_len);
        mb_wire_done(&all_schema, &m);
    }
}

static void decode_accepts_what_a_newer_or_other_encoder_may_send(void **state _unused_)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {BYTES("\x81\xa1u\x09")},
        {BYTES("\x81\xa1u\xcf\0\0\0\0\0\0\0\x09")}, /* a long form */
        {BYTES("\x81\xa1u\xd0\x09")},               /* a signed form */
        {BYTES("\xde\x00\x01\xa1u\x09")},           /* map 16 */
        {BYTES("\xdf\0\0\0\x01\xd9\x01u\x09")},     /* map 32, str 8 */
        {BYTES("\x82\xa3new\x93\x01\x81\xa1x\xc0\xca\0\0\0\0\xa1u\x09")}, /* an unknown
                                                                             field */
        {BYTES("\x82\xa1n\xd4\x01\x02\xa1u\x09")}, /* unknown, of type ext */
        {BYTES("\x82\xa1n\xc7\x03\x01zzz\xa1u\x09")},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct all m;
        struct mb_error err;

        assert_ok(mb_wire_decode(&all_schema, rows[i].bytes, rows[i].len, &m, &err),
                  err);
        assert_int_equal(m.u, 9);
        mb_wire_done(&all_schema, &m);
    }
}

/* Each row is a message that a broken or hostile peer can send. */
static void decode_refuses_malformed_messages(void **state _unused_)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why; /* must appear in the error */
    } rows[] = {
        {BYTES(""), "malformed"},
        {BYTES("\xdd\x0f\xff\xff\xff"), "a count is over"}, /* claims 2^28 items */
        {BYTES("\xdf\xff\xff\xff\xff"), "a count is over"},
        {BYTES("\x82\xa1u\x01"), "a count is over"},
        {BYTES("\xc1"), "0xc1"},
        {BYTES("\x80\xc0"), "bytes behind"},
        {BYTES("\x80\x80"), "bytes behind"},
        {BYTES("\x81\xa1u\xcd\x01"), "ends inside"},
        {BYTES("\x81\xa1u\xcd"), "ends inside"},
        {BYTES("\x81\xa1"), "a count is over"},
        {BYTES("\x81\xa2u"), "a length is over"},
        {BYTES("\x81\xa1s\xdb\xff\xff\xff\xff"), "a length is over"},
        {BYTES("\x81\xa1s\xa5hi"), "a length is over"},
        {BYTES("\x81\xa1x\xc9\xff\xff\xff\xff\x01"), "a length is over"},
        {BYTES("\x81\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\xc0"), "too deeply"},
        {BYTES("\x90"), "not a map"},
        {BYTES("\xc0"), "not a map"},
        {BYTES("\x81\x01\x01"), "name is not a text"},
        {BYTES("\x82\xa1u\x01\xa1u\x01"), "'u' twice"},
        {BYTES("\x81\xa1u\xff"), "'u' is not a number from 0"},
        {BYTES("\x81\xa1u\xa1x"), "'u' is not a number"},
        {BYTES("\x81\xa1u\xc0"), "'u' is not a number"},
        {BYTES("\x81\xa1u\xcd\x03\xe9"), "'u' is over 1000"},
        {BYTES("\x81\xa1i\xcf\x80\0\0\0\0\0\0\0"), "'i' is over 2^63-1"},
        {BYTES("\x81\xa1i\xca\0\0\0\0"), "'i' is not a number"},
        {BYTES("\x81\xa1"
               "b\x01"),
         "'b' is not true or false"},
        {BYTES("\x81\xa1s\xc4\x01x"), "'s' is not a text"},
        {BYTES("\x81\xa1s\xa2x\0"), "'s' has a NUL"},
        {BYTES("\x81\xa1s\xda\x01\x2d" X8(X32("a")) X32("a") "aaaaaaaaaaaaa"),
         "'s' is over 300"},
        {BYTES("\x81\xa1"
               "d\xc4\x01x"),
         "'d' is not a digest of 32"},
        {BYTES("\x81\xa1"
               "d\xc4\x20" X32("\0")),
         "'d' is a digest of zeros"},
        {BYTES("\x81\xa1y\xc4\x01x"), "'y' is under 2"},
        {BYTES("\x81\xa1y\xc4\x05xxxxx"), "'y' is over 4"},
        {BYTES("\x81\xa1y\xa2xx"), "'y' is not bytes"},
        {BYTES("\x81\xa1l\x94\xa0\xa0\xa0\xa0"), "'l' is over 3"},
        {BYTES("\x81\xa1l\x92\xa1x\x01"), "'l' is not a text"},
        {BYTES("\x81\xa1l\xa1x"), "'l' is not a list"},
        {BYTES("\x81\xa1k\x82\xa1x\xa1x\xa1x\xa1x"), "'k' has a key twice"},
        {BYTES("\x81\xa1k\x82\xa1x\xa1x\xa1y\x01"), "'k' is not a text"},
        {BYTES("\x81\xa1k\x90"), "'k' is not a map"},
        {BYTES("\x81\xa1k\x84\xa0\xa0\xa1x\xa0\xa1y\xa0\xa1z\xa0"), "'k' is over 3"},
        {BYTES("\x81\xa1p\xa0"), "'p' is not a platform"},
        {BYTES("\x81\xa1p\xa5../.."), "'p' is not a platform"},
        {BYTES("\x81\xa1"
               "c\x92\xa1x\xa1x"),
         "'c' is not a descriptor"},
        {BYTES("\x81\xa1"
               "c\x93\xa1x\xc4\x20" X32("\1") "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
         "'c' is over"},
        {BYTES("\x81\xa1"
               "c\x93\xd9\x80" X32("mmmm") "\xc4\x20" X32("\1") "\x01"),
         "media type"},
        {BYTES("\x81\xa5items\x80"), "'items' is not a list"},
        {BYTES("\x81\xa5items\x94\x80\x80\x80\x80"), "'items' is over 3"},
        {BYTES("\x81\xa5items\x92\x81\xa1n\x01\x80"), "'items' 1: 'n' is missing"},
        {BYTES("\x81\xa5items\x91\x82\xa1n\x01\xa1s\xa4zzzz"),
         "'items' 0: 's' is over 3"},
        {BYTES("\x81\xa5items\x91\x82\xa1n\x01\xa1s\xa0"), "'s' is under 1"},
        {BYTES("\x81\xa5items\x91\xc0"), "item is not a map"},
        {BYTES("\x81\xa3one\x80"), "'one': 'n' is missing"},
        {BYTES("\x81\xa3one\x81\xa1n\x00"), "'n' is under 1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct all m = {.u = 99};
        struct mb_error err;

        assert_fails(mb_wire_decode(&all_schema, rows[i].bytes, rows[i].len, &m, &err),
                     err, MB_ERR_PROTOCOL);
        if (!strstr(err.msg, rows[i].why))
            fail_msg("row %zu: '%s' does not say '%s'", i, err.msg, rows[i].why);
        assert_int_equal(m.u, 99); /* untouched on failure */
    }
}

static void decode_refuses_every_cut_of_a_message(void **state _unused_)
{
    for (size_t len = 0; len < sizeof(all_bytes) - 1; len++) {
        _cleanup_free_ char *cut =
            mb_xmalloc(len + 1); /* so that a read behind it shows */
        struct all m;
        struct mb_error err;

        cut = mb_xrealloc(cut, len > 0 ? len : 1);
        memcpy(cut, all_bytes, len);
        assert_fails(mb_wire_decode(&all_schema, cut, len, &m, &err), err,
                     MB_ERR_PROTOCOL);
    }
}

static void decode_refuses_a_message_over_the_limit(void **state _unused_)
{
    _cleanup_free_ char *big = mb_xcalloc(1, MB_MSG_BYTES_MAX + 1);
    struct all m;
    struct mb_error err;

    big[0] = '\x80';
    assert_fails(mb_wire_decode(&all_schema, big, MB_MSG_BYTES_MAX + 1, &m, &err), err,
                 MB_ERR_PROTOCOL);
    assert_non_null(strstr(err.msg, "over 262144 bytes"));
}

static void encoding_over_the_buffer_is_seen(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(10);
    struct mb_error err;
    struct all m;

    fill_all(&m);
    mb_wire_encode(&all_schema, &m, &out);
    mb_wire_done(&all_schema, &m);
    assert_fails(mb_buf_check(&out, "message", &err), err, MB_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_gives_the_documented_bytes),
        cmocka_unit_test(decoding_gives_back_what_was_encoded),
        cmocka_unit_test(integers_take_the_shortest_form),
        cmocka_unit_test(text_lengths_take_the_shortest_form),
        cmocka_unit_test(decode_accepts_what_a_newer_or_other_encoder_may_send),
        cmocka_unit_test(decode_refuses_malformed_messages),
        cmocka_unit_test(decode_refuses_every_cut_of_a_message),
        cmocka_unit_test(decode_refuses_a_message_over_the_limit),
        cmocka_unit_test(encoding_over_the_buffer_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
