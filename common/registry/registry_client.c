/* SPDX-License-Identifier: Apache-2.0 */
/* registry_client - life and lookup; the operations are in registry_pull.c and _push.c.
 */
#include "registry/registry_client.h"

#include "base/mem.h"
#include "registry/client_impl.h"
#include "registry/credentials.h"

struct mb_registry_client *mb_registry_client_new(const struct mb_registry_opts *opts)
{
    struct mb_registry_client *c = mb_xcalloc(1, sizeof(*c));

    c->config = opts->config;
    c->cancel = opts->cancel;
    c->docker_config = mb_xstrdup(opts->docker_config);
    c->base_url = mb_xstrdup(opts->base_url);
    if (opts->bearer_token)
        c->authorization = mb_xasprintf("Bearer %s", opts->bearer_token);
    c->http = mb_http_new(opts->cancel);
    return c;
}

void mb_registry_client_free(struct mb_registry_client *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_routes; i++)
        mb_route_done(&c->routes[i]);
    free(c->routes);
    mb_http_free(c->http);
    mb_secret_free(c->authorization);
    free(c->docker_config);
    free(c->base_url);
    free(c);
}
