/* SPDX-License-Identifier: Apache-2.0 */
/* Order in the archive: oci-layout, index.json, directories, blobs by digest. */
#include "cli/oci_archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "fs/tar_writer.h"

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define INDEX_BYTES_MAX (64 * MB_KIB)

static void make_index(const struct oci_archive *a, struct mb_buf *out)
{
    _cleanup_json_ json_t *doc = json_object();
    json_t *entry = mb_descriptor_json(&a->root);
    json_t *entries = json_array();

    if (a->name) {
        json_t *notes = json_object();

        json_object_set_new(notes, "io.containerd.image.name", json_string(a->name));
        if (a->tag)
            json_object_set_new(notes, "org.opencontainers.image.ref.name",
                                json_string(a->tag));
        json_object_set_new(entry, "annotations", notes);
    }
    json_array_append_new(entries, entry);
    json_object_set_new(doc, "schemaVersion", json_integer(2));
    json_object_set_new(doc, "mediaType", json_string(MB_MT_OCI_INDEX));
    json_object_set_new(doc, "manifests", entries);
    mb_json_write(doc, 0, false, out);
}

static int add_bytes(struct mb_tar_writer *w, const struct oci_archive *a,
                     const char *path, const void *data, size_t len,
                     struct mb_error *err)
{
    const struct mb_tar_entry e = {
        .path = path, .mode = S_IFREG | 0444, .mtime_sec = a->mtime_sec, .size = len};

    if (mb_tar_writer_entry(w, &e, err) < 0)
        return -1;
    return mb_tar_writer_data(w, data, len, err);
}

static int add_dir(struct mb_tar_writer *w, const struct oci_archive *a,
                   const char *path, struct mb_error *err)
{
    const struct mb_tar_entry e = {
        .path = path, .mode = S_IFDIR | 0755, .mtime_sec = a->mtime_sec};

    return mb_tar_writer_entry(w, &e, err);
}

static int add_blob(struct mb_tar_writer *w, const struct oci_archive *a,
                    const struct mb_descriptor *d, struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1];
    _cleanup_free_ char *path =
        mb_xasprintf("blobs/sha256/%s", mb_digest_hex(&d->digest, hex));
    struct mb_tar_entry e = {
        .path = path, .mode = S_IFREG | 0444, .mtime_sec = a->mtime_sec};
    _cleanup_close_ int fd = -1;

    if (mb_blob_store_open_blob(a->store, &d->digest, &fd, &e.size, err) < 0)
        return -1;
    if (e.size != d->size)
        return mb_fail(err, MB_ERR_CORRUPT,
                       "%s has %llu bytes, its descriptor says %llu", path,
                       (unsigned long long)e.size, (unsigned long long)d->size);
    if (mb_tar_writer_entry(w, &e, err) < 0)
        return -1;
    return mb_tar_writer_data_fd(w, fd, err);
}

int oci_archive_write(const struct oci_archive *a, const struct mb_sink *out,
                      struct mb_error *err)
{
    _cleanup_(mb_tar_writer_freep) struct mb_tar_writer *w = mb_tar_writer_new(out);
    _cleanup_buf_ struct mb_buf index = MB_BUF_INIT(INDEX_BYTES_MAX);

    make_index(a, &index);
    if (mb_buf_check(&index, "index.json", err) < 0
        || add_bytes(w, a, "oci-layout", LAYOUT_TEXT, sizeof(LAYOUT_TEXT) - 1, err) < 0
        || add_bytes(w, a, "index.json", index.data, index.len, err) < 0
        || add_dir(w, a, "blobs", err) < 0 || add_dir(w, a, "blobs/sha256", err) < 0)
        return -1;
    for (size_t i = 0; i < a->blobs->n; i++)
        if (add_blob(w, a, &a->blobs->v[i], err) < 0)
            return -1;
    return mb_tar_writer_end(w, err);
}

static int write_fd(const struct oci_archive *a, int fd, struct mb_error *err)
{
    const struct mb_sink sink = {.fn = mb_sink_to_fd, .arg = &fd};

    return oci_archive_write(a, &sink, err);
}

static int write_temporary(const struct oci_archive *a, int fd, const char *temporary,
                           const char *path, struct mb_error *err)
{
    if (write_fd(a, fd, err) < 0)
        return -1;
    if (fsync(fd) < 0)
        return mb_fail_errno(err, "write");
    if (rename(temporary, path) < 0)
        return mb_fail_errno(err, "rename");
    return 0;
}

static int write_in_place(const struct oci_archive *a, const char *path,
                          struct mb_error *err)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return mb_fail_errno(err, "open %s", path);
    if (write_fd(a, fd, err) < 0)
        return mb_wrap(err, "%s", path);
    return 0;
}

static int write_beside(const struct oci_archive *a, const char *path,
                        struct mb_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t dir_len = slash ? (size_t)(slash - path) + 1 : 0;
    _cleanup_free_ char *temporary = NULL;
    _cleanup_close_ int fd = -1;
    uint8_t random[6];
    char hex[2 * sizeof(random) + 1];

    mb_random_bytes(random, sizeof(random));
    mb_hex(random, sizeof(random), hex);
    temporary = mb_xasprintf("%.*s.%s.%s", (int)dir_len, path, path + dir_len, hex);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return mb_fail_errno(err, "make %s", temporary);
    if (write_temporary(a, fd, temporary, path, err) < 0) {
        (void)unlink(temporary);
        return mb_wrap(err, "%s", path);
    }
    return 0;
}

int oci_archive_check_dest(const char *path, struct mb_error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *dir =
        slash ? mb_xstrndup(path, (size_t)(slash - path) + 1) : mb_xstrdup(".");
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return mb_fail(err, MB_ERR_INVALID,
                       "%s is a directory: name a file, or add tar=false to the output",
                       path);
    if (access(dir, F_OK) < 0)
        return mb_fail_errno(err, "%s: directory %s", path, dir);
    return 0;
}

/* A device or a pipe, also as /dev/fd/63, is written to and never replaced. */
int oci_archive_write_file(const struct oci_archive *a, const char *path,
                           struct mb_error *err)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return write_fd(a, STDOUT_FILENO, err);
    if (oci_archive_check_dest(path, err) < 0)
        return -1;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_in_place(a, path, err);
    return write_beside(a, path, err);
}

int oci_layout_finish(const struct oci_archive *a, const char *dir,
                      struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf index = MB_BUF_INIT(INDEX_BYTES_MAX);
    _cleanup_close_ int fd = -1;

    make_index(a, &index);
    if (mb_buf_check(&index, "index.json", err) < 0
        || mb_open_dir(AT_FDCWD, dir, &fd, err) < 0
        || mb_write_file(fd, "oci-layout", LAYOUT_TEXT, sizeof(LAYOUT_TEXT) - 1, 0644,
                         err)
               < 0)
        return -1;
    return mb_write_file(fd, "index.json", index.data, index.len, 0644, err);
}
