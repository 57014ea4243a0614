/* SPDX-License-Identifier: Apache-2.0 */
/* Which cluster and which directories, from flags and environment; what ls and metadata
 * print. */
#include "mb_test.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "cli/cluster_config.h"
#include "cli/ls_table.h"
#include "cli/metadata.h"
#include "cli/state_dir.h"

static char *join_string(enum mb_role role)
{
    struct mb_join j = {.role = role, .address = "tcp://127.0.0.1:7480"};
    struct mb_keypair server;

    mb_keypair_new(&server);
    mb_keypair_new(&j.token);
    memcpy(j.server_key, server.public_key, MB_KEY_LEN);
    return mb_join_encode(&j);
}

static void the_cluster_is_a_string_or_a_file(void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_free_ char *join = join_string(MB_ROLE_CLIENT);
    _cleanup_free_ char *agent = join_string(MB_ROLE_AGENT);
    _cleanup_free_ char *path = mb_xasprintf("%s/team.join", t->path);
    _cleanup_free_ char *text = mb_xasprintf("  %s\n", join);
    _cleanup_(cluster_done) struct cluster a = {0}, b = {0}, c = {0}, d = {0};
    struct cluster none = {0};
    struct mb_error err;

    unsetenv("MBCLUSTER_CLUSTER");
    assert_ok(cluster_given(NULL, &none, &err), err);
    assert_null(none.join_text);
    assert_ok(cluster_given(join, &a, &err), err);
    assert_string_equal(a.join_text, join);
    assert_string_equal(a.join.address, "tcp://127.0.0.1:7480");
    assert_ok(mb_write_file(t->fd, "team.join", text, strlen(text), 0600, &err), err);
    assert_ok(cluster_given(path, &b, &err), err);
    assert_string_equal(b.join_text, join);

    setenv("MBCLUSTER_CLUSTER", path, 1);
    assert_ok(cluster_given(NULL, &c, &err), err);
    assert_string_equal(c.join_text, join);
    assert_ok(cluster_given("embedded", &d, &err), err);
    assert_null(d.join_text);
    unsetenv("MBCLUSTER_CLUSTER");

    assert_fails(cluster_given(agent, &none, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, "--role client");
    assert_fails(cluster_given("mbc1-rubbish", &none, &err), err, MB_ERR_INVALID);
    assert_fails(cluster_given("/nonexistent/team.join", &none, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "neither a join string");
    assert_null(none.join_text);
}

static void directories_follow_flag_and_environment(void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_free_ char *flag = mb_xasprintf("%s/by/flag", t->path);
    _cleanup_free_ char *by_env = mb_xasprintf("%s/env", t->path);
    _cleanup_free_ char *xdg = mb_xasprintf("%s/xdg/mbcluster", t->path);
    _cleanup_free_ char *xdg_base = mb_xasprintf("%s/xdg", t->path);
    _cleanup_free_ char *home = mb_xasprintf("%s/.local/state/mbcluster", t->path);
    _cleanup_free_ char *config = mb_xasprintf("%s/.config/mbcluster", t->path);
    char *got[5] = {NULL};
    struct stat st;
    struct mb_error err;

    setenv("HOME", t->path, 1);
    setenv("MBCLUSTER_STATE", by_env, 1);
    setenv("XDG_STATE_HOME", xdg_base, 1);
    unsetenv("XDG_CONFIG_HOME");
    assert_ok(state_dir_open(flag, &got[0], &err), err);
    assert_ok(state_dir_open(NULL, &got[1], &err), err);
    unsetenv("MBCLUSTER_STATE");
    assert_ok(state_dir_open(NULL, &got[2], &err), err);
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_ok(state_dir_open(NULL, &got[3], &err), err);
    assert_ok(config_dir_path(&got[4], &err), err);
    assert_string_equal(got[0], flag);
    assert_string_equal(got[1], by_env);
    assert_string_equal(got[2], xdg);
    assert_string_equal(got[3], home);
    assert_string_equal(got[4], config);
    assert_int_equal(stat(flag, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < ARRAY_SIZE(got); i++)
        free(got[i]);
}

static void a_state_directory_that_cannot_be_is_named(void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = mb_xasprintf("%s/file/below", t->path);
    char *got = NULL;
    struct mb_error err = {0};

    assert_ok(mb_write_file(t->fd, "file", "", 0, 0600, &err), err);
    assert_int_equal(state_dir_open(path, &got, &err), -1);
    assert_contains(err.msg, path);
    assert_contains(err.msg, "--state-dir");
    assert_null(got);
}

static void set_platform(struct mb_agent_platform *p, const char *text, bool emulated)
{
    struct mb_error err;

    assert_ok(mb_platform_parse(text, &p->platform, &err), err);
    p->emulated = emulated;
}

static void ls_lists_native_platforms_first(void **state _unused_)
{
    char name[] = "a1", long_name[] = "agent\nwith-long-name", ready[] = "ready",
         amd64[] = "amd64", kernel[] = "6.12.0", runtime[] = "crun 1.8.1",
         qemu[] = "7.2.22";
    struct mb_agent_platform p[3] = {0};
    struct mb_ls_agent agents[2] = {
        {.name = name,
         .state = ready,
         .running = 1,
         .info = {.arch = amd64,
                  .kernel = kernel,
                  .runtime = runtime,
                  .qemu = qemu,
                  .slots = 4,
                  .memory_bytes = 16000000000,
                  .platforms = p,
                  .n_platforms = 3}},
        {.name = long_name},
    };
    const struct mb_ls_reply reply = {.agents = agents, .n_agents = 2};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(65536);
    _cleanup_buf_ struct mb_buf json = MB_BUF_INIT(65536);

    set_platform(&p[0], "linux/s390x", true);
    set_platform(&p[1], "linux/amd64", false);
    set_platform(&p[2], "linux/386", false);
    ls_table(&reply, &out);
    assert_string_equal(out.data, "NAME                     STATE  ARCH   SLOTS  "
                                  "PLATFORMS                           MEMORY  "
                                  "KERNEL  RUNTIME     QEMU\n"
                                  "a1                       ready  amd64  1/4    "
                                  "linux/amd64,linux/386,linux/s390x*  16GB    "
                                  "6.12.0  crun 1.8.1  7.2.22\n"
                                  "agent\\x0awith-long-name  -      -      0/0    -    "
                                  "                               0B      "
                                  "-       -           -\n");
    ls_json(&reply, &json);
    assert_contains(json.data,
                    "{\"name\":\"a1\",\"state\":\"ready\",\"arch\":\"amd64\"");
    assert_contains(json.data,
                    "{\"platform\":\"linux/s390x\",\"emulated\":true,\"via\":null}]");
    assert_contains(json.data,
                    "}\n{\"name\":\"agent\\nwith-long-name\",\"state\":null");
}

static void metadata_has_what_scripts_read(void **state _unused_)
{
    struct mb_build_image_record image = {
        .manifest = {.media_type = MB_MT_OCI_MANIFEST}};
    struct mb_build_done done = {.ok = true,
                                 .root = {.media_type = MB_MT_OCI_MANIFEST, .size = 7},
                                 .images = &image,
                                 .n_images = 1};
    _cleanup_strv_ struct mb_strv tags = {0};
    _cleanup_buf_ struct mb_buf single = MB_BUF_INIT(65536);
    _cleanup_buf_ struct mb_buf many = MB_BUF_INIT(65536);
    struct mb_digest id;

    memset(done.root.digest.bytes, 0x11, 32);
    memset(image.config.bytes, 0x22, 32);
    mb_strv_add(&tags, "app:1");
    mb_strv_add(&tags, "r:5000/app");
    id = metadata_image_id(&done);
    assert_true(mb_digest_equal(&id, &image.config));
    metadata_json(&done, &tags, &single);
    assert_contains(single.data,
                    "{\n  \"containerimage.config.digest\": \"sha256:2222");
    assert_contains(single.data, "\n  \"containerimage.digest\": \"sha256:1111");
    assert_contains(single.data,
                    "\"image.name\": \"docker.io/library/app:1,r:5000/app:latest\"");

    (void)snprintf(done.root.media_type, MB_MEDIA_TYPE_LEN, "%s", MB_MT_OCI_INDEX);
    id = metadata_image_id(&done);
    assert_true(mb_digest_equal(&id, &done.root.digest));
    metadata_json(&done, &tags, &many);
    assert_null(strstr(many.data, "containerimage.config.digest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(the_cluster_is_a_string_or_a_file),
        mb_test_in_dir(directories_follow_flag_and_environment),
        mb_test_in_dir(a_state_directory_that_cannot_be_is_named),
        cmocka_unit_test(ls_lists_native_platforms_first),
        cmocka_unit_test(metadata_has_what_scripts_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
