/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's checks on trees made for them, and its report. */
#include "agent/doctor.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "mb_test.h"

#define OLD "6.1.0-50-amd64"
#define NEW "6.18.3"

/* A file below the test's directory. */
struct file {
    const char *path; /* NULL: no more */
    const char *text;
    mode_t mode; /* 0: 0644 */
};

static void put(const struct mb_test_dir *t, const struct file *f)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/root%s", t->path, f->path);
    struct mb_error err;
    char *slash = strrchr(path, '/');

    *slash = '\0';
    assert_ok(mb_mkdir_p(AT_FDCWD, path, 0755, &err), err);
    *slash = '/';
    assert_ok(mb_write_file(AT_FDCWD, path, f->text, strlen(f->text),
                            f->mode ? f->mode : 0644, &err),
              err);
    if (f->mode)
        assert_int_equal(chmod(path, f->mode), 0);
}

typedef void check_fn(const struct doctor_host *h, struct doctor_report *r);

/* One finding is wanted: its result, a part of its text, a part of its fix. */
struct row {
    const char *release;
    uid_t uid;
    struct file files[5];
    enum doctor_result result;
    const char *text;
    const char *fix; /* NULL: none */
};

static void expect(const struct doctor_report *r, enum doctor_result result,
                   const char *text, const char *fix)
{
    assert_int_equal(r->n, 1);
    if (r->v[0].result != result)
        fail_msg("%s: %s, want %s: %s", r->v[0].check,
                 doctor_result_name(r->v[0].result), doctor_result_name(result),
                 r->v[0].text);
    assert_contains(r->v[0].text, text);
    if (!fix)
        assert_null(r->v[0].fix);
    else
        assert_contains(r->v[0].fix ? r->v[0].fix : "(no fix)", fix);
}

static void run_rows(void **state, check_fn *check, const struct row *rows, size_t n)
{
    const struct mb_test_dir *t = *state;
    _cleanup_free_ char *root = mb_xasprintf("%s/root", t->path);

    for (size_t i = 0; i < n; i++) {
        _cleanup_(doctor_report_done) struct doctor_report r = {0};
        const struct doctor_host h = {.root = root,
                                      .release =
                                          rows[i].release ? rows[i].release : NEW,
                                      .user = "ann",
                                      .uid = rows[i].uid,
                                      .path = "relative:/sbin:/usr/bin"};
        struct mb_error err;

        for (const struct file *f = rows[i].files; f->path; f++)
            put(t, f);
        check(&h, &r);
        expect(&r, rows[i].result, rows[i].text, rows[i].fix);
        assert_ok(mb_remove_tree(AT_FDCWD, root, &err), err);
    }
}

/* --- kernel --- */

