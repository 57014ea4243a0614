/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress - what a build looks like on stderr while it runs: one model of vertices,
 * two ways to show it (plain lines as buildx prints them, and a terminal view).
 *
 * Time comes in as a parameter.  Text from the coordinator is made harmless before it
 * is shown. Vertices are numbered in the order in which they are first shown.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/build.h"

enum progress_mode {
    PROGRESS_AUTO = 0, /* TTY when the descriptor is a terminal, else PLAIN */
    PROGRESS_TTY,
    PROGRESS_PLAIN,
    PROGRESS_QUIET, /* the image id only */
    PROGRESS_NONE,
};
/* INVALID names the modes. */
int progress_mode_parse(const char *text, enum progress_mode *ret, struct mb_error *err)
    _must_check_;

struct progress;
/* Writes to @fd (borrowed). */
struct progress *progress_new(enum progress_mode mode, int fd, uint64_t now_usec);
/* "building with ...": the line #0, shown before the first vertex. */
void progress_title(struct progress *p, const char *title);
void progress_free(struct progress *p); /* leaves the terminal in order */
DEFINE_CLEANUP(struct progress *, progress_free)

void progress_vertex(struct progress *p, const struct mb_build_vertex *v,
                     uint64_t now_usec);
void progress_log(struct progress *p, const struct mb_build_log *l, uint64_t now_usec);
void progress_status(struct progress *p, const struct mb_build_status *s,
                     uint64_t now_usec);
/* A few times a second: what was held back, moving clocks. */
void progress_tick(struct progress *p, uint64_t now_usec);

/* The client's own work as a vertex; the id is for progress_local_* only. */
uint64_t progress_local_begin(struct progress *p, const char *name, uint64_t now_usec);
/* "transferring context: 3.4kB"; total 0: not known. */
void progress_local_status(struct progress *p, uint64_t id, const char *what,
                           uint64_t current, uint64_t total, bool done,
                           uint64_t now_usec);
void progress_local_end(struct progress *p, uint64_t id, enum mb_vertex_state state,
                        const char *error, uint64_t now_usec);

/* No more vertices: print what is left; vertices still open end as they are. */
void progress_end(struct progress *p, uint64_t now_usec);
/* A line by itself, after progress_end() or before the first vertex. */
void progress_note(struct progress *p, const char *label, const char *text);
/* The trailer of a failed build: the failing vertex's last lines, the place in the
 * Dockerfile
 * ("NAME:LINE" in @source, may be NULL), and "ERROR: ...".  Also in quiet modes. */
void progress_failure(struct progress *p, const struct mb_build_done *done,
                      const struct mb_bytes *dockerfile);

#endif
