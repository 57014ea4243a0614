/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For archives the image waits in STATE/tmp/export-XXXXXX.  What a killed process left
 * there is removed by the next export: a store's lock is held as long as its process
 * lives.
 */
#include "cli/export.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/image_fetch.h"
#include "cli/oci_archive.h"

#define WAITING "export-"

bool export_wanted(const struct build_options *opts)
{
    for (size_t i = 0; i < opts->n_outputs; i++)
        if (opts->outputs[i].type == OUTPUT_OCI)
            return true;
    return false;
}

struct export_job *export_job_new(const struct build_options *opts,
                                  const struct mb_descriptor *root, const char *url,
                                  const char *token, const char *state_dir)
{
    struct export_job *j = mb_xcalloc(1, sizeof(*j));

    j->opts = opts;
    j->root = *root;
    j->url = mb_xstrdup(url);
    j->token = mb_xstrdup(token);
    j->state_dir = mb_xstrdup(state_dir);
    return j;
}

void export_job_free(struct export_job *j)
{
    if (!j)
        return;
    free(j->url);
    free(j->token);
    free(j->state_dir);
    free(j);
}

/* Nobody holds the lock of the store in @name. */
static bool is_left_over(int tmp_fd, const char *name)
{
    _cleanup_free_ char *path = mb_path_join(name, "lock");
    _cleanup_close_ int fd = openat(tmp_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void remove_left_over(int tmp_fd)
{
    int dup_fd = openat(tmp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = dup_fd < 0 ? NULL : fdopendir(dup_fd);
    const struct dirent *e;
    struct mb_error err;

    while (dir && (e = readdir(dir)))
        if (mb_starts_with(e->d_name, WAITING) && is_left_over(tmp_fd, e->d_name))
            mb_ignore(mb_remove_tree(tmp_fd, e->d_name, &err),
                      "the next export tries again");
    if (dir)
        closedir(dir);
}

/* A new store in STATE/tmp; *ret_path is its directory. */
static int open_waiting_store(const char *state_dir, char **ret_path,
                              struct mb_blob_store **ret, struct mb_error *err)
{
    _cleanup_free_ char *tmp = mb_path_join(state_dir, "tmp");
    _cleanup_free_ char *path = mb_path_join(tmp, WAITING "XXXXXX");
    _cleanup_close_ int tmp_fd = -1;
    _cleanup_close_ int lock_fd = -1;

    if (mb_mkdir_p(AT_FDCWD, tmp, 0700, err) < 0
        || mb_open_dir(AT_FDCWD, tmp, &tmp_fd, err) < 0)
        return -1;
    /* While this is held nobody takes a store for left over that is just being made. */
    lock_fd = openat(tmp_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0)
        return mb_fail_errno(err, "lock %s", tmp);
    remove_left_over(tmp_fd);
    if (!mkdtemp(path))
        return mb_fail_errno(err, "make %s", path);
    if (mb_blob_store_open(path, ret, err) < 0) {
        (void)rmdir(path);
        return -1;
    }
    *ret_path = steal_ptr(path);
    return 0;
}

/* The name that goes with an output: its own, else the first tag. */
static int output_name(const struct export_job *j, const struct output_spec *o,
                       struct mb_reference *ret, struct mb_error *err)
{
    const char *name = o->names.n > 0                ? o->names.v[0]
                       : j->opts->request.tags.n > 0 ? j->opts->request.tags.v[0]
                                                     : NULL;

    return name ? mb_reference_parse(name, ret, err) : 0;
}

static int write_output(struct export_job *j, const struct output_spec *o,
                        struct mb_blob_store *store, const struct blob_list *blobs,
                        struct mb_error *err)
{
    _cleanup_(mb_reference_done) struct mb_reference ref = {0};
    _cleanup_free_ char *name = NULL;
    struct oci_archive a = {.store = store, .root = j->root, .blobs = blobs};

    if (output_name(j, o, &ref, err) < 0)
        return -1;
    if (ref.repository) {
        name = mb_reference_text(&ref);
        a.name = name;
        a.tag = ref.tag;
    }
    if (j->opts->request.has_source_date_epoch)
        a.mtime_sec = j->opts->request.source_date_epoch;
    return o->tar ? oci_archive_write_file(&a, o->dest, err)
                  : oci_layout_finish(&a, o->dest, err);
}

/* What is our store's own, and who may read the rest. */
static void make_plain_layout(const char *dest, const struct blob_list *blobs)
{
    _cleanup_free_ char *dir = mb_path_join(dest, "blobs/sha256");
    _cleanup_free_ char *parent = mb_path_join(dest, "blobs");
    _cleanup_close_ int fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int blobs_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char hex[MB_DIGEST_HEX_LEN + 1];
    struct mb_error err;

    if (fd < 0 || blobs_fd < 0)
        return;
    for (size_t i = 0; i < blobs->n; i++)
        if (fchmodat(blobs_fd, mb_digest_hex(&blobs->v[i].digest, hex), 0644, 0) < 0)
            return; /* the next one would not be readable either */
    (void)fchmod(blobs_fd, 0755);
    (void)chmod(parent, 0755);
    (void)unlinkat(fd, "lock", 0);
    mb_ignore(mb_remove_tree(fd, "tmp", &err), "it is empty and does no harm");
}

static int export_directory(struct export_job *j, const struct output_spec *o,
                            struct transfer *t, struct mb_error *err)
{
    _cleanup_(mb_blob_store_freep) struct mb_blob_store *store = NULL;
    _cleanup_(blob_list_done) struct blob_list blobs = {0};

    if (mb_mkdir_p(AT_FDCWD, o->dest, 0755, err) < 0
        || mb_blob_store_open(o->dest, &store, err) < 0
        || image_collect(store, &j->root, t, &blobs, err) < 0
        || write_output(j, o, store, &blobs, err) < 0)
        return -1;
    make_plain_layout(o->dest, &blobs);
    return 0;
}

static int export_archives(struct export_job *j, struct transfer *t,
                           struct mb_blob_store *store, struct mb_error *err)
{
    _cleanup_(blob_list_done) struct blob_list blobs = {0};

    if (image_collect(store, &j->root, t, &blobs, err) < 0)
        return mb_wrap(err, "fetch the image from the coordinator");
    for (size_t i = 0; i < j->opts->n_outputs; i++) {
        const struct output_spec *o = &j->opts->outputs[i];

        if (o->type == OUTPUT_OCI && o->tar
            && write_output(j, o, store, &blobs, err) < 0)
            return mb_wrap(err, "write the OCI archive");
    }
    return 0;
}

static int export_all(struct export_job *j, struct transfer *t, struct mb_error *err)
{
    _cleanup_(mb_blob_store_freep) struct mb_blob_store *store = NULL;
    _cleanup_free_ char *path = NULL;
    bool any_tar = false;
    struct mb_error ignored;
    int r;

    for (size_t i = 0; i < j->opts->n_outputs; i++) {
        const struct output_spec *o = &j->opts->outputs[i];

        any_tar = any_tar || (o->type == OUTPUT_OCI && o->tar);
        if (o->type == OUTPUT_OCI && !o->tar && export_directory(j, o, t, err) < 0)
            return mb_wrap(err, "write the OCI layout %s", o->dest);
    }
    if (!any_tar)
        return 0;
    if (open_waiting_store(j->state_dir, &path, &store, err) < 0)
        return -1;
    r = export_archives(j, t, store, err);
    mb_ignore(mb_remove_tree(AT_FDCWD, path, &ignored), "the next export tries again");
    return r;
}

void export_job_run(void *job)
{
    struct export_job *j = job;
    _cleanup_(transfer_done) struct transfer t = {0};

    j->result = -1;
    if (transfer_init(&t, j->url, j->token, &j->state, &j->error) < 0
        || export_all(j, &t, &j->error) < 0)
        return;
    j->result = 0;
}
