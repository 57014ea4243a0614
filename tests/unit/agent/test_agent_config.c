/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include "base/mem.h"
#include "mb_test.h"

static void all_keys_are_read(void **state _unused_)
{
    static const char text[] = "# the agent of the lab\n"
                               "join = \"mbc1-abc\"\n"
                               "name = 'lab'\n"
                               "slots = 4\n"
                               "platform = [\"linux/s390x\", \"linux/arm64\"]\n"
                               "emulate = \"none\"\n"
                               "runtime = \"/usr/bin/runc\"\n"
                               "state-dir = \"/srv/mb\"\n";
    _cleanup_(agent_config_done) struct agent_config c = {0};
    struct mb_error err;

    assert_ok(agent_config_parse(text, strlen(text), &c, &err), err);
    assert_string_equal(c.join, "mbc1-abc");
    assert_string_equal(c.name, "lab");
    assert_int_equal(c.slots, 4);
    assert_int_equal(c.platforms.n, 2);
    assert_string_equal(c.emulate, "none");
    assert_string_equal(c.runtime, "/usr/bin/runc");
    assert_string_equal(c.state_dir, "/srv/mb");
}

static void what_is_not_said_stays_unsaid(void **state _unused_)
{
    _cleanup_(agent_config_done) struct agent_config c = {0};
    struct mb_error err;

    assert_ok(agent_config_parse("", 0, &c, &err), err);
    assert_null(c.join);
    assert_null(c.state_dir);
    assert_int_equal(c.slots, 0);
    assert_int_equal(c.platforms.n, 0);
}

static void lists_may_be_strings_with_commas(void **state _unused_)
{
    static const char text[] = "platform = \"linux/s390x,linux/arm64\"\n"
                               "emulate = [\"linux/arm64\", \"linux/ppc64le\"]\n";
    _cleanup_(agent_config_done) struct agent_config c = {0};
    struct mb_error err;

    assert_ok(agent_config_parse(text, strlen(text), &c, &err), err);
    assert_int_equal(c.platforms.n, 2);
    assert_string_equal(c.emulate, "linux/arm64,linux/ppc64le");
}

static void mistakes_are_refused_by_name(void **state _unused_)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"slot = 4\n", "unknown key \"slot\""},
        {"state_dir = '/srv'\n", "unknown key \"state_dir\""},
        {"name = 'x'\nslots = 0\n", "slots"},
        {"slots = -1\n", "slots"},
        {"slots = 1025\n", "1024"},
        {"slots = '4'\n", "slots"},
        {"slots = 4.0\n", "slots"},
        {"join = 7\n", "join must be a string"},
        {"join = ''\n", "join must be a string"},
        {"join = ['a']\n", "join must be a string"},
        {"name = { a = 1 }\n", "name must be a string"},
        {"emulate = []\n", "emulate must be"},
        {"emulate = [1]\n", "strings only"},
        {"platform = 'no/such/thing/at/all'\n", "platform"},
        {"join = \n", "line 1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct agent_config c = {0};
        struct mb_error err;

        assert_fails(agent_config_parse(rows[i].text, strlen(rows[i].text), &c, &err),
                     err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_null(c.join);
        assert_null(c.name);
    }
}

static void errors_name_the_file(void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = mb_xasprintf("%s/agent.toml", t->path);
    struct agent_config c = {0};
    struct mb_error err;

    assert_fails(agent_config_read(path, &c, &err), err, MB_ERR_NOT_FOUND);
    assert_contains(err.msg, path);
    assert_ok(mb_write_file(t->fd, "agent.toml", BYTES("slot = 1\n"), 0600, &err), err);
    assert_fails(agent_config_read(path, &c, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_are_read),
        cmocka_unit_test(what_is_not_said_stays_unsaid),
        cmocka_unit_test(lists_may_be_strings_with_commas),
        cmocka_unit_test(mistakes_are_refused_by_name),
        mb_test_in_dir(errors_name_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
