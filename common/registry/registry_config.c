/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_config - [registry."NAME"] tables of config.toml to a list.
 * Keys that are not ours pass: the file belongs to other parts, too.
 */
#include "registry/registry_config.h"

#include <fcntl.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/toml.h"

static void host_done(struct mb_registry_host *h)
{
    free(h->name);
    mb_strv_done(&h->mirrors);
    mb_strv_done(&h->ca);
}

void mb_registry_config_done(struct mb_registry_config *c)
{
    for (size_t i = 0; i < c->n; i++)
        host_done(&c->v[i]);
    free(c->v);
    *c = (struct mb_registry_config){0};
}

static int read_host(const char *name, json_t *table, struct mb_registry_config *c,
                     struct mb_error *err)
{
    static const struct mb_json_field fields[] = {
        {"http", MB_JSON_BOOL, offsetof(struct mb_registry_host, http), false},
        {"insecure", MB_JSON_BOOL, offsetof(struct mb_registry_host, insecure), false},
        {"mirrors", MB_JSON_STRV, offsetof(struct mb_registry_host, mirrors), false},
        {"ca", MB_JSON_STRV, offsetof(struct mb_registry_host, ca), false},
    };
    _cleanup_(host_done) struct mb_registry_host h = {0};

    if (!json_is_object(table))
        return mb_fail(err, MB_ERR_INVALID, "registry.\"%s\" is not a table", name);
    if (mb_json_read(table, fields, ARRAY_SIZE(fields), &h, err) < 0)
        return mb_wrap(err, "registry.\"%s\"", name);
    h.name = mb_xstrdup(name);

    c->v = mb_xreallocarray(c->v, c->n + 1, sizeof(*c->v));
    c->v[c->n++] = h;
    h = (struct mb_registry_host){0};
    return 0;
}

static int read_hosts(json_t *root, struct mb_registry_config *c, struct mb_error *err)
{
    json_t *hosts = json_object_get(root, "registry");
    const char *name;
    json_t *table;

    if (!hosts)
        return 0;
    if (!json_is_object(hosts))
        return mb_fail(err, MB_ERR_INVALID, "registry is not a table");
    json_object_foreach(hosts, name, table)
    {
        if (read_host(name, table, c, err) < 0)
            return -1;
    }
    return 0;
}

int mb_registry_config_parse(const char *text, size_t len, const char *name,
                             struct mb_registry_config *ret, struct mb_error *err)
{
    _cleanup_(mb_registry_config_done) struct mb_registry_config c = {0};
    _cleanup_json_ json_t *root = NULL;

    if (len > MB_REGISTRY_CONFIG_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "%s is over %llu bytes", name,
                       (unsigned long long)MB_REGISTRY_CONFIG_BYTES_MAX);
    if (mb_toml_parse(text, len, &root, err) < 0 || read_hosts(root, &c, err) < 0)
        return mb_wrap(err, "%s", name);
    *ret = c;
    c = (struct mb_registry_config){0};
    return 0;
}

int mb_registry_config_load(const char *path, struct mb_registry_config *ret,
                            struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_REGISTRY_CONFIG_BYTES_MAX);

    if (!path) {
        *ret = (struct mb_registry_config){0};
        return 0;
    }
    if (mb_read_file(AT_FDCWD, path, &text, err) < 0) {
        if (err->code != MB_ERR_NOT_FOUND)
            return -1;
        *ret = (struct mb_registry_config){0};
        return 0;
    }
    return mb_registry_config_parse(text.data ? text.data : "", text.len, path, ret,
                                    err);
}

const struct mb_registry_host *mb_registry_config_find(
    const struct mb_registry_config *c, const char *host)
{
    for (size_t i = 0; c && i < c->n; i++)
        if (!strcasecmp(c->v[i].name, host))
            return &c->v[i];
    return NULL;
}
