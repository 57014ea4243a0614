/* SPDX-License-Identifier: Apache-2.0 */
/* The helper as the agent sees it: RUN, its sandbox, its layer, its end. */
#include "step_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "base/sha256.h"
#include "fs/tar_writer.h"

static char *run_ok(struct fixture *f, const struct mb_digest *base,
                    const char *platform, const struct mb_step *step, int want_exit,
                    char work[STEP_WORK_ID_LEN + 1])
{
    struct step_state state = {.diff_ids = base, .n = base ? 1 : 0};
    struct mb_platform p = fixture_platform(platform);
    struct mb_error err;
    struct log l;
    int status = -1;

    log_init(&l);
    assert_ok(step_run(f->c, &l.call, &state, step, &p, work, &status, &err), err);
    if (status != want_exit)
        fail_msg("exit status %d: %s", status, l.text.data);
    return mb_buf_steal(&l.text);
}

static void discard(struct fixture *f, const char *work)
{
    struct mb_error err;

    assert_ok(step_discard(f->c, work, &err), err);
}

/* --- platforms --- */

static void native_platforms_come_first_and_emulated_ones_are_proved(void **state)
{
    struct fixture *f = *state;
    struct mb_agent_platform *v = NULL;
    char text[MB_PLATFORM_TEXT_LEN];
    char *qemu = NULL;
    size_t n = 0;
    bool emulated = false, s390x = false;
    struct mb_error err;

    assert_ok(step_client_probe(f->c, &v, &n, &qemu, &err), err);
    assert_true(n > 2);
    assert_string_equal(mb_platform_text(&v[0].platform, text), "linux/amd64");
    for (size_t i = 0; i < n; i++) {
        mb_platform_text(&v[i].platform, text);
        print_message("%s %s\n", text, v[i].via);
        assert_false(emulated && !v[i].emulated);
        emulated = v[i].emulated;
        if (strcmp(text, "linux/s390x") == 0)
            s390x = true;
        free(v[i].via);
    }
    assert_true(s390x);
    assert_non_null(qemu);
    print_message("qemu %s\n", qemu);
    free(qemu);
    free(v);
}

/* --- the sandbox --- */

static void a_step_is_root_of_a_sandbox_and_not_of_the_host(void **state)
{
    struct fixture *f = *state;
    static const char *const says[] = {
        "pid 1\n",
        "Seccomp:\t2\n",
        "NoNewPrivs:\t1\n",
        "uid 0\n",
        "home /root\n",
        "CapEff:\t00000000a80425fb\n",
        "cwd /work/dir\n",
        "var value\n",
        "host mbcluster\n",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        "umask 0022\n",
        "no agent\n",
        "clone3-free\n",
        "null ok\n",
        "stdout ok\n",
        "hosts ok\n",
    };
    struct mb_step s = fixture_sh(
        "echo pid $$; grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status;"
        "echo uid $(id -u); echo home $HOME; echo cwd $(pwd); echo var $VAR;"
        "echo host $(hostname); echo PATH=$PATH; echo umask $(umask);"
        "ls /run /state >/dev/null 2>&1; test -e /run/layers || echo no agent;"
        "unshare -U true 2>/dev/null || echo clone3-free;"
        "echo x >/dev/null && echo null ok; echo stdout ok >/dev/stdout;"
        "grep -q localhost /etc/hosts && echo hosts ok;"
        "cat /proc/self/uid_map; cat /proc/mounts; ls -l /proc/self/fd");
    char work[STEP_WORK_ID_LEN + 1];

    mb_strv_add(&s.env, "VAR=value");
    s.cwd = mb_xstrdup("/work/dir");
    char *text = run_ok(f, &f->amd64, "linux/amd64", &s, 0, work);
    for (size_t i = 0; i < ARRAY_SIZE(says); i++)
        assert_contains(text, says[i]);
    assert_null(strstr(text, f->state_dir));
    unsigned inside = 1, outside = 0;
    const char *map = strstr(text, "hosts ok\n") + strlen("hosts ok\n");
    assert_int_equal(sscanf(map, "%u %u", &inside, &outside), 2);
    assert_int_equal(inside, 0);
    assert_true(outside >= 65536);
    discard(f, work);
    free(text);
    free(s.cwd);
    mb_strv_done(&s.argv);
    mb_strv_done(&s.env);
}

static void the_exit_status_passes_through(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *script;
        int status;
    } rows[] = {
        {"exit 3", 3}, {"kill -9 $$; kill -TERM 1; exit 4", 4}, {"no-such-thing", 127}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_step s = fixture_sh(rows[i].script);
        char work[STEP_WORK_ID_LEN + 1];

        free(run_ok(f, &f->amd64, "linux/amd64", &s, rows[i].status, work));
        discard(f, work);
        mb_strv_done(&s.argv);
    }
}

