/* SPDX-License-Identifier: Apache-2.0 */
#include "fs_test.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "fs/ignore.h"
#include "fs/tree.h"

static int pack(int dir_fd, const struct mb_tar_filter *filter, struct mb_buf *out,
                uint64_t *ret_bytes, struct mb_error *err)
{
    struct mb_sink sink = {to_buf, out};

    *out = MB_BUF_INIT(TEST_TAR_BYTES_MAX);
    return mb_tar_directory(dir_fd, filter, &sink, ret_bytes, err);
}

/* The paths of an archive, joined by blanks. */
static char *paths_in(const struct mb_buf *tar)
{
    struct mb_strv paths = {0};
    struct mb_tree t = {0};
    int fd = fd_of(tar->data, tar->len);
    struct mb_error err;
    char *joined;

    assert_ok(mb_tree_from_tar(fd, &t, &err), err);
    for (size_t i = 0; i < t.n; i++)
        mb_strv_add(&paths, t.v[i].path);
    joined = mb_strv_join(&paths, " ");
    mb_strv_done(&paths);
    mb_tree_done(&t);
    close(fd);
    return joined;
}

static void make_context(int fd)
{
    assert_int_equal(mkdirat(fd, "a", 0750), 0);
    assert_int_equal(mkdirat(fd, "a/b", 0700), 0);
    put_file(fd, "a/b/c.md", "c");
    put_file(fd, "a/b/d", "dd");
    put_file(fd, "a-1", "eee");
    assert_int_equal(mkdirat(fd, "node_modules", 0755), 0);
    put_file(fd, "node_modules/x", "x");
    assert_int_equal(symlinkat("/etc/passwd", fd, "ln"), 0);
}

static void contexts_are_packed_the_same_every_time(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_buf one;
    struct mb_buf two;
    uint64_t bytes = 0;
    struct mb_error err;
    char *paths;

    make_context(t->fd);
    assert_int_equal(fchownat(t->fd, "a-1", geteuid(), getegid(), 0), 0);
    assert_ok(pack(t->fd, NULL, &one, &bytes, &err), err);
    assert_ok(pack(t->fd, NULL, &two, NULL, &err), err);
    assert_int_equal(bytes, 1 + 2 + 3 + 1);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    paths = paths_in(&one);
    assert_string_equal(paths,
                        "a a-1 a/b a/b/c.md a/b/d ln node_modules node_modules/x");
    assert_memory_equal(one.data + 108,
                        "0000000\0"
                        "0000000",
                        15); /* owner 0:0 */
    assert_memory_equal(one.data + 100, "0000750", 7);
    free(paths);
    mb_buf_done(&one);
    mb_buf_done(&two);
}

struct ignoring {
    struct mb_ignore *ignore;
    bool opened_modules;
};

static bool take(const char *path, bool is_dir, bool *may_hold_taken, void *arg)
{
    struct ignoring *g = arg;

    g->opened_modules |= strncmp(path, "node_modules/", 13) == 0;
    if (is_dir)
        *may_hold_taken = mb_ignore_may_reinclude(g->ignore, path);
    return !mb_ignore_match(g->ignore, path);
}

static void filters_leave_out_and_take_again(void **state)
{
    static const struct {
        const char *ignore;
        const char *want;
    } rows[] = {
        {"node_modules\na*", "ln"},
        {"*\n!a/b/d", "a a/b a/b/d"}, /* with its parents' own entries */
        {"*\n!**/*.md", "a a/b a/b/c.md"},
        {"**", ""},
    };
    struct mb_test_dir *t = *state;

    make_context(t->fd);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct ignoring g = {0};
        struct mb_tar_filter filter = {take, &g};
        struct mb_buf tar;
        struct mb_error err;
        char *paths;

        assert_ok(
            mb_ignore_parse(rows[i].ignore, strlen(rows[i].ignore), &g.ignore, &err),
            err);
        assert_ok(pack(t->fd, &filter, &tar, NULL, &err), err);
        paths = paths_in(&tar);
        assert_string_equal(paths, rows[i].want);
        assert_int_equal(g.opened_modules, i == 2); /* "**" may match in there */
        if (i == 1)
            assert_memory_equal(tar.data + 100, "0000750", 7);
        free(paths);
        mb_buf_done(&tar);
        mb_ignore_free(g.ignore);
    }
}

static void sockets_and_devices_are_skipped(void **state)
{
    struct mb_test_dir *t = *state;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct mb_buf tar;
    struct mb_error err;
    char *paths;

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", t->path);
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(mkfifoat(t->fd, "pipe", 0600), 0);
    assert_ok(pack(t->fd, NULL, &tar, NULL, &err), err);
    paths = paths_in(&tar);
    assert_string_equal(paths, "pipe");
    free(paths);
    mb_buf_done(&tar);
    close(s);
}

/* A sink that changes the file whose data passes through it. */
static int meddle(const void *data _unused_, size_t len, void *arg,
                  struct mb_error *err)
{
    struct mb_test_dir *t = arg;

    return len == 5 ? mb_write_file(t->fd, "f", "longer", 6, 0600, err) : 0;
}

static int append(const void *data, size_t len, void *arg,
                  struct mb_error *err _unused_)
{
    struct mb_test_dir *t = arg;
    int fd = len == 5 && memcmp(data, "hello", 5) == 0
                 ? openat(t->fd, "f", O_WRONLY | O_APPEND | O_CLOEXEC)
                 : -1;

    if (fd < 0)
        return 0;
    assert_int_equal(write(fd, "!", 1), 1);
    close(fd);
    return 0;
}

static void a_file_that_changes_meanwhile_is_an_error(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_sink sink = {append, t};
    struct mb_error err;

    put_file(t->fd, "f", "hello");
    assert_fails(mb_tar_directory(t->fd, NULL, &sink, NULL, &err), err, MB_ERR_IO);
    assert_contains(err.msg, "f changed while it was read");
    /* replaced by another file: what was read is whole, but no longer the context */
    put_file(t->fd, "f", "hello");
    sink.fn = meddle;
    assert_fails(mb_tar_directory(t->fd, NULL, &sink, NULL, &err), err, MB_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(contexts_are_packed_the_same_every_time),
        mb_test_in_dir(filters_leave_out_and_take_again),
        mb_test_in_dir(sockets_and_devices_are_skipped),
        mb_test_in_dir(a_file_that_changes_meanwhile_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
