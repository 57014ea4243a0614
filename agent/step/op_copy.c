/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY by Docker's rules: sources are Go patterns, clamped to the source's root; a
 * directory gives what is in it; several sources, or a destination that ends with '/'
 * or is a directory, keep the files' names; missing directories are 0755 of root. A
 * pattern with wildcards may match nothing, a plain name may not. Files that come with
 * the step (0644, of now) are copied behind all others.
 *
 * Times of directories that were there before come back after the copy, and those that
 * are made get the time of the first source: the layer depends on its inputs alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/mode.h"
#include "base/path.h"
#include "base/text.h"
#include "fs/ignore.h"
#include "fs/layer_unpack.h"
#include "step/copy_tree.h"
#include "step/image_user.h"
#include "step/mounts.h"
#include "step/rootpath.h"
#include "step/worker.h"

static void rootpath_cleanup(struct rootpath *p)
{
    rootpath_done(p);
}

/* --- sources --- */

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Names in the directory @front that match @part, appended as paths. */
static int match_names(int src_fd, const char *front, const char *part,
                       struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_(close_dir) DIR *d = NULL;
    _cleanup_strv_ struct mb_strv names = {0};
    const struct dirent *e;
    int fd = -1;

    if (rootpath_open(src_fd, front, O_RDONLY | O_DIRECTORY, &fd, err) < 0)
        return err->code == MB_ERR_NOT_FOUND || err->sys_errno == ENOTDIR ? 0 : -1;
    d = fdopendir(fd);
    if (!d) {
        close(fd);
        return mb_fail_errno(err, "list /%s", front);
    }
    while ((e = readdir(d))) {
        bool matches = false;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (mb_path_match(part, e->d_name, &matches, err) < 0)
            return -1;
        if (matches)
            mb_strv_add(&names, e->d_name);
    }
    mb_strv_sort(&names);
    for (size_t i = 0; i < names.n; i++)
        mb_strv_addf(ret, "%s%s%s", front, front[0] ? "/" : "", names.v[i]);
    return 0;
}

/* Go's Match: wildcards do not cross '/', so part by part. */
static int expand(int src_fd, const char *pattern, struct mb_strv *ret,
                  struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv parts = {0};
    _cleanup_strv_ struct mb_strv now = {0};

    mb_strv_split(&parts, pattern, "/");
    mb_strv_add(&now, "");
    for (size_t i = 0; i < parts.n; i++) {
        struct mb_strv next = {0};
        int rc = 0;

        for (size_t k = 0; k < now.n && rc == 0; k++) {
            if (mb_path_has_glob(parts.v[i]))
                rc = match_names(src_fd, now.v[k], parts.v[i], &next, err);
            else
                mb_strv_addf(&next, "%s%s%s", now.v[k], now.v[k][0] ? "/" : "",
                             parts.v[i]);
        }
        mb_strv_done(&now);
        now = next;
        if (rc < 0)
            return -1;
    }
    mb_strv_add_all(ret, &now);
    return 0;
}

/* Real paths in the source of everything that is to be copied. */
static int select_sources(int src_fd, const struct mb_strv *patterns,
                          struct mb_strv *ret, struct mb_error *err)
{
    for (size_t i = 0; i < patterns->n; i++) {
        _cleanup_free_ char *pattern = mb_path_clamp(patterns->v[i]);
        _cleanup_strv_ struct mb_strv found = {0};
        bool glob = mb_path_has_glob(pattern);

        if (expand(src_fd, pattern, &found, err) < 0)
            return -1;
        for (size_t k = 0; k < found.n; k++) {
            _cleanup_(rootpath_cleanup) struct rootpath p = {0};

            if (rootpath_resolve(src_fd, found.v[k], &p, err) < 0) {
                if (glob && err->code == MB_ERR_INVALID)
                    continue; /* "x/f" of a pattern where x is a file */
                return -1;
            }
            if (p.n_missing == 0)
                mb_strv_add(ret, found.v[k]);
            else if (!glob)
                return mb_fail(err, MB_ERR_NOT_FOUND, "\"/%s\": not found", found.v[k]);
        }
    }
    return 0;
}

/* --- one source --- */

struct copying {
    struct copy_tree tree;
    int src_fd, root_fd;
    const char *dest; /* as given */
    bool dest_is_dir; /* by its '/' */
    struct timespec times[2];
    struct rootpath_mkdir mkdir;
    const struct holder *holder; /* to unpack archives; NULL: they are copied */
};

