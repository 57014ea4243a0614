/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange - the one place that calls curl_easy_*.
 *
 * curl_easy_reset() keeps connections, TLS sessions and DNS answers, so every exchange
 * sets all of its options anew and nothing of the one before is left.
 */
#include "registry/exchange.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define CONNECT_TIMEOUT_MSEC 15000L
#define STALL_SEC 60L
#define STALL_BYTES_PER_SEC 100L /* dripping is hanging */
/* A registry may move a whole blob before it answers the PUT. */
#define PUT_STALL_SEC 300L
#define CHUNK_BYTES (256 * 1024L)
#define CHALLENGES_MAX 8

struct mb_http {
    CURL *curl;
    const atomic_bool *cancel; /* borrowed */
    char why[CURL_ERROR_SIZE];
};

/* One transfer, as curl's callbacks see it. */
struct transfer {
    struct mb_http *h;
    struct mb_exchange *x;
    size_t header_bytes;
    uint64_t sent_bytes;
    struct mb_error *err;
    bool failed; /* *err is set */
};

static void init_curl(void)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

    BUG_ON(rc != CURLE_OK);
}

struct mb_http *mb_http_new(const atomic_bool *cancel)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct mb_http *h = mb_xcalloc(1, sizeof(*h));

    pthread_once(&once, init_curl);
    h->cancel = cancel;
    h->curl = curl_easy_init();
    BUG_ON(!h->curl);
    return h;
}

void mb_http_free(struct mb_http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    free(h);
}

void mb_exchange_reset(struct mb_exchange *x)
{
    char **texts[] = {&x->got_type,   &x->got_digest, &x->got_location, &x->got_range,
                      &x->got_length, &x->got_retry,  &x->got_date,     &x->redirect};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
    mb_strv_done(&x->challenges);
    mb_buf_done(&x->text);
    x->status = 0;
}

static void keep_header(struct mb_exchange *x, const char *line, size_t len)
{
    const struct {
        const char *name;
        char **slot;
    } wanted[] = {
        {"Content-Type:", &x->got_type},
        {"Docker-Content-Digest:", &x->got_digest},
        {"Location:", &x->got_location},
        {"Content-Range:", &x->got_range},
        {"Content-Length:", &x->got_length},
        {"Retry-After:", &x->got_retry},
        {"Date:", &x->got_date},
        {"WWW-Authenticate:", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        size_t skip = strlen(wanted[i].name);

        if (len < skip || strncasecmp(line, wanted[i].name, skip))
            continue;
        while (skip < len && (line[skip] == ' ' || line[skip] == '\t'))
            skip++;
        while (len > skip && strchr(" \t\r\n", line[len - 1]))
            len--;
        if (wanted[i].slot) {
            free(*wanted[i].slot);
            *wanted[i].slot = mb_xstrndup(line + skip, len - skip);
        } else if (x->challenges.n < CHALLENGES_MAX) {
            mb_strv_add_take(&x->challenges, mb_xstrndup(line + skip, len - skip));
        }
        return;
    }
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;

    t->header_bytes += len;
    if (t->header_bytes > MB_HTTP_HEADER_BYTES_MAX) {
        mb_fail(t->err, MB_ERR_LIMIT, "the answer's headers are over %llu bytes",
                (unsigned long long)MB_HTTP_HEADER_BYTES_MAX);
        t->failed = true;
        return 0;
    }
    if (len >= 5 && !strncmp(line, "HTTP/", 5))
        mb_exchange_reset(t->x); /* what came before was a 1xx answer */
    else
        keep_header(t->x, line, len);
    return len;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct mb_exchange *x = t->x;
    size_t len = size * n;

    curl_easy_getinfo(t->h->curl, CURLINFO_RESPONSE_CODE, &x->status);
    if (x->status == 200 || x->status == 206) {
        if (x->receive && x->receive(x, data, len, x->arg, t->err) < 0) {
            t->failed = true;
            return 0;
        }
    } else if (x->text.len + len <= x->text.max) {
        mb_buf_add(&x->text, data, len);
    }
    return len;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    const struct mb_exchange *x = t->x;
    uint64_t left = x->size - t->sent_bytes;
    size_t want = size * n < left ? size * n : (size_t)left;
    ssize_t got;

    if (!want)
        return 0;
    if (x->fd < 0) {
        memcpy(out, (const char *)x->data + t->sent_bytes, want);
        t->sent_bytes += want;
        return want;
    }
    do
        got = pread(x->fd, out, want, (off_t)t->sent_bytes);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        if (got < 0)
            mb_fail_errno(t->err, "read the blob to send");
        else
            mb_fail(t->err, MB_ERR_CORRUPT,
                    "the blob to send is shorter than its size");
        t->failed = true;
        return CURL_READFUNC_ABORT;
    }
    t->sent_bytes += (uint64_t)got;
    return (size_t)got;
}

