/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zloop behind callbacks that cannot do it harm.
 *
 * Traps of czmq 4.2.1 that end here: a poller that is not tolerant is dropped after its
 * second POLLERR/HUP, with data still unread; the handler of a timer may run after
 * zloop_timer_end() when both were due, so timers are looked up by their id;
 * zloop_start() returns when a poll is interrupted, so it is called again until
 * somebody asked to stop.
 */
#include "net/loop.h"

#include <czmq.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/mem.h"
#include "net/loop_priv.h"

struct reader {
    struct reader *next;
    struct mb_loop *loop;
    int fd;       /* -1: a socket */
    void *socket; /* borrowed */
    mb_loop_fd_fn *fd_fn;
    mb_loop_timer_fn *socket_fn;
    void *arg;
};
struct timer {
    struct timer *next;
    int id;
    bool once;
    mb_loop_timer_fn *fn;
    void *arg;
};
struct post {
    struct post *next;
    mb_loop_post_fn *fn;
    void *arg;
};

struct mb_loop {
    zloop_t *zloop;
    struct reader *readers;
    struct timer *timers;
    bool stop;
    int signal_fd;
    mb_loop_signal_fn *signal_fn;
    void *signal_arg;
    int post_fd;
    pthread_mutex_t post_lock; /* posts, last_post */
    struct post *posts, **last_post;
};

void mb_net_init(void)
{
    sigset_t set;
    int rc;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGPIPE);
    rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    BUG_ON(rc != 0);
    zsys_handler_set(NULL);
}

/* What a zloop handler returns: -1 makes zloop_start() return. */
static int go_on(const struct mb_loop *l)
{
    return l->stop ? -1 : 0;
}

static int on_ready(zloop_t *zloop _unused_, zmq_pollitem_t *item _unused_, void *arg)
{
    struct reader *r = arg;
    struct mb_loop *l = r->loop;

    if (r->socket)
        r->socket_fn(r->arg);
    else
        r->fd_fn(r->fd, r->arg); /* which may have freed r */
    return go_on(l);
}

static void add_reader(struct mb_loop *l, struct reader reader)
{
    struct reader *r = mb_xmemdup(&reader, sizeof(reader));
    zmq_pollitem_t item = {.socket = r->socket, .fd = r->fd, .events = ZMQ_POLLIN};
    int rc;

    r->loop = l;
    r->next = l->readers;
    l->readers = r;
    rc = zloop_poller(l->zloop, &item, on_ready, r);
    BUG_ON(rc != 0);
    zloop_poller_set_tolerant(l->zloop, &item);
}

static void remove_reader(struct mb_loop *l, int fd, void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .fd = fd, .events = ZMQ_POLLIN};
    struct reader **at = &l->readers;

    while (*at && ((*at)->fd != fd || (*at)->socket != socket))
        at = &(*at)->next;
    if (*at) {
        struct reader *r = *at;

        *at = r->next;
        zloop_poller_end(l->zloop, &item);
        free(r);
    }
}

void mb_loop_add_reader(struct mb_loop *l, int fd, mb_loop_fd_fn *fn, void *arg)
{
    add_reader(l, (struct reader){.fd = fd, .fd_fn = fn, .arg = arg});
}

void mb_loop_remove_reader(struct mb_loop *l, int fd)
{
    remove_reader(l, fd, NULL);
}

void mb_loop_add_socket(struct mb_loop *l, void *socket, mb_loop_timer_fn *fn,
                        void *arg)
{
    add_reader(
        l, (struct reader){.fd = -1, .socket = socket, .socket_fn = fn, .arg = arg});
}

void mb_loop_remove_socket(struct mb_loop *l, void *socket)
{
    remove_reader(l, -1, socket);
}

static struct timer *take_timer(struct mb_loop *l, int id)
{
    struct timer **at = &l->timers, *t;

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    t = *at;
    if (t)
        *at = t->next;
    return t;
}

static int on_timer(zloop_t *zloop _unused_, int id, void *arg)
{
    struct mb_loop *l = arg;
    struct timer *t = take_timer(l, id);
    struct timer due;

    if (!t) /* removed in this very round */
        return go_on(l);
    due = *t;
    if (due.once) {
        free(t);
    } else {
        t->next = l->timers;
        l->timers = t;
    }
    due.fn(due.arg);
    return go_on(l);
}

