/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ustar block per entry, in front of it a pax "x" entry only when a value does not
 * fit. Nothing of the clock, the locale or the user data base gets in, so equal entries
 * give equal bytes on every machine.  Spec: POSIX.1-2017 pax, "pax Interchange Format"
 * and "ustar Interchange Format".
 */
#include "fs/tar_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

#define BLOCK 512u
#define COPY_BYTES (128u * 1024u)

#define OCTAL_7_MAX UINT64_C(07777777)
#define OCTAL_11_MAX UINT64_C(077777777777)

/* All fields are bytes: no padding, no alignment. */
struct ustar {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char chksum[8];
    char typeflag;
    char linkname[100];
    char magic[6];
    char version[2];
    char uname[32];
    char gname[32];
    char devmajor[8];
    char devminor[8];
    char prefix[155];
    char pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a ustar header is one block");

struct mb_tar_writer {
    struct mb_sink out;
    uint64_t left; /* data bytes of the current entry still to come */
    size_t padding;
};

static const uint8_t zeros[2 * BLOCK];

struct mb_tar_writer *mb_tar_writer_new(const struct mb_sink *out)
{
    struct mb_tar_writer *w = mb_xcalloc(1, sizeof(*w));

    w->out = *out;
    return w;
}

void mb_tar_writer_free(struct mb_tar_writer *w)
{
    free(w);
}

/* Zero-filled octal digits and a NUL; what does not fit was put in a pax record. */
static void put_octal(char *field, size_t size, uint64_t v)
{
    field[size - 1] = '\0';
    for (size_t i = size - 1; i-- > 0; v >>= 3)
        field[i] = (char)('0' + (v & 7));
}

static size_t padding_of(uint64_t size)
{
    return (size_t)((BLOCK - size % BLOCK) % BLOCK);
}

static void seal(struct ustar *h)
{
    const uint8_t *p = (const uint8_t *)h;
    unsigned sum = 0;

    memcpy(h->magic, "ustar", 6);
    memset(h->version, '0', 2);
    memset(h->chksum, ' ', sizeof(h->chksum));
    for (size_t i = 0; i < sizeof(*h); i++)
        sum += p[i];
    put_octal(h->chksum, 7, sum);
}

static size_t n_digits(size_t v)
{
    size_t n = 1;

    for (; v >= 10; v /= 10)
        n++;
    return n;
}

/* "LEN KEY=VALUE\n", where LEN counts its own digits. */
static void add_record(struct mb_buf *pax, const char *prefix, const char *key,
                       const void *value, size_t len)
{
    size_t rest = 1 + strlen(prefix) + strlen(key) + 1 + len + 1;
    size_t total = rest + n_digits(rest);

    if (n_digits(total) != n_digits(rest))
        total = rest + n_digits(total);
    mb_buf_addf(pax, "%zu %s%s=", total, prefix, key);
    mb_buf_add(pax, value, len);
    mb_buf_add_byte(pax, '\n');
}

static void add_number(struct mb_buf *pax, const char *key, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, v);

    add_record(pax, "", key, text, (size_t)n);
}

/* Into name and prefix when that is possible, at the first '/' that serves. */
static bool put_name(struct ustar *h, const char *path, size_t len)
{
    if (len <= sizeof(h->name)) {
        memcpy(h->name, path, len);
        return true;
    }
    for (size_t i = 1; i < len - 1 && i <= sizeof(h->prefix); i++) {
        if (path[i] != '/' || len - i - 1 > sizeof(h->name))
            continue;
        memcpy(h->prefix, path, i);
        memcpy(h->name, path + i + 1, len - i - 1);
        return true;
    }
    memcpy(h->name, path, sizeof(h->name));
    return false;
}

static void put_number(struct mb_buf *pax, const char *key, char *field, size_t size,
                       uint64_t v, uint64_t max)
{
    put_octal(field, size, v <= max ? v : 0);
    if (v > max)
        add_number(pax, key, (int64_t)v);
}

static int type_of(const struct mb_tar_entry *e, char *ret, struct mb_error *err)
{
    if (e->is_hardlink)
        *ret = '1';
    else if (S_ISREG(e->mode))
        *ret = '0';
    else if (S_ISDIR(e->mode))
        *ret = '5';
    else if (S_ISLNK(e->mode))
        *ret = '2';
    else if (S_ISCHR(e->mode))
        *ret = '3';
    else if (S_ISBLK(e->mode))
        *ret = '4';
    else if (S_ISFIFO(e->mode))
        *ret = '6';
    else
        return mb_fail(err, MB_ERR_INVALID, "%s: a tar has no such file type", e->path);
    return 0;
}

static int put_xattrs(struct mb_buf *pax, const struct mb_tar_entry *e,
                      struct mb_error *err)
{
    for (size_t i = 0; i < e->n_xattrs; i++) {
        const struct mb_tar_xattr *x = &e->xattrs[i];

        if (strpbrk(x->name, "=\n"))
            return mb_fail(err, MB_ERR_INVALID,
                           "%s: a tar cannot hold an attribute name with '='", e->path);
        add_record(pax, "SCHILY.xattr.", x->name, x->value, x->len);
    }
    return 0;
}

