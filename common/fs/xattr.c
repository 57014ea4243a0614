/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability layout: linux/capability.h, struct vfs_ns_cap_data; little-endian on disk
 * on every machine: magic (version in the top byte), two pairs of masks, and in version
 * 3 the root id of the user namespace it holds in, which means nothing on another host.
 */
#include "fs/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define CAP_NAME "security.capability"
#define CAP_V2_LEN 20u
#define CAP_V3_LEN 24u
#define CAP_VERSION_BYTE 3

void mb_xattrs_done(struct mb_xattrs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].name);
        free(l->v[i].value);
    }
    free(l->v);
    *l = (struct mb_xattrs){0};
}

static int read_one(int fd, const char *name, struct mb_xattrs *l, struct mb_error *err)
{
    _cleanup_free_ char *value = mb_xmalloc(MB_XATTR_BYTES_MAX);
    ssize_t n = fgetxattr(fd, name, value, MB_XATTR_BYTES_MAX);

    if (n < 0 && errno == ENODATA) /* gone since it was listed */
        return 0;
    if (n < 0)
        return mb_fail_errno(err, "read attribute %s", name);
    l->v = mb_xreallocarray(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = (struct mb_tar_xattr){
        .name = mb_xstrdup(name),
        .value = mb_xmemdup(value, n ? (size_t)n : 1),
        .len = (size_t)n,
    };
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct mb_tar_xattr *x = a;
    const struct mb_tar_xattr *y = b;

    return strcmp(x->name, y->name);
}

int mb_xattrs_read(int fd, struct mb_xattrs *ret, struct mb_error *err)
{
    _cleanup_(mb_xattrs_done) struct mb_xattrs l = {0};
    _cleanup_free_ char *names = NULL;
    ssize_t n = flistxattr(fd, NULL, 0);

    if (n > 0) {
        names = mb_xmalloc(MB_XATTR_BYTES_MAX);
        n = flistxattr(fd, names, MB_XATTR_BYTES_MAX);
    }
    if (n < 0 && errno != EOPNOTSUPP)
        return mb_fail_errno(err, "list attributes");
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
        if (read_one(fd, names + at, &l, err) < 0)
            return -1;
    if (l.n > 1)
        qsort(l.v, l.n, sizeof(*l.v), by_name);
    *ret = l;
    l = (struct mb_xattrs){0};
    return 0;
}

const struct mb_tar_xattr *mb_xattrs_get(const struct mb_xattrs *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].name, name) == 0)
            return &l->v[i];
    return NULL;
}

bool mb_xattrs_has_overlay(const struct mb_xattrs *l, const char *name, char first)
{
    static const char *const spaces[] = {"user.overlay.", "trusted.overlay."};

    for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
        _cleanup_free_ char *full = mb_xasprintf("%s%s", spaces[i], name);
        const struct mb_tar_xattr *x = mb_xattrs_get(l, full);

        if (x && (!first || (x->len > 0 && *(const char *)x->value == first)))
            return true;
    }
    return false;
}

bool mb_xattr_is_overlay(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && mb_starts_with(dot, ".overlay.");
}

void mb_xattr_capability_v2(void *value, size_t *len)
{
    uint8_t *p = value;

    if (*len != CAP_V3_LEN || p[CAP_VERSION_BYTE] != 3)
        return;
    p[CAP_VERSION_BYTE] = 2;
    *len = CAP_V2_LEN;
}

void mb_xattrs_keep_portable(struct mb_xattrs *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++) {
        struct mb_tar_xattr x = l->v[i];
        bool is_cap = strcmp(x.name, CAP_NAME) == 0;

        if (is_cap
            || (mb_starts_with(x.name, "user.") && !mb_xattr_is_overlay(x.name))) {
            if (is_cap)
                mb_xattr_capability_v2(x.value, &x.len);
            l->v[kept++] = x;
            continue;
        }
        free(x.name);
        free(x.value);
    }
    l->n = kept;
}