static int add_timer(struct mb_loop *l, uint32_t msec, bool once, mb_loop_timer_fn *fn,
                     void *arg)
{
    struct timer *t = mb_xcalloc(1, sizeof(*t));

    t->id = zloop_timer(l->zloop, msec, once ? 1 : 0, on_timer, l);
    BUG_ON(t->id < 0);
    t->once = once;
    t->fn = fn;
    t->arg = arg;
    t->next = l->timers;
    l->timers = t;
    return t->id;
}

int mb_loop_add_timer(struct mb_loop *l, uint32_t msec, mb_loop_timer_fn *fn, void *arg)
{
    return add_timer(l, msec, false, fn, arg);
}

int mb_loop_add_once(struct mb_loop *l, uint32_t msec, mb_loop_timer_fn *fn, void *arg)
{
    return add_timer(l, msec, true, fn, arg);
}

void mb_loop_remove_timer(struct mb_loop *l, int id)
{
    struct timer *t = take_timer(l, id);

    if (t)
        zloop_timer_end(l->zloop, id);
    free(t);
}

static void on_signal(int fd, void *arg)
{
    struct mb_loop *l = arg;
    struct signalfd_siginfo info;

    if (mb_read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        l->signal_fn((int)info.ssi_signo, l->signal_arg);
}

int mb_loop_on_signal(struct mb_loop *l, mb_loop_signal_fn *fn, void *arg,
                      struct mb_error *err)
{
    struct sigaction hup;
    sigset_t set;
    int fd;

    BUG_ON(l->signal_fd >= 0);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP); /* not under nohup */
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return mb_fail_errno(err, "signalfd");
    l->signal_fd = fd;
    l->signal_fn = fn;
    l->signal_arg = arg;
    mb_loop_add_reader(l, fd, on_signal, l);
    return 0;
}

static struct post *take_posts(struct mb_loop *l)
{
    struct post *p;

    pthread_mutex_lock(&l->post_lock);
    p = steal_ptr(l->posts);
    l->last_post = &l->posts;
    pthread_mutex_unlock(&l->post_lock);
    return p;
}

void mb_loop_run_posts(struct mb_loop *l)
{
    struct post *p, *next;

    for (p = take_posts(l); p; p = next) {
        next = p->next;
        p->fn(p->arg);
        free(p);
    }
}

static void on_post(int fd, void *arg)
{
    uint64_t n;

    mb_ignore(mb_read(fd, &n, sizeof(n)), "only empties the eventfd; the list counts");
    mb_loop_run_posts(arg);
}

void mb_loop_post(struct mb_loop *l, mb_loop_post_fn *fn, void *arg)
{
    struct post *p = mb_xcalloc(1, sizeof(*p));
    const uint64_t one = 1;
    ssize_t n;

    p->fn = fn;
    p->arg = arg;
    pthread_mutex_lock(&l->post_lock);
    *l->last_post = p;
    l->last_post = &p->next;
    /* Inside the lock: once @fn can run, the loop may be freed by its owner. */
    n = write(l->post_fd, &one, sizeof(one));
    BUG_ON(n < 0 && errno != EAGAIN); /* EAGAIN: 2^64-2 wake-ups are waiting */
    pthread_mutex_unlock(&l->post_lock);
}

struct mb_loop *mb_loop_new(void)
{
    struct mb_loop *l = mb_xcalloc(1, sizeof(*l));

    l->zloop = zloop_new();
    BUG_ON(!l->zloop);
    zloop_set_nonstop(l->zloop, true);
    l->signal_fd = -1;
    l->last_post = &l->posts;
    pthread_mutex_init(&l->post_lock, NULL);
    l->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    BUG_ON(l->post_fd < 0);
    mb_loop_add_reader(l, l->post_fd, on_post, l);
    return l;
}

void mb_loop_free(struct mb_loop *l)
{
    struct post *p, *next;

    if (!l)
        return;
    for (p = take_posts(l); p; p = next) {
        next = p->next;
        free(p);
    }
    while (l->readers)
        remove_reader(l, l->readers->fd, l->readers->socket);
    while (l->timers)
        mb_loop_remove_timer(l, l->timers->id);
    zloop_destroy(&l->zloop);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    close(l->post_fd);
    pthread_mutex_destroy(&l->post_lock);
    free(l);
}

void mb_loop_run(struct mb_loop *l)
{
    while (!l->stop)
        zloop_start(l->zloop);
    l->stop = false;
}

void mb_loop_stop(struct mb_loop *l)
{
    l->stop = true;
}
