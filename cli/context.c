/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/text.h"
#include "fs/sink.h"
#include "fs/tree.h"

struct selection {
    const struct mb_ignore *ignore;
    struct mb_strv patterns; /* cleaned and clamped; "" is everything */
    char *whiteout;          /* the first taken path with such a name, or NULL */
};
struct spool {
    int fd;
    struct mb_sha256 *hash;
    uint64_t size;
    struct transfer_state *state;
};

int context_ignore(int dir_fd, const char *dockerfile, struct mb_ignore **ret,
                   struct mb_error *err)
{
    _cleanup_free_ char *own =
        dockerfile ? mb_xasprintf("%s.dockerignore", dockerfile) : NULL;
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    const char *name = own;
    int r = -1;

    err->code = MB_ERR_NOT_FOUND;
    if (own)
        r = mb_read_file(AT_FDCWD, own, &text, err);
    if (r < 0 && err->code == MB_ERR_NOT_FOUND) {
        name = ".dockerignore";
        r = mb_read_file(dir_fd, name, &text, err);
    }
    if (r < 0 && err->code == MB_ERR_NOT_FOUND) {
        *ret = NULL;
        return 0;
    }
    if (r < 0 || mb_ignore_parse(text.data ? text.data : "", text.len, ret, err) < 0)
        return mb_wrap(err, "%s", name);
    return 0;
}

/* Does the pattern select @path, something above it, or perhaps something below it? */
static bool pattern_selects(const char *pattern, const char *path, bool *ret_inside)
{
    struct mb_error err;

    *ret_inside = false;
    if (!*pattern || strcmp(pattern, ".") == 0)
        return true;
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/"), path_len = strcspn(path, "/");
        _cleanup_free_ char *element = mb_xstrndup(pattern, pattern_len);
        _cleanup_free_ char *name = mb_xstrndup(path, path_len);
        bool matches = false;

        if (mb_path_match(element, name, &matches, &err) < 0 || !matches)
            return false;
        if (!pattern[pattern_len])
            return true; /* all of the pattern: this, or what is below it */
        if (!path[path_len]) {
            *ret_inside = true;
            return false;
        }
        pattern += pattern_len + 1;
        path += path_len + 1;
    }
}

bool context_selects(const struct mb_strv *patterns, const char *path, bool *ret_inside)
{
    bool any_inside = false;

    for (size_t i = 0; i < patterns->n; i++) {
        bool inside = false;

        if (pattern_selects(patterns->v[i], path, &inside)) {
            *ret_inside = true;
            return true;
        }
        any_inside = any_inside || inside;
    }
    *ret_inside = any_inside;
    return false;
}

/* Layers, and with them the context's way to agents, have no way to hold such a name:
 * there it means that another one is gone. */
static bool is_whiteout(const char *path)
{
    const char *slash = strrchr(path, '/');

    return mb_starts_with(slash ? slash + 1 : path, ".wh.");
}

static bool take(const char *path, bool is_dir, bool *may_hold_taken, void *arg)
{
    struct selection *s = arg;
    bool inside = false;
    bool selected = context_selects(&s->patterns, path, &inside);
    bool ignored = mb_ignore_match(s->ignore, path);

    if (is_dir)
        *may_hold_taken =
            inside && (!ignored || mb_ignore_may_reinclude(s->ignore, path));
    if (selected && !ignored && !s->whiteout && is_whiteout(path))
        s->whiteout = mb_xstrdup(path);
    return selected && !ignored;
}

static int spool_put(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct spool *sp = arg;

    if (transfer_check(sp->state, err) < 0)
        return -1;
    if (sp->size + len > MB_BLOB_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT,
                       "the build context is over %llu GiB: list what is not needed in "
                       ".dockerignore",
                       (unsigned long long)(MB_BLOB_BYTES_MAX / MB_GIB));
    if (mb_write_all(sp->fd, data, len, err) < 0)
        return mb_wrap(err, "temporary file for the build context");
    mb_sha256_add(sp->hash, data, len);
    sp->size += len;
    atomic_store(&sp->state->bytes, sp->size);
    return 0;
}

int context_tar(int dir_fd, const struct mb_ignore *ignore,
                const struct mb_strv *patterns, struct transfer_state *state,
                int *ret_fd, struct mb_descriptor *ret, struct mb_error *err)
{
    struct selection selection = {.ignore = ignore};
    const struct mb_tar_filter filter = {.take = take, .arg = &selection};
    struct spool sp = {.state = state};
    const struct mb_sink sink = {.fn = spool_put, .arg = &sp};
    _cleanup_free_ char *whiteout = NULL;
    _cleanup_close_ int fd = -1;
    struct mb_descriptor d = {.media_type = MB_MT_OCI_LAYER};
    int r;

    if (transfer_temp_file(&fd, err) < 0)
        return -1;
    for (size_t i = 0; i < patterns->n; i++)
        mb_strv_add_take(&selection.patterns, mb_path_clamp(patterns->v[i]));
    sp.fd = fd;
    sp.hash = mb_sha256_new();
    r = mb_tar_directory(dir_fd, &filter, &sink, NULL, err);
    mb_sha256_end(sp.hash, d.digest.bytes);
    mb_sha256_free(sp.hash);
    mb_strv_done(&selection.patterns);
    whiteout = selection.whiteout;
    if (r == 0 && whiteout)
        return mb_fail(err, MB_ERR_INVALID,
                       "the build context has \"%s\": names that begin with .wh. mark "
                       "deleted files in image layers; rename it or list it in "
                       ".dockerignore",
                       whiteout);
    if (r < 0)
        return mb_wrap(err, "read the build context");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "temporary file for the build context");
    d.size = sp.size;
    *ret = d;
    *ret_fd = steal_fd(&fd);
    return 0;
}
