/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as root of a user namespace of 65,536 ids, as the step helper does. */
#include "fs_test.h"

#include <sys/xattr.h>

#include "fs/layer_unpack.h"

static int unpack(int dir_fd, const struct row *rows, size_t n, struct mb_error *err)
{
    int fd = tar_fd_of(rows, n);
    int rc = mb_layer_unpack(fd, dir_fd, err);

    close(fd);
    return rc;
}

static struct stat stat_of(int dir_fd, const char *path)
{
    struct stat st = {0};

    if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    return st;
}

static bool is_whiteout(int dir_fd, const char *path)
{
    struct stat st = stat_of(dir_fd, path);

    return S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static bool is_opaque(int dir_fd, const char *path)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char v = 0;
    bool opaque = fgetxattr(fd, "user.overlay.opaque", &v, 1) == 1 && v == 'y';

    close(fd);
    return opaque;
}

static void entries_keep_what_the_archive_says(void **state)
{
    static const struct row rows[] = {
        {"./", DIR_755, NULL, false, 0, 1111},
        {"./bin", S_IFDIR | 01777, NULL, false, 3, 1000000000},
        {"./bin/su", S_IFREG | 06755, "code", false, 65535, 1000000001},
        {"bin/sh", LINK, "su", false, 65534,
         1000000002}, /* QEMU for arm: 65535 is -1 */
        {"bin/pipe", S_IFIFO | 0622, NULL, false, 5, 1000000003},
        {"bin/hard", S_IFREG | 06755, "./bin/su", true, 65535, 1000000001},
        {"/abs/implied/f", FILE_644, "x", false, 0, -7},
        {"bin/null", S_IFCHR | 0666, NULL, false, 0, 0},
    };
    struct mb_test_dir *t = *state;
    struct mb_error err;
    struct stat st;
    char link[8] = "";

    umask(077);
    assert_ok(unpack(t->fd, rows, ARRAY_SIZE(rows), &err), err);
    st = stat_of(t->fd, ".");
    assert_int_equal(st.st_mode, DIR_755);
    assert_int_equal(st.st_mtim.tv_sec, 1111);
    st = stat_of(t->fd, "bin");
    assert_int_equal(st.st_mode, S_IFDIR | 01777);
    assert_int_equal(st.st_uid, 3);
    assert_int_equal(st.st_mtim.tv_sec, 1000000000);
    st = stat_of(t->fd, "bin/su");
    assert_int_equal(st.st_mode, S_IFREG | 06755);
    assert_int_equal(st.st_uid, 65535);
    assert_int_equal(st.st_gid, 65535);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(st.st_mtim.tv_sec, 1000000001);
    assert_int_equal(stat_of(t->fd, "bin/hard").st_ino, st.st_ino);
    assert_file(t->fd, "bin/su", "code");
    st = stat_of(t->fd, "bin/sh");
    assert_int_equal(st.st_uid, 65534);
    assert_int_equal(st.st_mtim.tv_sec, 1000000002);
    assert_int_equal(readlinkat(t->fd, "bin/sh", link, sizeof(link)), 2);
    assert_int_equal(stat_of(t->fd, "bin/pipe").st_mode, S_IFIFO | 0622);
    st = stat_of(t->fd, "abs/implied");
    assert_int_equal(st.st_mode, DIR_755);
    assert_int_equal(st.st_mtim.tv_sec, 0);
    assert_int_equal(stat_of(t->fd, "abs/implied/f").st_mtim.tv_sec, -7);
    assert_int_equal(faccessat(t->fd, "bin/null", F_OK, 0), -1); /* skipped */
}

static void whiteouts_become_those_of_an_overlay(void **state)
{
    static const struct row rows[] = {
        D("d"),
        F("d/.wh.gone", NULL),
        D("d/o"),
        F("d/o/.wh..wh..opq", NULL),
        F("d/o/new", "new"),
        F("implied/.wh.x", NULL),
        F("kept", "kept"),
        F(".wh.kept", NULL), /* what this layer brings stays */
        F(".wh.back", NULL),
        F("back", "back"), /* replaced by a file */
        F(".wh.dir", NULL),
        D("dir"), /* by a directory: hides what was below it */
        D("dir2"),
        F("dir2/f", "f"),
        F(".wh.dir2", NULL), /* the same the other way round */
        F(".wh.deep", NULL),
        F("deep/er/f", "f"), /* by an implied directory */
        F(".wh..wh.aufs", NULL),
        D(".wh..wh.plnk"),
        F(".wh..wh.plnk/1.2", NULL),
    };
    struct mb_test_dir *t = *state;
    struct mb_error err;

    assert_ok(unpack(t->fd, rows, ARRAY_SIZE(rows), &err), err);
    assert_true(is_whiteout(t->fd, "d/gone"));
    assert_true(is_opaque(t->fd, "d/o"));
    assert_false(is_opaque(t->fd, "d"));
    assert_file(t->fd, "d/o/new", "new");
    assert_true(is_whiteout(t->fd, "implied/x"));
    assert_file(t->fd, "kept", "kept");
    assert_file(t->fd, "back", "back");
    assert_true(is_opaque(t->fd, "dir"));
    assert_true(is_opaque(t->fd, "dir2"));
    assert_file(t->fd, "dir2/f", "f");
    assert_true(is_opaque(t->fd, "deep"));
    assert_false(is_opaque(t->fd, "deep/er"));
    assert_int_equal(faccessat(t->fd, ".wh..wh.plnk", F_OK, 0), -1);
}

