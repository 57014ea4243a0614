/* SPDX-License-Identifier: Apache-2.0 */
#include "fs_test.h"

#include "base/spawn.h"
#include "fs/gzip.h"

#include "oci/digest.h"

#define OUT_MAX (32 * MB_MIB)

/* Bytes that are alike everywhere and neither constant nor random. */
static char *sample(size_t len)
{
    char *p = mb_xmalloc(len + 1);
    uint32_t x = 12345;

    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (char)("abcdefgh\n"[(x >> 28) % 9]);
    }
    return p;
}

static struct mb_buf gzip_of(const char *data, size_t len, unsigned threads,
                             size_t piece)
{
    struct mb_buf out = MB_BUF_INIT(OUT_MAX);
    struct mb_sink sink = {to_buf, &out};
    struct mb_gzip_writer *w =
        mb_gzip_writer_new(MB_GZIP_LEVEL_DEFAULT, threads, &sink);
    struct mb_error err;

    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;

        assert_ok(mb_gzip_writer_put(w, data + at, n, &err), err);
    }
    assert_ok(mb_gzip_writer_end(w, &err), err);
    mb_gzip_writer_free(w);
    return out;
}

static const size_t lengths[] = {
    0,
    1,
    1000,
    MB_GZIP_CHUNK_BYTES - 1,
    MB_GZIP_CHUNK_BYTES,
    MB_GZIP_CHUNK_BYTES + 1,
    9 * MB_GZIP_CHUNK_BYTES + 17,
};

static void the_bytes_do_not_depend_on_threads_or_pieces(void **state _unused_)
{
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        char *data = sample(lengths[i]);
        struct mb_buf want = gzip_of(data, lengths[i], 1, 1u << 20);
        static const unsigned threads[] = {1, 2, 4, 9};

        for (size_t t = 0; t < ARRAY_SIZE(threads); t++) {
            struct mb_buf got = gzip_of(data, lengths[i], threads[t], 65537);

            assert_int_equal(got.len, want.len);
            assert_memory_equal(got.data, want.data, want.len);
            mb_buf_done(&got);
        }
        mb_buf_done(&want);
        free(data);
    }
}

/* Fixed by libdeflate 1.14; another version may differ, then the codec's name does too.
 */
static void the_bytes_are_those_that_the_codec_name_promises(void **state _unused_)
{
    char *data = sample(3000000);
    struct mb_buf z = gzip_of(data, 3000000, 4, 100000);
    struct mb_digest d = mb_digest_of(z.data, z.len);
    char text[MB_DIGEST_TEXT_LEN + 1];

    if (strcmp(mb_gzip_codec(), "libdeflate-1.14/6/1048576") == 0)
        assert_string_equal(
            mb_digest_text(&d, text),
            "sha256:93dcd5036b96aa196143d808170b4bc4d5b3a50b38a0a7e9dd7ea7fab10d6a96");
    assert_memory_equal(z.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
    assert_int_equal((unsigned char)z.data[9], 255);
    mb_buf_done(&z);
    free(data);
}

static void decompression_gives_the_input_back(void **state _unused_)
{
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        char *data = sample(lengths[i]);
        struct mb_buf z = gzip_of(data, lengths[i], 2, 1u << 20);
        struct mb_buf out = MB_BUF_INIT(OUT_MAX);
        struct mb_sink sink = {to_buf, &out};
        int fd = fd_of(z.data, z.len);
        struct mb_error err;

        assert_ok(mb_decompress_fd(fd, lengths[i], &sink, &err), err);
        assert_int_equal(out.len, lengths[i]);
        if (out.len > 0)
            assert_memory_equal(out.data, data, out.len);
        close(fd);
        mb_buf_done(&out);
        mb_buf_done(&z);
        free(data);
    }
}

static void gunzip_accepts_the_members(void **state _unused_)
{
    char *data = sample(2500000);
    struct mb_buf z = gzip_of(data, 2500000, 4, 100000);
    struct mb_buf out = MB_BUF_INIT(OUT_MAX);
    struct mb_spawn s = MB_SPAWN_INIT;
    struct mb_error err;
    int status = -1;

    mb_strv_add(&s.argv, "gzip");
    mb_strv_add(&s.argv, "-dc");
    s.in_fd = fd_of(z.data, z.len);
    assert_ok(mb_spawn_output(&s, &out, &status, &err), err);
    assert_int_equal(status, 0);
    assert_int_equal(out.len, 2500000);
    assert_memory_equal(out.data, data, out.len);
    close(s.in_fd);
    mb_spawn_done(&s);
    mb_buf_done(&out);
    mb_buf_done(&z);
    free(data);
}