/* curl sends a body again when a kept connection turns out to be dead. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct transfer *t = arg;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->x->size)
        return CURL_SEEKFUNC_FAIL;
    t->sent_bytes = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down,
                       curl_off_t up_total, curl_off_t up)
{
    const struct transfer *t = arg;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return t->h->cancel && atomic_load(t->h->cancel);
}

static void set_trust(CURL *c, const struct mb_endpoint *e)
{
    struct curl_blob ca = {e->ca_pem, e->ca_len, CURL_BLOB_NOCOPY};

    if (e->insecure) {
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (e->ca_pem)
        curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
    if (e->loopback)
        curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
}

static void set_callbacks(CURL *c, struct transfer *t)
{
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->h->why);
}

static void set_limits(CURL *c, bool put)
{
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MSEC);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_SEC);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, put ? PUT_STALL_SEC : STALL_SEC);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, CHUNK_BYTES);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, CHUNK_BYTES);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "mbcluster/" MB_VERSION);
}

static void set_method(CURL *c, const struct mb_exchange *x, struct transfer *t,
                       char range[32])
{
    if (!strcmp(x->method, "HEAD")) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (!strcmp(x->method, "POST")) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
    } else if (!strcmp(x->method, "PUT")) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, t);
        curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->size);
    } else {
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    }
    if (x->range_from) {
        snprintf(range, 32, "%llu-", (unsigned long long)x->range_from);
        curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
}

static struct curl_slist *add_header(struct curl_slist *l, const char *name,
                                     const char *value)
{
    _cleanup_free_ char *line = mb_xasprintf("%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(l, line);

    BUG_ON(!more); /* out of memory */
    explicit_bzero(line, strlen(line));
    return more;
}

static struct curl_slist *make_headers(const struct mb_exchange *x)
{
    struct curl_slist *l = curl_slist_append(NULL, "Expect:");

    BUG_ON(!l);
    if (x->accept)
        l = add_header(l, "Accept", x->accept);
    if (x->content_type)
        l = add_header(l, "Content-Type", x->content_type);
    if (x->authorization)
        l = add_header(l, "Authorization", x->authorization);
    return l;
}

static int fail_transfer(const struct transfer *t, CURLcode rc)
{
    const char *why = t->h->why[0] ? t->h->why : curl_easy_strerror(rc);
    long os_errno = 0;

    if (t->failed)
        return -1;
    curl_easy_getinfo(t->h->curl, CURLINFO_OS_ERRNO, &os_errno);
    switch (rc) {
    case CURLE_ABORTED_BY_CALLBACK:
        return mb_fail(t->err, MB_ERR_CANCELLED, "cancelled");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return mb_fail(t->err, MB_ERR_INVALID, "bad address: %s", why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return mb_fail(t->err, MB_ERR_INVALID,
                       "%s: name its authority with `ca = [..]` in config.toml", why);
    case CURLE_COULDNT_CONNECT:
        why = os_errno ? strerrordesc_np((int)os_errno) : why;
        mb_fail(t->err, MB_ERR_UNAVAILABLE, "connect: %s", why ? why : "failed");
        break;
    default:
        mb_fail(t->err, MB_ERR_UNAVAILABLE, "%s", why);
        break;
    }
    t->err->sys_errno = rc == CURLE_SSL_CONNECT_ERROR ? EPROTO : (int)os_errno;
    return -1;
}

int mb_exchange_run(struct mb_http *h, const struct mb_endpoint *e,
                    struct mb_exchange *x, struct mb_error *err)
{
    struct transfer t = {.h = h, .x = x, .err = err};
    struct curl_slist *headers = make_headers(x);
    const char *redirect = NULL;
    char range[32];
    CURLcode rc;

    mb_exchange_reset(x);
    curl_easy_reset(h->curl);
    h->why[0] = '\0';
    set_limits(h->curl, !strcmp(x->method, "PUT"));
    set_trust(h->curl, e);
    set_callbacks(h->curl, &t);
    set_method(h->curl, x, &t, range);
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h->curl, CURLOPT_URL, x->url);

    rc = curl_easy_perform(h->curl);
    curl_slist_free_all(headers);
    if (rc != CURLE_OK)
        return fail_transfer(&t, rc);
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &x->status);
    curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &redirect);
    x->redirect = mb_xstrdup(redirect);
    return 0;
}