/* Resolve @path in the root and make its directory, if it lacks. */
static int make_parents(struct copying *c, const char *path, char **ret,
                        struct mb_error *err)
{
    _cleanup_(rootpath_cleanup) struct rootpath p = {0};
    _cleanup_(rootpath_cleanup) struct rootpath parent = {0};

    if (rootpath_resolve(c->root_fd, path, &p, err) < 0)
        return -1;
    if (p.n_missing > 1) {
        parent.path = mb_xstrdup(p.path);
        *strrchr(parent.path, '/') = '\0';
        parent.n_missing = p.n_missing - 1;
        if (rootpath_mkdir(c->root_fd, &parent, &c->mkdir, err) < 0)
            return -1;
    }
    *ret = steal_ptr(p.path);
    return 0;
}

static bool is_dir_in(int root_fd, const char *path)
{
    _cleanup_close_ int fd = -1;
    struct mb_error ignored;

    return rootpath_open(root_fd, path, O_PATH | O_DIRECTORY, &fd, &ignored) == 0;
}

/* Where a file named @name goes. */
static char *file_dest(const struct copying *c, const char *name)
{
    _cleanup_free_ char *dest = mb_path_clamp(c->dest);

    if (c->dest_is_dir || is_dir_in(c->root_fd, dest))
        return mb_xasprintf("%s%s%s", dest, dest[0] ? "/" : "", name);
    return steal_ptr(dest);
}

/* Put the time of the directory back in which something appears. */
static int copy_keeping_times(struct copying *c, int from_fd, const char *name,
                              const char *dest, struct mb_error *err)
{
    _cleanup_close_ int dir_fd = -1;
    const char *dest_name = NULL;
    struct stat before;

    if (rootpath_open_parent(c->root_fd, dest, &dir_fd, &dest_name, err) < 0)
        return -1;
    if (fstat(dir_fd, &before) < 0)
        return mb_fail_errno(err, "look at the directory of /%s", dest);
    if (copy_tree_entry(&c->tree, from_fd, name, dest, err) < 0)
        return -1;
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    if (futimens(dir_fd, times) < 0)
        return mb_fail_errno(err, "restore the times of the directory of /%s", dest);
    return 0;
}

/* The destination as a directory, made if need be. */
static int make_dest(struct copying *c, char **ret, struct mb_error *err)
{
    _cleanup_(rootpath_cleanup) struct rootpath p = {0};

    if (rootpath_resolve(c->root_fd, c->dest, &p, err) < 0
        || rootpath_mkdir(c->root_fd, &p, &c->mkdir, err) < 0)
        return -1;
    if (!is_dir_in(c->root_fd, p.path))
        return mb_fail(err, MB_ERR_INVALID,
                       "cannot unpack an archive to %s: it is not a directory",
                       c->dest);
    *ret = steal_ptr(p.path);
    return 0;
}

/* *ret: it was an archive, and is unpacked. */
static int copy_if_archive(struct copying *c, int from_fd, const char *name, bool *ret,
                           struct mb_error *err)
{
    _cleanup_close_ int fd = openat(
        from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    _cleanup_free_ char *dest = NULL;
    struct stat st;

    *ret = false;
    if (fd < 0 || fstat(fd, &st) < 0)
        return mb_fail_errno(err, "open %s", name);
    if (!S_ISREG(st.st_mode))
        return 0;
    if (mb_archive_probe(fd, ret, err) < 0)
        return mb_wrap(err, "look into %s", name);
    if (!*ret)
        return 0;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "seek in %s", name);
    if (make_dest(c, &dest, err) < 0
        || copy_archive(c->holder, fd, c->root_fd, dest, err) < 0)
        return mb_wrap(err, "%s", name);
    return 0;
}

