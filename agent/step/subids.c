/* SPDX-License-Identifier: Apache-2.0 */
#include "step/subids.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

#define FILE_BYTES_MAX (4 * MB_MIB)

struct range {
    char *owner; /* points into `fields` */
    uint64_t start, count;
    struct mb_strv fields;
};

static void range_done(struct range *r)
{
    mb_strv_done(&r->fields);
}

/* "name:start:count" */
static bool parse_line(const char *line, struct range *r)
{
    struct mb_error ignored;

    mb_strv_split(&r->fields, line, ":");
    if (r->fields.n != 3)
        return false;
    r->owner = r->fields.v[0];
    return mb_parse_u64(r->fields.v[1], UINT32_MAX, &r->start, &ignored) == 0
           && mb_parse_u64(r->fields.v[2], UINT32_MAX, &r->count, &ignored) == 0
           && r->start + r->count <= UINT32_MAX;
}

static bool is_owner(const struct range *r, const char *name, uid_t uid)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
    return (name && strcmp(r->owner, name) == 0) || strcmp(r->owner, number) == 0;
}

static int no_range(const char *file, const char *name, uint64_t largest,
                    struct mb_error *err)
{
    if (largest > 0)
        return mb_fail(
            err, MB_ERR_LIMIT,
            "%s gives %s only %llu ids in a row, containers need %u: as root run: "
            "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
            file, name, (unsigned long long)largest, STEP_IDS_COUNT, name);
    return mb_fail(err, MB_ERR_NOT_FOUND,
                   "%s has no range of ids for %s, which containers need: as root run: "
                   "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
                   file, name, name);
}

int subids_find(const char *text, const char *file, const char *name, uid_t uid,
                uint32_t *ret_start, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv lines = {0};
    uint64_t largest = 0;

    mb_strv_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.n; i++) {
        _cleanup_(range_done) struct range r = {0};

        if (!parse_line(lines.v[i], &r) || !is_owner(&r, name, uid))
            continue;
        if (r.count >= STEP_IDS_COUNT) {
            *ret_start = (uint32_t)r.start;
            return 0;
        }
        largest = r.count > largest ? r.count : largest;
    }
    return no_range(file, name ? name : "this user", largest, err);
}

/* The end of a range that overlaps [start, start + STEP_IDS_COUNT), or 0. */
static uint64_t overlap_end(const char *text, uint64_t start)
{
    _cleanup_strv_ struct mb_strv lines = {0};

    mb_strv_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.n; i++) {
        _cleanup_(range_done) struct range r = {0};

        if (parse_line(lines.v[i], &r) && r.start < start + STEP_IDS_COUNT
            && start < r.start + r.count)
            return r.start + r.count;
    }
    return 0;
}

uint32_t subids_free_range(const char *subuid_text, const char *subgid_text)
{
    uint64_t start = STEP_IDS_ROOT_DEFAULT;
    uint64_t end;

    while ((end = overlap_end(subuid_text, start)) > 0
           || (end = overlap_end(subgid_text, start)) > 0)
        start = end;
    return (uint32_t)start;
}

static int read_text(const char *path, struct mb_buf *ret, struct mb_error *err)
{
    if (mb_read_file(AT_FDCWD, path, ret, err) < 0 && err->code != MB_ERR_NOT_FOUND)
        return -1;
    mb_buf_add(ret, "\n", 1); /* so that data is never NULL */
    return 0;
}

int subids_get(struct subids *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf uids = MB_BUF_INIT(FILE_BYTES_MAX);
    _cleanup_buf_ struct mb_buf gids = MB_BUF_INIT(FILE_BYTES_MAX);
    uid_t uid = getuid();
    const struct passwd *pw = getpwuid(uid);
    const char *name = pw ? pw->pw_name : NULL;
    struct subids s = {.by_root = geteuid() == 0};
    int rc;

    if (read_text("/etc/subuid", &uids, err) < 0
        || read_text("/etc/subgid", &gids, err) < 0)
        return -1;
    rc = subids_find(uids.data, "/etc/subuid", name, uid, &s.uid_start, err);
    if (rc == 0)
        rc = subids_find(gids.data, "/etc/subgid", name, uid, &s.gid_start, err);
    if (rc < 0 && !s.by_root)
        return -1;
    if (rc < 0) /* root needs nobody's leave */
        s.uid_start = s.gid_start = subids_free_range(uids.data, gids.data);
    *ret = s;
    return 0;
}
