/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/doctor.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "doctor/probe_file.h"
#include "step/subids.h"

#define FIRST_ID 100000u /* what useradd begins with */

/* Behind all ranges of the text; @start when there are none. */
static uint64_t end_of_ranges(const char *text, uint64_t start)
{
    _cleanup_strv_ struct mb_strv lines = {0};

    mb_strv_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.n; i++) {
        _cleanup_strv_ struct mb_strv f = {0};
        struct mb_error ignored;
        uint64_t first = 0, count = 0;

        mb_strv_split(&f, lines.v[i], ":");
        if (f.n == 3 && mb_parse_u64(f.v[1], UINT32_MAX, &first, &ignored) == 0
            && mb_parse_u64(f.v[2], UINT32_MAX, &count, &ignored) == 0
            && first + count > start)
            start = first + count;
    }
    return start;
}

static void say_how(const struct doctor_host *h, const char *uids, const char *gids,
                    struct doctor_report *r)
{
    uint64_t first = end_of_ranges(gids, end_of_ranges(uids, FIRST_ID));
    unsigned long long a = first, b = first + STEP_IDS_COUNT - 1;

    if (b > INT32_MAX) /* no room behind the last one: somebody has to look */
        a = FIRST_ID, b = FIRST_ID + STEP_IDS_COUNT - 1;
    doctor_fix(r, "usermod --add-subuids %llu-%llu --add-subgids %llu-%llu %s", a, b, a,
               b, h->user);
}

void doctor_subids(const struct doctor_host *h, struct doctor_report *r)
{
    _cleanup_free_ char *uids = probe_file(h, "/etc/subuid");
    _cleanup_free_ char *gids = probe_file(h, "/etc/subgid");
    const char *u = uids ? uids : "", *g = gids ? gids : "";
    uint32_t uid_start = 0, gid_start = 0;
    struct mb_error err;
    const char *file = "/etc/subuid";
    int rc = subids_find(u, file, h->user, h->uid, &uid_start, &err);

    if (rc == 0) {
        file = "/etc/subgid";
        rc = subids_find(g, file, h->user, h->uid, &gid_start, &err);
    }
    if (rc == 0) {
        doctor_add(r, "subordinate-ids", DOCTOR_OK,
                   "%u user ids from %u, groups from %u", STEP_IDS_COUNT, uid_start,
                   gid_start);
    } else if (h->uid == 0) {
        doctor_add(r, "subordinate-ids", DOCTOR_OK,
                   "root takes %u ids from %u on, which nobody has", STEP_IDS_COUNT,
                   subids_free_range(u, g));
    } else {
        doctor_add(
            r, "subordinate-ids", DOCTOR_FAIL, "%s has %s %u ids in a row for %s", file,
            err.code == MB_ERR_LIMIT ? "fewer than" : "no", STEP_IDS_COUNT, h->user);
        say_how(h, u, g, r);
    }
}

/* The program's path in @path, malloc'ed; NULL: not there. */
static char *find_in_path(const struct doctor_host *h, const char *name)
{
    _cleanup_strv_ struct mb_strv dirs = {0};

    mb_strv_split(&dirs, h->path, ":");
    for (size_t i = 0; i < dirs.n; i++) {
        char *full = mb_xasprintf("%s%s/%s", h->root, dirs.v[i], name);

        if (dirs.v[i][0] == '/' && access(full, X_OK) == 0)
            return full;
        free(full);
    }
    return NULL;
}

/* Debian has them set-uid, Fedora with file capabilities. */
static bool has_rights(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0
           && ((st.st_mode & S_ISUID)
               || getxattr(path, "security.capability", NULL, 0) > 0);
}

void doctor_id_mapping(const struct doctor_host *h, struct doctor_report *r)
{
    static const char *const programs[] = {"newuidmap", "newgidmap"};

    if (h->uid == 0)
        return; /* root writes the maps itself */
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        _cleanup_free_ char *path = find_in_path(h, programs[i]);

        if (!path) {
            doctor_add(r, "id-mapping", DOCTOR_FAIL, "%s is missing", programs[i]);
            doctor_fix(r, "apt install uidmap");
            return;
        }
        if (!has_rights(path)) {
            doctor_add(r, "id-mapping", DOCTOR_FAIL,
                       "%s is neither set-uid nor has file capabilities", path);
            doctor_fix(r, "apt install --reinstall uidmap");
            return;
        }
    }
    doctor_add(r, "id-mapping", DOCTOR_OK, "newuidmap and newgidmap are there");
}
