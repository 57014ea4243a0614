/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_retry - which endpoint next, and when again.
 *
 * A mirror gets few tries and is then left alone by this client, so that a dead mirror
 * costs one pause and not one per blob. A loopback port that refuses will not open by
 * waiting.
 */
#include "registry/client_impl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define TRIES 5
#define TRIES_MIRROR 2
#define TRIES_REFUSED 2
#define PAUSE_MSEC 100
#define PAUSE_FACTOR 3
#define CANCEL_POLL_MSEC 20

static bool is_cancelled(const struct mb_registry_client *c)
{
    return c->cancel && atomic_load(c->cancel);
}

static void pause_msec(const struct mb_registry_client *c, uint64_t msec)
{
    uint64_t end = mb_now_usec() + msec * 1000;

    while (!is_cancelled(c) && mb_now_usec() < end)
        poll(NULL, 0, CANCEL_POLL_MSEC);
}

/* A TLS handshake that got no TLS back, where the user allows plain HTTP. */
static bool wants_http(const struct mb_endpoint *e, const struct mb_error *err)
{
    return e->http_fallback && err->code == MB_ERR_UNAVAILABLE
           && err->sys_errno == EPROTO;
}

static unsigned tries_for(const struct mb_endpoint *e, bool mirror,
                          const struct mb_error *err)
{
    if (err->code != MB_ERR_UNAVAILABLE)
        return 0;
    if (e->loopback && err->sys_errno == ECONNREFUSED)
        return TRIES_REFUSED;
    return mirror ? TRIES_MIRROR : TRIES;
}

static int try_endpoint(struct mb_registry_client *c, struct mb_endpoint *e,
                        bool mirror, mb_attempt_fn *fn, void *arg, struct mb_error *err)
{
    uint64_t msec = PAUSE_MSEC;
    unsigned n = 1;

    for (;;) {
        if (is_cancelled(c))
            return mb_fail(err, MB_ERR_CANCELLED, "cancelled");
        c->retry_after_sec = 0;
        c->progressed = false;
        if (fn(c, e, arg, err) == 0)
            return 0;
        if (wants_http(e, err)) {
            mb_endpoint_use_http(e);
            continue;
        }
        if (c->progressed) {
            n = 0;
            msec = PAUSE_MSEC;
        }
        if (n >= tries_for(e, mirror, err))
            break;
        pause_msec(c, c->retry_after_sec ? c->retry_after_sec * 1000 : msec);
        msec *= PAUSE_FACTOR;
        n++;
    }
    if (n > 1)
        return mb_wrap(err, "registry %s, given up after %u tries", e->name, n);
    return mb_wrap(err, "registry %s", e->name);
}

/* Another endpoint may do better; ours to fix, or the user's wish, are not. */
static bool next_may_help(const struct mb_error *err)
{
    return err->code != MB_ERR_CANCELLED && err->code != MB_ERR_IO;
}

static int find_route(struct mb_registry_client *c, const struct mb_reference *ref,
                      struct mb_route **ret, struct mb_error *err)
{
    struct mb_route r;

    for (size_t i = 0; i < c->n_routes; i++) {
        if (c->base_url || !strcmp(c->routes[i].registry, ref->registry)) {
            *ret = &c->routes[i];
            return 0;
        }
    }
    if (c->base_url) {
        if (mb_route_fixed(c->base_url, &r, err) < 0)
            return -1;
    } else if (mb_route_make(c->config, ref->registry, &r, err) < 0) {
        return -1;
    }
    c->routes = mb_xreallocarray(c->routes, c->n_routes + 1, sizeof(*c->routes));
    c->routes[c->n_routes] = r;
    *ret = &c->routes[c->n_routes++];
    return 0;
}

int mb_registry_attempt(struct mb_registry_client *c, const struct mb_reference *ref,
                        bool push, mb_attempt_fn *fn, void *arg, struct mb_error *err)
{
    struct mb_route *route;

    if (find_route(c, ref, &route, err) < 0)
        return -1;
    for (size_t i = push ? route->n - 1 : 0; i + 1 < route->n; i++) {
        struct mb_endpoint *mirror = &route->v[i];

        if (mirror->down)
            continue;
        if (try_endpoint(c, mirror, true, fn, arg, err) == 0)
            return 0;
        if (!next_may_help(err))
            return -1;
        mirror->down = err->code == MB_ERR_UNAVAILABLE || err->code == MB_ERR_CORRUPT;
    }
    return try_endpoint(c, &route->v[route->n - 1], false, fn, arg, err);
}
