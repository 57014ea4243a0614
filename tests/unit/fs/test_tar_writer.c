/* SPDX-License-Identifier: Apache-2.0 */
#include "fs_test.h"

#include "fs/tree.h"

static char *name_of(size_t len, size_t slash_every)
{
    char *s = mb_xcalloc(1, len + 1);

    for (size_t i = 0; i < len; i++)
        s[i] = slash_every && i % slash_every == slash_every - 1 && i + 1 < len ? '/'
                                                                                : 'n';
    return s;
}

static void equal_entries_give_equal_bytes(void **state _unused_)
{
    static const struct row rows[] = {
        {"bin", S_IFDIR | 0755, NULL, false, 0, 1700000000},
        {"bin/sh", S_IFREG | 04755, "#!", false, 0, 1700000000},
        {"bin/ash", S_IFLNK | 0777, "sh", false, 0, 1700000000},
        {"bin/hard", S_IFREG | 04755, "bin/sh", true, 0, 1700000000},
    };
    struct mb_buf a = tar_of(rows, ARRAY_SIZE(rows));
    struct mb_buf b = tar_of(rows, ARRAY_SIZE(rows));
    struct mb_digest d = mb_digest_of(a.data, a.len);
    char text[MB_DIGEST_TEXT_LEN + 1];

    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    /* four headers, one block of data, the end marker: no pax entries */
    assert_int_equal(a.len, 512 * (4 + 1 + 2));
    /* a change of this digest changes every layer digest there is */
    assert_string_equal(
        mb_digest_text(&d, text),
        "sha256:87ec875d41851be96f7ca38d00f1ed21fd79b86205cf4c7bb2abedd98d1b15ea");
    mb_buf_done(&a);
    mb_buf_done(&b);
}

/* Lengths around what name, prefix and pax records hold. */
static void names_of_any_length_come_back(void **state _unused_)
{
    static const struct {
        size_t len;
        size_t slash_every;
    } rows[] = {{1, 0},     {99, 0},     {100, 0},   {101, 0},  {101, 50},
                {155, 30},  {200, 99},   {255, 90},  {256, 90}, {257, 99},
                {900, 100}, {4000, 200}, {4095, 250}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (int dir = 0; dir < 2; dir++) {
            char *name = name_of(rows[i].len, rows[i].slash_every);
            struct row r = {name, dir ? S_IFDIR | 0700 : S_IFREG | 0600, NULL, false, 0,
                            0};
            int fd = tar_fd_of(&r, 1);
            struct mb_tree t;
            struct mb_error err;

            assert_ok(mb_tree_from_tar(fd, &t, &err), err);
            assert_string_equal(t.v[t.n - 1].path, name);
            assert_int_equal(t.v[t.n - 1].mode, r.mode);
            mb_tree_done(&t);
            close(fd);
            free(name);
        }
    }
}

static void long_links_come_back(void **state _unused_)
{
    static const size_t lengths[] = {1, 100, 101, 4000};

    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        char *target = name_of(lengths[i], 60);
        struct row r = {"l", S_IFLNK | 0777, target, false, 0, 0};
        int fd = tar_fd_of(&r, 1);
        struct mb_tree t;
        struct mb_error err;

        assert_ok(mb_tree_from_tar(fd, &t, &err), err);
        assert_string_equal(t.v[0].link_target, target);
        mb_tree_done(&t);
        close(fd);
        free(target);
    }
}

/* Names are bytes: no conversion, no normalisation, whatever the locale. */
static void names_are_bytes(void **state _unused_)
{
    static const char *const names[] = {"e\xcc\x81", "\xc3\xa9", "\xff\xfe", "a b\n",
                                        "\\"};
    char *suffix = name_of(120, 0);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        for (int is_long = 0; is_long < 2; is_long++) {
            char *name = mb_xasprintf("%s%s", names[i], is_long ? suffix : "");
            struct row r = {name, S_IFREG | 0600, NULL, false, 0, 0};
            int fd = tar_fd_of(&r, 1);
            struct mb_tree t;
            struct mb_error err;

            assert_ok(mb_tree_from_tar(fd, &t, &err), err);
            assert_string_equal(t.v[0].path, name);
            mb_tree_done(&t);
            close(fd);
            free(name);
        }
    }
    free(suffix);
}

