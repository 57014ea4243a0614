/* SPDX-License-Identifier: Apache-2.0 */
/* The operations that change a state: run, copy, workdir. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/step_client_impl.h"
#include "base/fd.h"
#include "base/mem.h"

#define LOG_CHUNK_BYTES (16 * 1024)
#define SIGILL_EXIT 132
#define SIGSEGV_EXIT 139

static int take_work(const struct step_reply *r, char ret_work[STEP_WORK_ID_LEN + 1],
                     struct mb_error *err)
{
    if (!r->work || strlen(r->work) != STEP_WORK_ID_LEN)
        return mb_fail(err, MB_ERR_PROTOCOL, "the step helper named no work directory");
    memcpy(ret_work, r->work, STEP_WORK_ID_LEN + 1);
    return 0;
}

/* --- RUN --- */

/* Looks for QEMU's own words in the error output, over the borders of chunks. */
struct fault_scan {
    size_t matched;
    bool found;
};

static void scan(struct fault_scan *s, const char *data, size_t len)
{
    static const char words[] = "qemu: uncaught target signal";

    for (size_t i = 0; i < len && !s->found; i++) {
        s->matched =
            data[i] == words[s->matched] ? s->matched + 1 : data[i] == words[0];
        s->found = s->matched == sizeof(words) - 1;
    }
}

struct running {
    struct step_conn *k;
    int logs[STEP_FDS_MAX];
    struct fault_scan fault;
    struct step_reply reply;
    bool done;
};

static int read_log(struct running *r, size_t i, struct mb_error *err)
{
    char chunk[LOG_CHUNK_BYTES];
    ssize_t n = mb_read(r->logs[i], chunk, sizeof(chunk));

    if (n < 0)
        return mb_fail_errno(err, "read the output of a step");
    if (n == 0) {
        close(steal_fd(&r->logs[i]));
        return 0;
    }
    if (i == 1)
        scan(&r->fault, chunk, (size_t)n);
    if (r->k->call && r->k->call->log)
        r->k->call->log((int)i + 1, chunk, (size_t)n, r->k->call->log_arg);
    return 0;
}

/* Until there is a reply and all output is read. */
static int follow(struct running *r, struct mb_error *err)
{
    while (!r->done || r->logs[0] >= 0 || r->logs[1] >= 0) {
        struct pollfd p[] = {{.fd = r->done ? -1 : r->k->reply_fd, .events = POLLIN},
                             {.fd = r->logs[0], .events = POLLIN},
                             {.fd = r->logs[1], .events = POLLIN}};

        if (step_conn_poll(r->k, p, ARRAY_SIZE(p), err) < 0)
            return -1;
        for (size_t i = 0; i < 2; i++)
            if (p[i + 1].revents && read_log(r, i, err) < 0)
                return -1;
        if (p[0].revents) {
            int fds[STEP_FDS_MAX] = {-1, -1};
            int rc = step_conn_take(r->k, &r->reply, fds, &r->done, err);

            for (size_t i = 0; i < STEP_FDS_MAX; i++) {
                if (r->logs[i] < 0)
                    r->logs[i] = steal_fd(&fds[i]);
                mb_cleanup_close(&fds[i]);
            }
            if (rc < 0)
                return -1;
        }
    }
    return 0;
}

/* What came out before the end is worth showing. */
static void drain(struct running *r)
{
    struct mb_error ignored;

    for (size_t i = 0; i < STEP_FDS_MAX; i++) {
        if (r->logs[i] < 0)
            continue;
        (void)fcntl(r->logs[i], F_SETFL, O_NONBLOCK);
        while (r->logs[i] >= 0 && read_log(r, i, &ignored) == 0)
            ;
        mb_cleanup_close(&r->logs[i]);
        r->logs[i] = -1;
    }
}

/* A crash of the emulator's guest may well be the emulator's fault. */
static int check_emulation(const struct running *r, const struct mb_platform *platform,
                           struct mb_error *err)
{
    char text[MB_PLATFORM_TEXT_LEN];
    uint64_t status = r->reply.exit;

