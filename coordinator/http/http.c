/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - the daemon, and one request from its headers to its answer.
 *
 * A thread per connection: storing a blob ends in fsync, which must not hold up other
 * peers' transfers. libmicrohttpd calls on_request() once with the headers, then per
 * piece of the body, then once more; an answer given before the body ends closes the
 * connection, so a refused body of moderate size is read and dropped first: a client
 * that is still sending would not see the answer.
 */
#include "coordinator/http/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/http/http_access.h"
#include "coordinator/http/http_reply.h"
#include "coordinator/http/http_route.h"

#define CONNECTIONS_MAX 512
#define CONNECTIONS_OF_ADDRESS_MAX 256 /* one that dawdles leaves room for others */
#define IDLE_SEC 60
#define CONNECTION_BYTES (128 * 1024)
#define THREAD_STACK_BYTES (2 * 1024 * 1024)
#define DRAIN_BYTES_MAX (16 * MB_MIB)

struct http_server {
    struct MHD_Daemon *daemon;
    struct mb_blob_store *store; /* borrowed */
    struct http_access *access;
    char *url;
};

struct request {
    struct http_server *s; /* borrowed */
    struct http_route route;
    char *peer;               /* NULL: not let in */
    struct mb_blob_writer *w; /* a body is being stored */
    struct mb_digest digest;
    /* the refusal that waits for the body's end */
    unsigned status; /* 0: none */
    const char *code;
    struct mb_error why;
};

static void request_free(struct request *r)
{
    http_route_done(&r->route);
    mb_blob_writer_free(r->w);
    free(r->peer);
    free(r);
}

static void refuse(struct request *r, unsigned status, const char *code,
                   const char *why)
{
    r->status = status;
    r->code = code;
    mb_fail(&r->why, MB_ERR_INVALID, "%s", why);
}

/* What a failing writer means to the sender. */
static void refuse_write(struct request *r)
{
    mb_blob_writer_free(r->w);
    r->w = NULL;
    r->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    r->code = "UNKNOWN";
    if (r->why.code == MB_ERR_CORRUPT || r->why.code == MB_ERR_INVALID) {
        r->status = MHD_HTTP_BAD_REQUEST;
        r->code = "DIGEST_INVALID";
    } else if (r->why.code == MB_ERR_LIMIT) {
        r->status = MHD_HTTP_CONTENT_TOO_LARGE;
        r->code = "SIZE_INVALID";
    }
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Without a header: no body. */
static bool body_bytes(struct MHD_Connection *c, uint64_t *ret)
{
    const char *text = header(c, "Content-Length");
    struct mb_error ignored;

    *ret = 0;
    return text ? mb_parse_u64(text, UINT64_MAX, ret, &ignored) == 0
                : !header(c, "Transfer-Encoding");
}

static void begin_store(struct request *r, struct MHD_Connection *c,
                        const char *digest_text, uint64_t max)
{
    struct mb_descriptor want = {.media_type = "application/octet-stream"};

    if (!digest_text || mb_digest_parse(digest_text, &want.digest, &r->why) < 0) {
        refuse(r, MHD_HTTP_BAD_REQUEST, "DIGEST_INVALID",
               "digest= is missing or malformed");
        return;
    }
    if (!body_bytes(c, &want.size)) {
        refuse(r, MHD_HTTP_LENGTH_REQUIRED, "SIZE_INVALID",
               "Content-Length is missing");
        return;
    }
    r->digest = want.digest;
    if (want.size > max) {
        refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, "SIZE_INVALID",
               "the content is too large");
        return;
    }
    if (mb_blob_writer_new(r->s->store, &want, max, &r->w, &r->why) < 0)
        refuse_write(r);
}

/* The headers are there: check the peer, prepare for the body. */
static void begin(struct request *r, struct MHD_Connection *c, const char *method)
{
    const char *digest =
        MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "digest");
    bool put = !strcmp(method, MHD_HTTP_METHOD_PUT);

    r->peer = http_access_check(r->s->access, header(c, "Authorization"));
    if (!r->peer) {
        refuse(r, MHD_HTTP_UNAUTHORIZED, "UNAUTHORIZED",
               "a bearer token of this cluster is needed");
        return;
    }
    if (put && r->route.kind == ROUTE_UPLOAD) {
        if (http_access_owns_upload(r->s->access, r->peer, r->route.last))
            begin_store(r, c, digest, MB_BLOB_BYTES_MAX);
        else
            refuse(r, MHD_HTTP_NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "no such upload");
    } else if (put && r->route.kind == ROUTE_MANIFEST) {
        begin_store(r, c, r->route.last, MB_MANIFEST_BYTES_MAX);
    } else if (!strcmp(method, MHD_HTTP_METHOD_POST) && r->route.kind == ROUTE_UPLOADS
               && digest) {
        begin_store(r, c, digest, MB_BLOB_BYTES_MAX);
    }
}

