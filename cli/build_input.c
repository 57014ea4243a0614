/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the Dockerfile is, as buildx has it: -f is a path of this machine for a
 * directory, and for what is fetched a path in there unless it is absolute; "-" is
 * standard input, and http(s) an address. A context that turns out to be a Dockerfile
 * is one, with no files beside it.
 */
#include "cli/build_input.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/transfer.h"
#include "registry/fetch.h"

static int read_url(const char *url, struct mb_buf *ret, struct mb_error *err)
{
    _cleanup_close_ int fd = -1;

    if (transfer_temp_file(&fd, err) < 0
        || mb_fetch_url(url, MB_DOCKERFILE_BYTES_MAX, NULL, fd, err) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return mb_fail_errno(err, "temporary file");
    return mb_read_to_end(fd, ret, err);
}

/* -f of a local context, and what is no path of a fetched one. */
static int read_named(struct build_options *o, struct mb_buf *ret, struct mb_error *err)
{
    if (strcmp(o->dockerfile, "-") == 0) {
        if (mb_read_to_end(STDIN_FILENO, ret, err) < 0)
            return mb_wrap(err, "Dockerfile from standard input");
        return 0;
    }
    if (strstr(o->dockerfile, "://") ? read_url(o->dockerfile, ret, err)
                                     : mb_read_file(AT_FDCWD, o->dockerfile, ret, err))
        return mb_wrap(err, "Dockerfile");
    return 0;
}

/* Dockerfile, else dockerfile, of the context. */
static int read_default(struct build_options *o, struct mb_buf *ret,
                        struct mb_error *err)
{
    static const char *const names[] = {"Dockerfile", "dockerfile"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (context_source_read(&o->source, names[i], ret, err) == 0) {
            if (o->source.kind == CONTEXT_DIR)
                o->dockerfile = mb_path_join(o->context_dir, names[i]);
            return 0;
        }
        if (err->code != MB_ERR_NOT_FOUND)
            return mb_wrap(err, "Dockerfile");
    }
    return mb_fail(err, MB_ERR_NOT_FOUND,
                   "there is no Dockerfile in \"%s\": name another with -f FILE",
                   o->context_dir);
}

static int check_stdin(const struct build_options *o, struct mb_error *err)
{
    if (o->source.kind == CONTEXT_STDIN && o->dockerfile
        && strcmp(o->dockerfile, "-") == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "invalid argument: can't use stdin for both build context and "
                       "dockerfile");
    return 0;
}

static bool is_in_context(const struct build_options *o)
{
    return o->source.kind != CONTEXT_DIR && o->dockerfile[0] != '/'
           && strcmp(o->dockerfile, "-") != 0 && !strstr(o->dockerfile, "://");
}

static int read_dockerfile(struct build_options *o, struct mb_buf *ret,
                           struct mb_error *err)
{
    if (o->source.has_text) {
        if (o->dockerfile)
            return mb_fail(err, MB_ERR_INVALID,
                           "ambiguous Dockerfile source: both \"%s\" and -f are "
                           "Dockerfiles",
                           o->context_dir);
        mb_buf_add(ret, o->source.text.data ? o->source.text.data : "",
                   o->source.text.len);
        return 0;
    }
    if (!o->dockerfile)
        return read_default(o, ret, err);
    if (!is_in_context(o))
        return read_named(o, ret, err);
    if (context_source_read(&o->source, o->dockerfile, ret, err) < 0)
        return mb_wrap(err, "Dockerfile");
    return 0;
}

static int check_dir(const char *path, struct mb_error *err)
{
    _cleanup_close_ int dir_fd = -1;

    return mb_open_dir(AT_FDCWD, path, &dir_fd, err);
}

static int open_named(struct build_options *o, struct mb_error *err)
{
    const struct mb_build_request *r = &o->request;

    o->named = mb_xcalloc(r->n_contexts + 1, sizeof(*o->named));
    for (; o->n_named < r->n_contexts; o->n_named++) {
        struct context_source *s = &o->named[o->n_named];
        const struct mb_named_context *c = &r->contexts[o->n_named];

        if (strcmp(c->kind, MB_CONTEXT_LOCAL) != 0)
            continue;
        if (context_source_open(c->value, s, err) < 0
            || (s->kind == CONTEXT_DIR && check_dir(s->dir, err) < 0))
            return mb_wrap(err, "--build-context %s", c->name);
        if (s->has_text)
            return mb_fail(err, MB_ERR_INVALID, "--build-context %s=%s is no archive",
                           c->name, c->value);
    }
    return 0;
}

int build_input_read(struct build_options *o, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    enum context_kind kind;

    if (context_kind_of(o->context_dir, &kind, err) < 0)
        return -1;
    o->source.kind = kind;
    if (check_stdin(o, err) < 0)
        return -1;
    if (kind == CONTEXT_DIR && check_dir(o->context_dir, err) < 0)
        return mb_wrap(err, "build context");
    if (context_source_open(o->context_dir, &o->source, err) < 0
        || read_dockerfile(o, &text, err) < 0 || open_named(o, err) < 0)
        return -1;
    if (text.len == 0)
        return mb_fail(err, MB_ERR_INVALID, "the Dockerfile (%s) is empty",
                       o->request.dockerfile_name);
    o->request.dockerfile.len = text.len;
    o->request.dockerfile.data = mb_buf_steal(&text);
    return 0;
}
