/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/state_dir.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

static int home_dir(char **ret, struct mb_error *err)
{
    const char *home = getenv("HOME");
    const struct passwd *pw;

    if (!home || home[0] != '/') {
        pw = getpwuid(geteuid());
        home = pw ? pw->pw_dir : NULL;
    }
    if (!home || home[0] != '/')
        return mb_fail(err, MB_ERR_INVALID,
                       "this user has no home directory: set HOME");
    *ret = mb_xstrdup(home);
    return 0;
}

/* $@variable/mbcluster, or ~/@fallback/mbcluster; the XDG rules ignore relative values.
 */
static int xdg_path(const char *variable, const char *fallback, char **ret,
                    struct mb_error *err)
{
    const char *base = getenv(variable);
    _cleanup_free_ char *home = NULL;
    _cleanup_free_ char *under_home = NULL;

    if (base && base[0] == '/') {
        *ret = mb_path_join(base, "mbcluster");
        return 0;
    }
    if (home_dir(&home, err) < 0)
        return -1;
    under_home = mb_path_join(home, fallback);
    *ret = mb_path_join(under_home, "mbcluster");
    return 0;
}

static int absolute(const char *path, char **ret, struct mb_error *err)
{
    _cleanup_free_ char *cwd = NULL;

    if (path[0] == '/') {
        *ret = mb_path_clean(path);
        return 0;
    }
    cwd = getcwd(NULL, 0);
    if (!cwd)
        return mb_fail_errno(err, "find the current directory");
    *ret = mb_path_join(cwd, path);
    return 0;
}

int state_dir_find(const char *flag, char **ret, struct mb_error *err)
{
    const char *given = flag ? flag : getenv("MBCLUSTER_STATE");

    if (given && *given)
        return absolute(given, ret, err);
    return xdg_path("XDG_STATE_HOME", ".local/state", ret, err);
}

int state_dir_open(const char *flag, char **ret, struct mb_error *err)
{
    _cleanup_free_ char *path = NULL;

    if (state_dir_find(flag, &path, err) < 0)
        return -1;
    if (mb_mkdir_p(AT_FDCWD, path, 0700, err) < 0)
        return mb_wrap(err, "state directory %s (choose another with --state-dir)",
                       path);
    if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0) {
        mb_fail_errno(err, "state directory %s is not writable", path);
        return mb_wrap(err, "choose another with --state-dir or MBCLUSTER_STATE");
    }
    *ret = steal_ptr(path);
    return 0;
}

int config_dir_path(char **ret, struct mb_error *err)
{
    return xdg_path("XDG_CONFIG_HOME", ".config", ret, err);
}