static void a_later_entry_wins(void **state)
{
    static const struct row rows[] = {
        F("a", "old and longer"),
        F("a", "new"),
        D("b"),
        D("b/c"),
        F("b/c/f", "f"),
        F("b", "file"),
        L("l", "/etc/passwd"),
        F("l", "not passwd"),
        L("m", "a"),
        D("m"),
        F("m/x", "x"),
        F("n", "n"),
        D("n"),
        {"n", S_IFDIR | 0700, NULL, false, 0, 0},
        F("h", "h"),
        H("h2", "h"),
        H("h", "h2"), /* onto itself */
        H("a2", "a"),
        F("a", "broken off"),
    };
    struct mb_test_dir *t = *state;
    struct mb_error err;

    assert_ok(unpack(t->fd, rows, ARRAY_SIZE(rows), &err), err);
    assert_file(t->fd, "a", "broken off");
    assert_file(t->fd, "a2", "new");
    assert_file(t->fd, "b", "file");
    assert_file(t->fd, "l", "not passwd");
    assert_true(S_ISREG(stat_of(t->fd, "l").st_mode));
    assert_file(t->fd, "m/x", "x");
    assert_int_equal(stat_of(t->fd, "n").st_mode, S_IFDIR | 0700);
    assert_int_equal(stat_of(t->fd, "h").st_nlink, 2);
}

/* A link of the layer itself is followed inside of the directory, never out of it. */
static void links_as_parents_stay_inside(void **state)
{
    static const struct row rows[] = {
        D("usr"),
        D("usr/lib"),
        L("lib", "usr/lib"),
        F("lib/libc", "libc"),
        D("etc"),
        L("abs", "/etc"),
        F("abs/passwd", "ours"),
        L("up", "../../../../../../etc"),
        F("up/group", "ours"),
        L("root", "../../.."),
        F("root/here", "here"),
    };
    struct mb_test_dir *t = *state;
    struct mb_error err;

    assert_ok(unpack(t->fd, rows, ARRAY_SIZE(rows), &err), err);
    assert_file(t->fd, "usr/lib/libc", "libc");
    assert_file(t->fd, "etc/passwd", "ours");
    assert_file(t->fd, "etc/group", "ours");
    assert_file(t->fd, "here", "here");
}

