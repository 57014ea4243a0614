/* SPDX-License-Identifier: Apache-2.0 */
/* config - agent.toml: the flags of mbcluster-agent in a file. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <stdint.h>

#include "oci/platform.h"

#define AGENT_CONFIG_FILE "/etc/mbcluster/agent.toml"
#define AGENT_SLOTS_MAX 1024

/* Keys: join, name, state-dir, runtime (strings); slots (1 to 1024); platform, emulate
 * (a string such as "linux/s390x,linux/arm64", or a list of strings). */
struct agent_config {
    char *join, *name, *state_dir, *emulate, *runtime; /* NULL: not said */
    uint64_t slots;                                    /* 0: not said */
    struct mb_platforms platforms;
};
/* Into a zeroed *ret. NOT_FOUND; INVALID: no TOML, an unknown key, a
 * value of the wrong kind. */
int agent_config_read(const char *path, struct agent_config *ret, struct mb_error *err)
    _must_check_;
int agent_config_parse(const char *text, size_t len, struct agent_config *ret,
                       struct mb_error *err) _must_check_;
void agent_config_done(struct agent_config *c);

#endif
