/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as root of a user namespace of 65,536 ids, as the step helper does. */
#include "fs_test.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "fs/layer_diff.h"
#include "fs/layer_unpack.h"
#include "fs/tree.h"

static const struct mb_layer_diff_opts no_clamp = {0};

static struct mb_buf diff_of(int dir_fd, const struct mb_layer_diff_opts *opts,
                             uint64_t *ret_entries)
{
    struct mb_buf out = MB_BUF_INIT(TEST_TAR_BYTES_MAX);
    struct mb_sink sink = {to_buf, &out};
    struct mb_error err;

    assert_ok(mb_layer_diff(dir_fd, opts, &sink, ret_entries, &err), err);
    return out;
}

static int dir_of(const struct mb_test_dir *t, const char *name)
{
    int fd;

    assert_int_equal(mkdirat(t->fd, name, 0755), 0);
    fd = openat(t->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void assert_same(const struct mb_buf *a, const struct mb_buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

/* Names as a row of ustar headers gives them, one per line. */
static char *names_in(const struct mb_buf *tar)
{
    struct mb_buf out = MB_BUF_INIT(MB_MIB);

    for (size_t at = 0; at + 512 <= tar->len && tar->data[at];) {
        size_t size = (size_t)strtoull(tar->data + at + 124, NULL, 8);

        mb_buf_addf(&out, "%.100s\n", tar->data + at);
        at += 512 + (size + 511) / 512 * 512;
    }
    return mb_buf_steal(&out);
}

static void make_things(int fd, const char *const *order)
{
    struct timespec times[2] = {{1500000000, 0}, {1500000000, 999}};

    for (; *order; order++) {
        if ((*order)[strlen(*order) - 1] == '/')
            assert_int_equal(mkdirat(fd, *order, 0755), 0);
        else
            put_file(fd, *order, *order);
    }
    assert_int_equal(linkat(fd, "d/x", fd, "d-", 0), 0);
    assert_int_equal(symlinkat("d", fd, "ln"), 0);
    assert_int_equal(mknodat(fd, "gone", S_IFCHR, 0), 0);
    for (size_t i = 0; i < 5; i++) {
        static const char *const names[] = {"a", "d/x", "d", "d.x", "ln"};

        assert_int_equal(utimensat(fd, names[i], times, AT_SYMLINK_NOFOLLOW), 0);
    }
}

static void the_order_of_creation_leaves_no_trace(void **state)
{
    static const char *const one[] = {"d/", "d/x", "d.x", "a", NULL};
    static const char *const two[] = {"a", "d.x", "d/", "d/x", NULL};
    int a = dir_of(*state, "one");
    int b = dir_of(*state, "two");
    uint64_t n = 0;
    struct mb_buf tar_a;
    struct mb_buf tar_b;
    char *names;

    make_things(a, one);
    make_things(b, two);
    tar_a = diff_of(a, &no_clamp, &n);
    tar_b = diff_of(b, &no_clamp, NULL);
    assert_same(&tar_a, &tar_b);
    names = names_in(&tar_a);
    assert_string_equal(names, ".wh.gone\na\nd/\nd-\nd.x\nd/x\nln\n");
    assert_int_equal(n, 7);
    free(names);
    mb_buf_done(&tar_a);
    mb_buf_done(&tar_b);
    close(a);
    close(b);
}

static void times_are_clamped_on_request(void **state)
{
    static const struct mb_layer_diff_opts clamp = {true, 1400000000};
    static const struct timespec early[2] = {{1300000000, 0}, {1300000000, 0}};
    int fd = dir_of(*state, "d");
    struct mb_buf a;
    struct mb_buf b;

    put_file(fd, "new", "x");
    put_file(fd, "old", "x");
    assert_int_equal(utimensat(fd, "old", early, 0), 0);
    a = diff_of(fd, &clamp, NULL);
    put_file(fd, "new", "x"); /* another time */
    b = diff_of(fd, &clamp, NULL);
    assert_same(&a, &b);
    assert_int_equal(strtoull(a.data + 136, NULL, 8), 1400000000);
    assert_int_equal(strtoull(a.data + 1024 + 136, NULL, 8), 1300000000);
    mb_buf_done(&a);
    mb_buf_done(&b);
    close(fd);
}

static void an_untouched_upper_is_an_empty_layer(void **state)
{
    int fd = dir_of(*state, "d");
    uint64_t n = 99;
    struct mb_buf tar = diff_of(fd, &no_clamp, &n);

    assert_int_equal(n, 0);
    assert_int_equal(tar.len, 1024);
    mb_buf_done(&tar);
    close(fd);
}

#define CAP_V2 "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void set(int dir_fd, const char *path, const char *name, const char *v,
                size_t len)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);

    if (fsetxattr(fd, name, v, len, 0) < 0)
        fail_msg("%s %s: %s", path, name, strerror(errno));
    close(fd);
}

