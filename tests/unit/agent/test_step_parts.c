/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the helper that need no namespace. */
#include "mb_test.h"

#include <sys/stat.h>

#include "step/archs.h"
#include "step/bundle.h"
#include "step/image_user.h"
#include "step/protocol.h"
#include "step/rootpath.h"
#include "step/subids.h"

static void ranges_of_ids_are_found_by_name_and_by_number(void **state _unused_)
{
    static const struct {
        const char *text;
        enum mb_errc code;
        uint32_t start;
    } rows[] = {
        {"me:100000:65536\n", MB_OK, 100000},
        {"1000:200000:65536\n", MB_OK, 200000},
        {"you:100000:65536\nme:165536:100000\n", MB_OK, 165536},
        {"me:1:10\nme:300000:65536", MB_OK, 300000},
        {"# me:1:65536\nme:x:65536\nme:1\n\nme:400000:65536\n", MB_OK, 400000},
        {"me:100000:65535\n", MB_ERR_LIMIT, 0},
        {"me:4294967295:65536\n", MB_ERR_NOT_FOUND, 0},
        {"you:100000:65536\n", MB_ERR_NOT_FOUND, 0},
        {"", MB_ERR_NOT_FOUND, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t start = 0;
        struct mb_error err;

        if (rows[i].code == MB_OK) {
            assert_ok(
                subids_find(rows[i].text, "/etc/subuid", "me", 1000, &start, &err),
                err);
            assert_int_equal(start, rows[i].start);
            continue;
        }
        assert_fails(subids_find(rows[i].text, "/etc/subuid", "me", 1000, &start, &err),
                     err, rows[i].code);
        assert_contains(err.msg, "usermod --add-subuids 100000-165535 --add-subgids "
                                 "100000-165535 me");
    }
}

static void roots_default_range_overlaps_nobodys(void **state _unused_)
{
    assert_int_equal(subids_free_range("", ""), STEP_IDS_ROOT_DEFAULT);
    assert_int_equal(subids_free_range("a:1879048192:65536\n", "b:1879113800:10\n"),
                     1879113810u);
    assert_int_equal(subids_free_range("a:100000:65536\n", ""), STEP_IDS_ROOT_DEFAULT);
}

/* --- programs and emulators --- */

static void a_binfmt_line_names_class_order_and_machine(void **state _unused_)
{
    struct mb_buf line = MB_BUF_INIT(4096);

    arch_binfmt_line(arch_find("s390x"), "/usr/bin/qemu-s390x-static", &line);
    assert_string_equal(
        line.data,
        ":qemu-s390x:M::\\x7f\\x45\\x4c\\x46\\x02\\x02\\x01\\x00\\x00\\x00\\x00\\x00"
        "\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x16:\\xff\\xff\\xff\\xff\\xff\\xff"
        "\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff:"
        "/usr/bin/qemu-s390x-static:OCPF");
    mb_buf_done(&line);
}

/* --- users --- */

static void put(struct mb_test_dir *t, const char *path, const char *text)
{
    struct mb_error err;

    assert_ok(mb_write_file(t->fd, path, text, strlen(text), 0644, &err), err);
}

static void make_image(struct mb_test_dir *t)
{
    struct mb_error err;

    assert_ok(mb_mkdir_p(t->fd, "etc", 0755, &err), err);
    put(t, "etc/passwd",
        "root:x:0:0::/root:/bin/sh\nbroken\n"
        "app:x:1000:1000::/home/app:/bin/sh\nfar:x:1001:70000::/:\n");
    put(t, "etc/group",
        "root:x:0:\nwheel:x:10:you,app\nstaff:x:50:app\nbig:x:99999:app\n");
}

static void users_are_looked_up_in_the_image(void **state)
{
    struct mb_test_dir *t = *state;
    static const struct {
        const char *spec;
        const char *want; /* "uid:gid groups home", or NULL */
    } rows[] = {
        {"", "0:0 0 /root"},
        {"root", "0:0 0 /root"},
        {"app", "1000:1000 2 /home/app"},
        {"1000", "1000:1000 2 /home/app"},
        {"app:staff", "1000:50 0 /home/app"},
        {"app:7", "1000:7 0 /home/app"},
        {"5", "5:0 0 /"},
        {"5:5", "5:5 0 /"},
        {":staff", "0:50 0 /root"},
        {"nobody", NULL},
        {"app:nogroup", NULL},
        {"65536", NULL},
        {"far", NULL},
        {"-1", NULL},
    };

    make_image(t);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct image_user u = {0};
        struct mb_error err;
        char got[128];

        if (!rows[i].want) {
            assert_fails(image_user_resolve(t->fd, rows[i].spec, &u, &err), err,
                         MB_ERR_INVALID);
            continue;
        }
        assert_ok(image_user_resolve(t->fd, rows[i].spec, &u, &err), err);
        (void)snprintf(got, sizeof(got), "%u:%u %zu %s", u.uid, u.gid, u.n_groups,
                       u.home);
        assert_string_equal(got, rows[i].want);
        image_user_done(&u);
    }
}