/* "hello\n" by gzip -n, twice; by zstd, twice; and as it is. */
static void formats_are_told_apart_by_content(void **state _unused_)
{
#define GZ                                                                             \
    "\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20\x30\x3a\x36\x06\0" \
    "\0\0"
#define ZST "\x28\xb5\x2f\xfd\x04\x58\x31\0\0hello\n\x53\x88\xbd\x91"
    static const struct {
        const char *data;
        size_t len;
        const char *want;
    } rows[] = {
        {BYTES(""), ""},         {BYTES("x"), "x"},
        {BYTES("\x1f"), "\x1f"}, {BYTES("hello\n"), "hello\n"},
        {BYTES(GZ), "hello\n"},  {BYTES(GZ GZ), "hello\nhello\n"},
        {BYTES(ZST), "hello\n"}, {BYTES(ZST ZST), "hello\nhello\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_buf out = MB_BUF_INIT(OUT_MAX);
        struct mb_sink sink = {to_buf, &out};
        int fd = fd_of(rows[i].data, rows[i].len);
        struct mb_error err;

        assert_ok(mb_decompress_fd(fd, 1000, &sink, &err), err);
        assert_string_equal(out.data ? out.data : "", rows[i].want);
        close(fd);
        mb_buf_done(&out);
    }
}

static void damaged_streams_are_corrupt(void **state _unused_)
{
    static const struct {
        const char *data;
        size_t len;
    } rows[] = {
        {GZ, sizeof(GZ) - 2}, /* truncated trailer */
        {GZ, 12},             /* truncated data */
        {GZ, 2},              /* magic alone */
        {BYTES("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0"
               "\x21\x30\x3a\x36\x06\0\0\0")}, /* wrong checksum */
        {BYTES("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0"
               "\x20\x30\x3a\x36\x07\0\0\0")}, /* wrong length */
        {BYTES(GZ "garbage")},                 /* no member behind */
        {ZST, sizeof(ZST) - 3},                /* truncated */
        {BYTES("\x28\xb5\x2f\xfd\x04\x58\x31\0\0hellO\n\x53\x88\xbd\x91")},
        {BYTES(ZST "x")},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_buf out = MB_BUF_INIT(OUT_MAX);
        struct mb_sink sink = {to_buf, &out};
        int fd = fd_of(rows[i].data, rows[i].len);
        struct mb_error err;

        assert_fails(mb_decompress_fd(fd, 1000, &sink, &err), err, MB_ERR_CORRUPT);
        close(fd);
        mb_buf_done(&out);
    }
}

static void a_bomb_ends_at_the_bound(void **state _unused_)
{
    size_t len = 8 * MB_GZIP_CHUNK_BYTES;
    char *zeros = mb_xcalloc(1, len);
    struct mb_buf z = gzip_of(zeros, len, 2, len);
    struct mb_buf out = MB_BUF_INIT(OUT_MAX);
    struct mb_sink sink = {to_buf, &out};
    int fd = fd_of(z.data, z.len);
    struct mb_error err;

    assert_true(z.len < 20000);
    assert_fails(mb_decompress_fd(fd, MB_MIB, &sink, &err), err, MB_ERR_LIMIT);
    assert_true(out.len <= MB_MIB);
    close(fd);
    mb_buf_done(&out);
    mb_buf_done(&z);
    free(zeros);
}

static int refuse(const void *data _unused_, size_t len _unused_, void *arg _unused_,
                  struct mb_error *err)
{
    return mb_fail(err, MB_ERR_CANCELLED, "enough");
}

static void a_sink_that_fails_ends_the_writer(void **state _unused_)
{
    size_t len = 9 * MB_GZIP_CHUNK_BYTES;
    struct mb_sink sink = {refuse, NULL};
    struct mb_gzip_writer *w = mb_gzip_writer_new(1, 4, &sink);
    char *data = sample(len);
    struct mb_error err;

    assert_fails(mb_gzip_writer_put(w, data, len, &err), err, MB_ERR_CANCELLED);
    mb_gzip_writer_free(w); /* with jobs in flight */
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_do_not_depend_on_threads_or_pieces),
        cmocka_unit_test(the_bytes_are_those_that_the_codec_name_promises),
        cmocka_unit_test(decompression_gives_the_input_back),
        cmocka_unit_test(gunzip_accepts_the_members),
        cmocka_unit_test(formats_are_told_apart_by_content),
        cmocka_unit_test(damaged_streams_are_corrupt),
        cmocka_unit_test(a_bomb_ends_at_the_bound),
        cmocka_unit_test(a_sink_that_fails_ends_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
