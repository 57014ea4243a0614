/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "store/blob_store.h"
#include "store/stage.h"

static struct mb_blob_store *open_store(const struct mb_test_dir *t)
{
    struct mb_blob_store *s = NULL;
    struct mb_error err;

    assert_ok(mb_blob_store_open(t->path, &s, &err), err);
    return s;
}

static size_t count_files(const struct mb_test_dir *t, const char *dir)
{
    int fd = openat(t->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    struct dirent *e;
    size_t n = 0;

    assert_non_null(d);
    while ((e = readdir(d)))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void what_is_put_can_be_read(void **state)
{
    struct mb_blob_store *s = open_store(*state);
    struct mb_buf got = MB_BUF_INIT(100);
    struct mb_digest d;
    struct mb_error err;
    uint64_t size = 0;
    int fd = -1;

    assert_ok(mb_blob_store_put(s, "hello", 5, &d, &err), err);
    assert_true(mb_blob_store_has(s, &d, &size));
    assert_int_equal(size, 5);
    mb_buf_add_str(&got, "> ");
    assert_ok(mb_blob_store_read(s, &d, &got, &err), err);
    assert_string_equal(got.data, "> hello");
    assert_ok(mb_blob_store_open_blob(s, &d, &fd, &size, &err), err);
    close(fd);
    assert_ok(mb_blob_store_put(s, "", 0, &d, &err), err);
    assert_true(mb_blob_store_has(s, &d, &size));
    assert_int_equal(size, 0);
    mb_buf_done(&got);
    mb_blob_store_free(s);
}

static void the_directory_is_an_oci_layout(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_blob_store *s = open_store(t);
    struct mb_buf got = MB_BUF_INIT(100);
    struct mb_digest d;
    struct mb_error err;

    assert_ok(mb_blob_store_put(s, "hello", 5, &d, &err), err);
    assert_ok(mb_read_file(t->fd, "oci-layout", &got, &err), err);
    assert_string_equal(got.data, "{\"imageLayoutVersion\":\"1.0.0\"}");
    mb_buf_clear(&got);
    assert_ok(mb_read_file(t->fd,
                           "blobs/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa742"
                           "5e73043362938b9824",
                           &got, &err),
              err);
    assert_string_equal(got.data, "hello");
    mb_buf_done(&got);
    mb_blob_store_free(s);
}

static void a_blob_that_is_not_there_is_not_found(void **state)
{
    struct mb_blob_store *s = open_store(*state);
    struct mb_buf got = MB_BUF_INIT(100);
    struct mb_digest d = mb_digest_of("x", 1);
    struct mb_error err;
    int fd = -1;

    assert_false(mb_blob_store_has(s, &d, NULL));
    assert_fails(mb_blob_store_open_blob(s, &d, &fd, NULL, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_int_equal(fd, -1);
    assert_fails(mb_blob_store_read(s, &d, &got, &err), err, MB_ERR_NOT_FOUND);
    assert_ok(mb_blob_store_remove(s, &d, &err), err);
    mb_blob_store_free(s);
}

static void a_blob_that_was_damaged_is_found_out_and_removed(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_blob_store *s = open_store(t);
    struct mb_buf got = MB_BUF_INIT(100);
    struct mb_digest d;
    struct mb_error err;
    char hex[MB_DIGEST_HEX_LEN + 1];
    char *path;
    int fd;

    assert_ok(mb_blob_store_put(s, "hello", 5, &d, &err), err);
    path = mb_xasprintf("blobs/sha256/%s", mb_digest_hex(&d, hex));
    fd = openat(t->fd, path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "J", 1), 1);
    close(fd);
    assert_fails(mb_blob_store_read(s, &d, &got, &err), err, MB_ERR_CORRUPT);
    assert_int_equal(got.len, 0);
    assert_false(mb_blob_store_has(s, &d, NULL));

    /* cut short: what comes next repairs it */
    assert_ok(mb_blob_store_put(s, "hello", 5, &d, &err), err);
    fd = openat(t->fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    close(fd);
    assert_ok(mb_blob_store_put(s, "hello", 5, &d, &err), err);
    assert_ok(mb_blob_store_read(s, &d, &got, &err), err);
    assert_string_equal(got.data, "hello");
    assert_int_equal(count_files(t, "tmp"), 0);
    free(path);
    mb_buf_done(&got);
    mb_blob_store_free(s);
}

static void reading_stops_at_the_buffers_maximum(void **state)
{
    struct mb_blob_store *s = open_store(*state);
    struct mb_buf got = MB_BUF_INIT(6);
    struct mb_digest d;
    struct mb_error err;

    assert_ok(mb_blob_store_put(s, "hello", 5, &d, &err), err);
    mb_buf_add_str(&got, "ab");
    assert_fails(mb_blob_store_read(s, &d, &got, &err), err, MB_ERR_LIMIT);
    assert_string_equal(got.data, "ab");
    assert_false(got.overflow);
    mb_buf_done(&got);
    mb_blob_store_free(s);
}

/* Each row is what a peer may send instead of the blob it announced. */
static void only_the_announced_bytes_are_stored(void **state)
{
    static const struct {
        const char *bytes;
        const char *why;
    } rows[] = {
        {"hell", "after 4 of 5 bytes"},
        {"hellO", "digest is sha256:"},
        {"hello!", "longer than the 5 bytes"},
        {"", "after 0 of 5 bytes"},
    };
    struct mb_test_dir *t = *state;
    struct mb_blob_store *s = open_store(t);
    struct mb_descriptor want = {.size = 5, .digest = mb_digest_of("hello", 5)};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_descriptor got = {.size = 99};
        struct mb_blob_writer *w = NULL;
        struct mb_error err;
        int rc;

        assert_ok(mb_blob_writer_new(s, &want, 100, &w, &err), err);
        rc = mb_blob_writer_append(w, rows[i].bytes, strlen(rows[i].bytes), &err);
        if (rc == 0)
            rc = mb_blob_writer_commit(w, &got, &err);
        assert_int_equal(rc, -1);
        assert_int_equal(err.code, MB_ERR_CORRUPT);
        assert_contains(err.msg, rows[i].why);
        assert_int_equal(got.size, 99);
        mb_blob_writer_free(w);
        assert_int_equal(count_files(t, "blobs/sha256"), 0);
        assert_int_equal(count_files(t, "tmp"), 0);
    }
    mb_blob_store_free(s);
}

static void limits_come_first(void **state)
{
    struct mb_blob_store *s = open_store(*state);
    struct mb_descriptor want = {.size = 101};
    struct mb_blob_writer *w = NULL;
    struct mb_error err;

    assert_fails(mb_blob_writer_new(s, &want, 100, &w, &err), err, MB_ERR_LIMIT);
    assert_null(w);
    assert_ok(mb_blob_writer_new(s, NULL, 3, &w, &err), err);
    assert_ok(mb_blob_writer_append(w, "ab", 2, &err), err);
    assert_fails(mb_blob_writer_append(w, "cd", 2, &err), err, MB_ERR_LIMIT);
    mb_blob_writer_free(w);
    mb_blob_store_free(s);
}

static void commit_says_what_was_stored(void **state)
{
    struct mb_blob_store *s = open_store(*state);
    struct mb_descriptor want = {
        .size = 5, .digest = mb_digest_of("hello", 5), .media_type = MB_MT_OCI_LAYER};
    struct mb_descriptor got = {0};
    struct mb_blob_writer *w = NULL;
    struct mb_error err;

    assert_ok(mb_blob_writer_new(s, &want, 100, &w, &err), err);
    assert_ok(mb_blob_writer_append(w, "he", 2, &err), err);
    assert_ok(mb_blob_writer_append(w, "llo", 3, &err), err);
    assert_ok(mb_blob_writer_commit(w, &got, &err), err);
    mb_blob_writer_free(w);
    assert_int_equal(got.size, 5);
    assert_true(mb_digest_equal(&got.digest, &want.digest));
    assert_string_equal(got.media_type, MB_MT_OCI_LAYER);
    mb_blob_store_free(s);
}

static void a_writer_freed_early_leaves_nothing(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_blob_store *s = open_store(t);
    struct mb_blob_writer *w = NULL;
    struct mb_error err;
    size_t fds = mb_test_count_fds();

    assert_ok(mb_blob_writer_new(s, NULL, 100, &w, &err), err);
    assert_ok(mb_blob_writer_append(w, "abc", 3, &err), err);
    mb_blob_writer_free(w);
    assert_int_equal(count_files(t, "blobs/sha256"), 0);
    assert_int_equal(count_files(t, "tmp"), 0);
    assert_int_equal(mb_test_count_fds(), fds);
    mb_blob_store_free(s);
}

/* As on file systems without O_TMPFILE. */
static void named_stages_work_and_are_cleaned_up(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_stage st = MB_STAGE_INIT;
    struct mb_blob_store *s;
    struct mb_error err;

    assert_ok(mb_stage_open(t->fd, true, &st, &err), err);
    assert_ok(mb_write_all(st.fd, "x", 1, &err), err);
    assert_int_equal(count_files(t, "."), 1);
    mb_stage_done(&st);
    assert_int_equal(count_files(t, "."), 0);
    assert_ok(mb_stage_open(t->fd, true, &st, &err), err);
    assert_ok(mb_stage_publish(&st, t->fd, "whole", &err), err);
    mb_stage_done(&st);
    assert_int_equal(faccessat(t->fd, "whole", F_OK, 0), 0);
    assert_int_equal(count_files(t, "."), 1);

    /* a killed writer's file goes when a lone opener comes */
    mb_blob_store_free(open_store(t));
    assert_int_equal(mknodat(t->fd, "tmp/left", S_IFREG | 0600, 0), 0);
    s = open_store(t);
    assert_int_equal(count_files(t, "tmp"), 0);
    assert_int_equal(mknodat(t->fd, "tmp/in-use", S_IFREG | 0600, 0), 0);
    mb_blob_store_free(open_store(t)); /* not alone: s is open */
    assert_int_equal(count_files(t, "tmp"), 1);
    mb_blob_store_free(s);
}

static void an_open_store_holds_a_shared_lock(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_blob_store *a = open_store(t);
    struct mb_blob_store *b = open_store(t);
    int fd = openat(t->fd, "lock", O_RDWR | O_CLOEXEC);

    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    mb_blob_store_free(a);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    mb_blob_store_free(b);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
}

#define THREADS 8
#define ROUNDS 40

struct racer {
    pthread_t thread;
    struct mb_blob_store *store;
    int failures;
};

/* All threads store the same blobs at the same time and read what is there. */
static void *race(void *arg)
{
    struct racer *r = arg;

    for (int i = 0; i < ROUNDS; i++) {
        char *text = mb_xasprintf("blob %d", i);
        struct mb_buf got = MB_BUF_INIT(100);
        struct mb_digest d;
        struct mb_error err;

        if (mb_blob_store_put(r->store, text, strlen(text), &d, &err) < 0
            || mb_blob_store_read(r->store, &d, &got, &err) < 0
            || strcmp(got.data, text) != 0)
            r->failures++;
        mb_buf_done(&got);
        free(text);
    }
    return NULL;
}

static void threads_and_stores_commit_the_same_blob(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_blob_store *stores[2] = {open_store(t), open_store(t)};
    struct racer racers[THREADS] = {0};

    for (size_t i = 0; i < THREADS; i++) {
        racers[i].store = stores[i % 2];
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(racers[i].thread, NULL);
        assert_int_equal(racers[i].failures, 0);
    }
    assert_int_equal(count_files(t, "blobs/sha256"), ROUNDS);
    assert_int_equal(count_files(t, "tmp"), 0);
    mb_blob_store_free(stores[0]);
    mb_blob_store_free(stores[1]);
}

static void a_store_that_cannot_be_made_says_why(void **state _unused_)
{
    struct mb_blob_store *s = NULL;
    struct mb_error err;
    size_t fds = mb_test_count_fds();

    assert_int_equal(mb_blob_store_open("/dev/null/store", &s, &err), -1);
    assert_contains(err.msg, "/dev/null/store");
    assert_null(s);
    assert_int_equal(mb_test_count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(what_is_put_can_be_read),
        mb_test_in_dir(the_directory_is_an_oci_layout),
        mb_test_in_dir(a_blob_that_is_not_there_is_not_found),
        mb_test_in_dir(a_blob_that_was_damaged_is_found_out_and_removed),
        mb_test_in_dir(reading_stops_at_the_buffers_maximum),
        mb_test_in_dir(only_the_announced_bytes_are_stored),
        mb_test_in_dir(limits_come_first),
        mb_test_in_dir(commit_says_what_was_stored),
        mb_test_in_dir(a_writer_freed_early_leaves_nothing),
        mb_test_in_dir(named_stages_work_and_are_cleaned_up),
        mb_test_in_dir(an_open_store_holds_a_shared_lock),
        mb_test_in_dir(threads_and_stores_commit_the_same_blob),
        cmocka_unit_test(a_store_that_cannot_be_made_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
