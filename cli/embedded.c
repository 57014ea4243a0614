/* SPDX-License-Identifier: Apache-2.0 */
/* The one file of the CLI that starts the coordinator and the agent. */
#include "cli/embedded.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/state_dir.h"
#include "coordinator/coordinator.h"

struct embedded {
    char *config;
    struct coordinator_embed *coordinator;
    struct agent_embed *agent;
};

DEFINE_CLEANUP(struct embedded *, embedded_stop)

static int start_agent(struct embedded *e, const char *state_dir,
                       const struct coordinator_embed_peer *peer, struct mb_error *err)
{
    struct agent_opts opts = {.address = peer->address,
                              .keys = peer->agent_keys,
                              .state_dir = state_dir,
                              .emulate = "auto"};

    memcpy(opts.server_key, peer->server_key, MB_KEY_LEN);
    return agent_embed_start(&opts, &e->agent, err);
}

int embedded_start(const char *state_dir, struct embedded **ret,
                   struct embedded_peer *ret_peer, struct mb_error *err)
{
    _cleanup_(embedded_stopp) struct embedded *e = mb_xcalloc(1, sizeof(*e));
    _cleanup_free_ char *config_dir = NULL;
    struct coordinator_embed_peer peer;

    if (config_dir_path(&config_dir, err) < 0)
        return -1;
    e->config = mb_path_join(config_dir, "config.toml");
    if (coordinator_embed_start(state_dir, e->config, &e->coordinator, &peer, err) < 0)
        return mb_wrap(err, "start a coordinator on this machine");
    if (start_agent(e, state_dir, &peer, err) < 0)
        return mb_wrap(err, "start an agent on this machine");
    memcpy(ret_peer->address, peer.address, sizeof(ret_peer->address));
    memcpy(ret_peer->server_key, peer.server_key, MB_KEY_LEN);
    ret_peer->keys = peer.client_keys;
    *ret = steal_ptr(e);
    return 0;
}

bool embedded_failed(struct embedded *e, struct mb_error *err)
{
    return agent_embed_failed(e->agent, err);
}

void embedded_stop(struct embedded *e)
{
    if (!e)
        return;
    if (e->agent)
        agent_embed_stop(e->agent);
    if (e->coordinator)
        coordinator_embed_stop(e->coordinator);
    free(e->config);
    free(e);
}