static void what_cannot_be_run_is_the_users_error(void **state)
{
    struct fixture *f = *state;
    struct step_state base = {.diff_ids = &f->amd64, .n = 1};
    struct mb_platform p = fixture_platform("linux/amd64");
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_step s = {0};
    struct mb_error err;
    int status = -1;

    mb_strv_add(&s.argv, "/no/such/program");
    assert_fails(step_run(f->c, NULL, &base, &s, &p, work, &status, &err), err,
                 MB_ERR_INVALID);
    s.user = mb_xstrdup("nobody-knows");
    assert_fails(step_run(f->c, NULL, &base, &s, &p, work, &status, &err), err,
                 MB_ERR_INVALID);
    assert_contains(err.msg, "nobody-knows");
    free(s.user);
    mb_strv_done(&s.argv);
}

static void user_and_network_are_as_asked(void **state)
{
    struct fixture *f = *state;
    struct mb_step s = fixture_sh("id -u; id -g; ip link | grep -c ^; "
                                  "ip link show lo | grep -q UP && echo lo up;"
                                  "ip link | grep -q eth && echo has eth; true");
    char work[STEP_WORK_ID_LEN + 1];

    s.user = mb_xstrdup("daemon:5");
    s.network = mb_xstrdup("none");
    char *text = run_ok(f, &f->amd64, "linux/amd64", &s, 0, work);
    assert_contains(text, "1\n5\n");
    assert_contains(text, "lo up\n");
    assert_null(strstr(text, "has eth"));
    discard(f, work);
    free(text);
    free(s.user);
    free(s.network);
    mb_strv_done(&s.argv);
}

/* --- the layer --- */

static int hash_put(const void *data, size_t len, void *arg,
                    struct mb_error *err _unused_)
{
    mb_sha256_add(arg, data, len);
    return 0;
}

/* What "mkdir /a; echo hello >/a/f; chmod 600 /a/f; ln -s f /a/l; rm /etc/group" is. */
static struct mb_digest expected_layer(void)
{
    static const struct mb_tar_entry entries[] = {
        {.path = "a", .mode = S_IFDIR | 0755},
        {.path = "a/f", .mode = S_IFREG | 0600, .size = 6},
        {.path = "a/l", .mode = S_IFLNK | 0777, .link_target = "f"},
        {.path = "etc", .mode = S_IFDIR | 0755},
        {.path = "etc/.wh.group", .mode = S_IFREG},
    };
    struct mb_sha256 *hash = mb_sha256_new();
    const struct mb_sink sink = {.fn = hash_put, .arg = hash};
    struct mb_tar_writer *w = mb_tar_writer_new(&sink);
    struct mb_digest d;
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        assert_ok(mb_tar_writer_entry(w, &entries[i], &err), err);
        if (entries[i].size > 0)
            assert_ok(mb_tar_writer_data(w, "hello\n", 6, &err), err);
    }
    assert_ok(mb_tar_writer_end(w, &err), err);
    mb_tar_writer_free(w);
    mb_sha256_end(hash, d.bytes);
    mb_sha256_free(hash);
    return d;
}

static void equal_steps_give_equal_layers_on_every_platform(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *platform;
        const struct mb_digest *base;
    } rows[] = {{"linux/amd64", &f->amd64}, {"linux/s390x", &f->s390x}};
    struct mb_digest want = expected_layer();
    char text[2][MB_DIGEST_TEXT_LEN + 1];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_step s = fixture_sh("mkdir /a; echo hello >/a/f; chmod 600 /a/f;"
                                      "ln -s f /a/l; rm /etc/group; uname -m");
        char work[STEP_WORK_ID_LEN + 1];
        char *said = run_ok(f, rows[i].base, rows[i].platform, &s, 0, work);
        char *names = NULL;
        struct mb_digest got = fixture_diff(f, work, true, &names);

        print_message("%s %s%s", mb_digest_text(&got, text[0]), said, names);
        assert_string_equal(text[0], mb_digest_text(&want, text[1]));
        discard(f, work);
        free(names);
        free(said);
        mb_strv_done(&s.argv);
    }
}

static void a_step_that_changes_nothing_gives_an_empty_layer(void **state)
{
    struct fixture *f = *state;
    const struct mb_digest *bases[] = {&f->amd64};
    struct mb_step s = fixture_sh("test -e /etc/resolv.conf && test -d /proc/self");
    char work[STEP_WORK_ID_LEN + 1];

    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        char *names = NULL;

        free(run_ok(f, bases[i], "linux/amd64", &s, 0, work));
        fixture_diff(f, work, false, &names);
        assert_string_equal(names, "");
        free(names);
        discard(f, work);
    }
    mb_strv_done(&s.argv);
}

/* --- the end --- */

static pid_t youngest_child(pid_t pid)
{
    char path[64];
    struct mb_buf b = MB_BUF_INIT(4096);
    struct mb_error err;
    int child = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    assert_ok(mb_read_file(AT_FDCWD, path, &b, &err), err);
    for (const char *p = b.data; p && sscanf(p, "%d", &child) == 1;)
        p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL;
    mb_buf_done(&b);
    return child;
}