static int copy_source(struct copying *c, const char *source, struct mb_error *err)
{
    _cleanup_(rootpath_cleanup) struct rootpath real = {0};
    _cleanup_close_ int from_fd = -1;
    _cleanup_free_ char *wanted = NULL;
    _cleanup_free_ char *dest = NULL;
    const char *name = NULL;
    const char *last = strrchr(source, '/');
    bool unpacked = false;

    if (rootpath_resolve(c->src_fd, source, &real, err) < 0
        || rootpath_open_parent(c->src_fd, real.path, &from_fd, &name, err) < 0)
        return -1;
    if (c->holder && copy_if_archive(c, from_fd, name, &unpacked, err) < 0)
        return -1;
    if (unpacked)
        return 0;
    if (is_dir_in(c->src_fd, real.path))
        wanted = mb_path_clamp(c->dest);
    else
        wanted = file_dest(c, last ? last + 1 : source);
    if (make_parents(c, wanted, &dest, err) < 0)
        return -1;
    return copy_keeping_times(c, from_fd, name, dest, err);
}

/* The time of what is made on the way: that of the first source. */
static int first_time(struct copying *c, const char *source, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (rootpath_open(c->src_fd, source, O_PATH, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "look at /%s", source);
    c->times[0] = c->times[1] = st.st_mtim;
    c->mkdir =
        (struct rootpath_mkdir){.mode = 0755, .keep_times = true, .times = c->times};
    return 0;
}

/* --- with --parents --- */

#define PIVOT "/./"

/* What @pattern matches, as what is not left out. NULL: all. */
static int make_select(const char *pattern, struct mb_ignore **ret,
                       struct mb_error *err)
{
    _cleanup_free_ char *lines = mb_xasprintf("**\n!/%s", pattern);

    if (strchr(pattern, '\n'))
        return mb_fail(err, MB_ERR_INVALID, "a source holds a line end");
    if (!*pattern)
        return 0;
    return mb_ignore_parse(lines, strlen(lines), ret, err);
}

/* A name without wildcards must be there. */
static int check_there(struct copying *c, const char *path, struct mb_error *err)
{
    _cleanup_free_ char *literal = mb_path_literal(path);
    _cleanup_(rootpath_cleanup) struct rootpath p = {0};

    if (rootpath_resolve(c->src_fd, literal, &p, err) < 0)
        return -1;
    if (p.n_missing > 0 && strcmp(literal, path) == 0)
        return mb_fail(err, MB_ERR_NOT_FOUND, "\"/%s\": not found", path);
    return first_time(c, p.n_missing > 0 ? "" : literal, err);
}

static int copy_below_pivot(struct copying *c, const char *path, struct mb_error *err)
{
    _cleanup_(mb_ignore_freep) struct mb_ignore *select = NULL;
    _cleanup_free_ char *dest = NULL, *whole = mb_path_clamp(path);
    const char *at = strstr(path, PIVOT);
    _cleanup_free_ char *front = mb_xstrndup(path, at ? (size_t)(at - path) : 0);
    _cleanup_free_ char *pivot = mb_path_clamp(front);
    _cleanup_free_ char *pattern = mb_path_clamp(at ? at + strlen(PIVOT) : path);
    _cleanup_close_ int from_fd = -1;

    if (check_there(c, whole, err) < 0 || make_select(pattern, &select, err) < 0
        || make_dest(c, &dest, err) < 0
        || rootpath_open(c->src_fd, pivot, O_RDONLY | O_DIRECTORY, &from_fd, err) < 0)
        return -1;
    c->tree.select = select;
    int rc = copy_tree_entry(&c->tree, from_fd, ".", dest, err);
    c->tree.select = NULL;
    copy_tree_done(&c->tree);
    return rc;
}

static int copy_with_parents(struct copying *c, const struct mb_strv *paths,
                             struct mb_error *err)
{
    for (size_t i = 0; i < paths->n; i++)
        if (copy_below_pivot(c, paths->v[i], err) < 0)
            return -1;
    return 0;
}

/* --- the operation --- */

static int copy_prepare(struct worker *w, struct mb_error *err)
{
    _cleanup_free_ char *source = NULL;

    if (!w->rq.step.dest || w->rq.step.dest[0] != '/')
        return mb_fail(err, MB_ERR_PROTOCOL, "COPY without an absolute destination");
    if ((w->rq.step.link ? copy_link_mount(w, err) : worker_mount_root(w, err)) < 0)
        return -1;
    if (w->rq.step.paths.n == 0)
        return 0;
    source = mb_xasprintf("%s/source", w->dir);
    return mounts_overlay(w->h, w->dir, &w->rq.source, NULL, source, err);
}

static bool is_excluded_file(const struct copying *c, const char *source)
{
    const char *last = strrchr(source, '/');

    return !is_dir_in(c->src_fd, source)
           && mb_ignore_match(c->tree.excludes, last ? last + 1 : source);
}

static int copy_sources(struct copying *c, const struct mb_strv *sources,
                        struct mb_error *err)
{
    if (sources->n > 0 && first_time(c, sources->v[0], err) < 0)
        return -1;
    for (size_t i = 0; i < sources->n; i++) {
        if (is_excluded_file(c, sources->v[i]))
            continue;
        if (copy_source(c, sources->v[i], err) < 0)
            return -1;
        copy_tree_done(&c->tree); /* links are kept within one source */
    }
    return 0;
}

/* Files of the step itself, as a source of their own. */
static int copy_step_files(struct worker *w, struct copying *c, struct mb_error *err)
{
    const struct mb_strv *files = &w->rq.step.files;
    _cleanup_free_ char *path = mb_xasprintf("%s/files", w->dir);
    _cleanup_close_ int dir_fd = -1;
    _cleanup_strv_ struct mb_strv names = {0};

    if (files->n % 2 != 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "COPY with a file that has no content");
    if (files->n == 0)
        return 0;
    if (mkdir(path, 0700) < 0)
        return mb_fail_errno(err, "create %s", path);
    if (mb_open_dir(AT_FDCWD, path, &dir_fd, err) < 0)
        return -1;
    for (size_t i = 0; i < files->n; i += 2) {
        const char *text = files->v[i + 1];

        if (strchr(files->v[i], '/'))
            return mb_fail(err, MB_ERR_PROTOCOL, "COPY with a file named %s",
                           files->v[i]);
        if (mb_write_file(dir_fd, files->v[i], text, strlen(text), 0644, err) < 0)
            return -1;
        mb_strv_add(&names, files->v[i]);
    }
    c->src_fd = dir_fd;
    c->holder = NULL;
    return copy_sources(c, &names, err);
}

static int copy_all(struct worker *w, struct copying *c, struct mb_error *err)
{
    const struct mb_step *s = &w->rq.step;
    _cleanup_strv_ struct mb_strv sources = {0};

    if (image_owner_resolve(c->root_fd, s->chown, &c->tree.uid, &c->tree.gid, err) < 0
        || (s->chmod && mb_mode_check(s->chmod, err) < 0))
        return -1;
    c->tree.chmod = s->chmod;
    c->dest = s->dest;
    c->dest_is_dir = mb_ends_with(s->dest, "/") || mb_ends_with(s->dest, "/.");
    if (s->parents && copy_with_parents(c, &s->paths, err) < 0)
        return -1;
    if (s->paths.n > 0 && !s->parents
        && select_sources(c->src_fd, &s->paths, &sources, err) < 0)
        return -1;
    if (sources.n + s->files.n / 2 > 1 && !c->dest_is_dir)
        return mb_fail(err, MB_ERR_INVALID,
                       "when using COPY with more than one source file, "
                       "the destination must be a directory and end "
                       "with a /");
    if (copy_sources(c, &sources, err) < 0)
        return -1;
    return copy_step_files(w, c, err);
}

static int open_source(const struct worker *w, int *ret_fd, struct mb_error *err)
{
    _cleanup_free_ char *source = mb_xasprintf("%s/source", w->dir);

    return w->rq.step.paths.n > 0 ? mb_open_dir(AT_FDCWD, source, ret_fd, err) : 0;
}

static int copy_work(struct worker *w, struct mb_error *err)
{
    _cleanup_(mb_ignore_freep) struct mb_ignore *excludes = NULL;
    _cleanup_free_ char *lines = mb_strv_join(&w->rq.step.excludes, "\n");
    _cleanup_close_ int root_fd = -1;
    _cleanup_close_ int src_fd = -1;
    struct copying c = {0};

    if (worker_open_root(w, &root_fd, err) < 0 || open_source(w, &src_fd, err) < 0
        || mb_ignore_parse(lines, strlen(lines), &excludes, err) < 0)
        return -1;
    c.root_fd = c.tree.root_fd = root_fd;
    c.src_fd = src_fd;
    c.tree.excludes = excludes;
    c.holder = w->rq.step.unpack ? w->h : NULL;
    return copy_all(w, &c, err);
}
const struct worker_op op_copy = {.prepare = copy_prepare, .work = copy_work};
