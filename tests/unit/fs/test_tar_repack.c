/* SPDX-License-Identifier: Apache-2.0 */
#include "fs_test.h"

#include "fs/tar_repack.h"
#include "fs/tree.h"

static int repack(int fd, struct mb_buf *out, struct mb_error *err)
{
    const struct mb_sink sink = {.fn = to_buf, .arg = out};

    return mb_tar_repack(fd, &sink, err);
}

static void an_archive_becomes_a_contexts_tar(void **state _unused_)
{
    static const struct row rows[] = {
        D("./"),
        {.path = "/abs", .mode = S_IFREG | 0755, .text = "x", .uid = 4000, .mtime = 7},
        F("dir/implied", "i"),
        H("dir/hard", "abs"),
        L("dir/link", "../../../etc/passwd"),
        {.path = "null", .mode = S_IFCHR | 0666},
    };
    int fd = tar_fd_of(rows, ARRAY_SIZE(rows)), packed;
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);
    struct mb_digest d;
    struct mb_tree t = {0};
    struct mb_error err;

    assert_ok(repack(fd, &out, &err), err);
    packed = fd_of(out.data, out.len);
    assert_true(mb_tar_is_head(out.data, out.len));
    assert_ok(mb_tree_from_tar(packed, &t, &err), err);
    assert_int_equal(t.n, 5); /* abs dir dir/hard dir/implied dir/link */
    assert_ok(mb_tree_digest(&t, "dir/hard", &d, &err), err);
    assert_int_equal(t.v[0].mode, S_IFREG | 0755);
    /* the owner is nobody's business, and a second time changes nothing */
    _cleanup_buf_ struct mb_buf again = MB_BUF_INIT(MB_MIB);
    assert_int_equal(lseek(packed, 0, SEEK_SET), 0);
    assert_ok(repack(packed, &again, &err), err);
    assert_int_equal(out.len, again.len);
    assert_memory_equal(out.data, again.data, out.len);
    mb_tree_done(&t);
    close(packed);
    close(fd);
}

static void hostile_archives_are_refused(void **state _unused_)
{
    static const struct {
        struct row row;
        const char *why;
    } rows[] = {
        {F("a/../../b", "x"), "may not hold \"..\""},
        {F("a/.wh.b", "x"), ".wh. mark deleted files"},
        {H("h", "../out"), "may not hold \"..\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int fd = tar_fd_of(&rows[i].row, 1);
        _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);
        struct mb_error err;

        assert_fails(repack(fd, &out, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        close(fd);
    }
}

static void what_is_no_archive_is_said_to_be_damaged(void **state _unused_)
{
    static const char text[] = "BZh9 this is no bzip2 data at all, but it began so";
    int fd = fd_of(text, sizeof(text));
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);
    struct mb_error err;

    assert_fails(repack(fd, &out, &err), err, MB_ERR_CORRUPT);
    close(fd);
}

static void heads_tell_archives_from_text(void **state _unused_)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool compressed;
    } rows[] = {
        {BYTES(""), false},
        {BYTES("FROM scratch\n"), false},
        {BYTES("\x1f\x8b\x08"), true},
        {BYTES("BZh91AY"), true},
        {BYTES("\xfd"
               "7zXZ\0"),
         true},
        {BYTES("\x28\xb5\x2f\xfd"), true},
    };
    uint8_t block[MB_TAR_HEAD_BYTES] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(mb_is_compressed_head(rows[i].bytes, rows[i].len),
                         rows[i].compressed);
        assert_false(mb_tar_is_head(rows[i].bytes, rows[i].len));
    }
    assert_true(mb_tar_is_head(block, sizeof(block))); /* an empty archive */
    assert_false(mb_tar_is_head(block, sizeof(block) - 1));
    memset(block, 'F', sizeof(block));
    assert_false(mb_tar_is_head(block, sizeof(block)));
}

static void a_file_is_read_out_of_an_archive(void **state _unused_)
{
    static const struct row rows[] = {
        F("./Dockerfile", "old"),
        L("link", "Dockerfile"),
        F("Dockerfile", "new"),
    };
    int fd = tar_fd_of(rows, ARRAY_SIZE(rows));
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(3), small = MB_BUF_INIT(2);
    struct mb_error err;

    assert_ok(mb_tar_read_file(fd, "Dockerfile", &out, &err), err);
    assert_string_equal(out.data, "new");
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_fails(mb_tar_read_file(fd, "link", &out, &err), err, MB_ERR_NOT_FOUND);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_fails(mb_tar_read_file(fd, "Dockerfile", &small, &err), err, MB_ERR_LIMIT);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_archive_becomes_a_contexts_tar),
        cmocka_unit_test(hostile_archives_are_refused),
        cmocka_unit_test(what_is_no_archive_is_said_to_be_damaged),
        cmocka_unit_test(heads_tell_archives_from_text),
        cmocka_unit_test(a_file_is_read_out_of_an_archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
