/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_config - how each registry is reached; the same TOML as buildkitd.toml:
 *   [registry."docker.io"]
 *   mirrors = ["mirror.local:5000"]
 *   [registry."host:5000"]
 *   http = true
 *   insecure = true
 *   ca = ["/etc/ssl/own.pem"]
 * Hosts on the loopback (localhost, 127.0.0.0/8, [::1]) are plain HTTP without
 * configuration.
 */
#ifndef MB_REGISTRY_CONFIG_H
#define MB_REGISTRY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

struct mb_registry_host {
    char *name; /* "host[:port]" as in references */
    bool http, insecure;
    struct mb_strv mirrors, ca;
};
struct mb_registry_config {
    struct mb_registry_host *v;
    size_t n;
};
/* @path NULL or missing file: empty. INVALID names file and key. */
int mb_registry_config_load(const char *path, struct mb_registry_config *ret,
                            struct mb_error *err) _must_check_;
/* The same from text that was read; @name stands in messages for the file. */
int mb_registry_config_parse(const char *text, size_t len, const char *name,
                             struct mb_registry_config *ret, struct mb_error *err)
    _must_check_;
/* NULL when not configured. */
const struct mb_registry_host *mb_registry_config_find(
    const struct mb_registry_config *c, const char *host);
void mb_registry_config_done(struct mb_registry_config *c);

#endif
