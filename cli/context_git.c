/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context_git.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"

extern char **environ;

/* --- the text --- */

static bool begins(const char *text, const char *scheme)
{
    return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* USER@HOST:PATH with nothing of a path in front of the colon. */
static bool is_scp_like(const char *text)
{
    size_t user = 0;

    while (isalnum((unsigned char)text[user]) || text[user] == '-' || text[user] == '_')
        user++;
    if (user == 0 || text[user] != '@')
        return false;
    size_t host = strcspn(text + user + 1, "/:");
    return host > 0 && text[user + 1 + host] == ':';
}

bool context_git_is(const char *text)
{
    size_t len = strcspn(text, "#?");

    if (begins(text, "git://") || begins(text, "ssh://") || is_scp_like(text))
        return true;
    if (begins(text, "github.com/"))
        return access(text, F_OK) < 0;
    return (begins(text, "http://") || begins(text, "https://")) && len > 4
           && strncmp(text + len - 4, ".git", 4) == 0;
}

void git_place_done(struct git_place *p)
{
    free(p->url);
    free(p->ref);
    free(p->subdir);
    *p = (struct git_place){0};
}

static void set(char **slot, char *value)
{
    free(*slot);
    *slot = value;
}

static int parse_query(const char *query, struct git_place *p, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv items = {0};

    mb_strv_split(&items, query, "&");
    for (size_t i = 0; i < items.n; i++) {
        const char *eq = strchr(items.v[i], '=');
        const char *value = eq ? eq + 1 : "";

        if (mb_starts_with(items.v[i], "ref="))
            set(&p->ref, mb_xstrdup(value));
        else if (mb_starts_with(items.v[i], "branch="))
            set(&p->ref, mb_xasprintf("refs/heads/%s", value));
        else if (mb_starts_with(items.v[i], "tag="))
            set(&p->ref, mb_xasprintf("refs/tags/%s", value));
        else if (mb_starts_with(items.v[i], "subdir="))
            set(&p->subdir, mb_path_clamp(value));
        else
            return mb_fail(err, MB_ERR_INVALID,
                           "\"%s\" in a git address: ref, branch, tag and subdir are "
                           "supported",
                           items.v[i]);
    }
    return 0;
}

int git_place_parse(const char *text, struct git_place *ret, struct mb_error *err)
{
    _cleanup_(git_place_done) struct git_place p = {.subdir = mb_xstrdup("")};
    size_t url = strcspn(text, "#?");
    const char *hash = strchr(text, '#');
    _cleanup_free_ char *query =
        text[url] == '?' ? mb_xstrndup(text + url + 1, strcspn(text + url + 1, "#"))
                         : NULL;

    p.url = begins(text, "github.com/") ? mb_xasprintf("https://%.*s", (int)url, text)
                                        : mb_xstrndup(text, url);
    if (query && parse_query(query, &p, err) < 0)
        return -1;
    if (hash && hash[1]) {
        size_t ref = strcspn(hash + 1, ":");
        if (ref > 0)
            set(&p.ref, mb_xstrndup(hash + 1, ref));
        if (hash[1 + ref] == ':')
            set(&p.subdir, mb_path_clamp(hash + 2 + ref));
    }
    if (p.url[0] == '-' || (p.ref && (!*p.ref || p.ref[0] == '-')))
        return mb_fail(err, MB_ERR_INVALID, "\"%s\" is no git address", text);
    *ret = p;
    p = (struct git_place){0};
    return 0;
}

/* --- the program --- */

/* The caller's environment without what points git at another repository. */
static void set_environment(struct mb_spawn *s)
{
    static const char *const dropped[] = {
        "GIT_DIR=",          "GIT_WORK_TREE=",       "GIT_INDEX_FILE=",
        "GIT_COMMON_DIR=",   "GIT_NAMESPACE=",       "GIT_OBJECT_DIRECTORY=",
        "GIT_TEMPLATE_DIR=", "GIT_TERMINAL_PROMPT=", "GIT_ALLOW_PROTOCOL=",
        "LC_ALL=",
    };

    for (char **e = environ; *e; e++) {
        bool keep = true;

        for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
            keep = keep && !mb_starts_with(*e, dropped[i]);
        if (keep)
            mb_strv_add(&s->env, *e);
    }
    mb_strv_add(&s->env, "GIT_TERMINAL_PROMPT=0");
    mb_strv_add(&s->env, "GIT_ALLOW_PROTOCOL=http:https:ssh:git");
    mb_strv_add(&s->env, "LC_ALL=C");
}

/* git's last words, for a message. */
static char *last_line(struct mb_buf *text)
{
    while (text->len > 0 && text->data[text->len - 1] == '\n')
        text->data[--text->len] = '\0';
    if (text->len == 0)
        return mb_xstrdup("it failed");
    char *nl = memrchr(text->data, '\n', text->len);
    const char *from = nl ? nl + 1 : text->data;
    return mb_escape(from, strlen(from), 200);
}

static int git(const char *dir, const char *const *args, struct mb_error *err)
{
    static const char *const common[] = {"git",
                                         "-c",
                                         "core.hooksPath=/dev/null",
                                         "-c",
                                         "init.defaultBranch=main",
                                         "-c",
                                         "submodule.recurse=false",
                                         "-c",
                                         "advice.detachedHead=false"};
    struct mb_spawn s = MB_SPAWN_INIT;
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);
    _cleanup_close_ int in = -1, to = -1;
    int status = -1, r;
    pid_t pid;

    if (mb_pipe(&in, &to, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(common); i++)
        mb_strv_add(&s.argv, common[i]);
    for (size_t i = 0; args[i]; i++)
        mb_strv_add(&s.argv, args[i]);
    set_environment(&s);
    s.cwd = dir;
    s.out_fd = to;
    s.err_fd = to;
    r = mb_spawn(&s, &pid, NULL, err);
    mb_spawn_done(&s);
    if (r < 0)
        return mb_wrap(err, "a git context needs the git program");
    (void)close(to);
    to = -1;
    r = mb_read_to_end(in, &out, err);
    (void)close(in); /* over the limit: it ends by SIGPIPE */
    in = -1;
    if (mb_spawn_wait(pid, &status, err) < 0 || r < 0)
        return -1;
    if (status == 0)
        return 0;
    _cleanup_free_ char *words = last_line(&out);
    return mb_fail(err, MB_ERR_UNAVAILABLE, "git %s: %s", args[0], words);
}

static bool is_commit(const char *ref)
{
    size_t n = strlen(ref);

    return n >= 7 && n <= 64 && strspn(ref, "0123456789abcdef") == n;
}

static int fetch(const char *dir, const struct git_place *p, struct mb_error *err)
{
    const char *const init[] = {"init", "-q", "--template=", NULL};
    const char *const shallow[] = {"fetch",
                                   "-q",
                                   "--depth=1",
                                   "--no-tags",
                                   "--no-recurse-submodules",
                                   "--",
                                   p->url,
                                   p->ref ? p->ref : "HEAD",
                                   NULL};
    const char *const all[] = {"fetch",
                               "-q",
                               "--no-recurse-submodules",
                               "--",
                               p->url,
                               "+refs/heads/*:refs/remotes/origin/*",
                               "+refs/tags/*:refs/tags/*",
                               NULL};
    const char *const checkout[] = {"checkout", "-q", "--detach", "FETCH_HEAD", NULL};
    const char *const checkout_commit[] = {"checkout", "-q", "--detach", p->ref, NULL};

    if (git(dir, init, err) < 0)
        return -1;
    if (git(dir, shallow, err) == 0)
        return git(dir, checkout, err);
    /* a commit that is no branch's last: not every server gives it by its id */
    if (!p->ref || !is_commit(p->ref))
        return -1;
    if (git(dir, all, err) < 0)
        return -1;
    return git(dir, checkout_commit, err);
}

/* The subdirectory must be one, without a link on the way. */
static int find_subdir(const char *dir, const char *subdir, char **ret,
                       struct mb_error *err)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    _cleanup_close_ int root = -1;
    _cleanup_close_ int fd = -1;

    if (mb_open_dir(AT_FDCWD, dir, &root, err) < 0)
        return -1;
    fd = (int)syscall(SYS_openat2, root, *subdir ? subdir : ".", &how, sizeof(how));
    if (fd < 0)
        return mb_fail(err, MB_ERR_NOT_FOUND,
                       "there is no directory \"%s\" in the repository", subdir);
    *ret = mb_path_join(dir, subdir);
    return 0;
}

