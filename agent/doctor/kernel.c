/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel offers, by its version and its knobs. Whether it all works together
 * is seen by doctor_helper(); these checks say which knob to turn when it does not.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "agent/doctor.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "doctor/probe_file.h"

#define BINFMT_DIR "/proc/sys/fs/binfmt_misc"
#define PROFILE "/etc/apparmor.d/mbcluster-step"

/* The digits at *pp, which goes behind them. */
static bool number(const char **pp, unsigned *ret)
{
    unsigned v = 0;

    if (!isdigit((unsigned char)**pp))
        return false;
    for (; isdigit((unsigned char)**pp) && v < 100000; (*pp)++)
        v = v * 10 + (unsigned)(**pp - '0');
    *ret = v;
    return true;
}

bool doctor_kernel_version(const char *release, unsigned *ret_major,
                           unsigned *ret_minor)
{
    unsigned major = 0, minor = 0;
    const char *p = release;

    if (!number(&p, &major) || *p++ != '.' || !number(&p, &minor))
        return false;
    *ret_major = major;
    *ret_minor = minor;
    return true;
}

void doctor_kernel(const struct doctor_host *h, struct doctor_report *r)
{
    unsigned major = 0, minor = 0;

    if (!doctor_kernel_version(h->release, &major, &minor)) {
        doctor_add(r, "kernel", DOCTOR_WARN, "\"%s\" is no version that can be read",
                   h->release);
        doctor_fix(r, "see whether the checks below pass");
    } else if (!probe_kernel_at_least(h, 5, 11)) {
        doctor_add(r, "kernel", DOCTOR_FAIL,
                   "Linux %s: no overlayfs in user namespaces before 5.11", h->release);
        doctor_fix(r, "install a newer kernel (Debian 12 and Ubuntu 22.04 have one) "
                      "and reboot");
    } else {
        doctor_add(r, "kernel", DOCTOR_OK, "Linux %s", h->release);
    }
}

/* --- user namespaces --- */

/* The sysctl says "0"; one that is not there does not. */
static bool is_zero(const struct doctor_host *h, const char *path)
{
    _cleanup_free_ char *text = probe_file(h, path);

    return text && strcmp(text, "0") == 0;
}