static void kernel_versions_are_read(void **state _unused_)
{
    static const struct {
        const char *release;
        bool good;
        unsigned major, minor;
    } rows[] = {
        {"6.18.44-fc", true, 6, 18}, {"6.1.0-50-cloud-arm64", true, 6, 1},
        {"5.11", true, 5, 11},       {"4.19.0+", true, 4, 19},
        {"10.0-rc1", true, 10, 0},   {"", false, 0, 0},
        {"6", false, 0, 0},          {"six.1", false, 0, 0},
        {"6.x", false, 0, 0},        {"6..1", false, 0, 0},
        {"-6.1", false, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned major = 0, minor = 0;

        assert_int_equal(doctor_kernel_version(rows[i].release, &major, &minor),
                         rows[i].good);
        assert_int_equal(major, rows[i].major);
        assert_int_equal(minor, rows[i].minor);
    }
}

static void kernels_without_overlay_in_user_namespaces_fail(void **state)
{
    static const struct row rows[] = {
        {.release = "6.18.44-fc", .result = DOCTOR_OK, .text = "Linux 6.18.44-fc"},
        {.release = "5.11.0", .result = DOCTOR_OK, .text = "Linux 5.11.0"},
        {.release = "5.10.0-28-amd64",
         .result = DOCTOR_FAIL,
         .text = "before 5.11",
         .fix = "newer kernel"},
        {.release = "4.18.0-513.el8",
         .result = DOCTOR_FAIL,
         .text = "4.18.0",
         .fix = "newer kernel"},
        {.release = "mine", .result = DOCTOR_WARN, .text = "\"mine\"", .fix = "below"},
    };

    run_rows(state, doctor_kernel, rows, ARRAY_SIZE(rows));
}

#define NS                       \
    {                            \
        "/proc/self/ns/user", "" \
    }
#define MAX_NS "/proc/sys/user/max_user_namespaces"
#define CLONE "/proc/sys/kernel/unprivileged_userns_clone"
#define APPARMOR "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"

static void each_knob_of_user_namespaces_is_named(void **state)
{
    static const struct row rows[] = {
        {.uid = 1000, .files = {NS}, .result = DOCTOR_OK, .text = "allowed"},
        {.uid = 1000,
         .files = {NS, {MAX_NS, "96365\n"}, {CLONE, "1\n"}, {APPARMOR, "0\n"}},
         .result = DOCTOR_OK,
         .text = "at most 96365"},
        {.uid = 1000,
         .result = DOCTOR_FAIL,
         .text = "has none",
         .fix = "CONFIG_USER_NS"},
        {.uid = 0,
         .files = {NS, {MAX_NS, "0\n"}},
         .result = DOCTOR_FAIL,
         .text = "user.max_user_namespaces is 0",
         .fix = "sysctl -w user.max_user_namespaces="},
        {.uid = 1000,
         .files = {NS, {CLONE, "0\n"}},
         .result = DOCTOR_FAIL,
         .text = "kernel.unprivileged_userns_clone is 0",
         .fix = "sysctl -w kernel.unprivileged_userns_clone=1"},
        {.uid = 0,
         .files = {NS, {CLONE, "0\n"}},
         .result = DOCTOR_OK,
         .text = "allowed"},
        {.uid = 1000,
         .files = {NS, {APPARMOR, "1\n"}},
         .result = DOCTOR_FAIL,
         .text = "AppArmor",
         .fix = "/etc/apparmor.d/mbcluster-step"},
        {.uid = 1000,
         .files = {NS, {APPARMOR, "1\n"}, {"/etc/apparmor.d/mbcluster-step", "#"}},
         .result = DOCTOR_OK,
         .text = "/etc/apparmor.d/mbcluster-step"},
        {.uid = 0,
         .files = {NS, {APPARMOR, "1\n"}},
         .result = DOCTOR_OK,
         .text = "allowed"},
    };

    run_rows(state, doctor_user_namespaces, rows, ARRAY_SIZE(rows));
}

#define HANDLERS "/proc/sys/fs/binfmt_misc/"
#define GOOD                                                            \
    "enabled\ninterpreter /usr/libexec/qemu-binfmt/s390x\nflags: OCF\n" \
    "offset 0\nmagic 7f\n"
#define QEMU "interpreter /usr/bin/qemu-arm-static\n"

static void binfmt_is_ours_or_the_hosts_by_the_kernel(void **state)
{
    static const struct row rows[] = {
        {.release = "6.7.0",
         .files = {{"/proc/filesystems", "nodev\tproc\nnodev\tbinfmt_misc\n\text4\n"}},
         .result = DOCTOR_OK,
         .text = "of our own"},
        {.release = NEW, .result = DOCTOR_OK, .text = "of our own"},
        {.release = NEW,
         .files = {{"/proc/filesystems", "nodev\tproc\nnodev\tbinfmt_miscellany\n"}},
         .result = DOCTOR_WARN,
         .text = "not loaded",
         .fix = "modprobe binfmt_misc"},
        {.release = OLD,
         .result = DOCTOR_WARN,
         .text = "there are none",
         .fix = "apt install qemu-user-static binfmt-support"},
        {.release = "6.6.99",
         .files = {{HANDLERS "status", "enabled\n"},
                   {HANDLERS "register", ""},
                   {HANDLERS "python3.11", "enabled\ninterpreter /usr/bin/python3\n"},
                   {HANDLERS "qemu-s390x", GOOD}},
         .result = DOCTOR_OK,
         .text = "1 handlers of the host"},
        {.release = OLD,
         .files = {{HANDLERS "qemu-arm", "enabled\n" QEMU "flags: OC\noffset 0\n"},
                   {HANDLERS "qemu-s390x", GOOD}},
         .result = DOCTOR_WARN,
         .text = "1 can be used, not qemu-arm:",
         .fix = "flag F"},
        {.release = OLD,
         .files = {{HANDLERS "qemu-arm", "disabled\n" QEMU "flags: F\n"},
                   {HANDLERS "qemu-odd", "enabled\n" QEMU}},
         .result = DOCTOR_WARN,
         .text = "0 can be used, not qemu-arm, qemu-odd:",
         .fix = "flag F"},
    };

    run_rows(state, doctor_binfmt, rows, ARRAY_SIZE(rows));
}

/* --- cgroups --- */

static void kinds_of_cgroups_are_told_apart(void **state)
{
    static const struct row rows[] = {
        {.files = {{"/proc/self/mounts",
                    "proc /proc proc rw 0 0\n"
                    "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n"}},
         .result = DOCTOR_OK,
         .text = "version 2"},
        {.files = {{"/proc/self/mounts",
                    "tmpfs /sys/fs/cgroup tmpfs ro 0 0\n"
                    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
                    "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"}},
         .result = DOCTOR_OK,
         .text = "hybrid"},
        {.files = {{"/proc/self/mounts",
                    "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"}},
         .result = DOCTOR_OK,
         .text = "version 1"},
        {.files = {{"/proc/self/mounts", "proc /proc proc rw 0 0\nshort\n"}},
         .result = DOCTOR_WARN,
         .text = "none",
         .fix = "mount -t cgroup2"},
        {.result = DOCTOR_WARN, .text = "none", .fix = "mount -t cgroup2"},
    };

    run_rows(state, doctor_cgroups, rows, ARRAY_SIZE(rows));
}

/* --- ids --- */

static void missing_subordinate_ids_come_with_a_free_range(void **state)
{
    static const struct row rows[] = {
        {.uid = 1000,
         .files = {{"/etc/subuid", "bob:100000:65536\nann:165536:65536\n"},
                   {"/etc/subgid", "1000:300000:70000\n"}},
         .result = DOCTOR_OK,
         .text = "from 165536, groups from 300000"},
        {.uid = 1000,
         .result = DOCTOR_FAIL,
         .text = "/etc/subuid has no 65536",
         .fix = "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann"},
        {.uid = 1000,
         .files = {{"/etc/subuid", "bob:100000:65536\n"},
                   {"/etc/subgid", "bob:100000:65536\neve:165536:65536\nbroken:x:y\n"}},
         .result = DOCTOR_FAIL,
         .text = "no 65536",
         .fix = "usermod --add-subuids 231072-296607"},
        {.uid = 1000,
         .files = {{"/etc/subuid", "ann:100000:65536\n"}},
         .result = DOCTOR_FAIL,
         .text = "/etc/subgid has no",
         .fix = "usermod"},
        {.uid = 1000,
         .files = {{"/etc/subuid", "ann:100000:1000\n"}},
         .result = DOCTOR_FAIL,
         .text = "fewer than 65536",
         .fix = "usermod --add-subuids 101000-"},
        {.uid = 1000,
         .files = {{"/etc/subuid", "eve:4294900000:60000\n"}},
         .result = DOCTOR_FAIL,
         .text = "no 65536",
         .fix = "usermod --add-subuids 100000-"},
        {.uid = 0, .result = DOCTOR_OK, .text = "root takes"},
    };

    run_rows(state, doctor_subids, rows, ARRAY_SIZE(rows));
}

static void programs_that_map_ids_need_their_rights(void **state)
{
    static const struct row rows[] = {
        {.uid = 1000,
         .result = DOCTOR_FAIL,
         .text = "newuidmap is missing",
         .fix = "apt install uidmap"},
        {.uid = 1000,
         .files = {{"/usr/bin/newuidmap", "", 04755}},
         .result = DOCTOR_FAIL,
         .text = "newgidmap is missing",
         .fix = "apt install uidmap"},
        {.uid = 1000,
         .files = {{"/usr/bin/newuidmap", "", 04755}, {"/usr/bin/newgidmap", "", 0755}},
         .result = DOCTOR_FAIL,
         .text = "/usr/bin/newgidmap is neither set-uid",
         .fix = "--reinstall uidmap"},
        {.uid = 1000,
         .files = {{"/usr/bin/newuidmap", "", 04755}, {"/sbin/newgidmap", "", 04755}},
         .result = DOCTOR_OK,
         .text = "are there"},
    };

    run_rows(state, doctor_id_mapping, rows, ARRAY_SIZE(rows));
}

/* --- disk --- */

static void file_systems_that_hold_no_layers_are_refused(void **state _unused_)
{
    const uint64_t plenty = 100u << 20; /* blocks of 4 KiB */
    const struct {
        unsigned long magic;
        uint64_t blocks, free_files;
        unsigned long flags;
        bool fit;
        enum doctor_result result;
        const char *text, *fix; /* of the last finding */
    } rows[] = {
        {EXT4_SUPER_MAGIC, plenty, 1u << 20, 0, true, DOCTOR_OK, "free", NULL},
        {BTRFS_SUPER_MAGIC, plenty, 0, 0, true, DOCTOR_WARN, "more files", "remove"},
        {EXT4_SUPER_MAGIC, 1u << 20, 1u << 20, 0, true, DOCTOR_WARN, "4.29GB", "free"},
        {EXT4_SUPER_MAGIC, 1000, 1u << 20, 0, true, DOCTOR_FAIL, "4.1MB", "free"},
        {EXT4_SUPER_MAGIC, plenty, 1u << 20, ST_NOEXEC, false, DOCTOR_FAIL, "noexec",
         "exec"},
        {NFS_SUPER_MAGIC, plenty, 1u << 20, 0, false, DOCTOR_FAIL, "NFS", "local disk"},
        {0xff534d42, plenty, 1u << 20, 0, false, DOCTOR_FAIL, "SMB", "local disk"},
        {OVERLAYFS_SUPER_MAGIC, plenty, 1u << 20, 0, false, DOCTOR_FAIL, "overlay",
         "local disk"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(doctor_report_done) struct doctor_report r = {0};
        struct statfs fs = {0};

        fs.f_type = (__typeof__(fs.f_type))rows[i].magic;
        fs.f_bsize = 4096;
        fs.f_bavail = (__typeof__(fs.f_bavail))rows[i].blocks;
        fs.f_files = 1u << 21;
        fs.f_ffree = (__typeof__(fs.f_ffree))rows[i].free_files;
        fs.f_flags = (__typeof__(fs.f_flags))rows[i].flags;
        assert_int_equal(doctor_file_system("/srv/mb", &fs, &r), rows[i].fit);
        assert_true(r.n > 0);
        const struct doctor_finding *f = &r.v[r.n - 1];
        assert_int_equal(f->result, rows[i].result);
        assert_contains(f->text, rows[i].text);
        if (rows[i].fix)
            assert_contains(f->fix, rows[i].fix);
    }
}

static void a_state_directory_that_is_not_there_yet_is_judged_by_its_parent(
    void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_free_ char *dir = mb_xasprintf("%s/not/yet", t->path);
    _cleanup_(doctor_report_done) struct doctor_report r = {0};
    const struct doctor_host h = {.user = "ann", .uid = geteuid()};

    (void)doctor_state_dir(&h, dir, &r);
    assert_true(r.n > 0);
    assert_string_equal(r.v[0].check, "file-system");
    assert_contains(r.v[0].text, dir);
    assert_int_equal(access(dir, F_OK), -1); /* looking made nothing */
}

static void a_state_directory_of_somebody_else_names_who_should_look(void **state)
{
    const struct mb_test_dir *t = *state;
    _cleanup_(doctor_report_done) struct doctor_report r = {0};
    const struct doctor_host h = {.user = "ann", .uid = geteuid() + 1};

    assert_false(doctor_state_dir(&h, t->path, &r));
    expect(&r, DOCTOR_FAIL, "belongs to", "runuser -u ");
    assert_contains(r.v[0].fix, t->path);
}

/* --- clock and report --- */

static void clocks_may_differ_by_seconds(void **state _unused_)
{
    const int64_t now = 1800000000;
    const struct {
        int64_t now, other;
        enum doctor_result result;
        const char *text, *fix;
    } rows[] = {
        {now, 0, DOCTOR_OK, "2027-01-15", NULL},
        {86400, 0, DOCTOR_FAIL, "cannot be", "set-ntp"},
        {now, now + 5, DOCTOR_OK, "5 s behind it", NULL},
        {now, now - 6, DOCTOR_WARN, "6 s ahead of it", "set-ntp"},
        {now, now + 300, DOCTOR_WARN, "300 s behind it", "set-ntp"},
        {now, now - 301, DOCTOR_FAIL, "301 s ahead of it", "set-ntp"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(doctor_report_done) struct doctor_report r = {0};

        doctor_clock(rows[i].now, rows[i].other, "it", &r);
        expect(&r, rows[i].result, rows[i].text, rows[i].fix);
    }
}

static void only_a_failure_fails_the_report(void **state _unused_)
{
    _cleanup_(doctor_report_done) struct doctor_report r = {0};

    assert_false(doctor_has_failed(&r));
    doctor_add(&r, "a", DOCTOR_OK, "%s", "fine");
    doctor_add(&r, "b", DOCTOR_WARN, "so so");
    doctor_fix(&r, "try %d", 1);
    doctor_fix(&r, "try %d", 2);
    assert_false(doctor_has_failed(&r));
    assert_string_equal(r.v[1].fix, "try 2");
    doctor_add(&r, "c", DOCTOR_FAIL, "bad");
    assert_true(doctor_has_failed(&r));
    assert_null(r.v[0].fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_versions_are_read),
        mb_test_in_dir(kernels_without_overlay_in_user_namespaces_fail),
        mb_test_in_dir(each_knob_of_user_namespaces_is_named),
        mb_test_in_dir(binfmt_is_ours_or_the_hosts_by_the_kernel),
        mb_test_in_dir(kinds_of_cgroups_are_told_apart),
        mb_test_in_dir(missing_subordinate_ids_come_with_a_free_range),
        mb_test_in_dir(programs_that_map_ids_need_their_rights),
        cmocka_unit_test(file_systems_that_hold_no_layers_are_refused),
        mb_test_in_dir(a_state_directory_that_is_not_there_yet_is_judged_by_its_parent),
        mb_test_in_dir(a_state_directory_of_somebody_else_names_who_should_look),
        cmocka_unit_test(clocks_may_differ_by_seconds),
        cmocka_unit_test(only_a_failure_fails_the_report),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
