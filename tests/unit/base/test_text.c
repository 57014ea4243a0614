/* SPDX-License-Identifier: Apache-2.0 */
/* text, clock, sha256 and log. */
#include "mb_test.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/utf8.h"

static void parse_u64_takes_decimal_digits_in_range_only(void **state _unused_)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", 0, true, 0},
        {"007", 10, true, 7},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"11", 10, false, 0},
        {"", 10, false, 0},
        {"-1", 10, false, 0},
        {"+1", 10, false, 0},
        {" 1", 10, false, 0},
        {"1 ", 10, false, 0},
        {"0x1", 10, false, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 4711;
        struct mb_error err;

        if (rows[i].ok) {
            assert_ok(mb_parse_u64(rows[i].text, rows[i].max, &value, &err), err);
            assert_true(value == rows[i].value);
        } else {
            assert_fails(mb_parse_u64(rows[i].text, rows[i].max, &value, &err), err,
                         MB_ERR_INVALID);
            assert_true(value == 4711);
        }
    }
}

static void hex_is_exact_and_lower_case(void **state _unused_)
{
    static const char *const bad[] = {"", "0", "00f", "00fff", "00fF", "00g0", "0x00"};
    uint8_t bytes[2] = {9, 9};
    char text[5];
    struct mb_error err;

    mb_hex("\x00\xfe", 2, text);
    assert_string_equal(text, "00fe");
    assert_ok(mb_unhex("a0fe", bytes, 2, &err), err);
    assert_memory_equal(bytes, "\xa0\xfe", 2);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_fails(mb_unhex(bad[i], bytes, 2, &err), err, MB_ERR_INVALID);
    assert_memory_equal(bytes, "\xa0\xfe", 2);
}

static void base64_follows_the_vectors_of_rfc_4648(void **state _unused_)
{
    static const struct {
        const char *data;
        size_t len;
        const char *std, *url;
    } rows[] = {
        {BYTES(""), "", ""},
        {BYTES("f"), "Zg==", "Zg"},
        {BYTES("fo"), "Zm8=", "Zm8"},
        {BYTES("foo"), "Zm9v", "Zm9v"},
        {BYTES("foob"), "Zm9vYg==", "Zm9vYg"},
        {BYTES("\0\xff\xfe\xfb"), "AP/++w==", "AP_--w"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *std = mb_base64(rows[i].data, rows[i].len);
        _cleanup_free_ char *url = mb_base64url(rows[i].data, rows[i].len);
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(10);
        struct mb_error err;

        assert_string_equal(std, rows[i].std);
        assert_string_equal(url, rows[i].url);
        assert_ok(mb_unbase64(std, &out, &err), err);
        assert_ok(mb_unbase64url(url, &out, &err), err);
        assert_int_equal(out.len, 2 * rows[i].len);
        if (rows[i].len > 0) {
            assert_memory_equal(out.data, rows[i].data, rows[i].len);
            assert_memory_equal(out.data + rows[i].len, rows[i].data, rows[i].len);
        }
    }
}

static void base64_refuses_what_it_would_not_write(void **state _unused_)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",   "Zh==",   "Zg===",    "Z===",   "====",
        "Zm9=", "Zm-v", " Zm8=", "Zm8=\n", "Zg==Zg==", "Zm\x80v"};
    struct mb_error err;
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_fails(mb_unbase64(bad[i], &out, &err), err, MB_ERR_INVALID);
    assert_fails(mb_unbase64url("Zg==", &out, &err), err, MB_ERR_INVALID);
    assert_fails(mb_unbase64("Zm9vYmE=", &out, &err), err, MB_ERR_LIMIT);
    assert_int_equal(out.len, 0);
}