static void what_ustar_cannot_hold_goes_to_pax_records(void **state _unused_)
{
    static const struct {
        struct mb_tar_entry e;
        const char *record;
    } rows[] = {
        {{.path = "f", .mode = S_IFREG, .uid = 2097152}, "15 uid=2097152\n"},
        {{.path = "f", .mode = S_IFREG, .gid = 4294967294}, "18 gid=4294967294\n"},
        {{.path = "f", .mode = S_IFREG, .mtime_sec = -5}, "12 mtime=-5\n"},
        {{.path = "f", .mode = S_IFREG, .mtime_sec = INT64_C(1) << 40},
         "23 mtime=1099511627776\n"},
        {{.path = "f", .mode = S_IFREG, .size = UINT64_C(1) << 33},
         "19 size=8589934592\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_buf out = MB_BUF_INIT(MB_MIB);
        struct mb_sink sink = {to_buf, &out};
        struct mb_tar_writer *w = mb_tar_writer_new(&sink);
        struct mb_error err;

        assert_ok(mb_tar_writer_entry(w, &rows[i].e, &err), err);
        assert_int_equal(out.len, 3 * 512);
        assert_int_equal(out.data[156], 'x');
        assert_string_equal(out.data + 512, rows[i].record);
        mb_tar_writer_free(w);
        mb_buf_done(&out);
    }
}

/* The length of a record counts its own digits: 98 and 99 become three digits. */
static void record_lengths_count_themselves(void **state _unused_)
{
    for (size_t len = 1; len < 1200; len++) {
        struct mb_buf out = MB_BUF_INIT(MB_MIB);
        struct mb_sink sink = {to_buf, &out};
        struct mb_tar_writer *w = mb_tar_writer_new(&sink);
        char *value = name_of(len, 0);
        struct mb_tar_xattr x = {(char[]){"user.x"}, value, len};
        struct mb_tar_entry e = {
            .path = "f", .mode = S_IFREG, .xattrs = &x, .n_xattrs = 1};
        struct mb_error err;
        size_t claimed;

        assert_ok(mb_tar_writer_entry(w, &e, &err), err);
        claimed = (size_t)strtoull(out.data + 512, NULL, 10);
        assert_int_equal(out.data[512 + claimed - 1], '\n');
        if (claimed % 512 != 0)
            assert_int_equal(out.data[512 + claimed], '\0');
        mb_tar_writer_free(w);
        mb_buf_done(&out);
        free(value);
    }
}

static void entries_that_no_archive_holds_are_refused(void **state _unused_)
{
    struct mb_tar_xattr x = {(char[]){"user.a=b"}, (char[]){""}, 0};
    char *too_long = name_of(4096, 100);
    const struct {
        struct mb_tar_entry e;
        enum mb_errc code;
    } rows[] = {
        {{.path = "", .mode = S_IFREG}, MB_ERR_LIMIT},
        {{.path = too_long, .mode = S_IFREG}, MB_ERR_LIMIT},
        {{.path = "f", .mode = S_IFREG, .uid = UINT64_C(1) << 32}, MB_ERR_LIMIT},
        {{.path = "s", .mode = S_IFSOCK}, MB_ERR_INVALID},
        {{.path = "f", .mode = S_IFREG, .xattrs = &x, .n_xattrs = 1}, MB_ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_buf out = MB_BUF_INIT(MB_MIB);
        struct mb_sink sink = {to_buf, &out};
        struct mb_tar_writer *w = mb_tar_writer_new(&sink);
        struct mb_error err;

        assert_fails(mb_tar_writer_entry(w, &rows[i].e, &err), err, rows[i].code);
        assert_int_equal(out.len, 0);
        mb_tar_writer_free(w);
        mb_buf_done(&out);
    }
    free(too_long);
}

static void a_file_shorter_than_said_is_an_error(void **state _unused_)
{
    struct mb_buf out = MB_BUF_INIT(MB_MIB);
    struct mb_sink sink = {to_buf, &out};
    struct mb_tar_writer *w = mb_tar_writer_new(&sink);
    struct mb_tar_entry e = {.path = "f", .mode = S_IFREG, .size = 10};
    int fd = fd_of("123456789", 9);
    struct mb_error err;

    assert_ok(mb_tar_writer_entry(w, &e, &err), err);
    assert_fails(mb_tar_writer_data_fd(w, fd, &err), err, MB_ERR_CORRUPT);
    mb_tar_writer_free(w);
    mb_buf_done(&out);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_entries_give_equal_bytes),
        cmocka_unit_test(names_of_any_length_come_back),
        cmocka_unit_test(long_links_come_back),
        cmocka_unit_test(names_are_bytes),
        cmocka_unit_test(what_ustar_cannot_hold_goes_to_pax_records),
        cmocka_unit_test(record_lengths_count_themselves),
        cmocka_unit_test(entries_that_no_archive_holds_are_refused),
        cmocka_unit_test(a_file_shorter_than_said_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
