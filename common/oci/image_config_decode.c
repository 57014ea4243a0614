/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: image-spec v1.1 config.md "Properties"; Docker image spec v1.3 for the rest. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/image_config.h"

/* What has no field of its own type in struct mb_image_config. */
struct raw {
    struct mb_image_config c;
    char *os, *architecture, *variant;
    json_t *config, *rootfs, *history;                         /* borrowed */
    json_t *entrypoint, *cmd, *env, *ports, *volumes, *health; /* borrowed */
    json_t *diff_ids;                                          /* borrowed */
    char *rootfs_type;
};

#define CONFIG_FIELD(field) \
    (offsetof(struct raw, c) + offsetof(struct mb_image_config, field))

static const struct mb_json_field top_fields[] = {
    {"architecture", MB_JSON_STR, offsetof(struct raw, architecture), false},
    {"os", MB_JSON_STR, offsetof(struct raw, os), false},
    {"variant", MB_JSON_STR, offsetof(struct raw, variant), false},
    {"os.version", MB_JSON_STR, CONFIG_FIELD(os_version), false},
    {"created", MB_JSON_STR, CONFIG_FIELD(created), false},
    {"author", MB_JSON_STR, CONFIG_FIELD(author), false},
    {"config", MB_JSON_OBJECT, offsetof(struct raw, config), false},
    {"rootfs", MB_JSON_OBJECT, offsetof(struct raw, rootfs), false},
    {"history", MB_JSON_ARRAY, offsetof(struct raw, history), false},
};

static const struct mb_json_field config_fields[] = {
    {"User", MB_JSON_STR, CONFIG_FIELD(user), false},
    {"ExposedPorts", MB_JSON_OBJECT, offsetof(struct raw, ports), false},
    {"Env", MB_JSON_ARRAY, offsetof(struct raw, env), false},
    {"Entrypoint", MB_JSON_ARRAY, offsetof(struct raw, entrypoint), false},
    {"Entrypoint", MB_JSON_STRV, CONFIG_FIELD(entrypoint), false},
    {"Cmd", MB_JSON_ARRAY, offsetof(struct raw, cmd), false},
    {"Cmd", MB_JSON_STRV, CONFIG_FIELD(cmd), false},
    {"Volumes", MB_JSON_OBJECT, offsetof(struct raw, volumes), false},
    {"WorkingDir", MB_JSON_STR, CONFIG_FIELD(working_dir), false},
    {"Labels", MB_JSON_KV, CONFIG_FIELD(labels), false},
    {"StopSignal", MB_JSON_STR, CONFIG_FIELD(stop_signal), false},
    {"ArgsEscaped", MB_JSON_BOOL, CONFIG_FIELD(args_escaped), false},
    {"Healthcheck", MB_JSON_OBJECT, offsetof(struct raw, health), false},
    {"OnBuild", MB_JSON_STRV, CONFIG_FIELD(on_build), false},
    {"Shell", MB_JSON_STRV, CONFIG_FIELD(shell), false},
};

static const struct mb_json_field rootfs_fields[] = {
    {"type", MB_JSON_STR, offsetof(struct raw, rootfs_type), false},
    {"diff_ids", MB_JSON_ARRAY, offsetof(struct raw, diff_ids), false},
};

static const struct mb_json_field history_fields[] = {
    {"created", MB_JSON_STR, offsetof(struct mb_history, created), false},
    {"created_by", MB_JSON_STR, offsetof(struct mb_history, created_by), false},
    {"comment", MB_JSON_STR, offsetof(struct mb_history, comment), false},
    {"author", MB_JSON_STR, offsetof(struct mb_history, author), false},
    {"empty_layer", MB_JSON_BOOL, offsetof(struct mb_history, empty_layer), false},
};

static void raw_done(struct raw *r)
{
    mb_image_config_done(&r->c);
    free(r->os);
    free(r->architecture);
    free(r->variant);
    free(r->rootfs_type);
}

static int check_count(const char *key, size_t n, size_t max, struct mb_error *err)
{
    if (n > max)
        return mb_fail(err, MB_ERR_LIMIT, "'%.64s' has %zu entries, the limit is %zu",
                       key, n, max);
    return 0;
}

/* Before any list of "config" is copied. */
static int check_counts(json_t *config, struct mb_error *err)
{
    const char *key;
    json_t *v;

    json_object_foreach(config, key, v)
    {
        /* One of the two is 0. */
        size_t n = json_array_size(v) + json_object_size(v);

        if (check_count(key, n, MB_CONFIG_ITEMS_MAX, err) < 0)
            return -1;
    }
    return 0;
}

