/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that speak out of turn or ask for too much. */
#include "coordinator_world.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

struct scene {
    struct world w;
    struct actor client, agent;
};

static void scene_start(struct scene *s, void **state)
{
    world_start(&s->w, *state);
    actor_dial(&s->agent, &s->w, &s->w.agents[0]);
    actor_greet_agent(&s->agent, 1);
    actor_dial(&s->client, &s->w, &s->w.clients[0]);
}

static void scene_stop(struct scene *s)
{
    actor_hang_up(&s->client);
    actor_hang_up(&s->agent);
    world_stop(&s->w);
}

/* The agent does whatever it is given until the build ends; *ret is how. */
static void run_build(struct scene *s, struct mb_build_done *ret)
{
    while (!actor_has(&s->client, MB_KIND_BUILD_DONE)) {
        struct mb_task t = {0};

        if (!actor_has(&s->agent, MB_KIND_TASK)) {
            actor_pause(&s->agent);
            continue;
        }
        actor_expect(&s->agent, MB_KIND_TASK, &t);
        actor_do_task(&s->agent, &t, 0);
        mb_wire_done(&mb_task_schema, &t);
    }
    actor_expect(&s->client, MB_KIND_BUILD_DONE, ret);
    if (!ret->ok)
        fail_msg("the build failed: %s", ret->message);
}

static void ask_for_list(struct actor *a)
{
    actor_send_bytes(a, MB_KIND_LS, BYTES("\x80"));
    actor_expect(a, MB_KIND_LS_REPLY, NULL);
}

static void nothing_is_heard_before_hello(void **state)
{
    struct scene s;

    scene_start(&s, state);
    for (unsigned i = 0; i < 1000; i++) {
        actor_send_bytes(&s.client, MB_KIND_LS, BYTES("\x80"));
        actor_build(&s.client, "FROM scratch\nRUN [\"/x\"]\n");
        actor_send_bytes(&s.client, MB_KIND_BUILD_READY, BYTES("\x80"));
        actor_send_bytes(&s.client, MB_KIND_BUILD_CANCEL, BYTES("\x80"));
        actor_send_bytes(&s.client, MB_KIND_BYE, BYTES("\x80"));
    }
    actor_greet_client(&s.client);
    assert_false(actor_has(&s.client, MB_KIND_LS_REPLY));
    assert_false(actor_has(&s.agent, MB_KIND_TASK));
    ask_for_list(&s.client);
    scene_stop(&s);
}

static void hello_again_is_answered_again(void **state)
{
    struct scene s;

    scene_start(&s, state);
    for (int i = 0; i < 100; i++) {
        mb_random_bytes(s.client.session, sizeof(s.client.session));
        actor_greet_client(&s.client);
        actor_greet_agent(&s.agent, 1);
    }
    actor_send_bytes(&s.client, MB_KIND_HELLO, BYTES("\x80"));
    actor_expect(&s.client, MB_KIND_REFUSED, NULL);
    ask_for_list(&s.client);
    scene_stop(&s);
}

static void refuse_hello(struct actor *a, uint64_t role, const char *part)
{
    struct mb_agent_info info = {.arch = (char *)(uintptr_t) "amd64", .slots = 1};
    struct mb_hello h = {.role = role,
                         .session = {a->session, sizeof(a->session)},
                         .version = (char *)(uintptr_t) "test",
                         .agent = info};
    struct mb_refused r = {0};

    actor_send(a, MB_KIND_HELLO, &mb_hello_schema, &h);
    actor_expect(a, MB_KIND_REFUSED, &r);
    assert_int_equal(r.code, MB_ERR_DENIED);
    assert_contains(r.message, part);
    mb_wire_done(&mb_refused_schema, &r);
}

static void a_key_of_one_role_does_not_play_the_other(void **state)
{
    struct actor liar;
    struct scene s;

    scene_start(&s, state);
    refuse_hello(&s.client, MB_ROLE_AGENT, "--role agent");
    actor_dial(&liar, &s.w, &s.w.agents[1]);
    refuse_hello(&liar, MB_ROLE_CLIENT, "--role client");
    refuse_hello(&liar, MB_ROLE_ADMIN, "--role client");
    actor_hang_up(&liar);
    scene_stop(&s);
}

static void a_connection_has_one_build(void **state)
{
    struct mb_build_done done = {0};
    struct scene s;

    scene_start(&s, state);
    actor_greet_client(&s.client);
    actor_send_bytes(&s.client, MB_KIND_BUILD_READY, BYTES("\x80"));
    actor_build(&s.client, "FROM scratch\nRUN [\"/x\"]\n");
    actor_build(&s.client, "FROM scratch\nRUN [\"/y\"]\n");
    actor_ready(&s.client);
    actor_send_bytes(&s.client, MB_KIND_BUILD_READY, BYTES("\x80"));
    actor_expect(&s.client, MB_KIND_REFUSED, NULL);
    run_build(&s, &done);
    assert_int_equal(done.n_steps, 1);
    assert_string_equal(done.steps[0].text, "RUN [\"/x\"]");
    mb_wire_done(&mb_build_done_schema, &done);
    scene_stop(&s);
}

static void a_broken_request_ends_with_a_message(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } rows[] = {{BYTES("")},
                {BYTES("\x80")},
                {BYTES("\xc1")},
                {BYTES("\xdf\xff\xff\xff\xff")},
                {BYTES("\x81\xaa"
                       "dockerfile\xa1x")}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct scene s;

        scene_start(&s, state);
        actor_greet_client(&s.client);
        actor_send_bytes(&s.client, MB_KIND_BUILD, rows[i].data, rows[i].len);
        actor_expect_failure(&s.client, "BUILD");
        scene_stop(&s);
    }
}

