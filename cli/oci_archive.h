/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci_archive - an image in a blob store as an OCI layout, in a tar or as a directory.
 * Spec: image-spec image-layout.md.
 *
 * index.json has one descriptor: the image's index (nested), or its manifest.  The
 * archive's bytes depend on the image, its name and the time given, on nothing else.
 */
#ifndef CLI_OCI_ARCHIVE_H
#define CLI_OCI_ARCHIVE_H

#include "cli/image_fetch.h"
#include "fs/sink.h"

struct oci_archive {
    struct mb_blob_store *store; /* borrowed */
    struct mb_descriptor root;
    const struct blob_list *blobs; /* borrowed; sorted */
    const char *name; /* full reference "docker.io/library/app:1", or NULL; borrowed */
    const char *tag;  /* "1", or NULL; borrowed */
    int64_t mtime_sec;
};
int oci_archive_write(const struct oci_archive *a, const struct mb_sink *out,
                      struct mb_error *err) _must_check_;
/* What can be said of @path before there is anything to write: it is no directory, and
 * its own directory is there. */
int oci_archive_check_dest(const char *path, struct mb_error *err) _must_check_;
/* To @path: temporary name beside it, fsync, rename; "-" is standard output; what is no
 * regular file is written to as it is. */
int oci_archive_write_file(const struct oci_archive *a, const char *path,
                           struct mb_error *err) _must_check_;
/* The two documents of a layout whose blobs are in the directory already, index.json
 * last. */
int oci_layout_finish(const struct oci_archive *a, const char *dir,
                      struct mb_error *err) _must_check_;

#endif
