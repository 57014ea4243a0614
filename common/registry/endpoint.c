/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint - from a registry's name and the configuration to where it is reached. */
#include "registry/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/credentials.h"

bool mb_host_is_loopback(const char *host)
{
    _cleanup_free_ char *name = NULL;
    struct in_addr v4;
    struct in6_addr v6;

    if (host[0] == '[')
        name = mb_xstrndup(host + 1, strcspn(host + 1, "]"));
    else
        name = mb_xstrndup(host, strcspn(host, ":"));
    if (!strcasecmp(name, "localhost"))
        return true;
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static void endpoint_done(struct mb_endpoint *e)
{
    for (size_t i = 0; i < e->n_grants; i++) {
        free(e->grants[i].repository);
        mb_secret_free(e->grants[i].authorization);
    }
    free(e->grants);
    free(e->name);
    free(e->origin);
    free(e->prefix);
    free(e->ca_pem);
}

void mb_route_done(struct mb_route *r)
{
    for (size_t i = 0; i < r->n; i++)
        endpoint_done(&r->v[i]);
    free(r->v);
    free(r->registry);
    *r = (struct mb_route){0};
}

static int read_authorities(const struct mb_strv *files, struct mb_endpoint *e,
                            struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf pem = MB_BUF_INIT(MB_CA_BYTES_MAX);

    for (size_t i = 0; i < files->n; i++) {
        if (mb_read_file(AT_FDCWD, files->v[i], &pem, err) < 0)
            return mb_wrap(err, "ca of registry %s", e->name);
        mb_buf_add_byte(&pem, '\n');
    }
    if (mb_buf_check(&pem, "certificate authorities", err) < 0)
        return -1;
    e->ca_len = pem.len;
    if (pem.len)
        e->ca_pem = mb_buf_steal(&pem);
    return 0;
}

/* @spec: "host[:port]" or, for mirrors, "host[:port]/prefix". */
static int add_endpoint(const struct mb_registry_config *config, const char *spec,
                        struct mb_route *r, struct mb_error *err)
{
    size_t host_len = strcspn(spec, "/");
    struct mb_endpoint e = {.name = mb_xstrndup(spec, host_len)};
    const struct mb_registry_host *host = mb_registry_config_find(config, e.name);
    bool http = host && host->http;

    e.loopback = mb_host_is_loopback(e.name);
    e.insecure = host && host->insecure;
    if (e.loopback && !e.insecure && !(host && host->ca.n))
        http = true;
    e.http_fallback = e.insecure && !http;
    e.origin =
        mb_xasprintf("%s://%s", http ? "http" : "https",
                     strcasecmp(e.name, "docker.io") ? e.name : "registry-1.docker.io");
    if (spec[host_len] == '/' && spec[host_len + 1])
        e.prefix = mb_xasprintf("%s%s", spec + host_len + 1,
                                mb_ends_with(spec, "/") ? "" : "/");
    else
        e.prefix = mb_xstrdup("");

    r->v = mb_xreallocarray(r->v, r->n + 1, sizeof(*r->v));
    r->v[r->n++] = e;
    return host ? read_authorities(&host->ca, &r->v[r->n - 1], err) : 0;
}

int mb_route_make(const struct mb_registry_config *config, const char *registry,
                  struct mb_route *ret, struct mb_error *err)
{
    const struct mb_registry_host *host = mb_registry_config_find(config, registry);
    _cleanup_(mb_route_done) struct mb_route r = {.registry = mb_xstrdup(registry)};

    for (size_t i = 0; host && i < host->mirrors.n; i++)
        if (add_endpoint(config, host->mirrors.v[i], &r, err) < 0)
            return -1;
    if (add_endpoint(config, registry, &r, err) < 0)
        return -1;
    *ret = r;
    r = (struct mb_route){0};
    return 0;
}

int mb_route_fixed(const char *base_url, struct mb_route *ret, struct mb_error *err)
{
    const char *host = strstr(base_url, "://");
    struct mb_endpoint *e;
    size_t len;

    if (!mb_starts_with(base_url, "http://") && !mb_starts_with(base_url, "https://"))
        return mb_fail(err, MB_ERR_INVALID, "%s is not an http or https address",
                       base_url);
    host += 3;
    len = strcspn(host, "/");
    e = mb_xcalloc(1, sizeof(*e));
    e->name = mb_xstrndup(host, len);
    e->origin = mb_xstrndup(base_url, (size_t)(host - base_url) + len);
    e->prefix = mb_xstrdup("");
    e->loopback = mb_host_is_loopback(e->name);
    *ret = (struct mb_route){.v = e, .n = 1};
    return 0;
}

void mb_endpoint_use_http(struct mb_endpoint *e)
{
    char *origin = mb_xasprintf("http://%s", strstr(e->origin, "://") + 3);

    free(e->origin);
    e->origin = origin;
    e->http_fallback = false;
}

char *mb_endpoint_url(const struct mb_endpoint *e, const char *repository,
                      const char *tail)
{
    return mb_xasprintf("%s/v2/%s%s/%s", e->origin, e->prefix, repository, tail);
}

static struct mb_registry_grant *find_grant(const struct mb_endpoint *e,
                                            const char *repository)
{
    for (size_t i = 0; i < e->n_grants; i++)
        if (!strcmp(e->grants[i].repository, repository))
            return &e->grants[i];
    return NULL;
}

const char *mb_endpoint_grant(const struct mb_endpoint *e, const char *repository,
                              bool push)
{
    const struct mb_registry_grant *g = find_grant(e, repository);

    return g && (g->push || !push) ? g->authorization : NULL;
}

void mb_endpoint_set_grant(struct mb_endpoint *e, const char *repository, bool push,
                           char *authorization)
{
    struct mb_registry_grant *g = find_grant(e, repository);

    if (!g) {
        e->grants = mb_xreallocarray(e->grants, e->n_grants + 1, sizeof(*e->grants));
        g = &e->grants[e->n_grants++];
        *g = (struct mb_registry_grant){.repository = mb_xstrdup(repository)};
    }
    mb_secret_free(g->authorization);
    g->authorization = authorization;
    g->push = push;
}
