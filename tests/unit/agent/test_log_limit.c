/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "agent/log_limit.h"
#include "base/buf.h"
#include "base/limits.h"

static void take(int stream _unused_, const void *data, size_t len, void *arg)
{
    mb_buf_add(arg, data, len);
}

/* @n bytes of output in pieces of @piece: each byte tells its place. */
static void feed(struct mb_buf *out, uint64_t n, size_t piece)
{
    struct log_limit *l = log_limit_new(take, out);
    char chunk[8192];

    for (uint64_t at = 0; at < n;) {
        size_t len = n - at < piece ? (size_t)(n - at) : piece;

        for (size_t i = 0; i < len; i++)
            chunk[i] = (char)('a' + (at + i) % 23);
        log_limit_put(1, chunk, len, l);
        at += len;
    }
    log_limit_end(l);
    log_limit_end(l); /* says nothing twice */
    log_limit_free(l);
    mb_buf_add(out, "", 1);
    assert_false(out->overflow);
}

static void assert_run(const char *p, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != (char)('a' + (from + i) % 23))
            fail_msg("byte %zu is '%c'", i, p[i]);
}

static void output_within_the_limit_passes_as_it_is(void **state _unused_)
{
    static const uint64_t sizes[] = {0, 1, 8192, MB_STEP_LOG_BYTES_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct mb_buf out = MB_BUF_INIT(4 * MB_MIB);

        feed(&out, sizes[i], 8192);
        assert_int_equal(out.len, sizes[i] + 1);
        assert_run(out.data, 0, (size_t)sizes[i]);
        mb_buf_done(&out);
    }
}

static void of_more_output_the_end_is_kept(void **state _unused_)
{
    static const uint64_t over[] = {1, MB_STEP_LOG_TAIL_BYTES,
                                    MB_STEP_LOG_TAIL_BYTES + 1, 5 * MB_MIB + 77};
    static const size_t pieces[] = {8192, 1000, 7919};

    for (size_t i = 0; i < ARRAY_SIZE(over) * ARRAY_SIZE(pieces); i++) {
        uint64_t extra = over[i % ARRAY_SIZE(over)];
        uint64_t all = MB_STEP_LOG_BYTES_MAX + extra;
        size_t tail = extra < MB_STEP_LOG_TAIL_BYTES ? (size_t)extra
                                                     : (size_t)MB_STEP_LOG_TAIL_BYTES;
        struct mb_buf out = MB_BUF_INIT(4 * MB_MIB);
        const char *note;

        feed(&out, all, pieces[i / ARRAY_SIZE(over)]);
        assert_true(out.len < MB_STEP_LOG_BYTES_MAX + MB_STEP_LOG_TAIL_BYTES + 256);
        assert_run(out.data, 0, MB_STEP_LOG_BYTES_MAX);
        assert_run(out.data + out.len - 1 - tail, all - tail, tail);
        note = strstr(out.data + MB_STEP_LOG_BYTES_MAX, "[output clipped");
        assert_non_null(note);
        assert_int_equal(strstr(note, "bytes of output left out]") != NULL,
                         extra > MB_STEP_LOG_TAIL_BYTES);
        mb_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_within_the_limit_passes_as_it_is),
        cmocka_unit_test(of_more_output_the_end_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
