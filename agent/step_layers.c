/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on layers and work directories. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/step_client_impl.h"
#include "base/fd.h"
#include "base/mem.h"

#define CHUNK_BYTES (64 * 1024)

int step_client_probe(struct step_client *c, struct mb_agent_platform **ret,
                      size_t *ret_n, char **ret_qemu_version, struct mb_error *err)
{
    struct step_request rq = {.op = STEP_OP_PROBE};
    struct step_reply r = {0};

    if (step_simple(c, NULL, &rq, &r, err) < 0)
        return mb_wrap(err, "probe platforms");
    *ret_n = r.n_platforms;
    *ret = steal_ptr(r.platforms);
    r.n_platforms = 0;
    *ret_qemu_version = steal_ptr(r.qemu_version);
    mb_wire_done(&step_reply_schema, &r);
    return 0;
}

int step_has_layer(struct step_client *c, const struct mb_digest *diff_id, bool *ret,
                   struct mb_error *err)
{
    struct step_request rq = {.op = STEP_OP_HAS_LAYER, .diff_id = *diff_id};
    struct step_reply r = {0};

    if (step_simple(c, NULL, &rq, &r, err) < 0)
        return -1;
    *ret = r.yes;
    mb_wire_done(&step_reply_schema, &r);
    return 0;
}

static int without_result(struct step_client *c, const struct step_request *rq,
                          struct mb_error *err)
{
    struct step_reply r = {0};

    if (step_simple(c, NULL, rq, &r, err) < 0)
        return -1;
    mb_wire_done(&step_reply_schema, &r);
    return 0;
}

int step_commit(struct step_client *c, const char *work,
                const struct mb_digest *diff_id, struct mb_error *err)
{
    struct step_request rq = {
        .op = STEP_OP_COMMIT, .work = (char *)(uintptr_t)work, .diff_id = *diff_id};

    return without_result(c, &rq, err);
}

int step_discard(struct step_client *c, const char *work, struct mb_error *err)
{
    struct step_request rq = {.op = STEP_OP_DISCARD, .work = (char *)(uintptr_t)work};

    return without_result(c, &rq, err);
}

/* --- UNPACK --- */

static int worker_stopped(struct step_conn *k, struct mb_error *err)
{
    k->stopped = true;
    return mb_fail(err, MB_ERR_UNAVAILABLE, "the layer's worker has stopped");
}

/* The sink that the feeder writes to. */
static int feed_data(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct step_conn *k = arg;
    const char *p = data;

    while (len > 0) {
        struct pollfd pf[] = {{.fd = k->data_fd, .events = POLLOUT},
                              {.fd = k->reply_fd, .events = POLLIN}};
        ssize_t n;

        if (step_conn_poll(k, pf, ARRAY_SIZE(pf), err) < 0)
            return -1;
        if (pf[1].revents)
            return worker_stopped(k, err);
        n = send(k->data_fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0 && errno == EPIPE)
            return worker_stopped(k, err);
        if (n < 0)
            return mb_fail_errno(err, "send a layer to the step helper");
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A worker that stopped by itself says why; that tells more than what the feeder saw.
 */
static void prefer_reply(struct step_conn *k, struct mb_error *err)
{
    struct step_reply r = {0};
    struct mb_error said;

    if (!k->stopped)
        return;
    if (step_conn_reply(k, &r, &said) < 0)
        *err = said;
    mb_wire_done(&step_reply_schema, &r);
}

int step_unpack(struct step_client *c, const struct step_call *call,
                const struct mb_digest *diff_id, step_feed_fn *feed, void *arg,
                struct mb_error *err)
{
    struct step_request rq = {.op = STEP_OP_UNPACK, .diff_id = *diff_id};
    _cleanup_conn_ struct step_conn k = STEP_CONN_INIT;
    struct step_reply r = {0};

    if (step_conn_begin(c, call, &rq, true, &k, err) < 0)
        return -1;
    const struct mb_sink sink = {.fn = feed_data, .arg = &k};
    if (feed(&sink, arg, err) < 0) {
        prefer_reply(&k, err);
        step_conn_cancel(&k);
        return -1;
    }
    close(steal_fd(&k.data_fd)); /* the end of the layer */
    if (step_send(k.reply_fd, STEP_GO, strlen(STEP_GO), NULL, 0, err) < 0
        && err->code != MB_ERR_UNAVAILABLE)
        return -1;
    if (step_conn_reply(&k, &r, err) < 0)
        return -1;
    mb_wire_done(&step_reply_schema, &r);
    return 0;
}

/* --- DIFF --- */

static int receive_data(struct step_conn *k, const struct mb_sink *out,
                        struct mb_error *err)
{
    _cleanup_free_ char *chunk = mb_xmalloc(CHUNK_BYTES);

    for (;;) {
        struct pollfd p = {.fd = k->data_fd, .events = POLLIN};
        ssize_t n;

        if (step_conn_poll(k, &p, 1, err) < 0)
            return -1;
        n = mb_read(k->data_fd, chunk, CHUNK_BYTES);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return 0;
        if (n < 0)
            return mb_fail_errno(err, "read a layer from the step helper");
        if (mb_sink_put(out, chunk, (size_t)n, err) < 0)
            return -1;
    }
}

int step_diff(struct step_client *c, const struct step_call *call, const char *work,
              bool clamp_mtime, int64_t max_mtime_sec, const struct mb_sink *out,
              struct mb_error *err)
{
    struct step_request rq = {.op = STEP_OP_DIFF,
                              .work = (char *)(uintptr_t)work,
                              .clamp_mtime = clamp_mtime,
                              .max_mtime_sec = max_mtime_sec};
    _cleanup_conn_ struct step_conn k = STEP_CONN_INIT;
    struct step_reply r = {0};

    if (step_conn_begin(c, call, &rq, true, &k, err) < 0)
        return -1;
    if (receive_data(&k, out, err) < 0) {
        step_conn_cancel(&k);
        return -1;
    }
    if (step_conn_reply(&k, &r, err) < 0)
        return -1;
    mb_wire_done(&step_reply_schema, &r);
    return 0;
}
