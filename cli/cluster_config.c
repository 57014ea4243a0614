/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_config.h"

#include <ctype.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/state_dir.h"

#define JOIN_FILE_BYTES_MAX (4 * MB_KIB)
#define JOIN_PREFIX "mbc1-"
#define NAME_LEN_MAX 64

/* The first word of the file. */
static int read_join_file(const char *path, char **ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(JOIN_FILE_BYTES_MAX);
    const char *start;

    if (mb_read_file(AT_FDCWD, path, &text, err) < 0)
        return mb_wrap(err,
                       "cluster: \"%s\" is neither a join string (" JOIN_PREFIX
                       "...) nor a file that can be read",
                       path);
    start = text.data ? text.data : "";
    start += strspn(start, " \t\r\n");
    *ret = mb_xstrndup(start, strcspn(start, " \t\r\n"));
    return 0;
}

int cluster_given(const char *flag, struct cluster *ret, struct mb_error *err)
{
    const char *text = flag ? flag : getenv("MBCLUSTER_CLUSTER");
    _cleanup_free_ char *join_text = NULL;
    struct mb_join j = {0};

    if (!text || !*text || strcmp(text, "embedded") == 0) {
        *ret = (struct cluster){0};
        return 0;
    }
    if (mb_starts_with(text, JOIN_PREFIX))
        join_text = mb_xstrdup(text);
    else if (read_join_file(text, &join_text, err) < 0)
        return -1;
    if (mb_join_decode(join_text, &j, err) < 0)
        return mb_wrap(err, "cluster");
    if (j.role == MB_ROLE_AGENT)
        return mb_fail(
            err, MB_ERR_INVALID,
            "this join string is an agent's: ask for one with --role client");
    ret->join = j;
    ret->join_text = steal_ptr(join_text);
    return 0;
}

void cluster_done(struct cluster *c)
{
    mb_keypair_clear(&c->join.token);
    free(c->join_text);
    *c = (struct cluster){0};
}

/* "user-host", with what names may not hold as '-'; malloc'ed. */
static char *wished_name(void)
{
    char host[256] = "";
    const struct passwd *pw = getpwuid(geteuid());
    char *name;

    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    name = mb_xasprintf("%s-%s", pw ? pw->pw_name : "user", host);
    if (strlen(name) > NAME_LEN_MAX)
        name[NAME_LEN_MAX] = '\0';
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            *c = '-';
    return name;
}

/* One process at a time may join a cluster: a one-time token is worth one key. */
static int take_lock(const char *dir, int *ret_fd, struct mb_error *err)
{
    _cleanup_free_ char *path = mb_xasprintf("%s.lock", dir);
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return mb_fail_errno(err, "open %s", path);
    if (flock(fd, LOCK_EX) < 0)
        return mb_fail_errno(err, "lock %s", path);
    *ret_fd = steal_fd(&fd);
    return 0;
}

/* Join into a directory beside @dir and put it in its place, so that a key which may
 * still be good is not lost to a join that fails. */
static int join_afresh(const struct cluster *c, const char *dir, const char *name,
                       struct mb_membership *ret, struct mb_error *err)
{
    _cleanup_free_ char *fresh = mb_xasprintf("%s.new", dir);

    if (mb_remove_tree(AT_FDCWD, fresh, err) < 0
        || mb_membership_join(fresh, c->join_text, name, ret, err) < 0
        || mb_remove_tree(AT_FDCWD, dir, err) < 0)
        return -1;
    if (rename(fresh, dir) < 0)
        return mb_fail_errno(err, "rename %s", fresh);
    return 0;
}

int cluster_member(const struct cluster *c, bool afresh, bool *ret_stored,
                   struct mb_membership *ret, struct mb_error *err)
{
    _cleanup_free_ char *config = NULL;
    _cleanup_free_ char *all = NULL;
    _cleanup_free_ char *dir = NULL;
    _cleanup_free_ char *name = wished_name();
    _cleanup_close_ int lock_fd = -1;
    char hex[2 * MB_KEY_LEN + 1];
    struct mb_membership m = {0};
    bool stored;

    if (config_dir_path(&config, err) < 0)
        return -1;
    mb_hex(c->join.server_key, MB_KEY_LEN, hex);
    all = mb_path_join(config, "clusters");
    dir = mb_path_join(all, hex);
    if (mb_mkdir_p(AT_FDCWD, all, 0700, err) < 0 || take_lock(dir, &lock_fd, err) < 0)
        return mb_wrap(err, "keep this user's key for the cluster");
    stored = !afresh && mb_membership_load(dir, &m, err) == 0;
    if (afresh ? join_afresh(c, dir, name, &m, err)
               : mb_membership_join(dir, c->join_text, name, &m, err))
        return -1;
    *ret_stored = stored;
    *ret = m;
    return 0;
}