static enum MHD_Result finish_store(struct request *r, struct MHD_Connection *c)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];
    _cleanup_free_ char *location = NULL;

    if (mb_blob_writer_commit(r->w, NULL, &r->why) < 0) {
        refuse_write(r);
        if (r->status >= 500)
            return http_reply_failure(c, "UNKNOWN", &r->why);
        return http_reply_error(c, r->status, r->code, r->why.msg);
    }
    if (r->route.kind == ROUTE_UPLOAD)
        http_access_close_upload(r->s->access, r->route.last);
    location = mb_xasprintf("/v2/%s/%s/%s", r->route.name,
                            r->route.kind == ROUTE_MANIFEST ? "manifests" : "blobs",
                            mb_digest_text(&r->digest, digest));
    return http_reply_stored(c, location, &r->digest);
}

static enum MHD_Result open_upload(struct request *r, struct MHD_Connection *c)
{
    _cleanup_free_ char *id = http_access_open_upload(r->s->access, r->peer);
    _cleanup_free_ char *location = NULL;

    if (!id)
        return http_reply_error(c, MHD_HTTP_TOO_MANY_REQUESTS, "TOOMANYREQUESTS",
                                "too many uploads are open");
    location = mb_xasprintf("/v2/%s/blobs/uploads/%s", r->route.name, id);
    return http_reply_stored(c, location, NULL);
}

static enum MHD_Result serve(struct request *r, struct MHD_Connection *c)
{
    bool manifest = r->route.kind == ROUTE_MANIFEST;
    struct mb_digest d;
    struct mb_error err;

    if (r->route.kind == ROUTE_BASE)
        return http_reply_base(c);
    if (mb_digest_parse(r->route.last, &d, &err) < 0) {
        if (manifest)
            return http_reply_error(c, MHD_HTTP_NOT_FOUND, "MANIFEST_UNKNOWN",
                                    "manifests are served by digest only");
        return http_reply_error(c, MHD_HTTP_BAD_REQUEST, "DIGEST_INVALID", err.msg);
    }
    return manifest ? http_reply_manifest(c, r->s->store, &d)
                    : http_reply_blob(c, r->s->store, &d);
}

/* The body, if any, is over: answer. */
static enum MHD_Result finish(struct request *r, struct MHD_Connection *c,
                              const char *method)
{
    bool get =
        !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);

    if (r->status >= 500)
        return http_reply_failure(c, "UNKNOWN", &r->why);
    if (r->status)
        return http_reply_error(c, r->status, r->code, r->why.msg);
    if (r->route.kind == ROUTE_NONE)
        return http_reply_error(c, MHD_HTTP_NOT_FOUND, "UNSUPPORTED", "no such path");
    if (r->route.kind == ROUTE_BAD_NAME)
        return http_reply_error(c, MHD_HTTP_BAD_REQUEST, "NAME_INVALID",
                                "malformed repository name");
    if (r->w)
        return finish_store(r, c);
    if (!strcmp(method, MHD_HTTP_METHOD_POST) && r->route.kind == ROUTE_UPLOADS)
        return open_upload(r, c);
    if (get
        && (r->route.kind == ROUTE_BASE || r->route.kind == ROUTE_BLOB
            || r->route.kind == ROUTE_MANIFEST))
        return serve(r, c);
    return http_reply_error(c, MHD_HTTP_METHOD_NOT_ALLOWED, "UNSUPPORTED",
                            "that method does nothing here");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version,
                                  const char *data, size_t *len, void **state)
{
    struct request *r = *state;
    uint64_t body;

    (void)version;
    if (!r) {
        *state = r = mb_xcalloc(1, sizeof(*r));
        r->s = arg;
        http_route_parse(url, &r->route);
        begin(r, c, method);
        if (r->status && (!body_bytes(c, &body) || body > DRAIN_BYTES_MAX))
            return finish(r, c, method);
        return MHD_YES;
    }
    if (!*len)
        return finish(r, c, method);
    if (r->w && mb_blob_writer_append(r->w, data, *len, &r->why) < 0)
        refuse_write(r);
    *len = 0;
    return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)arg;
    (void)c;
    (void)how;
    if (*state)
        request_free(*state);
    *state = NULL;
}

