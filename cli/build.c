/* SPDX-License-Identifier: Apache-2.0 */
/* build - the verb: options and Dockerfile in, progress and results out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/build_input.h"
#include "cli/build_options.h"
#include "cli/build_run.h"
#include "cli/call.h"
#include "cli/metadata.h"
#include "cli/oci_archive.h"
#include "cli/state_dir.h"
#include "cli/verbs.h"

static int read_input(struct build_options *o, struct mb_error *err)
{
    if (build_input_read(o, err) < 0)
        return -1;
    if (o->iid_file && unlink(o->iid_file) < 0 && errno != ENOENT)
        return mb_fail_errno(err, "remove the old --iidfile %s", o->iid_file);
    return 0;
}

static int check_output(const struct output_spec *o, struct mb_error *err)
{
    if (o->type != OUTPUT_OCI || !o->tar)
        return 0;
    if (strcmp(o->dest, "-") != 0) {
        if (oci_archive_check_dest(o->dest, err) < 0)
            return mb_wrap(err, "write the OCI archive");
    } else if (isatty(STDOUT_FILENO)) {
        return mb_fail(
            err, MB_ERR_INVALID,
            "dest file is required for the OCI archive: refusing to write it to "
            "a terminal");
    }
    return 0;
}

/* Better now than when all is built. */
static int check_outputs(const struct build_options *o, struct mb_error *err)
{
    for (size_t i = 0; i < o->n_outputs; i++)
        if (check_output(&o->outputs[i], err) < 0)
            return -1;
    return 0;
}

static void show_warnings(struct progress *p, const struct mb_build_done *done)
{
    _cleanup_free_ char *head = NULL;

    if (done->warnings.n == 0)
        return;
    head = mb_xasprintf("%zu warning%s found:", done->warnings.n,
                        done->warnings.n == 1 ? "" : "s");
    progress_note(p, "\n ", head);
    for (size_t i = 0; i < done->warnings.n; i++)
        progress_note(p, " - ", done->warnings.v[i]);
}

static int show_result(const struct build_options *o, struct progress *p,
                       const struct mb_build_done *done)
{
    struct mb_digest id = metadata_image_id(done);
    char text[MB_DIGEST_TEXT_LEN + 1];
    struct mb_error err;

    show_warnings(p, done);
    if (metadata_write(o->metadata_file, o->iid_file, done, &o->request.tags, &err) < 0)
        return verb_failed(&err);
    if (o->quiet
        && (printf("%s\n", mb_digest_text(&id, text)) < 0 || fflush(stdout) != 0))
        return EXIT_FAILED;
    return 0;
}

static int show_failure(const struct build_options *o, struct progress *p,
                        const struct mb_build_done *done, struct mb_error *err)
{
    struct mb_build_done plain = {.code = err->code, .message = err->msg};

    if (done && !done->ok)
        show_warnings(p, done);
    progress_failure(p, done && !done->ok ? done : &plain, &o->request.dockerfile);
    return EXIT_FAILED;
}

static int run(struct build_options *o, const char *state_dir)
{
    const struct client_opts opts = {.cluster = o->cluster, .state_dir = o->state_dir};
    _cleanup_(progress_freep) struct progress *p =
        progress_new(o->progress, STDERR_FILENO, mb_now_usec());
    _cleanup_(build_run_freep) struct build_run *b = build_run_new(o, p, state_dir);
    const struct mb_build_done *done = NULL;
    struct client *client = NULL;
    _cleanup_free_ char *title = NULL;
    struct mb_error err;
    int r;

    for (size_t i = 0; i < o->notes.n; i++)
        progress_note(p, "WARNING: ", o->notes.v[i]);
    if (client_open(&opts, &build_run_ops, b, &client, &err) < 0)
        return show_failure(o, p, NULL, &err);
    title = client_title(client);
    progress_title(p, title);
    r = build_run(b, client, &done, &err);
    progress_end(p, mb_now_usec());
    client_close(client);
    return r == 0 ? show_result(o, p, done) : show_failure(o, p, done, &err);
}

int verb_build(int argc, char **argv)
{
    _cleanup_(build_options_done) struct build_options o = {0};
    _cleanup_free_ char *state_dir = NULL;
    struct mb_error err;

    if (build_options_parse(argc, argv, &o, &err) < 0)
        return verb_usage_error("build", &err);
    if (o.help) {
        _cleanup_buf_ struct mb_buf help = MB_BUF_INIT(32 * MB_KIB);

        build_options_help(&help);
        (void)fputs(help.data, stdout);
        return 0;
    }
    mb_log_set_level(o.debug ? MB_LOG_DEBUG : MB_LOG_ERR);
    if (check_outputs(&o, &err) < 0 || read_input(&o, &err) < 0
        || state_dir_open(o.state_dir, &state_dir, &err) < 0)
        return verb_failed(&err);
    return o.call.method ? call_run(&o, state_dir) : run(&o, state_dir);
}
