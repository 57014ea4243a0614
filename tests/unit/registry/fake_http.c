/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/registry/fake_http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

#define HEAD_MAX (64 * 1024)

struct fake_http {
    struct fake_rule *rules;
    unsigned *used;
    size_t n;
    int fd;
    char *host;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock; /* of heads */
    struct mb_strv heads;
};

static int listen_loopback(unsigned *ret_port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    BUG_ON(fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0);
    BUG_ON(listen(fd, 64) < 0 || getsockname(fd, (struct sockaddr *)&sa, &len) < 0);
    *ret_port = ntohs(sa.sin_port);
    return fd;
}

unsigned fake_free_port(void)
{
    unsigned port;

    close(listen_loopback(&port));
    return port;
}

static void send_all(int fd, const char *data, size_t len)
{
    ssize_t n;

    for (; len; data += n, len -= (size_t)n) {
        n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
    }
}

/* The head up to the empty line; what follows of the body is counted. */
static bool read_head(int fd, struct mb_buf *head, size_t *ret_extra)
{
    char chunk[4096];
    const char *end;
    ssize_t n;

    while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
        mb_buf_add(head, chunk, (size_t)n);
        if (head->data[0] == 0x16) { /* a TLS handshake: as Go's server does */
            send_all(fd, "HTTP/1.0 400 Bad Request\r\n\r\n", 28);
            return false;
        }
        end = strstr(head->data, "\r\n\r\n");
        if (end) {
            size_t len = (size_t)(end - head->data) + 4;

            *ret_extra = head->len - len;
            head->data[len] = '\0';
            return true;
        }
    }
    return false;
}

static void drop_body(int fd, const char *head, size_t extra)
{
    const char *line = strcasestr(head, "\r\nContent-Length: ");
    _cleanup_free_ char *text = NULL;
    struct mb_error err;
    uint64_t left = 0;
    char chunk[4096];
    ssize_t n;

    if (!line)
        return;
    text = mb_xstrndup(line + 18, strcspn(line + 18, "\r"));
    BUG_ON(mb_parse_u64(text, UINT64_MAX, &left, &err) < 0);
    left -= extra < left ? extra : left;
    while (left && (n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        left -= (uint64_t)n < left ? (uint64_t)n : left;
}

static struct fake_rule *find_rule(struct fake_http *f, const char *head)
{
    for (size_t i = 0; i < f->n; i++) {
        struct fake_rule *r = &f->rules[i];

        if (!mb_starts_with(head, r->when) || (r->has && !strstr(head, r->has)))
            continue;
        if (r->times && f->used[i] == r->times)
            continue;
        f->used[i]++;
        return r;
    }
    return NULL;
}

static void answer(struct fake_http *f, int fd, const struct fake_rule *r, bool is_head)
{
    static const struct fake_rule none = {.head = "418 No Rule"};
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(HEAD_MAX * 4);
    const char *host;

    if (!r)
        r = &none;
    if (!r->head)
        return;
    mb_buf_add_str(&out, "HTTP/1.1 ");
    host = strstr(r->head, "%HOST%");
    if (host) {
        mb_buf_add(&out, r->head, (size_t)(host - r->head));
        mb_buf_add_str(&out, f->host);
        mb_buf_add_str(&out, host + 6);
    } else {
        mb_buf_add_str(&out, r->head);
    }
    if (!strcasestr(r->head, "Content-Length"))
        mb_buf_addf(&out, "\r\nContent-Length: %zu", r->len);
    mb_buf_add_str(&out, "\r\nConnection: close\r\n\r\n");
    send_all(fd, out.data, out.len);
    if (!is_head)
        send_all(fd, r->body, r->cut ? r->cut : r->len);
}

static void serve(struct fake_http *f, int fd)
{
    _cleanup_buf_ struct mb_buf head = MB_BUF_INIT(HEAD_MAX);
    const struct fake_rule *r;
    size_t extra = 0;

    if (!read_head(fd, &head, &extra))
        return;
    drop_body(fd, head.data, extra);
    pthread_mutex_lock(&f->lock);
    mb_strv_add(&f->heads, head.data);
    pthread_mutex_unlock(&f->lock);
    r = find_rule(f, head.data);
    if (r && r->set) {
        atomic_store(r->set, true);
        while (!atomic_load(&f->stopping))
            poll(NULL, 0, 10);
        return;
    }
    answer(f, fd, r, mb_starts_with(head.data, "HEAD "));
}

static void *run(void *arg)
{
    struct fake_http *f = arg;
    int fd;

    while ((fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        char rest[4096];

        serve(f, fd);
        shutdown(fd, SHUT_WR);
        while (!atomic_load(&f->stopping) && recv(fd, rest, sizeof(rest), 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

struct fake_http *fake_http_start(struct fake_rule *rules, size_t n)
{
    struct fake_http *f = mb_xcalloc(1, sizeof(*f));
    unsigned port;

    f->rules = rules;
    f->n = n;
    f->used = mb_xcalloc(n, sizeof(*f->used));
    f->fd = listen_loopback(&port);
    f->host = mb_xasprintf("127.0.0.1:%u", port);
    pthread_mutex_init(&f->lock, NULL);
    BUG_ON(pthread_create(&f->thread, NULL, run, f) != 0);
    return f;
}

void fake_http_stop(struct fake_http *f)
{
    atomic_store(&f->stopping, true);
    shutdown(f->fd, SHUT_RDWR); /* accept ends */
    pthread_join(f->thread, NULL);
    close(f->fd);
    mb_strv_done(&f->heads);
    pthread_mutex_destroy(&f->lock);
    free(f->host);
    free(f->used);
    free(f);
}

const char *fake_http_host(const struct fake_http *f)
{
    return f->host;
}

static size_t count(struct fake_http *f, const char *when, const char *text)
{
    size_t n = 0;

    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->heads.n; i++)
        if (mb_starts_with(f->heads.v[i], when)
            && (!text || strstr(f->heads.v[i], text)))
            n++;
    pthread_mutex_unlock(&f->lock);
    return n;
}

size_t fake_http_count(struct fake_http *f, const char *when)
{
    return count(f, when, NULL);
}

bool fake_http_saw(struct fake_http *f, const char *when, const char *text)
{
    return count(f, when, text) > 0;
}
