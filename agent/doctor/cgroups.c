/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes refuse a host that mixes both versions of cgroups. The step helper has a
 * cgroup namespace of its own and mounts version 2 over what is no version 2, so all
 * three kinds of host will do; doctor_helper() runs the proof.
 */
#include <string.h>

#include "agent/doctor.h"
#include "base/mem.h"
#include "base/strv.h"
#include "doctor/probe_file.h"

#define CGROUP_DIR "/sys/fs/cgroup"

struct kinds {
    bool v1, v2, v2_at_top;
};

/* "cgroup2 /sys/fs/cgroup cgroup2 rw,... 0 0" */
static void look_at_mount(const char *line, struct kinds *k)
{
    _cleanup_strv_ struct mb_strv fields = {0};

    mb_strv_split(&fields, line, " ");
    if (fields.n < 3)
        return;
    if (strcmp(fields.v[2], "cgroup") == 0)
        k->v1 = true;
    if (strcmp(fields.v[2], "cgroup2") != 0)
        return;
    k->v2 = true;
    if (strcmp(fields.v[1], CGROUP_DIR) == 0)
        k->v2_at_top = true;
}

void doctor_cgroups(const struct doctor_host *h, struct doctor_report *r)
{
    static const char instead[] =
        "steps get a version 2 of their own (a cgroup namespace)";
    _cleanup_free_ char *mounts = probe_file(h, "/proc/self/mounts");
    _cleanup_strv_ struct mb_strv lines = {0};
    struct kinds k = {0};

    mb_strv_split(&lines, mounts ? mounts : "", "\n");
    for (size_t i = 0; i < lines.n; i++)
        look_at_mount(lines.v[i], &k);
    if (k.v2_at_top && !k.v1) {
        doctor_add(r, "cgroups", DOCTOR_OK, "version 2");
    } else if (k.v1 && k.v2) {
        doctor_add(r, "cgroups", DOCTOR_OK, "hybrid (1 and 2): %s", instead);
    } else if (k.v1) {
        doctor_add(r, "cgroups", DOCTOR_OK, "version 1: %s", instead);
    } else {
        doctor_add(r, "cgroups", DOCTOR_WARN, "none is mounted at " CGROUP_DIR);
        doctor_fix(r, "mount -t cgroup2 cgroup2 " CGROUP_DIR);
    }
}
