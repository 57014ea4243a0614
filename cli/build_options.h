/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_options - the command line of `mbcluster build`, checked: buildx's flags with
 * buildx's meaning.  Environment: DOCKER_DEFAULT_PLATFORM, SOURCE_DATE_EPOCH,
 * BUILDKIT_PROGRESS, and the values of --build-arg NAME.
 */
#ifndef CLI_BUILD_OPTIONS_H
#define CLI_BUILD_OPTIONS_H

#include "cli/call_spec.h"
#include "cli/context_source.h"
#include "cli/output_spec.h"
#include "cli/progress.h"
#include "proto/build.h"

struct build_options {
    struct mb_build_request request; /* all but the Dockerfile's bytes */
    char *context_dir;               /* directory, address or "-", as typed */
    char *dockerfile; /* path, "-" standard input, address; NULL: in the context */
    struct context_source source; /* by build_input_read(), as is: */
    struct context_source *named; /* one for each of request.contexts; "local" ones */
    size_t n_named;
    struct output_spec *outputs;
    size_t n_outputs;
    enum progress_mode progress;
    bool quiet, debug, help;
    char *metadata_file, *iid_file; /* or NULL */
    char *cluster, *state_dir;      /* or NULL */
    struct call_spec call;          /* --call, --check */
    struct mb_strv notes;           /* for the user, before the build */
};

/* @argv without program and verb.  INVALID.  *ret is complete or untouched; with --help
 * nothing else is checked. */
int build_options_parse(int argc, char **argv, struct build_options *ret,
                        struct mb_error *err) _must_check_;
void build_options_done(struct build_options *o);
void build_options_help(struct mb_buf *out);

#endif
