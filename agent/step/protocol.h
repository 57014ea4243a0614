/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol - what the agent and mbcluster-step say to each other.
 *
 * Sequenced-packet sockets, one message per datagram, in the agent's msgpack tables.
 * Control socket (fd 3 of the helper): first one step_init with the state directory's
 * descriptor, answered by one step_reply on the same socket; then step_requests, each
 * with a reply socket and, where the operation has one, a data socket. The end of the
 * control socket ends the helper; the end of a reply socket cancels that request.
 *
 * Reply socket, in this order:
 *   RUN            worker: STEP_LOGS with the read ends of stdout and stderr
 *   UNPACK         agent: STEP_GO when the data were as promised
 *   all            worker: one step_reply, then the end
 */
#ifndef STEP_PROTOCOL_H
#define STEP_PROTOCOL_H

#include "base/limits.h"
#include "proto/session.h"
#include "proto/task.h"

#define STEP_CONTROL_FD 3
#define STEP_MSG_BYTES_MAX (MB_MSG_BYTES_MAX + 64 * MB_KIB)
#define STEP_FDS_MAX 2
#define STEP_GO "go"
#define STEP_LOGS "logs"
#define STEP_RESOLV_BYTES_MAX (16 * MB_KIB)

enum step_op {
    STEP_OP_PROBE = 1,
    STEP_OP_HAS_LAYER,
    STEP_OP_UNPACK,
    STEP_OP_RUN,
    STEP_OP_COPY,
    STEP_OP_WORKDIR,
    STEP_OP_DIFF,
    STEP_OP_COMMIT,
    STEP_OP_DISCARD,
};
#define STEP_OP_MAX STEP_OP_DISCARD

struct step_init {
    char *runtime;  /* path of the OCI runtime */
    char *qemu_dir; /* absolute */
    bool emulate;
};
struct step_source {
    struct mb_bytes layers; /* diffIDs, 32 bytes each, bottom first */
};
struct step_request {
    uint64_t op;
    char *work;               /* DIFF, COMMIT, DISCARD */
    struct mb_digest diff_id; /* HAS_LAYER, UNPACK, COMMIT */
    struct mb_bytes state;    /* diffIDs, 32 bytes each, bottom first */
    struct mb_bytes source;   /* COPY */
    struct mb_step step;
    struct mb_platform platform;
    char *resolv_conf; /* RUN: text for /etc/resolv.conf */
    bool clamp_mtime;
    int64_t max_mtime_sec;
    struct step_source *sources; /* RUN: what its mounts refer to */
    size_t n_sources;
};
struct step_reply {
    uint64_t code; /* enum mb_errc */
    uint64_t sys_errno;
    char *message;
    char *work;                          /* of what the operation made */
    uint64_t exit;                       /* RUN */
    bool emulated;                       /* RUN */
    bool yes;                            /* HAS_LAYER: there; WORKDIR: made */
    struct mb_agent_platform *platforms; /* PROBE */
    size_t n_platforms;
    char *qemu_version; /* PROBE; NULL: none */
};

extern const struct mb_wire_schema step_init_schema, step_request_schema,
    step_reply_schema;

void step_reply_set_error(struct step_reply *r, const struct mb_error *e);
/* 0 when the reply is no error, else -1 with its code and message. */
int step_reply_check(const struct step_reply *r, struct mb_error *err) _must_check_;

/* --- datagrams with descriptors --- */

/* Never raises SIGPIPE. UNAVAILABLE when the other side is gone, LIMIT. */
int step_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds,
              struct mb_error *err) _must_check_;
/* Encode and send. */
int step_send_msg(int sock, const struct mb_wire_schema *s, const void *msg,
                  const int *fds, size_t n_fds, struct mb_error *err) _must_check_;
/* Blocks for one datagram. *ret_len 0 and no descriptors: the end. @fds gets at most
 * STEP_FDS_MAX, the rest -1; the caller owns them and frees *ret. PROTOCOL, IO. */
int step_recv(int sock, void **ret, size_t *ret_len, int fds[STEP_FDS_MAX],
              struct mb_error *err) _must_check_;
/* A pair of sequenced-packet sockets with room for STEP_MSG_BYTES_MAX, both CLOEXEC. */
int step_socketpair(int ret[2], struct mb_error *err) _must_check_;

#endif