static void ready_with_what_was_not_uploaded_ends_with_a_message(void **state)
{
    struct mb_build_ready r = {.context = {.media_type = "application/x-tar",
                                           .digest = {{1, 2, 3}},
                                           .size = 10}};
    struct scene s;

    scene_start(&s, state);
    actor_greet_client(&s.client);
    actor_build(&s.client, "FROM scratch\nCOPY a /\n");
    actor_expect(&s.client, MB_KIND_BUILD_NEEDS, NULL);
    actor_send(&s.client, MB_KIND_BUILD_READY, &mb_build_ready_schema, &r);
    actor_expect_failure(&s.client, "build context");
    scene_stop(&s);
}

static void add_line(struct mb_buf *out, const char *head, size_t i, size_t n,
                     const char *tail)
{
    mb_buf_addf(out, "%s%zu", head, i);
    while (n-- > 0)
        mb_buf_add_byte(out, 'a');
    mb_buf_add_str(out, tail);
}

/* Every step carries the whole environment; thirty of them are over what one message
 * holds. */
static void a_large_environment_is_sent_in_smaller_tasks(void **state)
{
    _cleanup_buf_ struct mb_buf file = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    struct mb_build_done done = {0};
    struct scene s;

    scene_start(&s, state);
    actor_greet_client(&s.client);
    mb_buf_add_str(&file, "FROM scratch\n");
    for (size_t i = 0; i < 30; i++)
        add_line(&file, "ENV A=", i, 3000, "\n");
    for (size_t i = 0; i < 30; i++)
        add_line(&file, "ENV B", i, 0, "=${A}${A}\n");
    for (size_t i = 0; i < 30; i++)
        add_line(&file, "RUN [\"/r", i, 0, "\"]\n");
    actor_build(&s.client, file.data);
    actor_ready(&s.client);
    run_build(&s, &done);
    assert_int_equal(done.n_steps, 30);
    mb_wire_done(&mb_build_done_schema, &done);
    scene_stop(&s);
}

static void a_step_that_no_agent_could_read_is_named(void **state)
{
    static const struct {
        const char *head;
        size_t n;
        const char *tail, *wanted;
    } rows[] = {
        {"ENV A=", 60000, "\nENV B=$A C=$A D=$A E=$A\nRUN [\"/r\"]\n",
         "Dockerfile:4: "},
        {"RUN [\"/fine\"]\nWORKDIR /", 5000, "\n", "Dockerfile:3: "},
        {"USER ", 300, "\nRUN [\"/r\"]\nRUN [\"/s\"]\n", "Dockerfile:3: "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_buf_ struct mb_buf file = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
        struct mb_task t = {0};
        struct scene s;

        scene_start(&s, state);
        actor_greet_client(&s.client);
        mb_buf_add_str(&file, "FROM scratch\n");
        add_line(&file, rows[i].head, 0, rows[i].n, rows[i].tail);
        actor_build(&s.client, file.data);
        actor_ready(&s.client);
        if (i == 1) { /* what can be done is done first */
            actor_expect(&s.agent, MB_KIND_TASK, &t);
            assert_int_equal(t.n_steps, 1);
            actor_do_task(&s.agent, &t, 0);
            mb_wire_done(&mb_task_schema, &t);
        }
        actor_expect_failure(&s.client, rows[i].wanted);
        scene_stop(&s);
    }
}

static void more_sources_than_fit_a_message_end_the_build(void **state)
{
    _cleanup_buf_ struct mb_buf file = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    struct scene s;

    scene_start(&s, state);
    actor_greet_client(&s.client);
    mb_buf_add_str(&file, "FROM scratch\n");
    add_line(&file, "ARG A=", 0, 4000, "\n");
    for (size_t i = 0; i < 100; i++)
        add_line(&file, "COPY f", i, 0, "/$A/x /\n");
    actor_build(&s.client, file.data);
    actor_expect_failure(&s.client, "sources of all COPY");
    scene_stop(&s);
}

/* The record of who ran what may be over the limit; the end arrives all the same. */
static void a_long_record_does_not_keep_the_end_from_arriving(void **state)
{
    static const size_t text[] = {3500, 60};
    static const size_t count[] = {200, 900};

    for (size_t row = 0; row < ARRAY_SIZE(text); row++) {
        _cleanup_buf_ struct mb_buf file = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
        struct mb_build_done done = {0};
        struct scene s;

        scene_start(&s, state);
        actor_greet_client(&s.client);
        mb_buf_add_str(&file, "ARG X\nFROM scratch AS ");
        add_line(&file, "s", 0, 300, "\nARG X=");
        add_line(&file, "x", 0, text[row], "\n");
        for (size_t i = 0; i < count[row]; i++)
            add_line(&file, "WORKDIR /", i, text[row] / 70, "/$X\n");
        actor_build(&s.client, file.data);
        actor_ready(&s.client);
        run_build(&s, &done);
        assert_true(done.n_steps == count[row] || done.warnings.n > 0);
        mb_wire_done(&mb_build_done_schema, &done);
        scene_stop(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(nothing_is_heard_before_hello),
        mb_test_in_dir(hello_again_is_answered_again),
        mb_test_in_dir(a_key_of_one_role_does_not_play_the_other),
        mb_test_in_dir(a_connection_has_one_build),
        mb_test_in_dir(a_broken_request_ends_with_a_message),
        mb_test_in_dir(ready_with_what_was_not_uploaded_ends_with_a_message),
        mb_test_in_dir(a_large_environment_is_sent_in_smaller_tasks),
        mb_test_in_dir(a_step_that_no_agent_could_read_is_named),
        mb_test_in_dir(more_sources_than_fit_a_message_end_the_build),
        mb_test_in_dir(a_long_record_does_not_keep_the_end_from_arriving),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
