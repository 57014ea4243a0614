/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive converts names from the archive's character set to that of the locale, and
 * on the way to UTF-8 it normalises them.  Names are bytes to us, so every call runs
 * under the "C" locale of this thread: there nothing but ASCII can be converted and
 * libarchive hands out the raw bytes (with ARCHIVE_WARN, which is therefore no
 * failure).
 */
#include "fs/tar_reader.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"

#define READ_BYTES (128u * 1024u)

struct mb_tar_reader {
    struct archive *archive;
    locale_t c_locale;
    uint64_t n_entries;
    int fd; /* borrowed */
    uint8_t chunk[READ_BYTES];
};

static la_ssize_t read_chunk(struct archive *a, void *arg, const void **ret)
{
    struct mb_tar_reader *r = arg;
    ssize_t n = mb_read(r->fd, r->chunk, sizeof(r->chunk));

    if (n < 0)
        archive_set_error(a, errno, "read");
    *ret = r->chunk;
    return n;
}

static int reader_fail(struct mb_tar_reader *r, struct mb_error *err)
{
    const char *why = archive_error_string(r->archive);
    int e = archive_errno(r->archive);

    /* libarchive's own codes: -1 and errno values it sets for malformed input */
    if (why && strcmp(why, "read") == 0) {
        errno = e;
        return mb_fail_errno(err, "read the archive");
    }
    return mb_fail(err, MB_ERR_CORRUPT, "the archive is damaged: %s",
                   why ? why : "not a tar archive");
}

enum packing { PLAIN, SOME_PACKED, ANY_PACKED };

static int open_reader(int fd, enum packing packing, struct mb_tar_reader **ret,
                       struct mb_error *err)
{
    _cleanup_(mb_tar_reader_freep) struct mb_tar_reader *r = mb_xcalloc(1, sizeof(*r));
    locale_t old;
    int rc;

    r->fd = fd;
    r->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    r->archive = archive_read_new();
    BUG_ON(!r->archive || r->c_locale == (locale_t)0);
    old = uselocale(r->c_locale);
    archive_read_support_format_tar(r->archive);
    archive_read_support_format_empty(r->archive);
    if (packing == ANY_PACKED) {
        archive_read_support_filter_gzip(r->archive);
        archive_read_support_filter_zstd(r->archive);
    }
    if (packing != PLAIN) {
        archive_read_support_filter_bzip2(r->archive);
        archive_read_support_filter_xz(r->archive);
    }
    rc = archive_read_open(r->archive, r, NULL, read_chunk, NULL);
    uselocale(old);
    if (rc != ARCHIVE_OK)
        return reader_fail(r, err);
    *ret = steal_ptr(r);
    return 0;
}

int mb_tar_reader_new(int fd, struct mb_tar_reader **ret, struct mb_error *err)
{
    return open_reader(fd, PLAIN, ret, err);
}

int mb_tar_reader_new_packed(int fd, struct mb_tar_reader **ret, struct mb_error *err)
{
    return open_reader(fd, SOME_PACKED, ret, err);
}

int mb_tar_reader_new_any(int fd, struct mb_tar_reader **ret, struct mb_error *err)
{
    return open_reader(fd, ANY_PACKED, ret, err);
}

void mb_tar_reader_free(struct mb_tar_reader *r)
{
    if (!r)
        return;
    archive_read_free(r->archive);
    freelocale(r->c_locale);
    free(r);
}

/* Padding after the end marker, so that the writer of a pipe is not cut off. */
static int drain(struct mb_tar_reader *r, struct mb_error *err)
{
    ssize_t n;

    do
        n = mb_read(r->fd, r->chunk, sizeof(r->chunk));
    while (n > 0);
    return n < 0 ? mb_fail_errno(err, "read the archive") : 0;
}

/* What a small file unfolds to. */
static int check_total(const struct mb_tar_reader *r, struct mb_error *err)
{
    la_int64_t n = archive_filter_bytes(r->archive, 0);

    if (n < 0 || (uint64_t)n <= MB_BLOB_BYTES_MAX)
        return 0;
    return mb_fail(err, MB_ERR_LIMIT, "the archive is over %llu bytes",
                   (unsigned long long)MB_BLOB_BYTES_MAX);
}

int mb_tar_reader_next(struct mb_tar_reader *r, struct archive_entry **ret,
                       struct mb_error *err)
{
    locale_t old = uselocale(r->c_locale);
    struct archive_entry *e = NULL;
    int rc = archive_read_next_header(r->archive, &e);

    uselocale(old);
    if (rc == ARCHIVE_EOF) {
        *ret = NULL;
        return drain(r, err);
    }
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return reader_fail(r, err);
    if (++r->n_entries > MB_TAR_ENTRIES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "the archive has more than %d entries",
                       MB_TAR_ENTRIES_MAX);
    if (archive_entry_size(e) < 0
        || (uint64_t)archive_entry_size(e) > MB_BLOB_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "an entry of the archive is over %llu bytes",
                       (unsigned long long)MB_BLOB_BYTES_MAX);
    *ret = e;
    return check_total(r, err);
}

int mb_tar_reader_data(struct mb_tar_reader *r, const void **ret, size_t *ret_len,
                       uint64_t *ret_offset, struct mb_error *err)
{
    la_int64_t offset = 0;
    int rc = archive_read_data_block(r->archive, ret, ret_len, &offset);

    if (rc == ARCHIVE_EOF) {
        *ret_len = 0;
        *ret_offset = offset < 0 ? 0 : (uint64_t)offset;
        return 0;
    }
    if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
        return reader_fail(r, err);
    if (offset < 0 || (uint64_t)offset + *ret_len > MB_BLOB_BYTES_MAX)
        return mb_fail(err, MB_ERR_CORRUPT, "the archive places data out of range");
    *ret_offset = (uint64_t)offset;
    return 0;
}

static bool has_dotdot(const char *name)
{
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "/");

        if (n == 2 && p[0] == '.' && p[1] == '.')
            return true;
        p += n + (p[n] == '/');
    }
    return false;
}

int mb_tar_name_clean(const char *name, char **ret, struct mb_error *err)
{
    _cleanup_free_ char *clean = NULL;

    if (!name || name[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "an entry of the archive has no name");
    if (has_dotdot(name))
        return mb_fail(err, MB_ERR_INVALID,
                       "%.200s: a name in an archive may not hold \"..\"", name);
    clean = mb_path_clamp(name);
    if (strlen(clean) > MB_PATH_LEN_MAX)
        return mb_fail(err, MB_ERR_LIMIT,
                       "a name in the archive is over %d bytes: %.60s", MB_PATH_LEN_MAX,
                       name);
    *ret = steal_ptr(clean);
    return 0;
}
