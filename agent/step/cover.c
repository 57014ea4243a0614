/* SPDX-License-Identifier: Apache-2.0 */
#include "step/cover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "step/copy_tree.h"

#define LIST "../implied"
#define LIST_BYTES_MAX (4 * MB_MIB)

/* --- the list of one layer: paths, each ended by NUL --- */

int cover_note(int fs_fd, const struct mb_strv *implied, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(LIST_BYTES_MAX);
    _cleanup_close_ int fd = -1;

    if (implied->n == 0)
        return 0;
    for (size_t i = 0; i < implied->n; i++)
        mb_buf_add(&b, implied->v[i], strlen(implied->v[i]) + 1);
    if (b.overflow)
        return mb_fail(err, MB_ERR_LIMIT,
                       "the layer has too many directories without an entry");
    fd =
        openat(fs_fd, LIST, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return mb_fail_errno(err, "create a layer's list of directories");
    return mb_write_all(fd, b.data, b.len, err);
}

/* Sorted; empty when there is none. */
static int read_list(int layer_fd, struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(LIST_BYTES_MAX);

    if (mb_read_file(layer_fd, LIST, &b, err) < 0)
        return err->sys_errno == ENOENT || err->code == MB_ERR_NOT_FOUND ? 0 : -1;
    for (size_t at = 0; at < b.len;) {
        size_t len = strnlen(b.data + at, b.len - at);

        mb_strv_add_take(ret, mb_xstrndup(b.data + at, len));
        at += len + 1;
    }
    mb_strv_sort(ret);
    return 0;
}

/* --- the stack --- */

struct stack {
    int links_fd;
    struct mb_strv *implied; /* of each layer, from the top */
    size_t n;
};

static void stack_done(struct stack *s)
{
    for (size_t i = 0; i < s->n && s->implied; i++)
        mb_strv_done(&s->implied[i]);
    free(s->implied);
}

static int open_layer(const struct stack *s, size_t i, int *ret, struct mb_error *err)
{
    char name[24];

    (void)snprintf(name, sizeof(name), "%zu", i);
    *ret = openat(s->links_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret < 0 ? mb_fail_errno(err, "open layer %zu", i) : 0;
}

static int stack_read(struct stack *s, struct mb_error *err)
{
    s->implied = mb_xcalloc(s->n + 1, sizeof(*s->implied));
    for (size_t i = 0; i < s->n; i++) {
        _cleanup_close_ int fd = -1;

        if (open_layer(s, i, &fd, err) < 0 || read_list(fd, &s->implied[i], err) < 0)
            return -1;
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_implied(const struct stack *s, size_t i, const char *path)
{
    const struct mb_strv *l = &s->implied[i];

    return l->n > 0 && bsearch(&path, l->v, l->n, sizeof(*l->v), by_text);
}

/* --- what a directory looks like --- */

enum look {
    LOOK_BELOW, /* the layer does not have it */
    LOOK_HERE,
    LOOK_NO_MORE, /* the layer hides it */
};

static int open_dir(int dir_fd, const char *name)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

/* One layer's @path. *ret_last: an opaque directory on the way hides what is below. */
static enum look look(int layer_fd, const char *path, int *ret_fd, bool *ret_last)
{
    _cleanup_strv_ struct mb_strv parts = {0};
    _cleanup_close_ int fd = open_dir(layer_fd, ".");

    *ret_last = false;
    if (path[0])
        mb_strv_split(&parts, path, "/");
    for (size_t i = 0; i < parts.n && fd >= 0; i++) {
        int next = open_dir(fd, parts.v[i]);

        if (next < 0 && errno == ENOENT)
            return *ret_last ? LOOK_NO_MORE : LOOK_BELOW;
        close(fd);
        fd = next;
        if (fd >= 0 && fgetxattr(fd, "user.overlay.opaque", NULL, 0) > 0)
            *ret_last = true;
    }
    if (fd < 0)
        return LOOK_NO_MORE;
    *ret_fd = steal_fd(&fd);
    return LOOK_HERE;
}

struct likeness {
    int fd; /* of the directory that it should be like; -1: there is none */
    struct stat st;
    bool is_shown; /* the overlay shows it so */
};

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec
           && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int find_likeness(const struct stack *s, const char *path, struct likeness *ret,
                         struct mb_error *err)
{
    struct likeness l = {.fd = -1};
    struct stat shown = {0};

    for (size_t i = 0; i < s->n; i++) {
        _cleanup_close_ int layer_fd = -1;
        bool last = false;
        int fd = -1;

        if (open_layer(s, i, &layer_fd, err) < 0) {
            mb_cleanup_close(&l.fd);
            return -1;
        }
        enum look what = look(layer_fd, path, &fd, &last);
        if (what == LOOK_NO_MORE)
            break;
        if (what == LOOK_BELOW)
            continue;
        if (l.fd < 0)
            (void)fstat(fd, &shown);
        (void)fstat(fd, &l.st);
        mb_cleanup_close(&l.fd);
        l.fd = fd;
        if (last || !is_implied(s, i, path))
            break;
    }
    l.is_shown = l.fd < 0 || same(&shown, &l.st);
    *ret = l;
    return 0;
}

static void likeness_done(struct likeness *l)
{
    mb_cleanup_close(&l->fd);
}

static int set_times(int fd, const struct stat *st, struct mb_error *err)
{
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};

    return futimens(fd, times) < 0 ? mb_fail_errno(err, "set a directory's time") : 0;
}

static int make_like(int fd, const struct likeness *l, struct mb_error *err)
{
    if (fchown(fd, l->st.st_uid, l->st.st_gid) < 0
        || fchmod(fd, l->st.st_mode & 07777) < 0)
        return mb_fail_errno(err, "set a directory's owner and mode");
    return copy_file_xattrs(l->fd, fd, err);
}

int cover_root(int links_fd, size_t n, int root_fd, struct mb_error *err)
{
    _cleanup_(stack_done) struct stack s = {.links_fd = links_fd, .n = n};
    _cleanup_(likeness_done) struct likeness l = {.fd = -1};

    if (stack_read(&s, err) < 0 || find_likeness(&s, "", &l, err) < 0)
        return -1;
    if (l.fd < 0)
        return 0;
    return make_like(root_fd, &l, err) < 0 ? -1 : set_times(root_fd, &l.st, err);
}

/* --- the cover --- */

struct filling {
    const struct stack *stack;
    int cover_fd;
    struct mb_strv made; /* parents first */
    void *seen;          /* tsearch tree of paths */
};

static void filling_done(struct filling *f)
{
    mb_strv_done(&f->made);
    tdestroy(f->seen, free);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* false: it was there. */
static bool add_path(void **tree, const char *path)
{
    char *copy = mb_xstrdup(path);
    char **found = tsearch(copy, tree, by_path);

    if (*found == copy)
        return true;
    free(copy);
    return false;
}

static int cover_one(struct filling *f, const char *path, struct mb_error *err)
{
    _cleanup_(likeness_done) struct likeness l = {.fd = -1};
    _cleanup_close_ int fd = -1;

    if (mkdirat(f->cover_fd, path, 0700) < 0)
        return errno == EEXIST ? 0 : mb_fail_errno(err, "cover /%s", path);
    mb_strv_add(&f->made, path);
    fd = open_dir(f->cover_fd, path);
    if (fd < 0)
        return mb_fail_errno(err, "open the cover of /%s", path);
    if (find_likeness(f->stack, path, &l, err) < 0)
        return -1;
    return l.fd >= 0 ? make_like(fd, &l, err) : 0;
}

static int cover_path(struct filling *f, const char *path, struct mb_error *err)
{
    for (const char *end = strchr(path, '/'); end; end = strchr(end + 1, '/')) {
        _cleanup_free_ char *front = mb_xstrndup(path, (size_t)(end - path));

        if (cover_one(f, front, err) < 0)
            return -1;
    }
    return cover_one(f, path, err);
}

static int fill_from(struct filling *f, const struct mb_strv *implied,
                     struct mb_error *err)
{
    for (size_t i = 0; i < implied->n; i++) {
        const char *path = implied->v[i];
        _cleanup_(likeness_done) struct likeness l = {.fd = -1};

        if (!path[0] || !add_path(&f->seen, path))
            continue;
        if (find_likeness(f->stack, path, &l, err) < 0)
            return -1;
        if (l.fd >= 0 && !l.is_shown && cover_path(f, path, err) < 0)
            return -1;
    }
    return 0;
}

/* When nothing is put into them any more. */
static int settle_times(const struct filling *f, struct mb_error *err)
{
    for (size_t i = f->made.n; i > 0; i--) {
        _cleanup_(likeness_done) struct likeness l = {.fd = -1};
        _cleanup_close_ int fd = open_dir(f->cover_fd, f->made.v[i - 1]);

        if (fd < 0)
            return mb_fail_errno(err, "open the cover of /%s", f->made.v[i - 1]);
        if (find_likeness(f->stack, f->made.v[i - 1], &l, err) < 0)
            return -1;
        if (l.fd >= 0 && set_times(fd, &l.st, err) < 0)
            return -1;
    }
    return 0;
}

int cover_fill(int links_fd, size_t n, int cover_fd, bool with_root, bool *ret_needed,
               struct mb_error *err)
{
    _cleanup_(stack_done) struct stack s = {.links_fd = links_fd, .n = n};
    _cleanup_(filling_done) struct filling f = {.stack = &s, .cover_fd = cover_fd};
    _cleanup_(likeness_done) struct likeness root = {.fd = -1};

    if (stack_read(&s, err) < 0 || find_likeness(&s, "", &root, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (fill_from(&f, &s.implied[i], err) < 0)
            return -1;
    if (settle_times(&f, err) < 0)
        return -1;
    *ret_needed = f.made.n > 0 || (with_root && !root.is_shown);
    if (!*ret_needed || root.fd < 0)
        return 0;
    return make_like(cover_fd, &root, err) < 0 ? -1
                                               : set_times(cover_fd, &root.st, err);
}

/* --- roots --- */

static bool later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

int cover_settle_time(int fs_fd, struct mb_error *err)
{
    _cleanup_(close_dir) DIR *d = NULL;
    struct timespec newest = {0};
    const struct dirent *e;
    struct stat st;
    int fd = -1;

    if (mb_open_dir(fs_fd, ".", &fd, err) < 0)
        return -1;
    d = fdopendir(fd);
    if (!d) {
        close(fd);
        return mb_fail_errno(err, "list a layer's root");
    }
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0
            && fstatat(fs_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
            && later(&st.st_mtim, &newest))
            newest = st.st_mtim;
    if (futimens(fs_fd, (const struct timespec[]){newest, newest}) < 0)
        return mb_fail_errno(err, "set the time of a layer's root");
    return 0;
}

int cover_settle_made(int fs_fd, struct mb_error *err)
{
    static char *root[] = {(char *)(uintptr_t) ""};
    const struct mb_strv list = {.v = root, .n = 1};

    if (fchown(fs_fd, 0, 0) < 0 || fchmod(fs_fd, 0755) < 0)
        return mb_fail_errno(err, "set owner and mode of a layer's root");
    if (cover_settle_time(fs_fd, err) < 0)
        return -1;
    return cover_note(fs_fd, &list, err);
}
