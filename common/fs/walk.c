/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory counts twice among its siblings: as "NAME" (itself) and as "NAME/" (all
 * that is in it).  Sorting these gives the order of whole paths without holding the
 * tree. No descriptor stays open while going down, so depth costs memory only.
 */
#include "fs/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/limits.h"
#include "base/mem.h"

struct child {
    char *name;
    struct stat st;
    bool descend;
};

struct item {
    char *key;
    size_t child;
    bool is_content; /* "NAME/" */
};

struct listing {
    struct child *children;
    size_t n_children;
    struct item *items;
    size_t n_items;
};

struct walk {
    int root_fd;
    const struct mb_walk_fns *fns; /* borrowed */
    void *arg;
};

static void listing_done(struct listing *l)
{
    for (size_t i = 0; i < l->n_children; i++)
        free(l->children[i].name);
    for (size_t i = 0; i < l->n_items; i++)
        free(l->items[i].key);
    free(l->children);
    free(l->items);
}

int mb_open_beneath(int root_fd, const char *path, int flags, int *ret_fd,
                    struct mb_error *err)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd;

    do
        fd = syscall(SYS_openat2, root_fd, path[0] ? path : ".", &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0)
        return mb_fail_errno(err, "open %s", path[0] ? path : "the directory");
    *ret_fd = (int)fd;
    return 0;
}

static char *path_of(const char *dir, const char *name)
{
    return mb_xasprintf("%s%s%s", dir, dir[0] ? "/" : "", name);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Arrays grow by doubling: room for one more of @size bytes behind @n. */
static void *grow(void *v, size_t n, size_t size)
{
    if (n & (n - 1) || (n > 0 && n < 8))
        return v;
    return mb_xreallocarray(v, n < 8 ? 8 : 2 * n, size);
}

static int read_names(const struct walk *w, const char *dir, struct listing *l,
                      struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    _cleanup_(close_dir) DIR *d = NULL;
    struct dirent *e;

    if (mb_open_beneath(w->root_fd, dir, O_RDONLY | O_DIRECTORY, &fd, err) < 0)
        return -1;
    d = fdopendir(fd);
    if (!d)
        return mb_fail_errno(err, "read directory %s", dir);
    steal_fd(&fd);
    while ((errno = 0, e = readdir(d))) {
        struct child c = {0};

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (strlen(dir) + 1 + strlen(e->d_name) > MB_PATH_LEN_MAX)
            return mb_fail(err, MB_ERR_LIMIT, "a path is over %d bytes: %.60s...",
                           MB_PATH_LEN_MAX, dir);
        if (fstatat(dirfd(d), e->d_name, &c.st, AT_SYMLINK_NOFOLLOW) < 0)
            return mb_fail_errno(err, "stat %s/%s", dir, e->d_name);
        c.name = mb_xstrdup(e->d_name);
        l->children = grow(l->children, l->n_children, sizeof(*l->children));
        l->children[l->n_children++] = c;
    }
    if (errno != 0)
        return mb_fail_errno(err, "read directory %s", dir);
    return 0;
}

static void add_item(struct listing *l, char *key, size_t child, bool is_content)
{
    l->items = grow(l->items, l->n_items, sizeof(*l->items));
    l->items[l->n_items++] = (struct item){key, child, is_content};
}

static int by_key(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;

    return strcmp(x->key, y->key);
}

static int sort_items(const struct walk *w, const char *dir, struct listing *l,
                      struct mb_error *err)
{
    for (size_t i = 0; i < l->n_children; i++) {
        const struct child *c = &l->children[i];
        _cleanup_free_ char *path = path_of(dir, c->name);
        bool whiteout = false;

        if (w->fns->is_whiteout
            && w->fns->is_whiteout(path, &c->st, &whiteout, w->arg, err) < 0)
            return -1;
        add_item(l, mb_xasprintf("%s%s", whiteout ? ".wh." : "", c->name), i, false);
        if (S_ISDIR(c->st.st_mode))
            add_item(l, mb_xasprintf("%s/", c->name), i, true);
    }
    if (l->n_items > 1)
        qsort(l->items, l->n_items, sizeof(*l->items), by_key);
    return 0;
}

static int walk_dir(const struct walk *w, const char *dir, struct mb_error *err)
{
    _cleanup_(listing_done) struct listing l = {0};

    if (read_names(w, dir, &l, err) < 0 || sort_items(w, dir, &l, err) < 0)
        return -1;
    for (size_t i = 0; i < l.n_items; i++) {
        struct child *c = &l.children[l.items[i].child];
        _cleanup_free_ char *path = path_of(dir, c->name);
        int rc = 0;

        if (l.items[i].is_content) {
            if (c->descend && walk_dir(w, path, err) < 0)
                return -1;
            continue;
        }
        rc = w->fns->visit(path, &c->st, w->arg, err);
        if (rc < 0)
            return -1;
        c->descend = rc == MB_WALK_DESCEND;
    }
    return 0;
}

int mb_walk(int root_fd, const struct mb_walk_fns *fns, void *arg, struct mb_error *err)
{
    struct walk w = {root_fd, fns, arg};

    return walk_dir(&w, "", err);
}
