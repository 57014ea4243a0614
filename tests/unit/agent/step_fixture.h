/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_fixture - a running helper over a state directory, with busybox bases extracted.
 *
 * The bases are an image layout in the directory that the environment variable
 * MB_TEST_BASES names, as tests/support/make-bases makes it.
 */
#ifndef STEP_FIXTURE_H
#define STEP_FIXTURE_H

#include "mb_test.h"

#include "agent/step_client.h"
#include "base/limits.h"
#include "base/mem.h"
#include "fs/tar_writer.h"

struct fixture {
    char path[64]; /* the state directory's parent */
    char *state_dir;
    struct step_client *c;
    struct mb_digest amd64, s390x; /* the only layer of each base */
};

/* For a group of tests: *state is the fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Why the tests cannot run here, or NULL. */
const char *fixture_missing(void);
/* Start the helper again, after it was ended. */
void fixture_restart(struct fixture *f);

struct mb_platform fixture_platform(const char *text);
/* The layer of a base image as plain tar, fed to @out. */
int fixture_feed_base(const char *platform, const struct mb_sink *out,
                      struct mb_digest *ret, struct mb_error *err);

/* A step that runs `sh -c script` (argv[0] is "/bin/sh"); freed by
 * mb_strv_done(&s.argv). */
struct mb_step fixture_sh(const char *script);

/* What a step said; give &l.call to step_run. */
struct log {
    struct step_call call;
    struct mb_buf text;
    /* Called for each piece of output, when set. */
    void (*on_output)(struct log *l, void *arg);
    void *arg;
};
void log_init(struct log *l);

/* A file of a layer made for a test; content NULL for what has none. */
struct layer_file {
    struct mb_tar_entry e;
    const char *content;
};
/* Extract a layer of these files. */
struct mb_digest fixture_layer(struct fixture *f, const struct layer_file *files,
                               size_t n);

/* The tar of a work directory: its digest, and one line per entry: "name mode uid:gid
 * mtime". */
struct mb_digest fixture_diff(struct fixture *f, const char *work, bool clamp,
                              char **ret_names);

#endif
