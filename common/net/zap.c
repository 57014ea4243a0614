/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZeroMQ asks at inproc://zeromq.zap.01, one request per handshake (RFC 27). The
 * requests come from our own libzmq, yet what they hold is checked: an answer of "500"
 * costs nothing.
 */
#include "net/zap.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop_priv.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"
#define REASON_LEN 160
#define REFUSALS_LOGGED 20 /* per window */
#define WINDOW_USEC (10 * MB_USEC_PER_SEC)

/* Frames of a request. */
enum { F_VERSION, F_ID, F_DOMAIN, F_ADDRESS, F_ROUTE, F_MECHANISM, F_KEY, N_FRAMES };

struct request {
    zmq_msg_t frames[N_FRAMES];
    size_t n_frames; /* received; those over N_FRAMES are counted but not kept */
};

struct mb_zap {
    mb_zap_lookup_fn *lookup;
    void *arg;
    void *socket; /* the thread's, once it runs */
    int stop_fd;
    pthread_t thread;
    uint64_t window_usec; /* when the refusals of this window began */
    unsigned n_refused;   /* in it */
};

static void request_done(struct request *r)
{
    for (size_t i = 0; i < r->n_frames && i < N_FRAMES; i++)
        zmq_msg_close(&r->frames[i]);
    r->n_frames = 0;
}

static int receive(void *socket, struct request *r)
{
    bool more = true;

    for (r->n_frames = 0; more; r->n_frames++) {
        zmq_msg_t spare, *m = r->n_frames < N_FRAMES ? &r->frames[r->n_frames] : &spare;

        zmq_msg_init(m);
        if (zmq_msg_recv(m, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(m);
            return -1;
        }
        more = zmq_msg_more(m) != 0;
        if (m == &spare)
            zmq_msg_close(m);
    }
    return 0;
}

static bool frame_is(struct request *r, int i, const char *text)
{
    return zmq_msg_size(&r->frames[i]) == strlen(text)
           && memcmp(zmq_msg_data(&r->frames[i]), text, strlen(text)) == 0;
}

static void answer(void *socket, struct request *r, const char *code, const char *text,
                   const char *user_id)
{
    const struct {
        const void *data;
        size_t len;
    } frames[] = {
        {ZAP_VERSION, strlen(ZAP_VERSION)},
        {r->n_frames > F_ID ? zmq_msg_data(&r->frames[F_ID]) : "",
         r->n_frames > F_ID ? zmq_msg_size(&r->frames[F_ID]) : 0},
        {code, strlen(code)},
        {text, strlen(text)},
        {user_id, strlen(user_id)},
        {"", 0}, /* metadata */
    };

    /* A failure means that the asking socket is gone. */
    for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
        if (zmq_send(socket, frames[i].data, frames[i].len,
                     ZMQ_DONTWAIT | (i + 1 < ARRAY_SIZE(frames) ? ZMQ_SNDMORE : 0))
            < 0)
            return;
}

/* Whoever reaches the port can be refused as often as it likes: the log gets some of
 * it, and how much it did not get. */
static void log_refusal(struct mb_zap *z, struct request *r, const char *reason)
{
    uint64_t now = mb_now_usec();

    if (now - z->window_usec >= WINDOW_USEC) {
        if (z->n_refused > REFUSALS_LOGGED)
            mb_log(MB_LOG_WARNING, "key_refusals_not_logged", "count=%u",
                   z->n_refused - REFUSALS_LOGGED);
        z->window_usec = now;
        z->n_refused = 0;
    }
    if (z->n_refused++ < REFUSALS_LOGGED)
        mb_log(MB_LOG_WARNING, "key_refused", "address=%.*s reason=\"%s\"",
               (int)zmq_msg_size(&r->frames[F_ADDRESS]),
               (const char *)zmq_msg_data(&r->frames[F_ADDRESS]), reason);
}

static void handle(struct mb_zap *z, struct request *r)
{
    char user_id[MB_USER_ID_LEN] = "", reason[REASON_LEN] = "";

    if (r->n_frames != N_FRAMES || !frame_is(r, F_VERSION, ZAP_VERSION)
        || !frame_is(r, F_DOMAIN, MB_ZAP_DOMAIN) || !frame_is(r, F_MECHANISM, "CURVE")
        || zmq_msg_size(&r->frames[F_KEY]) != MB_KEY_LEN) {
        answer(z->socket, r, "500", "not a request for this handler", "");
    } else if (z->lookup(zmq_msg_data(&r->frames[F_KEY]), user_id, reason,
                         sizeof(reason), z->arg)) {
        answer(z->socket, r, "200", "OK", user_id);
    } else {
        log_refusal(z, r, reason);
        answer(z->socket, r, "400", "this key may not connect", "");
    }
}

static void *thread_main(void *arg)
{
    struct mb_zap *z = arg;
    zmq_pollitem_t items[] = {
        {.socket = z->socket, .events = ZMQ_POLLIN},
        {.fd = z->stop_fd, .events = ZMQ_POLLIN},
    };
    struct request r = {0};

    for (;;) {
        if (zmq_poll(items, ARRAY_SIZE(items), -1) < 0)
            continue; /* interrupted */
        if (items[1].revents)
            break;
        if (receive(z->socket, &r) == 0)
            handle(z, &r);
        request_done(&r);
    }
    zmq_close(z->socket);
    return NULL;
}

static int open_handler(void *context, void **ret, struct mb_error *err)
{
    void *socket = zmq_socket(context, ZMQ_REP);
    const int no_linger = 0;

    if (!socket)
        return mb_fail(err, MB_ERR_IO, "key check: %s", zmq_strerror(zmq_errno()));
    zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof(no_linger));
    if (zmq_bind(socket, ZAP_ENDPOINT) < 0) {
        zmq_close(socket);
        return mb_fail(err, MB_ERR_UNAVAILABLE, "this process checks keys already");
    }
    *ret = socket;
    return 0;
}

int mb_zap_start(mb_zap_lookup_fn *lookup, void *arg, struct mb_zap **ret,
                 struct mb_error *err)
{
    void *socket;
    struct mb_zap *z;
    int rc;

    if (open_handler(mb_net_context_ref(), &socket, err) < 0) {
        mb_net_context_unref();
        return -1;
    }
    z = mb_xcalloc(1, sizeof(*z));
    *z = (struct mb_zap){.lookup = lookup, .arg = arg, .socket = socket};
    z->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    BUG_ON(z->stop_fd < 0);
    rc = pthread_create(&z->thread, NULL, thread_main, z);
    BUG_ON(rc != 0);
    *ret = z;
    return 0;
}

void mb_zap_free(struct mb_zap *z)
{
    const uint64_t one = 1;
    ssize_t n;

    if (!z)
        return;
    n = write(z->stop_fd, &one, sizeof(one));
    BUG_ON(n < 0);
    pthread_join(z->thread, NULL);
    close(z->stop_fd);
    free(z);
    mb_net_context_unref();
}