#define MAX_ROWS 4
static void hostile_archives_are_refused(void **state)
{
    static const struct {
        struct row rows[MAX_ROWS];
        enum mb_errc code;
        const char *why;
    } cases[] = {
        {{F("../evil", "x")}, MB_ERR_INVALID, "../evil"},
        {{F("a/../../evil", "x")}, MB_ERR_INVALID, "a/../../evil"},
        {{D("a/..")}, MB_ERR_INVALID, ".."},
        {{L("x", "/tmp"), F("x/evil", "x")}, MB_ERR_INVALID, "x/evil"},
        {{L("x", "../../tmp"), F("x/evil", "x")}, MB_ERR_INVALID, "x/evil"},
        {{L("x", "/proc/self/cwd"), F("x/evil", NULL)}, MB_ERR_INVALID, "x/evil"},
        {{L("x", "x"), F("x/evil", "x")}, MB_ERR_INVALID, "x/evil"},
        {{F("f", "x"), F("f/g", "x")}, MB_ERR_INVALID, "f/g"},
        {{H("h", "../../etc/passwd")}, MB_ERR_INVALID, "../../etc/passwd"},
        {{H("h", "/etc/passwd")}, MB_ERR_INVALID, "not in this layer"},
        {{H("h", "later"), F("later", NULL)}, MB_ERR_INVALID, "later"},
        {{L("x", "/etc"), H("h", "x/passwd")}, MB_ERR_INVALID, "x/passwd"},
        {{F(".wh.w", NULL), H("h", "w")}, MB_ERR_INVALID, "h"},
        {{D("d"), H("h", "d")}, MB_ERR_INVALID, "h"},
        {{D("d"), F("d/f", "x"), H("d", "d/f")}, MB_ERR_INVALID, "d/f"},
        {{F(".wh.", NULL)}, MB_ERR_INVALID, "whiteout of no name"},
        {{F(".wh..", NULL)}, MB_ERR_INVALID, "whiteout of no name"},
        {{F(".wh...", NULL)}, MB_ERR_INVALID, "whiteout of no name"},
        {{F("d/.wh...", NULL)}, MB_ERR_INVALID, "whiteout of no name"},
        {{F(".wh.a/b", NULL)}, MB_ERR_INVALID, "inside of a whiteout"},
        {{{"big", FILE_644, "x", false, 65536, 0}}, MB_ERR_INVALID, "65536:65536"},
        {{{"big", FILE_644, "x", false, 4294967295, 0}},
         MB_ERR_INVALID,
         "no valid owner"},
        {{{"bigd", DIR_755, NULL, false, 100000, 0}}, MB_ERR_INVALID, "bigd"},
        {{{"bigl", LINK, "x", false, 100000, 0}}, MB_ERR_INVALID, "bigl"},
        {{F(".", "x")}, MB_ERR_INVALID, "root of a layer"},
    };
    struct mb_test_dir *t = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct mb_error err;
        int fd;

        assert_int_equal(mkdirat(t->fd, "t", 0755), 0);
        fd = openat(t->fd, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        memset(&err, 0, sizeof(err));
        if (unpack(fd, cases[i].rows, MAX_ROWS, &err) == 0)
            fail_msg("case %zu was accepted", i);
        if (err.code != cases[i].code || !strstr(err.msg, cases[i].why))
            fail_msg("case %zu: %s: %s", i, mb_errc_name(err.code), err.msg);
        assert_int_equal(faccessat(AT_FDCWD, "/tmp/evil", F_OK, 0), -1);
        assert_int_equal(faccessat(t->fd, "evil", F_OK, 0), -1);
        close(fd);
        assert_ok(mb_remove_tree(t->fd, "t", &err), err);
    }
}

static void truncated_archives_are_corrupt(void **state)
{
    static const struct row rows[] = {F("a", "aaaa"), F("b", "bbbb")};
    static const size_t lengths[] = {1, 511, 513, 514, 700, 1023, 1025, 1536 + 3};
    struct mb_test_dir *t = *state;
    struct mb_buf tar = tar_of(rows, ARRAY_SIZE(rows));

    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        int fd = fd_of(tar.data, lengths[i]);
        struct mb_error err;

        if (mb_layer_unpack(fd, t->fd, &err) == 0)
            fail_msg("length %zu was accepted", lengths[i]);
        assert_int_equal(err.code, MB_ERR_CORRUPT);
        close(fd);
    }
    mb_buf_done(&tar);
}

static void archives_that_are_none_are_corrupt(void **state)
{
    struct mb_test_dir *t = *state;
    char text[2048];
    struct mb_error err;
    int fd;

    memset(text, 'x', sizeof(text));
    fd = fd_of(text, sizeof(text));
    assert_fails(mb_layer_unpack(fd, t->fd, &err), err, MB_ERR_CORRUPT);
    close(fd);
}

/* A pax header that announces gigabytes of records must not be read into memory. */
static void oversized_pax_headers_are_refused(void **state)
{
    static const struct row rows[] = {
        {"n", FILE_644, NULL, false, 3000000, 0}, /* has a pax header */
    };
    struct mb_test_dir *t = *state;
    struct mb_buf tar = tar_of(rows, ARRAY_SIZE(rows));
    struct mb_error err;
    unsigned sum = 0;
    int fd;

    memcpy(tar.data + 124, "17777777777", 12);
    memset(tar.data + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)tar.data[i];
    (void)snprintf(tar.data + 148, 8, "%06o", sum);
    fd = fd_of(tar.data, tar.len);
    assert_fails(mb_layer_unpack(fd, t->fd, &err), err, MB_ERR_CORRUPT);
    close(fd);
    mb_buf_done(&tar);
}

static void put_with_xattrs(struct mb_buf *out, mode_t mode,
                            const struct mb_tar_xattr *xattrs, size_t n)
{
    struct mb_sink sink = {to_buf, out};
    struct mb_tar_writer *w = mb_tar_writer_new(&sink);
    struct mb_tar_entry e = {
        .path = "f", .mode = mode, .xattrs = xattrs, .n_xattrs = n};
    struct mb_error err;

    assert_ok(mb_tar_writer_entry(w, &e, &err), err);
    assert_ok(mb_tar_writer_end(w, &err), err);
    mb_tar_writer_free(w);
}

#define CAP_V2 "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CAP_V3 "\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2\0\0"

