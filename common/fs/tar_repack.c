/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tar_repack.h"

#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "fs/tar_reader.h"
#include "fs/tar_writer.h"

/* --- what is it --- */

#define CHECKSUM_AT 148
#define CHECKSUM_LEN 8

/* Blanks, octal digits, then blank or NUL; -1 when it is none. */
static long octal(const uint8_t *field, size_t len)
{
    size_t i = 0;
    long v = 0;
    size_t digits = 0;

    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++, digits++)
        v = v * 8 + (field[i] - '0');
    return digits > 0 ? v : -1;
}

bool mb_tar_is_head(const void *data, size_t len)
{
    const uint8_t *block = data;
    long sum = 0;
    bool zero = true;

    if (len < MB_TAR_HEAD_BYTES)
        return false;
    for (size_t i = 0; i < MB_TAR_HEAD_BYTES; i++) {
        bool in_checksum = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LEN;

        sum += in_checksum ? ' ' : block[i];
        zero = zero && block[i] == 0;
    }
    return zero || octal(block + CHECKSUM_AT, CHECKSUM_LEN) == sum;
}

bool mb_is_compressed_head(const void *data, size_t len)
{
    static const struct {
        const char *bytes;
        size_t len;
    } magics[] = {
        {"\x1f\x8b", 2},
        {"BZh", 3},
        {"\xfd"
         "7zXZ\0",
         6},
        {"\x28\xb5\x2f\xfd", 4},
    };

    for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
        if (len >= magics[i].len && memcmp(data, magics[i].bytes, magics[i].len) == 0)
            return true;
    return false;
}

/* --- from tar to tar --- */

struct repack {
    struct mb_tar_reader *reader;
    struct mb_tar_writer *writer;
};

static void repack_done(struct repack *r)
{
    mb_tar_reader_free(r->reader);
    mb_tar_writer_free(r->writer);
}

static int put_zeros(struct mb_tar_writer *w, uint64_t n, struct mb_error *err)
{
    static const uint8_t zeros[4096];

    for (; n > 0; n -= n < sizeof(zeros) ? n : sizeof(zeros))
        if (mb_tar_writer_data(w, zeros, n < sizeof(zeros) ? (size_t)n : sizeof(zeros),
                               err)
            < 0)
            return -1;
    return 0;
}

static int put_data(struct repack *r, uint64_t size, struct mb_error *err)
{
    uint64_t at = 0;

    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        uint64_t offset = 0;

        if (mb_tar_reader_data(r->reader, &data, &len, &offset, err) < 0)
            return -1;
        if (len == 0)
            return put_zeros(r->writer, size - at, err);
        if (offset < at || offset > size || len > size - offset)
            return mb_fail(err, MB_ERR_CORRUPT, "the archive places data out of range");
        if (put_zeros(r->writer, offset - at, err) < 0
            || mb_tar_writer_data(r->writer, data, len, err) < 0)
            return -1;
        at = offset + len;
    }
}

static int check_name(const char *path, struct mb_error *err)
{
    const char *slash = strrchr(path, '/');

    if (!mb_starts_with(slash ? slash + 1 : path, ".wh."))
        return 0;
    return mb_fail(
        err, MB_ERR_INVALID,
        "it has \"%.200s\": names that begin with .wh. mark deleted files in "
        "image layers",
        path);
}

static int put_link(struct repack *r, struct mb_tar_entry *e, const char *to,
                    struct mb_error *err)
{
    _cleanup_free_ char *clean = NULL;

    if (mb_tar_name_clean(to, &clean, err) < 0)
        return -1;
    e->link_target = clean;
    e->is_hardlink = 1;
    e->mode = S_IFREG | (e->mode & 07777);
    return mb_tar_writer_entry(r->writer, e, err);
}

static int put_entry(struct repack *r, struct archive_entry *ae, struct mb_error *err)
{
    _cleanup_free_ char *path = NULL;
    struct mb_tar_entry e = {
        .mode = archive_entry_mode(ae),
        .mtime_sec = archive_entry_mtime_is_set(ae) ? archive_entry_mtime(ae) : 0,
    };

    if (mb_tar_name_clean(archive_entry_pathname(ae), &path, err) < 0
        || check_name(path, err) < 0)
        return -1;
    if (path[0] == '\0')
        return 0;
    e.path = path;
    if (archive_entry_hardlink(ae))
        return put_link(r, &e, archive_entry_hardlink(ae), err);
    if (S_ISLNK(e.mode)) {
        e.link_target = archive_entry_symlink(ae);
        if (!e.link_target || !e.link_target[0]
            || strlen(e.link_target) > MB_PATH_LEN_MAX)
            return mb_fail(err, MB_ERR_CORRUPT, "%.200s is a link to nothing", path);
    } else if (S_ISREG(e.mode)) {
        e.size = (uint64_t)archive_entry_size(ae);
    } else if (!S_ISDIR(e.mode) && !S_ISFIFO(e.mode)) {
        return 0;
    }
    if (mb_tar_writer_entry(r->writer, &e, err) < 0)
        return -1;
    return S_ISREG(e.mode) ? put_data(r, e.size, err) : 0;
}

int mb_tar_repack(int fd, const struct mb_sink *out, struct mb_error *err)
{
    _cleanup_(repack_done) struct repack r = {0};
    struct archive_entry *ae = NULL;

    if (mb_tar_reader_new_packed(fd, &r.reader, err) < 0)
        return -1;
    r.writer = mb_tar_writer_new(out);
    for (;;) {
        if (mb_tar_reader_next(r.reader, &ae, err) < 0)
            return -1;
        if (!ae)
            return mb_tar_writer_end(r.writer, err);
        if (put_entry(&r, ae, err) < 0)
            return -1;
    }
}

/* --- one file --- */

static int read_data(struct mb_tar_reader *r, struct mb_buf *ret, struct mb_error *err)
{
    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        uint64_t offset = 0;

        if (mb_tar_reader_data(r, &data, &len, &offset, err) < 0)
            return -1;
        if (len == 0)
            return 0;
        mb_buf_add(ret, data, len);
        if (mb_buf_check(ret, "the file", err) < 0)
            return -1;
    }
}

int mb_tar_read_file(int fd, const char *name, struct mb_buf *ret, struct mb_error *err)
{
    _cleanup_(mb_tar_reader_freep) struct mb_tar_reader *r = NULL;
    struct archive_entry *ae = NULL;
    bool found = false;

    if (mb_tar_reader_new(fd, &r, err) < 0)
        return -1;
    for (;;) {
        _cleanup_free_ char *path = NULL;

        if (mb_tar_reader_next(r, &ae, err) < 0)
            return -1;
        if (!ae)
            break;
        if (mb_tar_name_clean(archive_entry_pathname(ae), &path, err) < 0)
            return -1;
        if (strcmp(path, name) != 0 || !S_ISREG(archive_entry_mode(ae))
            || archive_entry_hardlink(ae))
            continue;
        mb_buf_clear(ret);
        if (read_data(r, ret, err) < 0)
            return mb_wrap(err, "%.200s", name);
        found = true;
    }
    if (!found)
        return mb_fail(err, MB_ERR_NOT_FOUND, "there is no file \"%.200s\" in it",
                       name);
    return 0;
}
