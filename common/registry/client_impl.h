/* SPDX-License-Identifier: Apache-2.0 */
/* client_impl - what the files of the registry client share; for this folder only. */
#ifndef MB_REGISTRY_CLIENT_IMPL_H
#define MB_REGISTRY_CLIENT_IMPL_H

#include "registry/endpoint.h"
#include "registry/exchange.h"
#include "registry/registry_client.h"

struct mb_registry_client {
    const struct mb_registry_config *config; /* borrowed */
    const atomic_bool *cancel;               /* borrowed */
    char *docker_config;
    char *base_url;
    char *authorization; /* fixed, secret; NULL: by challenge */
    struct mb_http *http;
    struct mb_route *routes; /* by registry name, made when first asked for */
    size_t n_routes;
    /* what an attempt tells the loop around it */
    uint64_t retry_after_sec;
    bool progressed;
};

/* Whom a request goes to, on behalf of what. */
struct mb_call {
    struct mb_endpoint *endpoint;
    const char *repository;
    bool push;
};

/* --- registry_send.c --- */
/* Send with what authorization there is, answer a 401 once, follow redirects of GET and
 * HEAD. 0 for any status that is not DENIED (401, 403) or UNAVAILABLE (408, 429, 5xx).
 */
int mb_registry_send(struct mb_registry_client *c, const struct mb_call *call,
                     struct mb_exchange *x, struct mb_error *err) _must_check_;

/* --- registry_auth.c --- */
/* Turn the challenge of a 401 answer into a grant kept at the endpoint. DENIED (says
 * what to do), PROTOCOL, UNAVAILABLE (the token server). */
int mb_registry_authorize(struct mb_registry_client *c, const struct mb_call *call,
                          const struct mb_exchange *x, struct mb_error *err)
    _must_check_;
int mb_registry_denied(const struct mb_registry_client *c, const struct mb_call *call,
                       const struct mb_exchange *x, bool has_helper,
                       struct mb_error *err);

/* --- registry_retry.c --- */
typedef int mb_attempt_fn(struct mb_registry_client *c, struct mb_endpoint *e,
                          void *arg, struct mb_error *err);
/* Run @fn against the mirrors in order, then the registry; with @push only the latter.
 * What is UNAVAILABLE is tried again after a growing pause. */
int mb_registry_attempt(struct mb_registry_client *c, const struct mb_reference *ref,
                        bool push, mb_attempt_fn *fn, void *arg, struct mb_error *err)
    _must_check_;

#endif