static void attributes_are_kept_but_the_overlays_own(void **state)
{
    char names[][32] = {
        "security.capability", "security.selinux", "trusted.overlay.opaque",
        "trusted.x",           "user.bin",         "user.overlay.redirect"};
    const struct mb_tar_xattr xattrs[] = {
        {names[0], (char[]){CAP_V3}, 24},  {names[1], (char[]){"s"}, 1},
        {names[2], (char[]){"y"}, 1},      {names[3], (char[]){"t"}, 1},
        {names[4], (char[]){"a\0=\n"}, 4}, {names[5], (char[]){"/"}, 1},
    };
    struct mb_test_dir *t = *state;
    struct mb_buf tar = MB_BUF_INIT(MB_MIB);
    char list[256];
    char value[64];
    struct mb_error err;
    int fd;

    put_with_xattrs(&tar, FILE_644, xattrs, ARRAY_SIZE(xattrs));
    fd = fd_of(tar.data, tar.len);
    assert_ok(mb_layer_unpack(fd, t->fd, &err), err);
    close(fd);
    fd = openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fgetxattr(fd, names[0], value, sizeof(value)), 20);
    assert_memory_equal(value, CAP_V2, 20);
    assert_int_equal(fgetxattr(fd, names[4], value, sizeof(value)), 4);
    assert_memory_equal(value, "a\0=\n", 4);
    assert_int_equal(flistxattr(fd, list, sizeof(list)), 20 + 9);
    close(fd);
    mb_buf_done(&tar);
}

static void too_many_attributes_are_refused(void **state)
{
    char names[3][8] = {"user.a", "user.b", "user.c"};
    static char big[30000];
    const struct mb_tar_xattr xattrs[] = {
        {names[0], big, sizeof(big)},
        {names[1], big, sizeof(big)},
        {names[2], big, sizeof(big)},
    };
    struct mb_test_dir *t = *state;
    struct mb_buf tar = MB_BUF_INIT(MB_MIB);
    struct mb_error err;
    int fd;

    put_with_xattrs(&tar, DIR_755, xattrs, ARRAY_SIZE(xattrs));
    fd = fd_of(tar.data, tar.len);
    assert_int_equal(mb_layer_unpack(fd, t->fd, &err), -1);
    assert_true(err.code == MB_ERR_LIMIT || err.sys_errno == ENOSPC);
    close(fd);
    mb_buf_done(&tar);
}

static void directories_without_an_entry_are_listed(void **state)
{
    static const struct row rows[] = {
        F("a/b/f", "x"),     F("e/f", "x"),     D("e"),           D("usr/lib"),
        L("lib", "usr/lib"), F("lib/x/f", "x"), F("gone/f", "x"), F("gone", "x"),
        F(".wh.h", ""),      F("h/f", "x"),     D("n"),           F("n/f", "x"),
    };
    struct mb_test_dir *t = *state;
    struct mb_strv implied = {0};
    struct mb_error err;
    int fd = tar_fd_of(rows, ARRAY_SIZE(rows));

    /* "e" came later, "usr/lib" was told by its own name, "gone" is a file now, and "h"
     * replaces what was below. */
    assert_ok(mb_layer_unpack_noting(fd, t->fd, &implied, &err), err);
    close(fd);
    char *list = mb_strv_join(&implied, " ");
    assert_string_equal(list, " a a/b usr usr/lib/x");
    free(list);
    mb_strv_done(&implied);
}

/* The padding behind the end is read, or the writer of the pipe would get SIGPIPE. */
static void the_archive_is_read_to_its_end(void **state)
{
    struct mb_test_dir *t = *state;
    size_t len = 40 * 10240;
    char *zeros = mb_xcalloc(1, len);
    int fd = fd_of(zeros, len);
    struct mb_error err;

    assert_ok(mb_layer_unpack(fd, t->fd, &err), err);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
    close(fd);
    fd = fd_of("", 0);
    assert_ok(mb_layer_unpack(fd, t->fd, &err), err);
    close(fd);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(entries_keep_what_the_archive_says),
        mb_test_in_dir(whiteouts_become_those_of_an_overlay),
        mb_test_in_dir(a_later_entry_wins),
        mb_test_in_dir(directories_without_an_entry_are_listed),
        mb_test_in_dir(links_as_parents_stay_inside),
        mb_test_in_dir(hostile_archives_are_refused),
        mb_test_in_dir(truncated_archives_are_corrupt),
        mb_test_in_dir(archives_that_are_none_are_corrupt),
        mb_test_in_dir(oversized_pax_headers_are_refused),
        mb_test_in_dir(attributes_are_kept_but_the_overlays_own),
        mb_test_in_dir(too_many_attributes_are_refused),
        mb_test_in_dir(the_archive_is_read_to_its_end),
    };

    enter_namespace();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
