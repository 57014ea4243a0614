/* SPDX-License-Identifier: Apache-2.0 */
#include "step/image_user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "step/rootpath.h"

#define FILE_BYTES_MAX (4 * MB_MIB)
#define ID_MAX 65535
#define GROUPS_MAX 4096

void image_user_done(struct image_user *u)
{
    free(u->groups);
    free(u->home);
    *u = (struct image_user){0};
}

/* The lines of a file of the image; none when there is no such regular file. */
static int read_lines(int root_fd, const char *path, struct mb_strv *ret,
                      struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(FILE_BYTES_MAX);
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (rootpath_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err) < 0)
        return err->code == MB_ERR_NOT_FOUND || err->sys_errno == ENOTDIR
                       || err->sys_errno == ELOOP
                   ? 0
                   : -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    if (mb_read_to_end(fd, &text, err) < 0)
        return mb_wrap(err, "the image's /%s", path);
    mb_strv_split(ret, text.len > 0 ? text.data : "", "\n");
    return 0;
}

static bool parse_id(const char *text, uint32_t *ret)
{
    struct mb_error ignored;
    uint64_t v = 0;

    if (mb_parse_u64(text, UINT32_MAX, &v, &ignored) < 0)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static int check_id(uint32_t id, const char *spec, struct mb_error *err)
{
    if (id > ID_MAX)
        return mb_fail(err, MB_ERR_INVALID,
                       "id %u in \"%s\" is over %u, the last id of a "
                       "container here",
                       id, spec, ID_MAX);
    return 0;
}

/* A line of passwd or group: fields.v[0] the name, v[2] the id. */
static bool parse_entry(const char *line, size_t n_fields, struct mb_strv *fields,
                        uint32_t *ret_id)
{
    mb_strv_split(fields, line, ":");
    return fields->n >= n_fields && parse_id(fields->v[2], ret_id);
}

/* *ret_name: as passwd has it, NULL for a number that it does not have. */
static int find_user(int root_fd, const char *user, struct image_user *u,
                     char **ret_name, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv lines = {0};
    uint32_t number = 0;
    bool is_number = parse_id(user, &number);

    if (read_lines(root_fd, "etc/passwd", &lines, err) < 0)
        return -1;
    for (size_t i = 0; i < lines.n; i++) {
        _cleanup_strv_ struct mb_strv f = {0};
        uint32_t id = 0;

        if (!parse_entry(lines.v[i], 6, &f, &id)
            || !(strcmp(f.v[0], user) == 0 || (is_number && id == number)))
            continue;
        u->uid = id;
        if (!parse_id(f.v[3], &u->gid))
            u->gid = 0;
        u->home = mb_xstrdup(f.v[5][0] ? f.v[5] : "/");
        *ret_name = mb_xstrdup(f.v[0]);
        return 0;
    }
    if (!is_number)
        return mb_fail(err, MB_ERR_INVALID,
                       "unable to find user %s: no matching entries in "
                       "the image's /etc/passwd",
                       user);
    u->uid = number;
    u->home = mb_xstrdup(number == 0 ? "/root" : "/");
    return 0;
}

static int find_group(int root_fd, const char *group, uint32_t *ret,
                      struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv lines = {0};
    uint32_t number = 0;

    if (read_lines(root_fd, "etc/group", &lines, err) < 0)
        return -1;
    for (size_t i = 0; i < lines.n; i++) {
        _cleanup_strv_ struct mb_strv f = {0};

        if (parse_entry(lines.v[i], 3, &f, &number) && strcmp(f.v[0], group) == 0) {
            *ret = number;
            return 0;
        }
    }
    if (!parse_id(group, ret))
        return mb_fail(err, MB_ERR_INVALID,
                       "unable to find group %s: no matching entries in "
                       "the image's /etc/group",
                       group);
    return 0;
}

/* Groups that list the user by name. */
static int find_more_groups(int root_fd, const char *name, struct image_user *u,
                            struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv lines = {0};

    if (read_lines(root_fd, "etc/group", &lines, err) < 0)
        return -1;
    for (size_t i = 0; i < lines.n && u->n_groups < GROUPS_MAX; i++) {
        _cleanup_strv_ struct mb_strv f = {0};
        _cleanup_strv_ struct mb_strv members = {0};
        uint32_t gid = 0;

        if (!parse_entry(lines.v[i], 4, &f, &gid) || gid > ID_MAX)
            continue;
        mb_strv_split(&members, f.v[3], ",");
        if (!mb_strv_contains(&members, name))
            continue;
        u->groups = mb_xreallocarray(u->groups, u->n_groups + 1, sizeof(*u->groups));
        u->groups[u->n_groups++] = gid;
    }
    return 0;
}

static int resolve(int root_fd, const char *spec, struct image_user *u,
                   struct mb_error *err)
{
    const char *colon = strchr(spec, ':');
    size_t user_len = colon ? (size_t)(colon - spec) : strlen(spec);
    _cleanup_free_ char *user =
        mb_xstrndup(user_len ? spec : "0", user_len ? user_len : 1);
    _cleanup_free_ char *name = NULL;

    if (find_user(root_fd, user, u, &name, err) < 0)
        return -1;
    if (colon && colon[1] && find_group(root_fd, colon + 1, &u->gid, err) < 0)
        return -1;
    if (!(colon && colon[1]) && name && find_more_groups(root_fd, name, u, err) < 0)
        return -1;
    if (check_id(u->uid, spec, err) < 0)
        return -1;
    return check_id(u->gid, spec, err);
}

int image_user_resolve(int root_fd, const char *spec, struct image_user *ret,
                       struct mb_error *err)
{
    struct image_user u = {0};

    if (resolve(root_fd, spec ? spec : "", &u, err) < 0) {
        image_user_done(&u);
        return -1;
    }
    *ret = u;
    return 0;
}

int image_owner_resolve(int root_fd, const char *spec, uint32_t *ret_uid,
                        uint32_t *ret_gid, struct mb_error *err)
{
    struct image_user u = {0};

    if (!spec || !spec[0]) {
        *ret_uid = *ret_gid = 0;
        return 0;
    }
    const char *colon = strchr(spec, ':');
    if (image_user_resolve(root_fd, spec, &u, err) < 0)
        return -1;
    *ret_uid = u.uid;
    *ret_gid = colon && colon[1] ? u.gid : u.uid;
    image_user_done(&u);
    return 0;
}