static void put_values(struct ustar *h, struct mb_buf *pax,
                       const struct mb_tar_entry *e, uint64_t size)
{
    _cleanup_free_ char *path =
        mb_xasprintf("%s%s", e->path, S_ISDIR(e->mode) && !e->is_hardlink ? "/" : "");
    bool mtime_fits = e->mtime_sec >= 0 && (uint64_t)e->mtime_sec <= OCTAL_11_MAX;
    size_t link_len = e->link_target ? strlen(e->link_target) : 0;

    if (!put_name(h, path, strlen(path)))
        add_record(pax, "", "path", path, strlen(path));
    /* cut, not empty: libarchive 3.6 drops the record of a link without a name here */
    if (link_len > 0)
        memcpy(h->linkname, e->link_target,
               link_len < sizeof(h->linkname) ? link_len : sizeof(h->linkname));
    if (link_len > sizeof(h->linkname))
        add_record(pax, "", "linkpath", e->link_target, link_len);
    put_octal(h->mode, sizeof(h->mode), e->mode & 07777);
    put_number(pax, "uid", h->uid, sizeof(h->uid), e->uid, OCTAL_7_MAX);
    put_number(pax, "gid", h->gid, sizeof(h->gid), e->gid, OCTAL_7_MAX);
    put_number(pax, "size", h->size, sizeof(h->size), size, OCTAL_11_MAX);
    put_octal(h->mtime, sizeof(h->mtime), mtime_fits ? (uint64_t)e->mtime_sec : 0);
    if (!mtime_fits)
        add_number(pax, "mtime", e->mtime_sec);
    put_octal(h->devmajor, sizeof(h->devmajor), e->dev_major);
    put_octal(h->devminor, sizeof(h->devminor), e->dev_minor);
}

static int write_pax(struct mb_tar_writer *w, const struct mb_buf *pax,
                     struct mb_error *err)
{
    struct ustar h = {.name = "PaxHeaders/entry", .typeflag = 'x'};

    put_octal(h.mode, sizeof(h.mode), 0644);
    put_octal(h.uid, sizeof(h.uid), 0);
    put_octal(h.gid, sizeof(h.gid), 0);
    put_octal(h.size, sizeof(h.size), pax->len);
    put_octal(h.mtime, sizeof(h.mtime), 0);
    put_octal(h.devmajor, sizeof(h.devmajor), 0);
    put_octal(h.devminor, sizeof(h.devminor), 0);
    seal(&h);
    if (mb_sink_put(&w->out, &h, sizeof(h), err) < 0
        || mb_sink_put(&w->out, pax->data, pax->len, err) < 0)
        return -1;
    if (padding_of(pax->len) == 0)
        return 0;
    return mb_sink_put(&w->out, zeros, padding_of(pax->len), err);
}

/* The rest of the entry before; its data must have come. */
static int finish_entry(struct mb_tar_writer *w, struct mb_error *err)
{
    size_t padding = w->padding;

    BUG_ON(w->left > 0);
    w->padding = 0;
    return padding ? mb_sink_put(&w->out, zeros, padding, err) : 0;
}

int mb_tar_writer_entry(struct mb_tar_writer *w, const struct mb_tar_entry *e,
                        struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf pax = MB_BUF_INIT(MB_MIB);
    struct ustar h = {0};
    uint64_t size = S_ISREG(e->mode) && !e->is_hardlink ? e->size : 0;

    if (e->path[0] == '\0' || strlen(e->path) > MB_PATH_LEN_MAX || e->uid > UINT32_MAX
        || e->gid > UINT32_MAX || size > INT64_MAX || e->dev_major > OCTAL_7_MAX
        || e->dev_minor > OCTAL_7_MAX)
        return mb_fail(err, MB_ERR_LIMIT,
                       "%s: name, owner, size or device number is over "
                       "what an archive holds",
                       e->path);
    if (type_of(e, &h.typeflag, err) < 0 || finish_entry(w, err) < 0)
        return -1;
    put_values(&h, &pax, e, size);
    if (put_xattrs(&pax, e, err) < 0 || mb_buf_check(&pax, e->path, err) < 0)
        return -1;
    seal(&h);
    if (pax.len > 0 && write_pax(w, &pax, err) < 0)
        return -1;
    w->left = size;
    w->padding = padding_of(size);
    return mb_sink_put(&w->out, &h, sizeof(h), err);
}

int mb_tar_writer_data(struct mb_tar_writer *w, const void *data, size_t len,
                       struct mb_error *err)
{
    BUG_ON(len > w->left);
    w->left -= len;
    return mb_sink_put(&w->out, data, len, err);
}

int mb_tar_writer_data_fd(struct mb_tar_writer *w, int fd, struct mb_error *err)
{
    _cleanup_free_ uint8_t *chunk = w->left ? mb_xmalloc(COPY_BYTES) : NULL;

    while (w->left > 0) {
        size_t want = w->left < COPY_BYTES ? (size_t)w->left : COPY_BYTES;
        ssize_t n = mb_read(fd, chunk, want);

        if (n < 0)
            return mb_fail_errno(err, "read file data");
        if (n == 0)
            return mb_fail(err, MB_ERR_CORRUPT,
                           "the file became shorter while it was read");
        if (mb_tar_writer_data(w, chunk, (size_t)n, err) < 0)
            return -1;
    }
    return 0;
}

int mb_tar_writer_end(struct mb_tar_writer *w, struct mb_error *err)
{
    if (finish_entry(w, err) < 0)
        return -1;
    return mb_sink_put(&w->out, zeros, sizeof(zeros), err);
}
