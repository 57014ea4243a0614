/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_client - the agent's side of mbcluster-step, the holder of all namespaces.
 *
 * One helper process serves any number of threads: each call is one worker process
 * inside the helper's user namespace, over a reply socket of its own. Layers live in
 * DIR/layers, owned by the first subordinate id; the agent itself never opens a file in
 * there:
 *
 *   layers/sha256/<diffID hex>/fs           an extracted or made layer, an overlay
 * lower layers/tmp/<helper>/<work id>/{fs,work} a layer in the making
 *
 * Dies with the helper: killing it ends every step and mount. When the helper is gone,
 * each call is UNAVAILABLE ("step helper ended: ...") and step_client_start() may be
 * called again.
 */
#ifndef AGENT_STEP_CLIENT_H
#define AGENT_STEP_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "fs/sink.h"
#include "oci/digest.h"
#include "oci/platform.h"
#include "proto/session.h"
#include "proto/task.h"

struct step_client;
struct step_client_opts {
    const char *program;   /* mbcluster-step; NULL: beside this program, else libexec */
    const char *state_dir; /* holds layers/ */
    const char *runtime;   /* OCI runtime, "crun" looked up in PATH */
    const char *qemu_dir;  /* directory of qemu-<arch>-static; NULL: /usr/bin */
    bool emulate;          /* register emulators */
};
/* Errors say how to mend: no subordinate ids ("usermod --add-subuids ..."), no user
 * namespaces, no runtime. */
int step_client_start(const struct step_client_opts *opts, struct step_client **ret,
                      struct mb_error *err) _must_check_;
void step_client_free(struct step_client *c); /* ends the helper and waits for it */
DEFINE_CLEANUP(struct step_client *, step_client_free)
bool step_client_alive(struct step_client *c);
/* Platforms that were proved by running a tiny program of each, native ones first;
 * fills list, caller frees it by mb_wire_done of a struct mb_agent_info or by hand.
 * @qemu_version malloc'ed or NULL. */
int step_client_probe(struct step_client *c, struct mb_agent_platform **ret,
                      size_t *ret_n, char **ret_qemu_version, struct mb_error *err)
    _must_check_;

/* A file system state: diffIDs, bottom first. */
struct step_state {
    const struct mb_digest *diff_ids;
    size_t n;
};
/* A cancel flag may be set by any thread; the call then kills its worker and is
 * CANCELLED. */
typedef void step_log_fn(int stream, const void *data, size_t len, void *arg);
struct step_call {
    const atomic_bool *cancel; /* borrowed; may be NULL */
    step_log_fn *log;          /* may be NULL */
    void *log_arg;
    const struct step_state *sources; /* RUN: what its mounts' `source` counts in */
    size_t n_sources;
};

/* Is the layer extracted already? */
int step_has_layer(struct step_client *c, const struct mb_digest *diff_id, bool *ret,
                   struct mb_error *err) _must_check_;
/* Extract a layer from its plain tar: @feed writes the tar into the sink it is given
 * and returns only after verifying the diffID; its failure discards the layer. */
typedef int step_feed_fn(const struct mb_sink *out, void *arg, struct mb_error *err);
int step_unpack(struct step_client *c, const struct step_call *call,
                const struct mb_digest *diff_id, step_feed_fn *feed, void *arg,
                struct mb_error *err) _must_check_;

/* A step on top of the state; the change lands in work directory *ret_work, which must
 * be committed or discarded. */
#define STEP_WORK_ID_LEN 32
/* RUN. *ret_exit: the command's status; not 0 is not an error of the call. EMULATION
 * when QEMU itself failed. The container: own pid, mount, ipc, uts (and net for "none")
 * namespaces, seccomp, no new privileges, default capabilities; stubs of the runtime
 * are removed again. */
int step_run(struct step_client *c, const struct step_call *call,
             const struct step_state *state, const struct mb_step *step,
             const struct mb_platform *platform, char ret_work[STEP_WORK_ID_LEN + 1],
             int *ret_exit, struct mb_error *err) _must_check_;
/* COPY from @source. NOT_FOUND names the pattern: "\"/x\": not found". */
int step_copy(struct step_client *c, const struct step_call *call,
              const struct step_state *state, const struct step_state *source,
              const struct mb_step *step, char ret_work[STEP_WORK_ID_LEN + 1],
              struct mb_error *err) _must_check_;
/* WORKDIR: *ret_made false (and no work directory) when it is there already. */
int step_workdir(struct step_client *c, const struct step_call *call,
                 const struct step_state *state, const struct mb_step *step,
                 char ret_work[STEP_WORK_ID_LEN + 1], bool *ret_made,
                 struct mb_error *err) _must_check_;

/* The change as a layer's plain tar (fs/layer_diff.h) into @out, called in this thread.
 */
int step_diff(struct step_client *c, const struct step_call *call, const char *work,
              bool clamp_mtime, int64_t max_mtime_sec, const struct mb_sink *out,
              struct mb_error *err) _must_check_;
/* Name the work directory as that layer (there already: the work is dropped). */
int step_commit(struct step_client *c, const char *work,
                const struct mb_digest *diff_id, struct mb_error *err) _must_check_;
int step_discard(struct step_client *c, const char *work, struct mb_error *err)
    _must_check_;

#endif
