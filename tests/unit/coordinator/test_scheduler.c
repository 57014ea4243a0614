/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "coordinator/scheduler/scheduler.h"

static struct mb_platform platform(const char *text)
{
    struct mb_platform p;
    struct mb_error err;

    assert_ok(mb_platform_parse(text, &p, &err), err);
    return p;
}

/* "linux/amd64 linux/arm64*": '*' marks emulated. */
static struct mb_agent_info agent_info(const char *list, uint64_t slots)
{
    struct mb_agent_info info = {.slots = slots};
    struct mb_strv names = {0};

    mb_strv_split(&names, list, " ");
    info.platforms = calloc(names.n + 1, sizeof(*info.platforms));
    for (size_t i = 0; i < names.n; i++) {
        char *star = strchr(names.v[i], '*');
        if (star)
            *star = '\0';
        info.platforms[info.n_platforms].platform = platform(names.v[i]);
        info.platforms[info.n_platforms++].emulated = star != NULL;
    }
    mb_strv_done(&names);
    return info;
}

struct row {
    const char *why;
    const char *platforms[3]; /* of each agent */
    uint64_t running[3];      /* of 2 slots */
    bool unusable[3], failed[3], holds[3];
    const char *wanted;
    enum sched_emulation emulation;
    enum sched_verdict verdict;
    size_t index;
    bool emulated;
};

static const struct row rows[] = {
    {"native before emulated",
     {"linux/amd64 linux/s390x*", "linux/s390x"},
     .wanted = "linux/s390x",
     .verdict = SCHED_ASSIGN,
     .index = 1},
    {"a busy native agent is waited for",
     {"linux/amd64 linux/s390x*", "linux/s390x"},
     .running = {0, 2},
     .wanted = "linux/s390x",
     .verdict = SCHED_WAIT},
    {"no native agent: an emulating one",
     {"linux/amd64 linux/s390x*", "linux/arm64"},
     .wanted = "linux/s390x",
     .verdict = SCHED_ASSIGN,
     .index = 0,
     .emulated = true},
    {"a native agent that is not usable does not count",
     {"linux/amd64 linux/s390x*", "linux/s390x"},
     .unusable = {false, true},
     .wanted = "linux/s390x",
     .verdict = SCHED_ASSIGN,
     .index = 0,
     .emulated = true},
    {"never emulate",
     {"linux/amd64 linux/s390x*"},
     .wanted = "linux/s390x",
     .emulation = SCHED_EMULATION_NEVER,
     .verdict = SCHED_IMPOSSIBLE},
    {"always emulate",
     {"linux/s390x", "linux/amd64 linux/s390x*"},
     .wanted = "linux/s390x",
     .emulation = SCHED_EMULATION_ALWAYS,
     .verdict = SCHED_ASSIGN,
     .index = 1,
     .emulated = true},
    {"the least loaded",
     {"linux/amd64", "linux/amd64", "linux/amd64"},
     .running = {1, 0, 1},
     .wanted = "linux/amd64",
     .verdict = SCHED_ASSIGN,
     .index = 1},
    {"where it failed before comes last",
     {"linux/amd64", "linux/amd64"},
     .running = {0, 1},
     .failed = {true, false},
     .wanted = "linux/amd64",
     .verdict = SCHED_ASSIGN,
     .index = 1},
    {"where it failed before is better than nowhere",
     {"linux/amd64"},
     .failed = {true},
     .wanted = "linux/amd64",
     .verdict = SCHED_ASSIGN,
     .index = 0},
    {"the holder of the start state, load being equal",
     {"linux/amd64", "linux/amd64"},
     .holds = {false, true},
     .wanted = "linux/amd64",
     .verdict = SCHED_ASSIGN,
     .index = 1},
    {"a loaded holder loses",
     {"linux/amd64", "linux/amd64"},
     .running = {0, 1},
     .holds = {false, true},
     .wanted = "linux/amd64",
     .verdict = SCHED_ASSIGN,
     .index = 0},
    {"nobody has it",
     {"linux/amd64"},
     .wanted = "linux/riscv64",
     .verdict = SCHED_IMPOSSIBLE},
    {"variants are told apart",
     {"linux/arm/v6*"},
     .wanted = "linux/arm/v7",
     .verdict = SCHED_IMPOSSIBLE},
};

static void placement_follows_the_rules(void **state _unused_)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *r = &rows[i];
        struct mb_agent_info infos[3];
        struct sched_agent agents[3];
        struct mb_platform wanted = platform(r->wanted);
        size_t n = 0, index = 99;
        bool emulated = false;

        for (; n < 3 && r->platforms[n]; n++) {
            infos[n] = agent_info(r->platforms[n], 2);
            agents[n] = (struct sched_agent){&infos[n], r->running[n], !r->unusable[n],
                                             r->failed[n], r->holds[n]};
        }
        enum sched_verdict v =
            scheduler_pick(agents, n, &wanted, r->emulation, &index, &emulated);
        if (v != r->verdict
            || (v == SCHED_ASSIGN && (index != r->index || emulated != r->emulated)))
            fail_msg("%s: verdict %d agent %zu emulated %d", r->why, (int)v, index,
                     emulated);
        for (size_t j = 0; j < n; j++)
            mb_wire_done(&mb_agent_info_schema, &infos[j]);
    }
}

static void the_build_platform_has_the_most_native_slots(void **state _unused_)
{
    struct mb_agent_info infos[] = {agent_info("linux/arm64 linux/amd64*", 4),
                                    agent_info("linux/amd64 linux/386", 3),
                                    agent_info("linux/amd64", 2)};
    struct sched_agent agents[] = {{.info = &infos[0], .usable = true},
                                   {.info = &infos[1], .usable = true},
                                   {.info = &infos[2], .usable = true}};
    struct mb_platform p, amd64 = platform("linux/amd64"),
                          arm64 = platform("linux/arm64");

    assert_true(scheduler_build_platform(agents, 3, &p));
    assert_true(mb_platform_equal(&p, &amd64));
    agents[1].usable = false;
    assert_true(scheduler_build_platform(agents, 3, &p));
    assert_true(mb_platform_equal(&p, &arm64));
    assert_false(scheduler_build_platform(agents, 0, &p));
    for (size_t i = 0; i < 3; i++)
        mb_wire_done(&mb_agent_info_schema, &infos[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placement_follows_the_rules),
        cmocka_unit_test(the_build_platform_has_the_most_native_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