/* outer helper, its pid 1, the worker, the runtime, the runtime's container */
#define CHAIN_LEN 5
struct killer {
    size_t victim;
    int pidfds[CHAIN_LEN];
    atomic_bool cancel;
    bool done;
};

static void kill_one(struct log *l, void *arg)
{
    struct killer *k = arg;
    pid_t pid = getpid(), victim = 0;

    if (k->done || !strstr(l->text.data, "ready"))
        return;
    k->done = true;
    for (size_t i = 0; i < CHAIN_LEN; i++) {
        pid = youngest_child(pid);
        assert_true(pid > 0);
        k->pidfds[i] = pidfd_open(pid, 0);
        assert_true(k->pidfds[i] >= 0);
        if (i == k->victim)
            victim = pid;
    }
    if (!victim)
        atomic_store(&k->cancel, true);
    else if (kill(victim, SIGKILL)
             < 0) /* ids of a namespace: an ordinary user may not */
        assert_int_equal(pidfd_send_signal(k->pidfds[0], SIGKILL, NULL, 0), 0);
}

static void wait_until_gone(struct killer *k, size_t from)
{
    for (size_t i = 0; i < CHAIN_LEN; i++) {
        struct pollfd p = {.fd = k->pidfds[i], .events = POLLIN};

        if (i >= from)
            assert_int_equal(poll(&p, 1, 10 * 1000), 1);
        close(k->pidfds[i]);
    }
}

static void no_mount_shows_outside(struct fixture *f)
{
    struct mb_buf b = MB_BUF_INIT(4 * 1024 * 1024);
    struct mb_error err;

    assert_ok(mb_read_file(AT_FDCWD, "/proc/self/mountinfo", &b, &err), err);
    assert_null(strstr(b.data, f->path));
    assert_null(strstr(b.data, "/run/w/"));
    mb_buf_done(&b);
}

static void who_is_killed_takes_the_step_along(void **state)
{
    struct fixture *f = *state;
    struct step_state base = {.diff_ids = &f->amd64, .n = 1};
    struct mb_platform p = fixture_platform("linux/amd64");
    static const char *const says[] = {"step helper ended", "step helper ended",
                                       "ended without an answer",
                                       "runtime was killed by signal 9"};

    for (size_t i = 0; i < ARRAY_SIZE(says); i++) {
        struct mb_step s = fixture_sh("sleep 1000 & echo ready; wait");
        struct killer k = {.victim = i};
        char work[STEP_WORK_ID_LEN + 1];
        struct mb_error err;
        struct log l;
        int status;

        log_init(&l);
        l.on_output = kill_one;
        l.arg = &k;
        assert_fails(step_run(f->c, &l.call, &base, &s, &p, work, &status, &err), err,
                     MB_ERR_UNAVAILABLE);
        print_message("%s\n", err.msg);
        assert_contains(err.msg, says[i]);
        wait_until_gone(&k, i);
        no_mount_shows_outside(f);
        if (i < 2) {
            assert_false(step_client_alive(f->c));
            assert_fails(step_discard(f->c, "00000000000000000000000000000000", &err),
                         err, MB_ERR_UNAVAILABLE);
            fixture_restart(f);
        }
        mb_buf_done(&l.text);
        mb_strv_done(&s.argv);
    }
}

static void cancelling_ends_the_step_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct step_state base = {.diff_ids = &f->amd64, .n = 1};
    struct mb_platform p = fixture_platform("linux/amd64");
    struct mb_step s =
        fixture_sh("trap '' TERM INT; echo ready; sleep 1000; sleep 1000");
    struct killer k = {.victim = SIZE_MAX};
    char work[STEP_WORK_ID_LEN + 1];
    struct mb_error err;
    struct log l;
    int status;

    log_init(&l);
    l.on_output = kill_one;
    l.arg = &k;
    l.call.cancel = &k.cancel;
    assert_fails(step_run(f->c, &l.call, &base, &s, &p, work, &status, &err), err,
                 MB_ERR_CANCELLED);
    wait_until_gone(&k, 2);
    assert_true(step_client_alive(f->c));
    mb_buf_done(&l.text);
    mb_strv_done(&s.argv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_platforms_come_first_and_emulated_ones_are_proved),
        cmocka_unit_test(a_step_is_root_of_a_sandbox_and_not_of_the_host),
        cmocka_unit_test(the_exit_status_passes_through),
        cmocka_unit_test(what_cannot_be_run_is_the_users_error),
        cmocka_unit_test(user_and_network_are_as_asked),
        cmocka_unit_test(equal_steps_give_equal_layers_on_every_platform),
        cmocka_unit_test(a_step_that_changes_nothing_gives_an_empty_layer),
        cmocka_unit_test(who_is_killed_takes_the_step_along),
        cmocka_unit_test(cancelling_ends_the_step_and_leaves_nothing),
    };
    const char *missing = fixture_missing();

    if (missing) {
        print_message("skipped; missing: %s\n", missing);
        return 77;
    }
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
