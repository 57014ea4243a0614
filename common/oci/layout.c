/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: image-spec v1.1 image-layout.md. */
#include "oci/layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define MARKER_BYTES_MAX 4096

struct mb_layout {
    int dir_fd;
    struct mb_index index;
};

void mb_layout_free(struct mb_layout *l)
{
    if (!l)
        return;
    mb_cleanup_close(&l->dir_fd);
    mb_index_done(&l->index);
    free(l);
}

static int check_marker(int dir_fd, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MARKER_BYTES_MAX);
    _cleanup_json_ json_t *doc = NULL;
    _cleanup_free_ char *version = NULL;
    const struct mb_json_field field = {"imageLayoutVersion", MB_JSON_STR, 0, true};

    if (mb_read_file(dir_fd, "oci-layout", &text, err) < 0) {
        if (err->code == MB_ERR_NOT_FOUND)
            return mb_fail(
                err, MB_ERR_INVALID,
                "it has no file 'oci-layout': it is not an OCI image layout");
        return -1;
    }
    if (mb_json_parse(text.data, text.len, MARKER_BYTES_MAX, &doc, err) < 0
        || mb_json_read(doc, &field, 1, &version, err) < 0)
        return mb_wrap(err, "oci-layout");
    if (strncmp(version, "1.", 2) != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "layout version '%.32s' is not known: use 1.x", version);
    return 0;
}

static int read_index(int dir_fd, struct mb_index *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);

    if (mb_read_file(dir_fd, "index.json", &text, err) < 0)
        return -1;
    return mb_index_decode(text.data, text.len, ret, err);
}

int mb_layout_open(const char *dir, struct mb_layout **ret, struct mb_error *err)
{
    _cleanup_(mb_layout_freep) struct mb_layout *l = mb_xcalloc(1, sizeof(*l));

    l->dir_fd = -1;
    if (mb_open_dir(AT_FDCWD, dir, &l->dir_fd, err) < 0)
        return -1;
    if (check_marker(l->dir_fd, err) < 0 || read_index(l->dir_fd, &l->index, err) < 0)
        return mb_wrap(err, "image layout %s", dir);
    *ret = steal_ptr(l);
    return 0;
}

static const struct mb_index_entry *find_name(const struct mb_layout *l,
                                              const char *name)
{
    for (size_t i = 0; i < l->index.n; i++)
        if (l->index.v[i].ref_name && strcmp(l->index.v[i].ref_name, name) == 0)
            return &l->index.v[i];
    return NULL;
}

static int fail_unknown_tag(const struct mb_layout *l, const char *tag,
                            struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv names = {0};

    for (size_t i = 0; i < l->index.n; i++)
        if (l->index.v[i].ref_name)
            mb_strv_add(&names, l->index.v[i].ref_name);
    _cleanup_free_ char *text = mb_strv_join(&names, ", ");
    return mb_fail(err, MB_ERR_NOT_FOUND, "image layout: no image '%s'; it has %s",
                   tag ? tag : "latest", names.n > 0 ? text : "no names");
}

/* Open a blob by digest alone; *ret_size is the size of its file. */
static int open_by_digest(const struct mb_layout *l, const struct mb_digest *d,
                          int *ret_fd, uint64_t *ret_size, struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1];
    char path[sizeof("blobs/sha256/") + MB_DIGEST_HEX_LEN];
    struct stat st;

    (void)snprintf(path, sizeof(path), "blobs/sha256/%s", mb_digest_hex(d, hex));
    /* O_NONBLOCK: a FIFO in its place must not hold us up. */
    _cleanup_close_ int fd =
        openat(l->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return mb_fail_errno(err, "image layout: open %s", path);
    if (fstat(fd, &st) < 0)
        return mb_fail_errno(err, "image layout: %s", path);
    if (!S_ISREG(st.st_mode))
        return mb_fail(err, MB_ERR_CORRUPT, "image layout: %s is not a regular file",
                       path);
    *ret_size = (uint64_t)st.st_size;
    *ret_fd = steal_fd(&fd);
    return 0;
}

/* A manifest that index.json does not list: its size and type come from itself. */
static int describe_blob(struct mb_layout *l, const struct mb_digest *digest,
                         struct mb_descriptor *ret, struct mb_error *err)
{
    struct mb_descriptor d = {.digest = *digest};
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_close_ int fd = -1;

    if (open_by_digest(l, digest, &fd, &d.size, err) < 0)
        return -1;
    if (mb_layout_read(l, &d, &text, err) < 0
        || mb_manifest_kind(text.data, text.len, d.media_type, err) < 0)
        return -1;
    *ret = d;
    return 0;
}

int mb_layout_resolve(struct mb_layout *l, const char *tag,
                      const struct mb_digest *digest, struct mb_descriptor *ret,
                      struct mb_error *err)
{
    const struct mb_index_entry *found = NULL;

    if (digest) {
        for (size_t i = 0; i < l->index.n && !found; i++)
            if (mb_digest_equal(&l->index.v[i].desc.digest, digest))
                found = &l->index.v[i];
        if (!found)
            return describe_blob(l, digest, ret, err);
    } else {
        found = find_name(l, tag ? tag : "latest");
        if (!found && !tag && l->index.n == 1)
            found = &l->index.v[0];
        if (!found)
            return fail_unknown_tag(l, tag, err);
    }
    *ret = found->desc;
    return 0;
}

int mb_layout_open_blob(struct mb_layout *l, const struct mb_descriptor *d, int *ret_fd,
                        struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    uint64_t size = 0;
    char hex[MB_DIGEST_HEX_LEN + 1];

    if (open_by_digest(l, &d->digest, &fd, &size, err) < 0)
        return -1;
    if (size != d->size)
        return mb_fail(err, MB_ERR_CORRUPT,
                       "image layout: blob %s has %llu bytes, its descriptor says %llu",
                       mb_digest_hex(&d->digest, hex), (unsigned long long)size,
                       (unsigned long long)d->size);
    *ret_fd = steal_fd(&fd);
    return 0;
}

int mb_layout_read(struct mb_layout *l, const struct mb_descriptor *d,
                   struct mb_buf *ret, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;
    char hex[MB_DIGEST_HEX_LEN + 1];

    if (mb_layout_open_blob(l, d, &fd, err) < 0)
        return -1;
    if (d->size > ret->max - ret->len)
        return mb_fail(err, MB_ERR_LIMIT,
                       "image layout: blob %s of %llu bytes is over the limit of %zu",
                       mb_digest_hex(&d->digest, hex), (unsigned long long)d->size,
                       ret->max);

    _cleanup_free_ char *content = mb_xmalloc((size_t)d->size);
    if (mb_read_exact(fd, content, (size_t)d->size, err) < 0)
        return mb_wrap(err, "image layout: blob %s", mb_digest_hex(&d->digest, hex));
    struct mb_digest got = mb_digest_of(content, (size_t)d->size);
    if (!mb_digest_equal(&got, &d->digest))
        return mb_fail(err, MB_ERR_CORRUPT,
                       "image layout: the content of blob %s does not match its digest",
                       mb_digest_hex(&d->digest, hex));
    mb_buf_add(ret, content, (size_t)d->size);
    return 0;
}
