/* SPDX-License-Identifier: Apache-2.0 */
/* Each way in which a connection can end, against a scripted coordinator. */
#include "fake_coordinator.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "cli/session.h"
#include "proto/kinds.h"

struct outcome {
    struct mb_loop *loop;
    unsigned n_welcomes, n_failures;
    struct mb_error why;
    bool stop_when_welcome;
};

static void on_welcome(void *arg)
{
    struct outcome *o = arg;

    o->n_welcomes++;
    if (o->stop_when_welcome)
        mb_loop_stop(o->loop);
}

static void on_message(uint8_t kind _unused_, const void *data _unused_,
                       size_t len _unused_, void *arg _unused_)
{
}

static void on_failed(const struct mb_error *why, void *arg)
{
    struct outcome *o = arg;

    o->n_failures++;
    o->why = *why;
    mb_loop_stop(o->loop);
}

static const struct session_ops ops = {
    .welcome = on_welcome, .message = on_message, .failed = on_failed};

static struct session *dial(struct outcome *o, const char *address,
                            const uint8_t *server_key)
{
    struct session_opts opts = {.address = address,
                                .role = MB_ROLE_CLIENT,
                                .connect_msec = 2000,
                                .silence_msec = 400};
    struct session *s = NULL;
    struct mb_error err;

    o->loop = mb_loop_new();
    mb_keypair_new(&opts.keys);
    memcpy(opts.server_key, server_key, MB_KEY_LEN);
    assert_ok(session_new(o->loop, &opts, &ops, o, &s, &err), err);
    return s;
}

static void a_good_coordinator_welcomes(void **state)
{
    const struct mb_test_dir *t = *state;
    struct fake f = {.script = FAKE_GOOD};
    struct outcome o = {.stop_when_welcome = true};

    fake_start(&f, t->path);
    struct session *s = dial(&o, f.address, f.server_keys.public_key);
    mb_loop_run(o.loop);
    assert_int_equal(o.n_welcomes, 1);
    assert_string_equal(session_peer_name(s), "c1");
    assert_contains(session_blob_url(s), "http://127.0.0.1:");
    assert_true(strlen(session_blob_token(s)) > 0);
    session_free(s);
    mb_loop_free(o.loop);
    fake_stop(&f);
    assert_int_equal(o.n_failures, 0);
}

static void each_failure_says_what_happened(void **state)
{
    static const struct {
        enum fake_script script;
        bool refuse, wrong_key;
        enum mb_errc code;
        const char *why;
        unsigned n_welcomes;
    } rows[] = {
        {FAKE_MUTE, false, false, MB_ERR_UNAVAILABLE, "does not answer", 0},
        {FAKE_REFUSES, false, false, MB_ERR_DENIED, "refused: not today", 0},
        {FAKE_BREAKS, false, false, MB_ERR_PROTOCOL, "the coordinator at tcp://", 0},
        {FAKE_GOOD, true, false, MB_ERR_DENIED, "ask for a new join string", 0},
        {FAKE_GOOD, false, true, MB_ERR_DENIED,
         "not the one that the join string names", 0},
        {FAKE_SILENT, false, false, MB_ERR_UNAVAILABLE, "lost the coordinator", 1},
    };
    const struct mb_test_dir *t = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fake f = {.script = rows[i].script};
        struct outcome o = {0};
        struct mb_keypair other;

        mb_keypair_new(&other);
        atomic_store(&f.refuse_all, rows[i].refuse);
        fake_start(&f, t->path);
        struct session *s =
            dial(&o, f.address,
                 rows[i].wrong_key ? other.public_key : f.server_keys.public_key);
        mb_loop_run(o.loop);
        session_free(s);
        mb_loop_free(o.loop);
        fake_stop(&f);
        assert_int_equal(o.n_failures, 1);
        assert_contains(o.why.msg, rows[i].why);
        assert_int_equal(o.why.code, rows[i].code);
        assert_int_equal(o.n_welcomes, rows[i].n_welcomes);
    }
}

/* A port that is bound and not listened to, so that nobody else gets it. */
static int closed_port(char address[64])
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    (void)snprintf(address, 64, "tcp://127.0.0.1:%u", ntohs(sa.sin_port));
    return fd;
}

static void nobody_there_is_said_after_the_deadline(void **state _unused_)
{
    char address[64];
    _cleanup_close_ int fd = closed_port(address);
    struct outcome o = {0};
    struct mb_keypair k;

    mb_keypair_new(&k);
    struct session *s = dial(&o, address, k.public_key);
    mb_loop_run(o.loop);
    session_free(s);
    mb_loop_free(o.loop);
    assert_int_equal(o.why.code, MB_ERR_UNAVAILABLE);
    assert_contains(o.why.msg, "no coordinator answers at tcp://127.0.0.1:");
}

static void a_coordinator_that_goes_away_is_noticed(void **state)
{
    const struct mb_test_dir *t = *state;
    struct fake f = {.script = FAKE_GOOD};
    struct outcome o = {.stop_when_welcome = true};

    fake_start(&f, t->path);
    struct session *s = dial(&o, f.address, f.server_keys.public_key);
    mb_loop_run(o.loop);
    fake_stop(&f);
    mb_loop_run(o.loop);
    session_free(s);
    mb_loop_free(o.loop);
    assert_int_equal(o.n_failures, 1);
    assert_int_equal(o.why.code, MB_ERR_UNAVAILABLE);
    assert_contains(o.why.msg, "lost the coordinator");
}

static void a_message_over_the_limit_is_not_sent(void **state)
{
    const struct mb_test_dir *t = *state;
    struct fake f = {.script = FAKE_GOOD};
    struct outcome o = {.stop_when_welcome = true};
    struct mb_build_request r = {0};
    _cleanup_free_ char *big = mb_xcalloc(4001, 1);
    struct mb_error err;

    memset(big, 'x', 4000);
    for (int i = 0; i < 100; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "k%d", i);
        mb_kv_set(&r.build_args, key, big);
    }
    fake_start(&f, t->path);
    struct session *s = dial(&o, f.address, f.server_keys.public_key);
    mb_loop_run(o.loop);
    assert_fails(session_send(s, MB_KIND_BUILD, &mb_build_request_schema, &r, &err),
                 err, MB_ERR_LIMIT);
    assert_contains(err.msg, "BUILD");
    session_free(s);
    mb_loop_free(o.loop);
    fake_stop(&f);
    mb_wire_done(&mb_build_request_schema, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(a_good_coordinator_welcomes),
        mb_test_in_dir(each_failure_says_what_happened),
        cmocka_unit_test(nobody_there_is_said_after_the_deadline),
        mb_test_in_dir(a_coordinator_that_goes_away_is_noticed),
        mb_test_in_dir(a_message_over_the_limit_is_not_sent),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