/* "host:port", "[v6]:port" to its two parts; malloc'ed. */
static int split_listen(const char *listen_on, char **ret_host, char **ret_port,
                        struct mb_error *err)
{
    const char *colon = strrchr(listen_on, ':');
    size_t len = colon ? (size_t)(colon - listen_on) : 0;
    bool bracketed = len > 2 && listen_on[0] == '[' && listen_on[len - 1] == ']';
    uint64_t port;

    if (!len || (!bracketed && memchr(listen_on, ':', len))
        || mb_parse_u64(colon + 1, UINT16_MAX, &port, err) < 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "HTTP address %s: give HOST:PORT, with an IPv6 host in brackets",
                       listen_on);
    *ret_host =
        bracketed ? mb_xstrndup(listen_on + 1, len - 2) : mb_xstrndup(listen_on, len);
    *ret_port = mb_xstrdup(colon + 1);
    return 0;
}

static int open_socket(const struct addrinfo *ai, const char *listen_on, int *ret_fd,
                       struct mb_error *err)
{
    _cleanup_close_ int fd =
        socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return mb_fail_errno(err, "HTTP address %s: socket", listen_on);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0)
        return mb_fail_errno(err, "HTTP address %s: bind", listen_on);
    if (listen(fd, SOMAXCONN) < 0)
        return mb_fail_errno(err, "HTTP address %s: listen", listen_on);
    *ret_fd = steal_fd(&fd);
    return 0;
}

/* *ret_url with the port that the kernel gave. */
static int listen_at(const char *listen_on, int *ret_fd, char **ret_url,
                     struct mb_error *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    _cleanup_free_ char *host = NULL;
    _cleanup_free_ char *port = NULL;
    struct sockaddr_storage ss = {0};
    socklen_t len = sizeof(ss);
    struct addrinfo *list = NULL;
    char bound[NI_MAXSERV];
    int r;

    if (split_listen(listen_on, &host, &port, err) < 0)
        return -1;
    r = getaddrinfo(host, port, &hints, &list);
    if (r != 0)
        return mb_fail(err, MB_ERR_INVALID, "HTTP address %s: %s", listen_on,
                       gai_strerror(r));
    r = open_socket(list, listen_on, ret_fd, err);
    freeaddrinfo(list);
    if (r < 0)
        return -1;
    if (getsockname(*ret_fd, (struct sockaddr *)&ss, &len) < 0
        || getnameinfo((struct sockaddr *)&ss, len, NULL, 0, bound, sizeof(bound),
                       NI_NUMERICSERV)
               != 0) {
        close(*ret_fd);
        return mb_fail(err, MB_ERR_IO, "HTTP address %s: its port is unknown",
                       listen_on);
    }
    *ret_url = strchr(host, ':') ? mb_xasprintf("http://[%s]:%s", host, bound)
                                 : mb_xasprintf("http://%s:%s", host, bound);
    return 0;
}

int http_start(const char *listen_on, struct mb_blob_store *store,
               struct http_server **ret, struct mb_error *err)
{
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION
                           | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL
                           | MHD_USE_ITC;
    struct http_server *s;
    char *url = NULL;
    int fd = -1;

    if (listen_at(listen_on, &fd, &url, err) < 0)
        return -1;
    s = mb_xcalloc(1, sizeof(*s));
    s->store = store;
    s->url = url;
    s->access = http_access_new();
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_OF_ADDRESS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SEC, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)THREAD_STACK_BYTES, MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        http_stop(s);
        return mb_fail(err, MB_ERR_IO, "HTTP address %s: the server does not start",
                       listen_on);
    }
    *ret = s;
    return 0;
}

void http_stop(struct http_server *s)
{
    if (!s)
        return;
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    http_access_free(s->access);
    free(s->url);
    free(s);
}

const char *http_url(const struct http_server *s)
{
    return s->url;
}

char *http_token_new(struct http_server *s, const char *peer, unsigned lifetime_sec)
{
    return http_access_grant(s->access, peer, lifetime_sec);
}

void http_token_revoke(struct http_server *s, const char *peer)
{
    http_access_revoke(s->access, peer);
}
