/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/fetch.h"

#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/mem.h"
#include "registry/exchange.h"

#define REDIRECTS_MAX 10

struct fetch {
    int fd;
    uint64_t room, max;
};

static int receive(const struct mb_exchange *x _unused_, const void *data, size_t len,
                   void *arg, struct mb_error *err)
{
    struct fetch *f = arg;

    if (len > f->room)
        return mb_fail(err, MB_ERR_LIMIT, "it is over the limit of %llu bytes",
                       (unsigned long long)f->max);
    f->room -= len;
    return mb_write_all(f->fd, data, len, err);
}

static bool is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

static bool is_http(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0;
}

/* Those are never behind a proxy. */
static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    _cleanup_free_ char *text =
        host ? mb_xstrndup(host + 3, strcspn(host + 3, "/?#")) : NULL;

    return text && mb_host_is_loopback(text);
}

static int run(struct mb_http *h, struct mb_exchange *x, char **address,
               struct mb_error *err)
{
    struct mb_endpoint plain = {0};

    for (int i = 0; i <= REDIRECTS_MAX; i++) {
        x->url = *address;
        plain.loopback = is_loopback(*address);
        if (mb_exchange_run(h, &plain, x, err) < 0)
            return -1;
        if (!x->redirect)
            return x->status == 200 ? 0 : mb_exchange_fail(x, err);
        if (!is_https(x->redirect) && (is_https(*address) || !is_http(x->redirect)))
            return mb_fail(err, MB_ERR_DENIED, "it leads to %.200s, which is not https",
                           x->redirect);
        free(*address);
        *address = mb_xstrdup(x->redirect);
        mb_exchange_reset(x);
    }
    return mb_fail(err, MB_ERR_UNAVAILABLE, "it leads on and on");
}

int mb_fetch_url(const char *url, uint64_t max_bytes, const atomic_bool *cancel, int fd,
                 struct mb_error *err)
{
    struct fetch f = {.fd = fd, .room = max_bytes, .max = max_bytes};
    struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *address = mb_xstrdup(url);
    struct mb_http *h;
    int r;

    if (!is_https(url) && !is_http(url))
        return mb_fail(err, MB_ERR_INVALID, "%.200s is no http or https address", url);
    h = mb_http_new(cancel);
    x.receive = receive;
    x.arg = &f;
    r = run(h, &x, &address, err);
    mb_exchange_done(&x);
    mb_http_free(h);
    return r < 0 ? mb_wrap(err, "get %.200s", url) : 0;
}