static void attributes_leave_without_the_overlays_own(void **state)
{
    int fd = dir_of(*state, "d");
    struct mb_buf tar;

    put_file(fd, "f", "");
    set(fd, "f", "user.z", BYTES("1"));
    set(fd, "f", "user.a", BYTES("2"));
    set(fd, "f", "user.overlay.origin", BYTES("o"));
    set(fd, "f", "security.capability", BYTES(CAP_V2));
    tar = diff_of(fd, &no_clamp, NULL);
    assert_int_equal(tar.data[156], 'x');
    assert_memory_equal(tar.data + 512,
                        "57 SCHILY.xattr.security.capability=" CAP_V2
                        "\n25 SCHILY.xattr.user.a=2\n25 SCHILY.xattr.user.z=1\n\0",
                        57 + 25 + 25);
    assert_int_equal(tar.len, 512 * 5);
    mb_buf_done(&tar);
    close(fd);
}

static void whiteouts_by_attribute_count_too(void **state)
{
    int fd = dir_of(*state, "d");
    struct mb_buf tar;
    char *names;

    assert_int_equal(mkdirat(fd, "o", 0755), 0);
    assert_int_equal(mkdirat(fd, "x", 0755), 0);
    set(fd, "o", "user.overlay.opaque", BYTES("y"));
    set(fd, "x", "user.overlay.opaque", BYTES("x")); /* holds xattr whiteouts */
    put_file(fd, "x/f", "");
    set(fd, "x/f", "user.overlay.whiteout", BYTES("y"));
    tar = diff_of(fd, &no_clamp, NULL);
    names = names_in(&tar);
    assert_string_equal(names, "o/\no/.wh..wh..opq\nx/\nx/.wh.f\n");
    free(names);
    mb_buf_done(&tar);
    close(fd);
}

static void an_upper_that_refers_to_a_lower_is_corrupt(void **state)
{
    static const char *const names[] = {"user.overlay.redirect",
                                        "user.overlay.metacopy"};
    int fd = dir_of(*state, "d");
    struct mb_buf out = MB_BUF_INIT(MB_MIB);
    struct mb_sink sink = {to_buf, &out};
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        put_file(fd, "f", "x");
        set(fd, "f", names[i], BYTES("/y"));
        assert_fails(mb_layer_diff(fd, &no_clamp, &sink, NULL, &err), err,
                     MB_ERR_CORRUPT);
        assert_contains(err.msg, "f refers to");
        assert_int_equal(unlinkat(fd, "f", 0), 0);
    }
    mb_buf_done(&out);
    close(fd);
}

static void a_name_that_reads_as_a_whiteout_is_refused(void **state)
{
    int fd = dir_of(*state, "d");
    struct mb_buf out = MB_BUF_INIT(MB_MIB);
    struct mb_sink sink = {to_buf, &out};
    struct mb_error err;

    put_file(fd, ".wh.f", "x");
    assert_fails(mb_layer_diff(fd, &no_clamp, &sink, NULL, &err), err, MB_ERR_INVALID);
    mb_buf_done(&out);
    close(fd);
}

static void sockets_are_skipped_and_fifos_kept(void **state)
{
    struct mb_test_dir *t = *state;
    int fd = dir_of(t, "d");
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    uint64_t n = 0;
    struct mb_buf tar;
    char *names;

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/d/sock", t->path);
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(mkfifoat(fd, "pipe", 0600), 0);
    tar = diff_of(fd, &no_clamp, &n);
    names = names_in(&tar);
    assert_string_equal(names, "pipe\n");
    assert_int_equal(n, 1);
    free(names);
    mb_buf_done(&tar);
    close(s);
    close(fd);
}

