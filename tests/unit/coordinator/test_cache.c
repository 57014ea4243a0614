/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <pthread.h>

#include "coordinator/cache/cache.h"

static struct cache_result a_result(const char *seed, const char *agent)
{
    struct cache_result r = {.has_layer = true, .emulated = true, .usec = 1234};

    r.layer.diff_id = mb_digest_of(seed, strlen(seed));
    r.layer.blob.digest = mb_digest_of(agent, strlen(agent));
    r.layer.blob.size = 99;
    snprintf(r.layer.blob.media_type, sizeof(r.layer.blob.media_type), "%s",
             MB_MT_OCI_LAYER_GZIP);
    snprintf(r.agent, sizeof(r.agent), "%s", agent);
    return r;
}

static void the_first_result_of_a_key_stays(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = NULL;
    _cleanup_(cache_freep) struct cache *c = NULL, *again = NULL;
    struct mb_digest key = mb_digest_of("k", 1), other = mb_digest_of("o", 1);
    struct cache_result first = a_result("x", "a1"), second = a_result("y", "a2"), got;
    struct mb_error err;

    assert_true(asprintf(&path, "%s/cache.db", t->path) > 0);
    assert_ok(cache_open(path, &c, &err), err);
    assert_ok(cache_open(path, &again, &err), err); /* two processes, one file */
    assert_false(cache_find(c, &key, &got));
    assert_ok(cache_put(c, &key, &first, &err), err);
    assert_ok(cache_put(again, &key, &second, &err), err);
    assert_true(cache_find(again, &key, &got));
    assert_true(mb_digest_equal(&got.layer.diff_id, &first.layer.diff_id));
    assert_true(mb_digest_equal(&got.layer.blob.digest, &first.layer.blob.digest));
    assert_int_equal(got.layer.blob.size, 99);
    assert_string_equal(got.layer.blob.media_type, MB_MT_OCI_LAYER_GZIP);
    assert_string_equal(got.agent, "a1");
    assert_true(got.emulated);
    assert_false(cache_find(c, &other, &got));
    cache_forget(c, &key);
    assert_false(cache_find(again, &key, &got));
}

static void a_result_without_a_layer_is_kept_too(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = NULL;
    _cleanup_(cache_freep) struct cache *c = NULL;
    struct cache_result none = {.agent = "a1"}, got = a_result("x", "y");
    struct mb_digest key = mb_digest_of("k", 1);
    struct mb_error err;

    assert_true(asprintf(&path, "%s/cache.db", t->path) > 0);
    assert_ok(cache_open(path, &c, &err), err);
    assert_ok(cache_put(c, &key, &none, &err), err);
    assert_true(cache_find(c, &key, &got));
    assert_false(got.has_layer);
}

static void a_damaged_file_is_put_aside(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = NULL, *bad = NULL;
    _cleanup_(cache_freep) struct cache *c = NULL;
    struct mb_error err;

    assert_true(asprintf(&path, "%s/cache.db", t->path) > 0);
    assert_true(asprintf(&bad, "%s/cache.db.bad", t->path) > 0);
    assert_ok(mb_write_file(AT_FDCWD, path,
                            BYTES("this is no data base, is it? not at all"), 0600,
                            &err),
              err);
    assert_ok(cache_open(path, &c, &err), err);
    assert_int_equal(access(bad, F_OK), 0);
}

struct opener {
    pthread_t thread;
    const char *path;
    pthread_barrier_t *start;
    int result;
    struct mb_error err;
};

static void *open_and_put(void *arg)
{
    struct opener *o = arg;
    struct cache_result r = {.agent = "a1"};
    struct mb_digest key = mb_digest_of(&o, sizeof(o));
    struct cache *c = NULL;

    pthread_barrier_wait(o->start);
    o->result = cache_open(o->path, &c, &o->err);
    if (o->result == 0)
        o->result = cache_put(c, &key, &r, &o->err);
    cache_free(c);
    return NULL;
}

/* Two builds begin at once on one new state directory. */
static void any_number_may_open_a_new_index_at_once(void **state)
{
    struct mb_test_dir *t = *state;

    for (int round = 0; round < 200; round++) {
        _cleanup_free_ char *path = NULL;
        struct opener openers[8] = {0};
        pthread_barrier_t start;

        assert_true(asprintf(&path, "%s/cache%d.db", t->path, round) > 0);
        pthread_barrier_init(&start, NULL, ARRAY_SIZE(openers));
        for (size_t i = 0; i < ARRAY_SIZE(openers); i++) {
            openers[i].path = path;
            openers[i].start = &start;
            assert_int_equal(
                pthread_create(&openers[i].thread, NULL, open_and_put, &openers[i]), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(openers); i++) {
            pthread_join(openers[i].thread, NULL);
            assert_ok(openers[i].result, openers[i].err);
        }
        pthread_barrier_destroy(&start);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(the_first_result_of_a_key_stays),
        mb_test_in_dir(a_result_without_a_layer_is_kept_too),
        mb_test_in_dir(a_damaged_file_is_put_aside),
        mb_test_in_dir(any_number_may_open_a_new_index_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