static void a_passwd_that_is_no_file_is_no_passwd(void **state)
{
    struct mb_test_dir *t = *state;
    struct image_user u = {0};
    struct mb_error err;

    assert_ok(mb_mkdir_p(t->fd, "etc", 0755, &err), err);
    assert_int_equal(mkfifoat(t->fd, "etc/passwd", 0644), 0);
    assert_int_equal(symlinkat("/etc/group", t->fd, "etc/group"), 0);
    assert_ok(image_user_resolve(t->fd, "12", &u, &err), err);
    assert_int_equal(u.uid, 12);
    image_user_done(&u);
    if (image_user_resolve(t->fd, "12:name", &u, &err) == 0)
        fail_msg("a group was found in a link to itself");
}

/* --- paths --- */

static void paths_stay_in_the_root(void **state)
{
    struct mb_test_dir *t = *state;
    static const struct {
        const char *path, *real;
        size_t n_missing;
    } rows[] = {
        {"/", "", 0},
        {"..", "", 0},
        {"/../../etc", "etc", 0},
        {"etc//./x", "etc/x", 1},
        {"abs/x/y", "etc/x/y", 2},
        {"up/x", "x", 1},
        {"dangling/x", "no/where/x", 3},
        {"no/../etc", "etc", 0},
        {"chain", "etc", 0},
    };
    struct rootpath p;
    struct mb_error err;

    make_image(t);
    assert_int_equal(symlinkat("/etc", t->fd, "abs"), 0);
    assert_int_equal(symlinkat("../../..", t->fd, "up"), 0);
    assert_int_equal(symlinkat("no/where", t->fd, "dangling"), 0);
    assert_int_equal(symlinkat("abs/../abs", t->fd, "chain"), 0);
    assert_int_equal(symlinkat("loop", t->fd, "loop"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(rootpath_resolve(t->fd, rows[i].path, &p, &err), err);
        assert_string_equal(p.path, rows[i].real);
        assert_int_equal(p.n_missing, rows[i].n_missing);
        rootpath_done(&p);
    }
    assert_fails(rootpath_resolve(t->fd, "loop/x", &p, &err), err, MB_ERR_LIMIT);
}

/* --- the configuration and the protocol --- */

static void a_configuration_has_the_defaults_that_are_missing(void **state _unused_)
{
    struct image_user u = {.uid = 7, .gid = 8, .home = (char *)(uintptr_t) "/h"};
    struct mb_step s = {0};
    struct bundle b = {.root = "/r",
                       .resolv_source = "/a",
                       .hosts_source = "/b",
                       .step = &s,
                       .user = &u,
                       .arch = "arm64",
                       .emulated = true};
    struct mb_buf out = MB_BUF_INIT(BUNDLE_BYTES_MAX);

    for (size_t i = 0; i < N_PLACES; i++)
        b.places[i] = bundle_place_path[i];
    mb_strv_add(&s.argv, "x");
    bundle_config(&b, &out);
    assert_contains(out.data, "\"PATH=/usr/local/sbin:");
    assert_contains(out.data, "\"HOME=/h\"");
    assert_contains(out.data, "\"QEMU_CPU=max,pauth-impdef=on\"");
    assert_contains(out.data, "\"uid\":7,\"gid\":8");
    assert_contains(out.data, "\"cwd\":\"/\"");
    assert_contains(out.data, "\"noNewPrivileges\":true");
    mb_buf_clear(&out);
    mb_strv_add(&s.env, "PATH=/p");
    mb_strv_add(&s.env, "HOME=/q");
    b.emulated = false;
    bundle_config(&b, &out);
    assert_null(strstr(out.data, "/usr/local/sbin"));
    assert_null(strstr(out.data, "HOME=/h"));
    assert_null(strstr(out.data, "QEMU_CPU"));
    mb_buf_done(&out);
    mb_strv_done(&s.argv);
    mb_strv_done(&s.env);
}

static void messages_carry_descriptors_and_end(void **state _unused_)
{
    struct step_request rq = {.op = STEP_OP_DISCARD, .work = (char *)(uintptr_t) "w"};
    struct step_request got = {0};
    size_t n_fds = mb_test_count_fds();
    int pair[2], fds[STEP_FDS_MAX];
    void *msg = NULL;
    size_t len = 0;
    struct mb_error err;

    assert_ok(step_socketpair(pair, &err), err);
    const int sent[] = {0, 1};
    assert_ok(step_send_msg(pair[0], &step_request_schema, &rq, sent, 2, &err), err);
    assert_ok(step_recv(pair[1], &msg, &len, fds, &err), err);
    assert_ok(mb_wire_decode(&step_request_schema, msg, len, &got, &err), err);
    assert_string_equal(got.work, "w");
    assert_true(fds[0] >= 0 && fds[1] >= 0);
    mb_wire_done(&step_request_schema, &got);
    close(fds[0]);
    close(fds[1]);
    free(msg);
    close(pair[0]);
    assert_ok(step_recv(pair[1], &msg, &len, fds, &err), err);
    assert_int_equal(len, 0);
    free(msg);
    assert_fails(step_send(pair[1], "x", 1, NULL, 0, &err), err, MB_ERR_UNAVAILABLE);
    close(pair[1]);
    assert_int_equal(mb_test_count_fds(), n_fds);
}

static void a_long_request_fits_into_one_message(void **state _unused_)
{
    struct step_request rq = {.op = STEP_OP_RUN};
    int pair[2], fds[STEP_FDS_MAX];
    void *msg = NULL;
    size_t len = 0;
    struct mb_error err;

    for (int i = 0; i < 64; i++)
        mb_strv_addf(&rq.step.env, "V%d=%04000d", i, i);
    assert_ok(step_socketpair(pair, &err), err);
    assert_ok(step_send_msg(pair[0], &step_request_schema, &rq, NULL, 0, &err), err);
    assert_ok(step_recv(pair[1], &msg, &len, fds, &err), err);
    assert_true(len > 64 * 4000);
    free(msg);
    for (int i = 0; i < 64; i++)
        mb_strv_addf(&rq.step.env, "W%d=%04000d", i, i);
    assert_fails(step_send_msg(pair[0], &step_request_schema, &rq, NULL, 0, &err), err,
                 MB_ERR_LIMIT);
    close(pair[0]);
    close(pair[1]);
    mb_strv_done(&rq.step.env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_of_ids_are_found_by_name_and_by_number),
        cmocka_unit_test(roots_default_range_overlaps_nobodys),
        cmocka_unit_test(a_binfmt_line_names_class_order_and_machine),
        mb_test_in_dir(users_are_looked_up_in_the_image),
        mb_test_in_dir(a_passwd_that_is_no_file_is_no_passwd),
        mb_test_in_dir(paths_stay_in_the_root),
        cmocka_unit_test(a_configuration_has_the_defaults_that_are_missing),
        cmocka_unit_test(messages_carry_descriptors_and_end),
        cmocka_unit_test(a_long_request_fits_into_one_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