    if (!r->reply.emulated || status <= 128
        || !(r->fault.found || status == SIGILL_EXIT || status == SIGSEGV_EXIT))
        return 0;
    return mb_fail(err, MB_ERR_EMULATION,
                   "under emulation of %s the command crashed (signal "
                   "%llu): perhaps QEMU's fault, not the command's",
                   mb_platform_text(platform, text),
                   (unsigned long long)(status - 128));
}

static int finish_run(struct step_client *c, const struct running *r,
                      const struct mb_platform *platform,
                      char ret_work[STEP_WORK_ID_LEN + 1], int *ret_exit,
                      struct mb_error *err)
{
    struct mb_error ignored;
    char work[STEP_WORK_ID_LEN + 1];

    if (take_work(&r->reply, work, err) < 0)
        return -1;
    if (check_emulation(r, platform, err) < 0) {
        mb_ignore(step_discard(c, work, &ignored),
                  "it is removed with the helper at the latest");
        return -1;
    }
    memcpy(ret_work, work, sizeof(work));
    *ret_exit = (int)r->reply.exit;
    return 0;
}

static void read_resolv_conf(struct mb_buf *text)
{
    struct mb_error ignored;

    mb_ignore(mb_read_file(AT_FDCWD, "/etc/resolv.conf", text, &ignored),
              "a host without one has no name service either");
    mb_buf_add(text, "", 0);
}

static struct step_source *sources_of(const struct step_call *call, size_t *ret_n)
{
    size_t n = call ? call->n_sources : 0;
    struct step_source *v = mb_xcalloc(n + 1, sizeof(*v));

    for (size_t i = 0; i < n; i++)
        v[i].layers = step_state_bytes(&call->sources[i]);
    *ret_n = n;
    return v;
}

int step_run(struct step_client *c, const struct step_call *call,
             const struct step_state *state, const struct mb_step *step,
             const struct mb_platform *platform, char ret_work[STEP_WORK_ID_LEN + 1],
             int *ret_exit, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf resolv = MB_BUF_INIT(STEP_RESOLV_BYTES_MAX);
    _cleanup_conn_ struct step_conn k = STEP_CONN_INIT;
    struct running r = {.k = &k, .logs = {-1, -1}};
    struct step_request rq = {.op = STEP_OP_RUN,
                              .state = step_state_bytes(state),
                              .step = *step,
                              .platform = *platform};

    _cleanup_free_ struct step_source *sources = sources_of(call, &rq.n_sources);

    rq.sources = sources;
    read_resolv_conf(&resolv);
    rq.resolv_conf = resolv.overflow ? NULL : resolv.data;
    if (step_conn_begin(c, call, &rq, false, &k, err) < 0)
        return -1;
    int rc = follow(&r, err);
    if (rc < 0) {
        if (err->code == MB_ERR_CANCELLED)
            step_conn_cancel(&k);
        drain(&r);
    } else {
        rc = finish_run(c, &r, platform, ret_work, ret_exit, err);
    }
    mb_wire_done(&step_reply_schema, &r.reply);
    return rc;
}

/* --- COPY, WORKDIR --- */

int step_copy(struct step_client *c, const struct step_call *call,
              const struct step_state *state, const struct step_state *source,
              const struct mb_step *step, char ret_work[STEP_WORK_ID_LEN + 1],
              struct mb_error *err)
{
    struct step_request rq = {.op = STEP_OP_COPY,
                              .state = step_state_bytes(state),
                              .source = step_state_bytes(source),
                              .step = *step};
    struct step_reply r = {0};

    if (step_simple(c, call, &rq, &r, err) < 0)
        return -1;
    int rc = take_work(&r, ret_work, err);
    mb_wire_done(&step_reply_schema, &r);
    return rc;
}

int step_workdir(struct step_client *c, const struct step_call *call,
                 const struct step_state *state, const struct mb_step *step,
                 char ret_work[STEP_WORK_ID_LEN + 1], bool *ret_made,
                 struct mb_error *err)
{
    struct step_request rq = {
        .op = STEP_OP_WORKDIR, .state = step_state_bytes(state), .step = *step};
    struct step_reply r = {0};
    int rc = 0;

    if (step_simple(c, call, &rq, &r, err) < 0)
        return -1;
    if (r.yes)
        rc = take_work(&r, ret_work, err);
    if (rc == 0)
        *ret_made = r.yes;
    mb_wire_done(&step_reply_schema, &r);
    return rc;
}
