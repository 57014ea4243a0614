/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that lie, repeat themselves, or speak of what is not theirs. */
#include "coordinator_world.h"

#include "base/mem.h"

#define TWO_STEPS "FROM scratch\nRUN [\"/one\"]\nRUN [\"/two\"]\n"

/* A coordinator with one client and two agents, of which a0 got a build's only task. */
struct scene {
    struct world w;
    struct actor client, owner, other;
    struct mb_task task;
};

static void scene_start(struct scene *s, void **state, const char *dockerfile)
{
    memset(&s->task, 0, sizeof(s->task));
    world_start(&s->w, *state);
    actor_dial(&s->owner, &s->w, &s->w.agents[0]);
    actor_greet_agent(&s->owner, 1);
    actor_dial(&s->client, &s->w, &s->w.clients[0]);
    actor_greet_client(&s->client);
    actor_build(&s->client, dockerfile);
    actor_ready(&s->client);
    actor_expect(&s->owner, MB_KIND_TASK, &s->task);
    actor_dial(&s->other, &s->w, &s->w.agents[1]);
    actor_greet_agent(&s->other, 1);
}

static void scene_stop(struct scene *s)
{
    mb_wire_done(&mb_task_schema, &s->task);
    actor_hang_up(&s->client);
    actor_hang_up(&s->owner);
    actor_hang_up(&s->other);
    world_stop(&s->w);
}

static void scene_ends_well(struct scene *s)
{
    struct mb_build_done done = {0};

    actor_expect(&s->client, MB_KIND_BUILD_DONE, &done);
    if (!done.ok)
        fail_msg("the build failed: %s", done.message);
    assert_int_equal(done.n_steps, s->task.n_steps);
    for (size_t i = 0; i < done.n_steps; i++)
        assert_string_equal(done.steps[i].agent, "a0");
    mb_wire_done(&mb_build_done_schema, &done);
}

static void start_step(struct actor *p, const struct mb_task *t, size_t i)
{
    const struct mb_step_started m = {t->task_id, t->epoch, t->steps[i].step_id};

    actor_send(p, MB_KIND_STEP_STARTED, &mb_step_started_schema, &m);
}

static void end_task(struct actor *p, const struct mb_task *t, enum mb_errc code)
{
    const struct mb_task_done m = {
        .task_id = t->task_id, .epoch = t->epoch, .code = (uint64_t)code};

    actor_send(p, MB_KIND_TASK_DONE, &mb_task_done_schema, &m);
}

