/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "step/copy_tree.h"

static int copy_range_by_hand(int from, int to, uint64_t left, struct mb_error *err)
{
    _cleanup_free_ char *chunk = mb_xmalloc(64 * 1024);

    while (left > 0) {
        ssize_t n = mb_read(from, chunk, left < 64 * 1024 ? (size_t)left : 64 * 1024);

        if (n < 0)
            return mb_fail_errno(err, "read");
        if (n == 0)
            return mb_fail(err, MB_ERR_CORRUPT,
                           "the file became shorter while it was read");
        if (mb_write_all(to, chunk, (size_t)n, err) < 0)
            return -1;
        left -= (uint64_t)n;
    }
    return 0;
}

/* [at, end) of both files. */
static int copy_range(int from, int to, off_t at, off_t end, struct mb_error *err)
{
    off_t out = at;

    while (at < end) {
        ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);

        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS
            && errno != EOPNOTSUPP && errno != EPERM)
            return mb_fail_errno(err, "copy");
        if (lseek(from, at, SEEK_SET) < 0 || lseek(to, out, SEEK_SET) < 0)
            return mb_fail_errno(err, "seek");
        return copy_range_by_hand(from, to, (uint64_t)(end - at), err);
    }
    return 0;
}

int copy_file_data(int from, int to, uint64_t size, struct mb_error *err)
{
    off_t end = (off_t)size;
    off_t at = 0;

    while (at < end) {
        off_t data = lseek(from, at, SEEK_DATA);
        off_t hole;

        if (data < 0 && errno == ENXIO)
            break; /* a hole up to the end */
        if (data < 0)
            data = at;
        hole = lseek(from, data, SEEK_HOLE);
        if (hole < 0 || hole > end)
            hole = end;
        if (copy_range(from, to, data, hole, err) < 0)
            return -1;
        at = hole;
    }
    if (ftruncate(to, end) < 0)
        return mb_fail_errno(err, "set the size");
    return 0;
}

static bool is_carried(const char *name)
{
    if (strcmp(name, "security.capability") == 0)
        return true;
    return mb_starts_with(name, "user.") && !mb_starts_with(name, "user.overlay.");
}

static int copy_one(int from, int to, const char *name, char *value,
                    struct mb_error *err)
{
    ssize_t n = fgetxattr(from, name, value, MB_XATTR_BYTES_MAX);

    if (n < 0)
        return errno == ENODATA ? 0 : mb_fail_errno(err, "read attribute %s", name);
    if (fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != EOPNOTSUPP
        && errno != EPERM)
        return mb_fail_errno(err, "set attribute %s", name);
    return 0;
}

int copy_file_xattrs(int from, int to, struct mb_error *err)
{
    _cleanup_free_ char *names = NULL;
    _cleanup_free_ char *value = NULL;
    ssize_t len = flistxattr(from, NULL, 0);

    if (len <= 0)
        return 0;
    if ((uint64_t)len > MB_XATTR_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "too many extended attributes");
    names = mb_xcalloc(1, (size_t)len + 1);
    value = mb_xmalloc(MB_XATTR_BYTES_MAX);
    len = flistxattr(from, names, (size_t)len);
    for (const char *p = names; len > 0 && p < names + len; p += strlen(p) + 1)
        if (is_carried(p) && copy_one(from, to, p, value, err) < 0)
            return -1;
    return 0;
}