static void escape_leaves_nothing_that_moves_a_terminal(void **state _unused_)
{
    static const struct {
        const char *data;
        size_t len, max;
        const char *want;
    } rows[] = {
        {BYTES("plain \xc3\xa4"), 100, "plain \xc3\xa4"},
        {BYTES("a\x1b[2J\n"), 100, "a\\x1b[2J\\x0a"},
        {BYTES("\0\x7f"), 100, "\\x00\\x7f"},
        {BYTES("\xc2\x9b"), 100, "\\xc2\\x9b"},          /* C1 control */
        {BYTES("\xe2\x80\xae"), 100, "\\xe2\\x80\\xae"}, /* right to left */
        {BYTES("\xff\xc0\x80"), 100, "\\xff\\xc0\\x80"}, /* no UTF-8 */
        {BYTES("\xed\xa0\x80"), 100, "\\xed\\xa0\\x80"}, /* a surrogate */
        {BYTES("abcdef"), 3, "abc..."},
        {BYTES("ab\n"), 3, "ab..."},
        {BYTES(""), 0, ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text = mb_escape(rows[i].data, rows[i].len, rows[i].max);

        assert_string_equal(text, rows[i].want);
    }
}

static void utf8_accepts_one_form_of_each_character(void **state _unused_)
{
    static const struct {
        const char *data;
        size_t len;
        bool ok;
    } rows[] = {
        {BYTES("\xf4\x8f\xbf\xbf"), true},
        {BYTES("\xf4\x90\x80\x80"), false},
        {BYTES("\xe0\x80\x80"), false},
        {BYTES("\xf0\x80\x80\x80"), false},
        {BYTES("\xc1\xbf"), false},
        {BYTES("\xe2\x82"), false},
        {BYTES("\x80"), false},
        {BYTES("\xf8\x88\x80\x80\x80"), false},
        {BYTES("\xe2\x82\xac"), true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(mb_utf8_valid(rows[i].data, rows[i].len), rows[i].ok);
}

static void sizes_are_printed_as_docker_does(void **state _unused_)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } rows[] = {
        {0, "0B"},
        {999, "999B"},
        {1000, "1kB"},
        {3400000, "3.4MB"},
        {77800000, "77.8MB"},
        {999950, "1MB"},
        {1234567890, "1.23GB"},
        {UINT64_MAX, "18.4EB"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[MB_SIZE_TEXT_LEN];

        assert_string_equal(mb_size_text(rows[i].bytes, text), rows[i].want);
    }
}

static void rfc3339_is_what_go_prints(void **state _unused_)
{
    static const struct {
        int64_t sec;
        uint32_t usec;
        const char *want;
    } rows[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {-1, 999999, "1969-12-31T23:59:59.999999Z"},
        {951782400, 120000, "2000-02-29T00:00:00.12Z"},
        {951868800, 1, "2000-03-01T00:00:00.000001Z"},
        {4107542400, 0, "2100-03-01T00:00:00Z"},
        {4107542399, 0, "2100-02-28T23:59:59Z"},
        {1767323045, 0, "2026-01-02T03:04:05Z"},
        {-62167219200, 0, "0000-01-01T00:00:00Z"},
        {INT64_MIN, 0, "0000-01-01T00:00:00Z"},
        {253402300799, 0, "9999-12-31T23:59:59Z"},
        {INT64_MAX, 0, "9999-12-31T23:59:59Z"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[MB_RFC3339_LEN];

        assert_string_equal(mb_rfc3339(rows[i].sec, rows[i].usec, text), rows[i].want);
    }
}

static void clocks_move_forward(void **state _unused_)
{
    uint64_t before = mb_now_usec();

    assert_true(mb_now_usec() >= before);
    assert_true(mb_wall_sec() > 1700000000);
    assert_true(mb_wall_usec() / MB_USEC_PER_SEC >= (uint64_t)mb_wall_sec() - 1);
}

static void sha256_follows_the_vectors_of_fips_180(void **state _unused_)
{
    static const struct {
        const char *data;
        size_t len;
        const char *hex;
    } rows[] = {
        {BYTES(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {BYTES("abc"),
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t once[MB_SHA256_LEN], streamed[MB_SHA256_LEN];
        char hex[2 * MB_SHA256_LEN + 1];

        mb_sha256(rows[i].data, rows[i].len, once);
        mb_hex(once, sizeof(once), hex);
        assert_string_equal(hex, rows[i].hex);

        _cleanup_(mb_sha256_freep) struct mb_sha256 *h = mb_sha256_new();
        for (size_t at = 0; at < rows[i].len; at++)
            mb_sha256_add(h, rows[i].data + at, 1);
        mb_sha256_end(h, streamed);
        assert_memory_equal(once, streamed, sizeof(once));
    }
}

/* What one call writes, read back. */
static char *logged(enum mb_log_level level, const char *value)
{
    int from = -1, to = -1;
    struct mb_error err;
    struct mb_buf text = MB_BUF_INIT(100000);

    assert_ok(mb_pipe(&from, &to, &err), err);
    mb_log_set_fd(to);
    mb_log(level, "agent_joined", "agent=%s", value);
    mb_log_set_fd(-1);
    mb_log(MB_LOG_ERR, "nowhere", "x=1");
    close(to);
    assert_ok(mb_read_to_end(from, &text, &err), err);
    close(from);
    return mb_buf_steal(&text);
}

static void log_writes_one_line_with_its_priority(void **state _unused_)
{
    _cleanup_free_ char *line = logged(MB_LOG_NOTICE, "a1");
    _cleanup_free_ char *debug = logged(MB_LOG_DEBUG, "a1");
    _cleanup_free_ char *forged = logged(MB_LOG_ERR, "a1\n<0>event=x\x1b[2J");
    char large[20000];

    assert_string_equal(line, "<5>event=agent_joined agent=a1\n");
    assert_string_equal(debug, "");
    assert_string_equal(forged, "<3>event=agent_joined agent=a1 <0>event=x [2J\n");

    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    _cleanup_free_ char *cut = logged(MB_LOG_ERR, large);
    assert_true(strlen(cut) < 10000);
    assert_int_equal(cut[strlen(cut) - 1], '\n');
    mb_log_set_fd(STDERR_FILENO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_u64_takes_decimal_digits_in_range_only),
        cmocka_unit_test(hex_is_exact_and_lower_case),
        cmocka_unit_test(base64_follows_the_vectors_of_rfc_4648),
        cmocka_unit_test(base64_refuses_what_it_would_not_write),
        cmocka_unit_test(escape_leaves_nothing_that_moves_a_terminal),
        cmocka_unit_test(utf8_accepts_one_form_of_each_character),
        cmocka_unit_test(sizes_are_printed_as_docker_does),
        cmocka_unit_test(rfc3339_is_what_go_prints),
        cmocka_unit_test(clocks_move_forward),
        cmocka_unit_test(sha256_follows_the_vectors_of_fips_180),
        cmocka_unit_test(log_writes_one_line_with_its_priority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