/* Ubuntu 23.10 and later: programs without a profile get namespaces without rights. */
static bool check_apparmor(const struct doctor_host *h, struct doctor_report *r)
{
    _cleanup_free_ char *text =
        probe_file(h, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns");

    if (!text || strcmp(text, "1") != 0 || h->uid == 0)
        return true;
    if (probe_exists(h, PROFILE)) {
        doctor_add(r, "user-namespaces", DOCTOR_OK,
                   "allowed to mbcluster-step by its AppArmor profile " PROFILE);
        return false;
    }
    doctor_add(
        r, "user-namespaces", DOCTOR_FAIL,
        "AppArmor gives them to programs with a profile only, and mbcluster-step "
        "has none");
    doctor_fix(r, "install the package mbcluster-agent, which brings " PROFILE
                  ", or for all programs: sysctl -w "
                  "kernel.apparmor_restrict_unprivileged_userns=0");
    return false;
}

void doctor_user_namespaces(const struct doctor_host *h, struct doctor_report *r)
{
    static const char check[] = "user-namespaces";
    _cleanup_free_ char *max = probe_file(h, "/proc/sys/user/max_user_namespaces");

    if (!probe_exists(h, "/proc/self/ns/user")) {
        doctor_add(r, check, DOCTOR_FAIL, "this kernel has none");
        doctor_fix(r, "use a kernel with CONFIG_USER_NS=y");
    } else if (max && strcmp(max, "0") == 0) {
        doctor_add(r, check, DOCTOR_FAIL, "user.max_user_namespaces is 0");
        doctor_fix(r, "sysctl -w user.max_user_namespaces=15000 (and a line in "
                      "/etc/sysctl.d/ to keep it)");
    } else if (h->uid != 0
               && is_zero(h, "/proc/sys/kernel/unprivileged_userns_clone")) {
        doctor_add(r, check, DOCTOR_FAIL,
                   "kernel.unprivileged_userns_clone is 0: only root may make them");
        doctor_fix(r, "sysctl -w kernel.unprivileged_userns_clone=1 (and a line in "
                      "/etc/sysctl.d/ to keep it), or run the agent as root");
    } else if (check_apparmor(h, r)) {
        doctor_add(r, check, DOCTOR_OK, "allowed%s%s", max ? ", at most " : "",
                   max ? max : "");
    }
}

/* --- file systems --- */

/* A module that is not loaded yet may not be loaded from inside a user namespace. */
static bool knows_file_system(const struct doctor_host *h, const char *name)
{
    _cleanup_free_ char *text = probe_file(h, "/proc/filesystems");

    return !text || probe_has_word(text, name);
}

void doctor_overlay_known(const struct doctor_host *h, struct doctor_report *r)
{
    if (knows_file_system(h, "overlay"))
        return; /* doctor_helper() mounts one */
    doctor_add(r, "overlayfs", DOCTOR_WARN, "the kernel has not loaded overlay yet");
    doctor_fix(r,
               "modprobe overlay; echo overlay > /etc/modules-load.d/mbcluster.conf");
}

/* --- binfmt_misc --- */

struct handlers {
    size_t good;        /* enabled, by QEMU, with flag F */
    struct mb_strv bad; /* those by QEMU that containers cannot use */
};

static void handlers_done(struct handlers *l)
{
    mb_strv_done(&l->bad);
}

static void look_at_handler(const struct doctor_host *h, const char *name,
                            struct handlers *l)
{
    _cleanup_free_ char *path = mb_xasprintf(BINFMT_DIR "/%s", name);
    _cleanup_free_ char *text = probe_file(h, path);
    const char *flags = text ? strstr(text, "flags: ") : NULL;

    if (!text || !strstr(text, "qemu-"))
        return;
    size_t len = flags ? strcspn(flags, "\n") : 0;
    if (mb_starts_with(text, "enabled") && flags && memchr(flags + 7, 'F', len - 7))
        l->good++;
    else
        mb_strv_add(&l->bad, name);
}

static void look_at_handlers(const struct doctor_host *h, struct handlers *l)
{
    _cleanup_free_ char *path = mb_xasprintf("%s" BINFMT_DIR, h->root);
    DIR *dir = opendir(path);
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (e->d_name[0] != '.' && strcmp(e->d_name, "register") != 0
            && strcmp(e->d_name, "status") != 0)
            look_at_handler(h, e->d_name, l);
    if (dir)
        closedir(dir);
    mb_strv_sort(&l->bad);
}

static void check_host_handlers(const struct doctor_host *h, struct doctor_report *r)
{
    static const char before[] = "before Linux 6.7 emulation needs the host's handlers";
    _cleanup_(handlers_done) struct handlers l = {0};

    look_at_handlers(h, &l);
    if (l.bad.n > 0) {
        _cleanup_free_ char *names = mb_strv_join(&l.bad, ", ");

        doctor_add(r, "binfmt", DOCTOR_WARN,
                   "%s; %zu can be used, not %s: disabled or without flag F", before,
                   l.good, names);
        doctor_fix(r, "apt install --reinstall qemu-user-static binfmt-support, which "
                      "registers them with flag F");
    } else if (l.good == 0) {
        doctor_add(r, "binfmt", DOCTOR_WARN, "%s, and there are none", before);
        doctor_fix(r, "apt install qemu-user-static binfmt-support, or leave it at "
                      "native steps (--emulate none)");
    } else {
        doctor_add(r, "binfmt", DOCTOR_OK, "%zu handlers of the host with flag F",
                   l.good);
    }
}

void doctor_binfmt(const struct doctor_host *h, struct doctor_report *r)
{
    if (!probe_kernel_at_least(h, 6, 7)) {
        check_host_handlers(h, r);
    } else if (!knows_file_system(h, "binfmt_misc")) {
        doctor_add(r, "binfmt", DOCTOR_WARN, "the kernel has not loaded binfmt_misc");
        doctor_fix(r, "modprobe binfmt_misc; echo binfmt_misc >> "
                      "/etc/modules-load.d/mbcluster.conf");
    } else {
        doctor_add(r, "binfmt", DOCTOR_OK,
                   "handlers of our own in a user namespace (Linux 6.7 and later)");
    }
}
