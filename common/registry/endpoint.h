/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint - where a registry is reached: its origin, trust, and the tokens got from
 * it.
 *
 * A route is the list of endpoints for one registry name: its mirrors in order, then
 * the registry itself. Not thread-safe: a route belongs to one client.
 */
#ifndef MB_REGISTRY_ENDPOINT_H
#define MB_REGISTRY_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/registry_config.h"

/* What a registry gave us for one repository. */
struct mb_registry_grant {
    char *repository;
    bool push;
    char *authorization; /* "Bearer ..", "Basic .."; secret */
};
struct mb_endpoint {
    char *name;   /* "host[:port]": for messages and credentials */
    char *origin; /* "https://host[:port]" */
    char *prefix; /* in front of the repository: "" or "proxy/" */
    char *ca_pem; /* own authorities, or NULL */
    size_t ca_len;
    bool insecure;      /* TLS is not verified */
    bool http_fallback; /* plain HTTP may be tried when TLS does not answer */
    bool loopback;
    bool down; /* a mirror that failed: not asked again */
    struct mb_registry_grant *grants;
    size_t n_grants;
};
struct mb_route {
    char *registry;
    struct mb_endpoint *v; /* the last one is the registry itself */
    size_t n;
};

/* INVALID, LIMIT, IO: a ca file of the configuration cannot be read. */
int mb_route_make(const struct mb_registry_config *config, const char *registry,
                  struct mb_route *ret, struct mb_error *err) _must_check_;
/* One endpoint at @base_url ("http://127.0.0.1:7481"), whatever the name. INVALID. */
int mb_route_fixed(const char *base_url, struct mb_route *ret, struct mb_error *err)
    _must_check_;
void mb_route_done(struct mb_route *r);

/* From TLS to plain HTTP, for good. */
void mb_endpoint_use_http(struct mb_endpoint *e);
/* malloc'ed "ORIGIN/v2/PREFIX+REPOSITORY/TAIL". */
char *mb_endpoint_url(const struct mb_endpoint *e, const char *repository,
                      const char *tail);
/* Borrowed, NULL when there is none. A grant to push serves pulls, too. */
const char *mb_endpoint_grant(const struct mb_endpoint *e, const char *repository,
                              bool push);
/* Replaces what was there. Takes @authorization. */
void mb_endpoint_set_grant(struct mb_endpoint *e, const char *repository, bool push,
                           char *authorization);

/* "localhost", "127.x.y.z" or "[::1]", with or without ":port". */
bool mb_host_is_loopback(const char *host);

#endif
