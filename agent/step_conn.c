/* SPDX-License-Identifier: Apache-2.0 */
/* One request of step_client: its sockets, its reply, its cancellation. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/step_client_impl.h"
#include "base/mem.h"

#define CANCEL_LOOK_MSEC 50 /* a flag has no descriptor to wait for */
#define CANCEL_END_MSEC (30 * 1000)

void step_conn_done(struct step_conn *k)
{
    mb_cleanup_close(&k->reply_fd);
    mb_cleanup_close(&k->data_fd);
    k->reply_fd = k->data_fd = -1;
}

struct mb_bytes step_state_bytes(const struct step_state *s)
{
    return (struct mb_bytes){.data = (void *)(uintptr_t)s->diff_ids,
                             .len = s->n * sizeof(struct mb_digest)};
}

static void close_pair(int pair[2])
{
    mb_cleanup_close(&pair[0]);
    mb_cleanup_close(&pair[1]);
}

int step_conn_begin(struct step_client *c, const struct step_call *call,
                    const struct step_request *rq, bool with_data,
                    struct step_conn *ret, struct mb_error *err)
{
    int reply[2] = {-1, -1};
    int data[2] = {-1, -1};

    if (step_socketpair(reply, err) < 0)
        return -1;
    if (with_data && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, data) < 0) {
        mb_fail_errno(err, "create a socket pair");
        close_pair(reply);
        return -1;
    }
    const int theirs[STEP_FDS_MAX] = {reply[1], data[1]};
    if (step_send_msg(step_client_control_fd(c), &step_request_schema, rq, theirs,
                      with_data ? 2 : 1, err)
        < 0) {
        close_pair(reply);
        close_pair(data);
        return err->code == MB_ERR_UNAVAILABLE ? step_client_ended(c, err) : -1;
    }
    mb_cleanup_close(&reply[1]);
    mb_cleanup_close(&data[1]);
    *ret = (struct step_conn){
        .client = c, .call = call, .reply_fd = reply[0], .data_fd = data[0]};
    return 0;
}

static bool is_cancelled(const struct step_conn *k)
{
    return k->call && k->call->cancel && atomic_load(k->call->cancel);
}

int step_conn_poll(const struct step_conn *k, struct pollfd *p, nfds_t n,
                   struct mb_error *err)
{
    int timeout = k->call && k->call->cancel ? CANCEL_LOOK_MSEC : -1;

    for (;;) {
        int got;

        if (is_cancelled(k))
            return mb_fail(err, MB_ERR_CANCELLED, "cancelled");
        got = poll(p, n, timeout);
        if (got > 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return mb_fail_errno(err, "wait for the step helper");
    }
}

static int worker_ended(struct step_conn *k, struct mb_error *err)
{
    /* Of a helper that was killed, this worker may be the first to be seen to end. */
    if (step_client_ends_soon(k->client))
        return step_client_ended(k->client, err);
    return mb_fail(err, MB_ERR_UNAVAILABLE,
                   "the step's worker ended without an answer");
}

int step_conn_take(struct step_conn *k, struct step_reply *ret, int fds[STEP_FDS_MAX],
                   bool *ret_done, struct mb_error *err)
{
    _cleanup_free_ void *msg = NULL;
    struct step_reply r = {0};
    size_t len = 0;

    if (step_recv(k->reply_fd, &msg, &len, fds, err) < 0)
        return -1;
    if (len == 0)
        return worker_ended(k, err);
    if (len == strlen(STEP_LOGS) && memcmp(msg, STEP_LOGS, len) == 0)
        return 0;
    if (mb_wire_decode(&step_reply_schema, msg, len, &r, err) < 0)
        return -1;
    if (step_reply_check(&r, err) < 0) {
        mb_wire_done(&step_reply_schema, &r);
        return -1;
    }
    *ret = r;
    *ret_done = true;
    return 0;
}

void step_conn_cancel(struct step_conn *k)
{
    struct pollfd p = {.fd = k->reply_fd, .events = POLLIN};
    struct mb_error ignored;

    (void)shutdown(k->reply_fd, SHUT_WR);
    mb_cleanup_close(&k->data_fd); /* a worker that writes to it must not wait */
    k->data_fd = -1;
    for (;;) {
        _cleanup_free_ void *msg = NULL;
        int fds[STEP_FDS_MAX];
        size_t len = 0;
        int n = poll(&p, 1, CANCEL_END_MSEC);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || step_recv(k->reply_fd, &msg, &len, fds, &ignored) < 0 || len == 0)
            return;
        for (size_t i = 0; i < STEP_FDS_MAX; i++)
            mb_cleanup_close(&fds[i]);
    }
}

int step_conn_reply(struct step_conn *k, struct step_reply *ret, struct mb_error *err)
{
    bool done = false;

    while (!done) {
        struct pollfd p = {.fd = k->reply_fd, .events = POLLIN};
        int fds[STEP_FDS_MAX] = {-1, -1};
        int rc = step_conn_poll(k, &p, 1, err);

        if (rc < 0) {
            step_conn_cancel(k);
            return -1;
        }
        rc = step_conn_take(k, ret, fds, &done, err);
        for (size_t i = 0; i < STEP_FDS_MAX; i++)
            mb_cleanup_close(&fds[i]);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int step_simple(struct step_client *c, const struct step_call *call,
                const struct step_request *rq, struct step_reply *ret,
                struct mb_error *err)
{
    _cleanup_conn_ struct step_conn k = STEP_CONN_INIT;

    if (step_conn_begin(c, call, rq, false, &k, err) < 0)
        return -1;
    return step_conn_reply(&k, ret, err);
}
