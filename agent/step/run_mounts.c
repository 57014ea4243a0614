/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources are mounted at DIR/m<number>/fs in the worker's own mount namespace, which
 * the runtime's is a copy of. Volumes are taken in the order of their names, so that
 * two steps never wait for each other.
 */
#include "step/run_mounts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "step/mounts.h"
#include "step/rootpath.h"
#include "step/snapshots.h"
#include "step/volumes.h"

/* One mount of the request, getting ready. */
struct prep {
    const struct mb_step_mount *m;
    size_t number;
    char *source; /* of a bind */
    bool is_dir;
    char volume[MB_DIGEST_HEX_LEN + 1]; /* of a CACHE */
};

static void rootpath_cleanup(struct rootpath *p)
{
    rootpath_done(p);
}

/* --- sources in other states --- */

/* Mount source @m->source; *ret: where. */
static int mount_source(struct worker *w, const struct prep *p, bool writable,
                        char **ret, struct mb_error *err)
{
    _cleanup_free_ char *dir = mb_xasprintf("%s/m%zu", w->dir, p->number);
    _cleanup_free_ char *target = mb_xasprintf("%s/fs", dir);
    char work[WORK_ID_LEN + 1];

    if (p->m->source > w->rq.n_sources)
        return mb_fail(err, MB_ERR_PROTOCOL, "a mount's source is not there");
    if (mkdir(dir, 0700) < 0)
        return mb_fail_errno(err, "create %s", dir);
    if (writable) {
        if (snapshots_work_new(w->h, work, err) < 0)
            return -1;
        mb_strv_add(&w->scratch, work);
    }
    if (mounts_overlay(w->h, dir, &w->rq.sources[p->m->source - 1].layers,
                       writable ? work : NULL, target, err)
        < 0)
        return -1;
    mb_strv_add(&w->mounted, target);
    *ret = steal_ptr(target);
    return 0;
}

/* The source's path below its mount @at, links followed inside of it. */
static int find_source(struct prep *p, const char *at, struct mb_error *err)
{
    _cleanup_(rootpath_cleanup) struct rootpath path = {0};
    const char *wanted = p->m->source_path ? p->m->source_path : ".";
    _cleanup_close_ int root_fd = -1;
    _cleanup_close_ int fd = -1;
    struct stat st;

    if (mb_open_dir(AT_FDCWD, at, &root_fd, err) < 0
        || rootpath_resolve(root_fd, wanted, &path, err) < 0)
        return -1;
    if (path.n_missing > 0)
        return mb_fail(err, MB_ERR_NOT_FOUND, "\"/%s\": not found", wanted);
    if (rootpath_open(root_fd, path.path[0] ? path.path : ".", O_PATH | O_NOFOLLOW, &fd,
                      err)
        < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "look at /%s", wanted);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return mb_fail(
            err, MB_ERR_INVALID,
            "\"/%s\" is neither a directory nor a file: it cannot be mounted", wanted);
    p->is_dir = S_ISDIR(st.st_mode);
    p->source = path.path[0] ? mb_xasprintf("%s/%s", at, path.path) : mb_xstrdup(at);
    return 0;
}

static int prepare_bind(struct worker *w, struct prep *p, struct mb_error *err)
{
    _cleanup_free_ char *at = NULL;

    if (p->m->source == 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "a bind mount without a source");
    if (mount_source(w, p, !p->m->read_only, &at, err) < 0)
        return -1;
    return find_source(p, at, err);
}

/* --- volumes --- */

static int open_seed(struct worker *w, struct prep *p, int *ret_fd,
                     struct mb_error *err)
{
    _cleanup_free_ char *at = NULL;

    if (mount_source(w, p, false, &at, err) < 0 || find_source(p, at, err) < 0)
        return -1;
    if (!p->is_dir)
        return mb_fail(err, MB_ERR_INVALID,
                       "\"/%s\": a cache mount's source must be a directory",
                       p->m->source_path);
    return mb_open_dir(AT_FDCWD, p->source, ret_fd, err);
}

static int prepare_cache(struct worker *w, struct prep *p, struct mb_error *err)
{
    _cleanup_close_ int seed_fd = -1;
    char *path = NULL;
    int lock_fd = -1; /* open for the life of this process */

    if (p->m->source > 0 && open_seed(w, p, &seed_fd, err) < 0)
        return -1;
    free(p->source);
    p->source = NULL;
    if (volume_take(w, p->m, p->volume, seed_fd, &path, &lock_fd, err) < 0)
        return -1;
    p->source = path;
    p->is_dir = true;
    return 0;
}

static int by_volume(const void *a, const void *b)
{
    const struct prep *const *x = a, *const *y = b;

    return strcmp((*x)->volume, (*y)->volume);
}

static int prepare_caches(struct worker *w, struct prep *v, size_t n,
                          struct mb_error *err)
{
    _cleanup_free_ struct prep **order = mb_xcalloc(n + 1, sizeof(struct prep *));
    size_t n_order = 0;