/* A path near the limit needs neither descriptors nor much stack. */
static void deep_trees_are_walked(void **state)
{
    int fd = dir_of(*state, "d");
    int at = dup(fd);
    uint64_t n = 0;
    struct mb_buf tar;
    struct mb_error err;

    for (int i = 0; i < 2000; i++) {
        int next;

        assert_int_equal(mkdirat(at, "x", 0755), 0);
        next = openat(at, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    tar = diff_of(fd, &no_clamp, &n);
    assert_int_equal(n, 2000);
    mb_buf_done(&tar);
    close(fd);
    assert_ok(mb_remove_tree(((struct mb_test_dir *)*state)->fd, "d", &err), err);
}

static void mount_overlay(const struct mb_test_dir *t)
{
    char *opts =
        mb_xasprintf("userxattr,lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
                     t->path, t->path, t->path);
    char *at = mb_xasprintf("%s/merged", t->path);

    if (mount("overlay", at, "overlay", 0, opts) < 0)
        fail_msg("mount: %s", strerror(errno));
    free(opts);
    free(at);
}

static void change_merged(int m)
{
    assert_int_equal(unlinkat(m, "dir/f", 0), 0);
    put_file(m, "dir/new", "new");
    assert_int_equal(unlinkat(m, "opq/f", 0), 0);
    assert_int_equal(unlinkat(m, "opq", AT_REMOVEDIR), 0);
    assert_int_equal(mkdirat(m, "opq", 0700), 0);
    put_file(m, "changed", "after");
    assert_int_equal(linkat(m, "dir/new", m, "link", 0), 0);
    assert_int_equal(fchownat(m, "changed", 1000, 50, 0), 0);
}

/* lower -> overlay -> changes -> diff -> unpack -> diff: the same bytes again, and the
 * whiteouts work as a second lower. */
static void changes_of_a_real_overlay_make_the_round_trip(void **state)
{
    static const struct row base[] = {D("dir"),        F("dir/f", "f"),
                                      F("dir/g", "g"), D("opq"),
                                      F("opq/f", "f"), F("changed", "before")};
    struct mb_test_dir *t = *state;
    int lower = dir_of(t, "lower");
    int upper = dir_of(t, "upper");
    int again = dir_of(t, "again");
    int tar_fd = tar_fd_of(base, ARRAY_SIZE(base));
    struct mb_error err;
    struct mb_buf one;
    struct mb_buf two;
    char *names;
    int merged;

    close(dir_of(t, "work"));
    close(dir_of(t, "merged"));
    assert_ok(mb_layer_unpack(tar_fd, lower, &err), err);
    close(tar_fd);
    mount_overlay(t);
    merged = openat(t->fd, "merged", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    change_merged(merged);
    close(merged);
    {
        char *at = mb_xasprintf("%s/merged", t->path);

        assert_int_equal(umount2(at, 0), 0);
        free(at);
    }
    one = diff_of(upper, &no_clamp, NULL);
    names = names_in(&one);
    assert_string_equal(names, "changed\ndir/\ndir/.wh.f\ndir/new\nlink\nopq/\n"
                               "opq/.wh..wh..opq\n");
    free(names);
    tar_fd = fd_of(one.data, one.len);
    assert_ok(mb_layer_unpack(tar_fd, again, &err), err);
    close(tar_fd);
    two = diff_of(again, &no_clamp, NULL);
    assert_same(&one, &two);
    mb_buf_done(&one);
    mb_buf_done(&two);
    close(lower);
    close(upper);
    close(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(the_order_of_creation_leaves_no_trace),
        mb_test_in_dir(times_are_clamped_on_request),
        mb_test_in_dir(an_untouched_upper_is_an_empty_layer),
        mb_test_in_dir(attributes_leave_without_the_overlays_own),
        mb_test_in_dir(whiteouts_by_attribute_count_too),
        mb_test_in_dir(an_upper_that_refers_to_a_lower_is_corrupt),
        mb_test_in_dir(a_name_that_reads_as_a_whiteout_is_refused),
        mb_test_in_dir(sockets_are_skipped_and_fifos_kept),
        mb_test_in_dir(deep_trees_are_walked),
        mb_test_in_dir(changes_of_a_real_overlay_make_the_round_trip),
    };

    enter_namespace();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