/* "K=V"; a text without '=' gets an empty value, an empty name is passed over. */
static int read_env(json_t *list, struct mb_kvlist *ret, struct mb_error *err)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);

        if (!text)
            return mb_fail(err, MB_ERR_INVALID, "'Env' is not a list of strings");
        size_t len = strcspn(text, "=");
        _cleanup_free_ char *key = mb_xstrndup(text, len);
        if (len > 0)
            mb_kv_set(ret, key, text[len] == '=' ? text + len + 1 : "");
    }
    return 0;
}

/* {"80/tcp": {}}: only the keys mean something. */
static void read_keys(json_t *obj, struct mb_strv *ret)
{
    const char *key;
    json_t *ignored;

    json_object_foreach(obj, key, ignored)
    {
        mb_strv_add(ret, key);
    }
}

static int read_config(struct raw *r, struct mb_error *err)
{
    if (!r->config)
        return 0;
    if (check_counts(r->config, err) < 0
        || mb_json_read(r->config, config_fields, ARRAY_SIZE(config_fields), r, err) < 0
        || read_env(r->env, &r->c.env, err) < 0)
        return -1;
    r->c.has_entrypoint = r->entrypoint != NULL;
    r->c.has_cmd = r->cmd != NULL;
    read_keys(r->ports, &r->c.exposed_ports);
    read_keys(r->volumes, &r->c.volumes);
    if (r->health) {
        _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_CONFIG_BYTES_MAX);

        mb_json_write(r->health, 0, false, &text);
        if (mb_buf_check(&text, "'Healthcheck'", err) < 0)
            return -1;
        r->c.healthcheck = mb_buf_steal(&text);
    }
    return 0;
}

static int read_rootfs(struct raw *r, struct mb_error *err)
{
    size_t i, n;
    json_t *item;

    if (!r->rootfs)
        return 0;
    if (mb_json_read(r->rootfs, rootfs_fields, ARRAY_SIZE(rootfs_fields), r, err) < 0)
        return -1;
    if (r->rootfs_type && strcmp(r->rootfs_type, "layers") != 0)
        return mb_fail(err, MB_ERR_INVALID, "rootfs type '%.64s' is not 'layers'",
                       r->rootfs_type);
    n = json_array_size(r->diff_ids);
    if (check_count("diff_ids", n, MB_LAYERS_MAX, err) < 0)
        return -1;
    json_array_foreach(r->diff_ids, i, item)
    {
        struct mb_digest d;

        if (!json_is_string(item))
            return mb_fail(err, MB_ERR_INVALID, "'diff_ids' is not a list of strings");
        if (mb_digest_parse(json_string_value(item), &d, err) < 0)
            return -1;
        mb_image_config_add_diff_id(&r->c, &d);
    }
    return 0;
}

static int read_history(struct raw *r, struct mb_error *err)
{
    size_t n = json_array_size(r->history);

    if (check_count("history", n, MB_STEPS_MAX, err) < 0)
        return -1;
    r->c.history = mb_xcalloc(n, sizeof(*r->c.history));
    r->c.n_history = n; /* zeroed entries can be released */
    for (size_t i = 0; i < n; i++)
        if (mb_json_read(json_array_get(r->history, i), history_fields,
                         ARRAY_SIZE(history_fields), &r->c.history[i], err)
            < 0)
            return mb_wrap(err, "history %zu", i);
    return 0;
}

/* Configs of artifacts name no platform; those keep an empty one. */
static int read_platform(struct raw *r, struct mb_error *err)
{
    bool has_os = r->os && r->os[0];
    bool has_arch = r->architecture && r->architecture[0];

    if (!has_os && !has_arch)
        return 0;
    return mb_platform_make(has_os ? r->os : "", has_arch ? r->architecture : "",
                            r->variant, &r->c.platform, err);
}

int mb_image_config_decode(const void *data, size_t len, struct mb_image_config *ret,
                           struct mb_error *err)
{
    _cleanup_json_ json_t *doc = NULL;
    _cleanup_(raw_done) struct raw r = {0};

    if (mb_json_parse(data, len, MB_CONFIG_BYTES_MAX, &doc, err) < 0
        || mb_json_read(doc, top_fields, ARRAY_SIZE(top_fields), &r, err) < 0
        || read_platform(&r, err) < 0 || read_config(&r, err) < 0
        || read_rootfs(&r, err) < 0 || read_history(&r, err) < 0)
        return mb_wrap(err, "image config");
    *ret = r.c;
    r.c = (struct mb_image_config){0};
    return 0;
}