static int fetch_into(const char *dir, const struct git_place *p, char **ret_dir,
                      struct mb_error *err)
{
    _cleanup_free_ char *meta = mb_path_join(dir, ".git");

    if (fetch(dir, p, err) < 0 || mb_remove_tree(AT_FDCWD, meta, err) < 0)
        return -1;
    return find_subdir(dir, p->subdir, ret_dir, err);
}

int context_git_fetch(const char *text, char **ret_temp, char **ret_dir,
                      struct mb_error *err)
{
    const char *tmp = getenv("TMPDIR");
    _cleanup_(git_place_done) struct git_place p = {0};
    _cleanup_free_ char *temp = mb_xasprintf("%s/mbcluster-git-XXXXXX",
                                             tmp && tmp[0] == '/' ? tmp : "/var/tmp");
    struct mb_error ignored;

    if (git_place_parse(text, &p, err) < 0)
        return -1;
    if (!mkdtemp(temp))
        return mb_fail_errno(err, "temporary directory %s", temp);
    if (fetch_into(temp, &p, ret_dir, err) < 0) {
        mb_ignore(mb_remove_tree(AT_FDCWD, temp, &ignored), "the fetch has failed");
        return -1;
    }
    *ret_temp = steal_ptr(temp);
    return 0;
}
