/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context_source - where a build context's files come from, before anything is asked of
 * the coordinator: a directory; an archive or a Dockerfile from standard input or an
 * http(s) address; a git repository. What was fetched is not trusted: archives are
 * repacked, a repository is checked out without hooks and its links are not followed.
 */
#ifndef CLI_CONTEXT_SOURCE_H
#define CLI_CONTEXT_SOURCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "oci/descriptor.h"

enum context_kind { CONTEXT_DIR, CONTEXT_STDIN, CONTEXT_URL, CONTEXT_GIT };
/* By the text alone; INVALID for a scheme that is none of these. */
int context_kind_of(const char *text, enum context_kind *ret, struct mb_error *err)
    _must_check_;

struct context_source {
    enum context_kind kind;
    char *dir;    /* its files are here; NULL: */
    bool has_tar; /* they are in this tar, all of them */
    int tar_fd;
    struct mb_descriptor tar;
    bool has_text; /* it was no archive but a Dockerfile; the context is empty */
    struct mb_buf text;
    char *temp; /* directory that context_source_done() removes, or NULL */
};
/* Fetch what is to be fetched; blocking. @text as typed. INVALID, NOT_FOUND, DENIED,
 * UNAVAILABLE, CORRUPT, LIMIT, IO. */
int context_source_open(const char *text, struct context_source *ret,
                        struct mb_error *err) _must_check_;
void context_source_done(struct context_source *s);

/* A file of the context, appended to @ret (its max is the limit). Links are followed in
 * the user's own directory only. NOT_FOUND, LIMIT, IO. */
int context_source_read(const struct context_source *s, const char *path,
                        struct mb_buf *ret, struct mb_error *err) _must_check_;

#endif
