/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <sys/stat.h>

static size_t count_entries(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void written_files_are_read_back(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(100);
    struct mb_error err;
    struct stat st;

    assert_ok(mb_mkdir_p(t->fd, "a/b", 0755, &err), err);
    assert_ok(mb_write_file(t->fd, "a/b/f", BYTES("one\0two"), 0640, &err), err);
    assert_ok(mb_write_file(t->fd, "a/b/f", BYTES("three"), 0600, &err), err);
    assert_ok(mb_read_file(t->fd, "a/b/f", &text, &err), err);
    assert_string_equal(text.data, "three");
    assert_int_equal(fstatat(t->fd, "a/b/f", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_file_that_cannot_be_written_leaves_the_old_one(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;
    size_t fds = mb_test_count_fds();

    assert_ok(mb_mkdir_p(t->fd, "taken/by", 0755, &err), err);
    assert_fails(mb_write_file(t->fd, "taken", BYTES("x"), 0600, &err), err, MB_ERR_IO);
    assert_contains(err.msg, "taken");
    assert_fails(mb_write_file(t->fd, "not/there", BYTES("x"), 0600, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_int_equal(faccessat(t->fd, "taken/by", F_OK, 0), 0);
    assert_int_equal(count_entries(t->fd), 1); /* no temporary file */
    assert_int_equal(mb_test_count_fds(), fds);
}

static void a_reader_never_sees_half_a_file(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;
    struct stat before, after;

    assert_ok(mb_write_file(t->fd, "f", BYTES("old"), 0600, &err), err);
    _cleanup_close_ int fd = openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &before), 0);
    assert_ok(mb_write_file(t->fd, "f", BYTES("newer"), 0600, &err), err);
    /* The old file is whole for whoever holds it; the name has a new one. */
    char text[8] = {0};
    assert_int_equal(mb_read(fd, text, sizeof(text)), 3);
    assert_string_equal(text, "old");
    assert_int_equal(fstatat(t->fd, "f", &after, 0), 0);
    assert_true(before.st_ino != after.st_ino);
}

static void reading_meets_its_limit(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_buf_ struct mb_buf four = MB_BUF_INIT(4);
    _cleanup_buf_ struct mb_buf five = MB_BUF_INIT(5);
    struct mb_error err;
    char text[8];

    assert_ok(mb_write_file(t->fd, "f", BYTES("12345"), 0600, &err), err);
    assert_fails(mb_read_file(t->fd, "f", &four, &err), err, MB_ERR_LIMIT);
    assert_ok(mb_read_file(t->fd, "f", &five, &err), err);
    assert_fails(mb_read_file(t->fd, "g", &five, &err), err, MB_ERR_NOT_FOUND);

    _cleanup_close_ int fd = openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
    assert_ok(mb_read_exact(fd, text, 3, &err), err);
    assert_fails(mb_read_exact(fd, text, 3, &err), err, MB_ERR_CORRUPT);
}

static void mkdir_p_takes_what_is_there_if_it_is_a_directory(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/x//y/z/", t->path);
    assert_ok(mb_mkdir_p(AT_FDCWD, path, 0755, &err), err);
    assert_ok(mb_mkdir_p(t->fd, "x/y", 0755, &err), err);
    assert_ok(mb_mkdir_p(t->fd, ".", 0755, &err), err);
    assert_ok(mb_mkdir_p(AT_FDCWD, "/", 0755, &err), err);
    assert_ok(mb_write_file(t->fd, "f", BYTES(""), 0600, &err), err);
    assert_fails(mb_mkdir_p(t->fd, "f", 0755, &err), err, MB_ERR_IO);
    assert_fails(mb_mkdir_p(t->fd, "f/g", 0755, &err), err, MB_ERR_IO);
}

static void remove_tree_does_not_follow_links(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;

    assert_ok(mb_mkdir_p(t->fd, "keep/sub", 0755, &err), err);
    assert_ok(mb_write_file(t->fd, "keep/sub/f", BYTES("x"), 0600, &err), err);
    assert_ok(mb_mkdir_p(t->fd, "tree/a/b", 0755, &err), err);
    assert_int_equal(symlinkat("../keep", t->fd, "tree/dir"), 0);
    assert_int_equal(symlinkat("../../keep/sub/f", t->fd, "tree/a/file"), 0);
    assert_int_equal(symlinkat("keep", t->fd, "link"), 0);

    assert_ok(mb_remove_tree(t->fd, "tree", &err), err);
    assert_int_equal(faccessat(t->fd, "tree", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_ok(mb_remove_tree(t->fd, "link", &err), err);
    assert_int_equal(faccessat(t->fd, "keep/sub/f", F_OK, 0), 0);

    /* Nor on the way to the name, nor out of the directory. */
    assert_int_equal(symlinkat("keep", t->fd, "link"), 0);
    assert_int_equal(mb_remove_tree(t->fd, "link/sub", &err), -1);
    _cleanup_close_ int tree_fd = -1;
    assert_ok(mb_mkdir_p(t->fd, "inner", 0755, &err), err);
    assert_ok(mb_open_dir(t->fd, "inner", &tree_fd, &err), err);
    assert_int_equal(mb_remove_tree(tree_fd, "../keep", &err), -1);
    assert_int_equal(faccessat(t->fd, "keep/sub/f", F_OK, 0), 0);
}

static void remove_tree_takes_what_its_mode_forbids(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;

    assert_ok(mb_mkdir_p(t->fd, "tree/a/b", 0755, &err), err);
    assert_ok(mb_write_file(t->fd, "tree/a/b/f", BYTES("x"), 0400, &err), err);
    assert_int_equal(fchmodat(t->fd, "tree/a/b", 0, 0), 0);
    assert_int_equal(fchmodat(t->fd, "tree/a", 0500, 0), 0);
    assert_ok(mb_remove_tree(t->fd, "tree", &err), err);
    assert_ok(mb_remove_tree(t->fd, "tree", &err), err); /* not there is success */
    assert_ok(mb_remove_tree(t->fd, "no/such/parent", &err), err);
}

/* More levels than descriptors and than a path can name. */
static void remove_tree_does_not_mind_depth(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;
    size_t fds = mb_test_count_fds();
    int fd = -1;

    assert_ok(mb_mkdir_p(t->fd, "tree", 0755, &err), err);
    assert_ok(mb_write_file(t->fd, "tree/.deep-0", BYTES("in the way"), 0600, &err),
              err);
    assert_ok(mb_open_dir(t->fd, "tree", &fd, &err), err);
    for (int i = 0; i < 1500; i++) {
        int next = -1;

        assert_int_equal(mkdirat(fd, "dd", 0755), 0);
        assert_int_equal(mkdirat(fd, "d2", 0755), 0);
        assert_ok(mb_open_dir(fd, "dd", &next, &err), err);
        close(fd);
        fd = next;
    }
    close(fd);
    assert_ok(mb_remove_tree(t->fd, "tree", &err), err);
    assert_int_equal(count_entries(t->fd), 0);
    assert_int_equal(mb_test_count_fds(), fds);
}

static void copy_fd_counts_what_it_copies(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;
    uint64_t n = 0;
    char large[200000];

    memset(large, 'x', sizeof(large));
    assert_ok(mb_write_file(t->fd, "f", large, sizeof(large), 0600, &err), err);
    _cleanup_close_ int from = openat(t->fd, "f", O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int to = openat(t->fd, "g", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_ok(mb_copy_fd(from, to, &n, &err), err);
    assert_true(n == sizeof(large));
    assert_int_equal(lseek(to, 0, SEEK_END), sizeof(large));
    assert_fails(mb_copy_fd(-1, to, NULL, &err), err, MB_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(written_files_are_read_back),
        mb_test_in_dir(a_file_that_cannot_be_written_leaves_the_old_one),
        mb_test_in_dir(a_reader_never_sees_half_a_file),
        mb_test_in_dir(reading_meets_its_limit),
        mb_test_in_dir(mkdir_p_takes_what_is_there_if_it_is_a_directory),
        mb_test_in_dir(remove_tree_does_not_follow_links),
        mb_test_in_dir(remove_tree_takes_what_its_mode_forbids),
        mb_test_in_dir(remove_tree_does_not_mind_depth),
        mb_test_in_dir(copy_fd_counts_what_it_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