static void results_of_others_and_of_other_times_change_nothing(void **state)
{
    struct scene s;
    struct mb_step_done m;

    scene_start(&s, state, TWO_STEPS);
    m = (struct mb_step_done){.task_id = s.task.task_id,
                              .epoch = s.task.epoch,
                              .step_id = s.task.steps[0].step_id,
                              .has_layer = true,
                              .layer = world_layer(&s.w, "not theirs")};
    /* Another agent's task. */
    start_step(&s.other, &s.task, 0);
    actor_send(&s.other, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    end_task(&s.other, &s.task, MB_OK);
    end_task(&s.other, &s.task, MB_ERR_FAILED);
    actor_greet_agent(&s.other, 1); /* all of this was read */
    /* Before it began; of another epoch, step and task. */
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    start_step(&s.owner, &s.task, 1);
    start_step(&s.owner, &s.task, 0);
    m.epoch++;
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    m.epoch--;
    m.step_id = s.task.steps[1].step_id;
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    m.step_id = 0;
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    m.step_id = s.task.steps[0].step_id;
    m.task_id++;
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    actor_do_task(&s.owner, &s.task, 0);
    scene_ends_well(&s);
    scene_stop(&s);
}

static void a_result_said_twice_counts_once(void **state)
{
    struct scene s;
    struct mb_step_done m;

    scene_start(&s, state, TWO_STEPS);
    m = (struct mb_step_done){.task_id = s.task.task_id,
                              .epoch = s.task.epoch,
                              .step_id = s.task.steps[0].step_id,
                              .has_layer = true,
                              .layer = world_layer(&s.w, "first")};
    start_step(&s.owner, &s.task, 0);
    start_step(&s.owner, &s.task, 0);
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    m.layer = world_layer(&s.w, "second thoughts");
    actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
    actor_do_task(&s.owner, &s.task, 1);
    end_task(&s.owner, &s.task, MB_OK);
    end_task(&s.owner, &s.task, MB_ERR_FAILED);
    scene_ends_well(&s);
    scene_stop(&s);
}

static void layers_that_are_not_what_they_are_called_are_refused(void **state)
{
    struct scene s;
    struct mb_step_done m;
    struct mb_layer_ref good;

    scene_start(&s, state, TWO_STEPS);
    good = world_layer(&s.w, "good");
    const struct {
        const char *what;
        struct mb_layer_ref layer;
    } rows[] = {
        {"never uploaded",
         {good.diff_id, {MB_MT_OCI_LAYER_GZIP, {{1, 2, 3}}, good.blob.size}}},
        {"another size", {good.diff_id, {MB_MT_OCI_LAYER_GZIP, good.blob.digest, 5}}},
        {"no layer at all", {good.diff_id, {"text/html", good.blob.digest, 4}}},
    };

    start_step(&s.owner, &s.task, 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        m = (struct mb_step_done){.task_id = s.task.task_id,
                                  .epoch = s.task.epoch,
                                  .step_id = s.task.steps[0].step_id,
                                  .has_layer = true,
                                  .layer = rows[i].layer};
        actor_send(&s.owner, MB_KIND_STEP_DONE, &mb_step_done_schema, &m);
        start_step(&s.owner, &s.task, 1); /* fits only when it was accepted */
    }
    actor_do_task(&s.owner, &s.task, 0);
    scene_ends_well(&s);
    scene_stop(&s);
}

/* It says that all is done, and nothing is: the task goes elsewhere, and after some
 * tries the build ends and names the agent. */
static void an_agent_that_only_claims_to_be_done_is_found_out(void **state)
{
    struct scene s;
    struct mb_task t = {0};

    scene_start(&s, state, TWO_STEPS);
    end_task(&s.owner, &s.task, MB_OK);
    actor_expect(&s.other, MB_KIND_TASK, &t);
    assert_int_equal(t.steps[0].step_id, s.task.steps[0].step_id);
    end_task(&s.other, &t, MB_ERR_PROTOCOL);
    mb_wire_done(&mb_task_schema, &t);
    for (int i = 0; i < 3; i++) {
        struct actor *next = actor_has(&s.owner, MB_KIND_TASK) ? &s.owner : &s.other;

        while (!actor_has(next = &s.owner, MB_KIND_TASK)
               && !actor_has(next = &s.other, MB_KIND_TASK))
            actor_pause(&s.owner);
        actor_expect(next, MB_KIND_TASK, &t);
        end_task(next, &t, MB_OK);
        mb_wire_done(&mb_task_schema, &t);
    }
    actor_expect_failure(&s.client, "Dockerfile:2: [stage-0 1/2 @a");
    scene_stop(&s);
}

static void ten_thousand_log_messages_reach_the_client_and_the_end_does_too(
    void **state)
{
    struct scene s;
    char text[1024];
    struct mb_step_log m;

    scene_start(&s, state, TWO_STEPS);
    memset(text, 'x', sizeof(text));
    m = (struct mb_step_log){.task_id = s.task.task_id,
                             .epoch = s.task.epoch,
                             .step_id = s.task.steps[0].step_id,
                             .stream = 1,
                             .data = {text, sizeof(text)}};
    start_step(&s.owner, &s.task, 0);
    for (int batch = 0; batch < 20; batch++) {
        for (int i = 0; i < 500; i++)
            actor_send(&s.owner, MB_KIND_STEP_LOG, &mb_step_log_schema, &m);
        actor_greet_agent(&s.owner, 1);
    }
    actor_do_task(&s.owner, &s.task, 0);
    scene_ends_well(&s);
    scene_stop(&s);
}

static void a_long_command_does_not_hide_its_exit_code(void **state)
{
    struct scene s;
    char dockerfile[4096] = "FROM scratch\nRUN [\"/";
    struct mb_task_done m;

    memset(dockerfile + strlen(dockerfile), 'x', 3000);
    (void)snprintf(dockerfile + 3020, 100, "\"]\n");
    scene_start(&s, state, dockerfile);
    start_step(&s.owner, &s.task, 0);
    m = (struct mb_task_done){.task_id = s.task.task_id,
                              .epoch = s.task.epoch,
                              .code = MB_ERR_FAILED,
                              .step_id = s.task.steps[0].step_id,
                              .exit_code = 42};
    actor_send(&s.owner, MB_KIND_TASK_DONE, &mb_task_done_schema, &m);
    actor_expect_failure(&s.client, "exit code: 42");
    scene_stop(&s);
}

static void what_is_no_message_at_all_is_dropped(void **state)
{
    static const uint8_t kinds[] = {MB_KIND_HELLO,
                                    MB_KIND_STEP_STARTED,
                                    MB_KIND_STEP_LOG,
                                    MB_KIND_STEP_DONE,
                                    MB_KIND_TASK_DONE,
                                    MB_KIND_HEARTBEAT,
                                    MB_KIND_BUILD,
                                    MB_KIND_LS,
                                    MB_KIND_JOIN,
                                    MB_KIND_TASK,
                                    0,
                                    255};
    static const struct {
        const char *data;
        size_t len;
    } bodies[] = {{BYTES("")},
                  {BYTES("\xc1")},
                  {BYTES("\xdf\xff\xff\xff\xff")},
                  {BYTES("\xdd\xff\xff\xff\xff")},
                  {BYTES("\x81\xa7task_id\xcf")},
                  {BYTES("\x80")}};
    struct scene s;

    scene_start(&s, state, TWO_STEPS);
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        for (size_t b = 0; b < ARRAY_SIZE(bodies); b++) {
            actor_send_bytes(&s.other, kinds[k], bodies[b].data, bodies[b].len);
            if (kinds[k] != MB_KIND_HELLO)
                actor_send_bytes(&s.owner, kinds[k], bodies[b].data, bodies[b].len);
        }
    actor_do_task(&s.owner, &s.task, 0);
    scene_ends_well(&s);
    scene_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(results_of_others_and_of_other_times_change_nothing),
        mb_test_in_dir(a_result_said_twice_counts_once),
        mb_test_in_dir(layers_that_are_not_what_they_are_called_are_refused),
        mb_test_in_dir(an_agent_that_only_claims_to_be_done_is_found_out),
        mb_test_in_dir(ten_thousand_log_messages_reach_the_client_and_the_end_does_too),
        mb_test_in_dir(a_long_command_does_not_hide_its_exit_code),
        mb_test_in_dir(what_is_no_message_at_all_is_dropped),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