    for (size_t i = 0; i < n; i++) {
        if (v[i].m->kind != MB_MOUNT_CACHE)
            continue;
        if (v[i].m->source > w->rq.n_sources)
            return mb_fail(err, MB_ERR_PROTOCOL, "a mount's source is not there");
        volume_name(w, v[i].m, v[i].volume);
        order[n_order++] = &v[i];
    }
    qsort(order, n_order, sizeof(struct prep *), by_volume);
    for (size_t i = 0; i < n_order; i++) {
        if (i > 0 && strcmp(order[i]->volume, order[i - 1]->volume) == 0) {
            order[i]->source = mb_xstrdup(order[i - 1]->source);
            order[i]->is_dir = true;
        } else if (prepare_cache(w, order[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- secrets --- */

static int secret_file(const struct worker *w, struct prep *p, struct mb_error *err)
{
    const struct mb_step_mount *m = p->m;
    _cleanup_free_ char *path = mb_xasprintf("%s/secret%zu", w->dir, p->number);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return mb_fail_errno(err, "create a secret");
    if (mb_write_all(fd, m->data.data, m->data.len, err) < 0)
        return -1;
    if (fchown(fd, (uid_t)m->uid, (gid_t)m->gid) < 0 || fchmod(fd, (mode_t)m->mode) < 0)
        return mb_fail_errno(err, "give the secret \"%s\" its owner %llu:%llu", m->id,
                             (unsigned long long)m->uid, (unsigned long long)m->gid);
    p->source = steal_ptr(path);
    return 0;
}

static int secret_variable(struct worker *w, const struct mb_step_mount *m,
                           struct mb_error *err)
{
    struct mb_strv *env = &w->rq.step.env;
    _cleanup_free_ char *name = mb_xasprintf("%s=", m->env);

    if (m->data.len > 0 && memchr(m->data.data, 0, m->data.len))
        return mb_fail(
            err, MB_ERR_INVALID,
            "the secret \"%s\" has a NUL byte in it: it cannot be a variable", m->id);
    for (size_t i = env->n; i > 0; i--)
        if (mb_starts_with(env->v[i - 1], name))
            mb_strv_remove(env, i - 1);
    mb_strv_addf(env, "%s%.*s", name, (int)m->data.len,
                 m->data.len > 0 ? (const char *)m->data.data : "");
    return 0;
}

static int prepare_secret(struct worker *w, struct prep *p, struct mb_error *err)
{
    if (p->m->env && secret_variable(w, p->m, err) < 0)
        return -1;
    return p->m->target ? secret_file(w, p, err) : 0;
}

/* --- all --- */

static int prepare_one(struct worker *w, struct prep *p, struct mb_error *err)
{
    switch (p->m->kind) {
    case MB_MOUNT_BIND:
        return prepare_bind(w, p, err);
    case MB_MOUNT_SECRET:
        return prepare_secret(w, p, err);
    case MB_MOUNT_TMPFS:
        p->is_dir = true;
        return 0;
    default:
        return 0; /* CACHE is there already */
    }
}

static char *options_of(const struct mb_step_mount *m)
{
    switch (m->kind) {
    case MB_MOUNT_TMPFS:
        if (m->size_bytes > 0)
            return mb_xasprintf("nosuid,nodev,mode=1777,size=%llu",
                                (unsigned long long)m->size_bytes);
        return mb_xstrdup("nosuid,nodev,mode=1777");
    case MB_MOUNT_SECRET:
        return mb_xstrdup("bind,rprivate,nosuid,noexec,nodev,ro");
    default:
        return mb_xasprintf("rbind,rprivate,nosuid,nodev,%s",
                            m->read_only ? "ro" : "rw");
    }
}

static size_t depth(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += path[0] == '/' && path[1] != '\0' && path[1] != '/';
    return n;
}

/* In front of the first that is deeper: outer ones first, else in order. */
static void insert(struct run_mounts *l, const struct run_mount *m)
{
    size_t at = l->n;

    l->v = mb_xreallocarray(l->v, l->n + 1, sizeof(*l->v));
    for (; at > 0 && depth(l->v[at - 1].target) > depth(m->target); at--)
        l->v[at] = l->v[at - 1];
    l->v[at] = *m;
    l->n++;
}

static int add_mount(const struct prep *p, int root_fd, struct stubs *stubs,
                     struct run_mounts *ret, struct mb_error *err)
{
    bool tmpfs = p->m->kind == MB_MOUNT_TMPFS;
    struct run_mount m = {.type = tmpfs ? "tmpfs" : "bind"};

    if (!p->m->target)
        return p->m->kind == MB_MOUNT_SECRET
                   ? 0
                   : mb_fail(err, MB_ERR_PROTOCOL, "a mount without a target");
    if (stubs_need(stubs, root_fd, p->m->target, p->is_dir, &m.target, err) < 0)
        return -1;
    if (strcmp(m.target, "/") == 0) {
        free(m.target);
        return mb_fail(err, MB_ERR_INVALID, "the root cannot be mounted over");
    }
    m.source = mb_xstrdup(tmpfs ? "tmpfs" : p->source);
    m.options = options_of(p->m);
    insert(ret, &m);
    return 0;
}

int run_mounts_prepare(struct worker *w, int root_fd, struct stubs *stubs,
                       struct run_mounts *ret, struct mb_error *err)
{
    size_t n = w->rq.step.n_mounts;
    struct prep *v = mb_xcalloc(n + 1, sizeof(*v)); /* for the life of this process */

    for (size_t i = 0; i < n; i++)
        v[i] = (struct prep){.m = &w->rq.step.mounts[i], .number = i};
    for (size_t i = 0; i < n; i++)
        if (prepare_one(w, &v[i], err) < 0)
            return -1;
    if (prepare_caches(w, v, n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (add_mount(&v[i], root_fd, stubs, ret, err) < 0)
            return -1;
    return 0;
}
