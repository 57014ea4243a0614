/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_send - one request of the distribution API: authorization and redirects.
 *
 * Authorization goes to the endpoint's own origin and nowhere else: blobs are often
 * kept by another host that a redirect names, and uploads may be sent there by
 * Location.
 */
#include "registry/client_impl.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "registry/url.h"

#define REDIRECTS_MAX 5
#define RETRY_AFTER_SEC_MAX 30

static bool is_redirect(const struct mb_exchange *x)
{
    return (x->status == 301 || x->status == 302 || x->status == 303 || x->status == 307
            || x->status == 308)
           && x->redirect && (!strcmp(x->method, "GET") || !strcmp(x->method, "HEAD"));
}

/* *ret_foreign: the answer is another origin's. */
static int send_following(struct mb_registry_client *c, const struct mb_call *call,
                          struct mb_exchange *x, bool *ret_foreign,
                          struct mb_error *err)
{
    _cleanup_free_ char *hop = NULL;
    const char *first = x->url;
    int r = 0;

    for (unsigned n = 0; r == 0; n++) {
        *ret_foreign = !mb_url_same_origin(x->url, call->endpoint->origin);
        x->authorization = c->authorization;
        if (!x->authorization)
            x->authorization =
                mb_endpoint_grant(call->endpoint, call->repository, call->push);
        if (*ret_foreign)
            x->authorization = NULL;
        r = mb_exchange_run(c->http, call->endpoint, x, err);
        if (r < 0 || !is_redirect(x))
            break;
        if (n == REDIRECTS_MAX) {
            r = mb_fail(err, MB_ERR_PROTOCOL, "more than %d redirects", REDIRECTS_MAX);
            break;
        }
        free(hop);
        hop = steal_ptr(x->redirect);
        x->url = hop;
    }
    x->url = first;
    x->authorization = NULL;
    return r;
}

static void note_retry_after(struct mb_registry_client *c, const struct mb_exchange *x)
{
    struct mb_error ignored;
    uint64_t sec = 0;

    if (x->got_retry && !mb_parse_u64(x->got_retry, UINT64_MAX, &sec, &ignored))
        c->retry_after_sec = sec < RETRY_AFTER_SEC_MAX ? sec : RETRY_AFTER_SEC_MAX;
}

int mb_registry_send(struct mb_registry_client *c, const struct mb_call *call,
                     struct mb_exchange *x, struct mb_error *err)
{
    bool foreign = false;

    if (send_following(c, call, x, &foreign, err) < 0)
        return -1;
    if (x->status == 401 && !foreign && !c->authorization) {
        if (mb_registry_authorize(c, call, x, err) < 0
            || send_following(c, call, x, &foreign, err) < 0)
            return -1;
    }
    if (x->status == 401 || x->status == 403)
        return mb_registry_denied(c, call, x, false, err);
    if (x->status == 408 || x->status == 429 || x->status >= 500) {
        note_retry_after(c, x);
        return mb_exchange_fail(x, err);
    }
    return 0;
}
