/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <pthread.h>
#include <signal.h>

#include "base/mem.h"
#include "net/loop.h"

static void fail_late(void *arg _unused_)
{
    fail_msg("the loop did not stop in time");
}

/* Runs until a callback stops it. */
static void run(struct mb_loop *l)
{
    int id = mb_loop_add_once(l, 30000, fail_late, NULL);

    mb_loop_run(l);
    mb_loop_remove_timer(l, id);
}

struct sink {
    struct mb_loop *loop;
    size_t n_bytes;
    size_t chunk;
};

static void read_some(int fd, void *arg)
{
    struct sink *s = arg;
    char data[4096];
    ssize_t n = mb_read(fd, data, s->chunk);

    assert_true(n >= 0);
    s->n_bytes += (size_t)n;
    if (n == 0) {
        mb_loop_remove_reader(s->loop, fd);
        mb_loop_stop(s->loop);
    }
}

/* czmq drops a poller after two hang-ups unless told otherwise, and 56,000 bytes with
 * it. */
static void all_output_arrives_after_the_writer_has_gone(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct sink s = {.loop = l, .chunk = 4096};
    _cleanup_free_ char *data = mb_xcalloc(1, 60000);
    struct mb_error err;
    int in, out;

    assert_ok(mb_pipe(&in, &out, &err), err);
    assert_ok(mb_write_all(out, data, 60000, &err), err);
    close(out);
    mb_loop_add_reader(l, in, read_some, &s);
    run(l);
    assert_int_equal(s.n_bytes, 60000);
    close(in);
}

struct posts {
    struct mb_loop *loop;
    unsigned next;
};
struct posted {
    struct posts *to;
    unsigned i;
};
#define N_POSTS 10000

static void take_post(void *arg)
{
    struct posted *p = arg;
    struct posts *to = p->to;

    assert_int_equal(p->i, to->next);
    free(p);
    if (++to->next == N_POSTS)
        mb_loop_stop(to->loop);
}

static void *post_many(void *arg)
{
    struct posts *to = arg;

    for (unsigned i = 0; i < N_POSTS; i++) {
        struct posted *p = mb_xcalloc(1, sizeof(*p));

        *p = (struct posted){.to = to, .i = i};
        mb_loop_post(to->loop, take_post, p);
    }
    return NULL;
}

static void posts_of_another_thread_arrive_in_order(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct posts to = {.loop = l};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, post_many, &to), 0);
    run(l);
    pthread_join(thread, NULL);
    assert_int_equal(to.next, N_POSTS);
}

struct ticks {
    struct mb_loop *loop;
    int victim; /* a timer that the first tick removes */
    unsigned n, n_victim;
};

static void tick(void *arg)
{
    struct ticks *t = arg;

    mb_loop_remove_timer(t->loop, t->victim);
    if (++t->n == 3)
        mb_loop_stop(t->loop);
}

static void tick_of_victim(void *arg)
{
    ((struct ticks *)arg)->n_victim++;
}

/* Both are due in the same round. */
static void a_removed_timer_never_runs(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct ticks t = {.loop = l};

    mb_loop_add_timer(l, 1, tick, &t);
    t.victim = mb_loop_add_timer(l, 1, tick_of_victim, &t);
    run(l);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.n_victim, 0);
}

static void stop_soon(void *arg)
{
    mb_loop_stop(arg);
}

static void a_once_timer_runs_once(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct ticks t = {.loop = l};
    int id = mb_loop_add_once(l, 1, tick_of_victim, &t);

    mb_loop_add_once(l, 20, stop_soon, l);
    run(l);
    assert_int_equal(t.n_victim, 1);
    mb_loop_remove_timer(l, id); /* harmless by now */
}

static void a_stopped_loop_returns_and_runs_again(void **state _unused_)
{
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();

    mb_loop_stop(l);
    mb_loop_run(l);
    mb_loop_post(l, stop_soon, l);
    run(l);
}

static void note_signal(int signo, void *arg)
{
    struct ticks *t = arg;

    t->n = (unsigned)signo;
    mb_loop_stop(t->loop);
}

static void signals_arrive_in_the_loop(void **state _unused_)
{
    static const int rows[] = {SIGTERM, SIGINT, SIGHUP};
    _cleanup_(mb_loop_freep) struct mb_loop *l = mb_loop_new();
    struct ticks t = {.loop = l};
    struct mb_error err;

    assert_ok(mb_loop_on_signal(l, note_signal, &t, &err), err);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(kill(getpid(), rows[i]), 0);
        run(l);
        assert_int_equal(t.n, rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_output_arrives_after_the_writer_has_gone),
        cmocka_unit_test(posts_of_another_thread_arrive_in_order),
        cmocka_unit_test(a_removed_timer_never_runs),
        cmocka_unit_test(a_once_timer_runs_once),
        cmocka_unit_test(a_stopped_loop_returns_and_runs_again),
        cmocka_unit_test(signals_arrive_in_the_loop),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
