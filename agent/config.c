/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/toml.h"

enum kind { TEXT, LIST, SLOTS, PLATFORMS };

static const struct {
    const char *key;
    enum kind kind;
    size_t offset;
} keys[] = {
    {"join", TEXT, offsetof(struct agent_config, join)},
    {"name", TEXT, offsetof(struct agent_config, name)},
    {"state-dir", TEXT, offsetof(struct agent_config, state_dir)},
    {"runtime", TEXT, offsetof(struct agent_config, runtime)},
    {"emulate", LIST, offsetof(struct agent_config, emulate)},
    {"slots", SLOTS, offsetof(struct agent_config, slots)},
    {"platform", PLATFORMS, offsetof(struct agent_config, platforms)},
};

/* A string, or, if @list, strings with commas between them; malloc'ed. */
static int read_text(const char *key, const json_t *v, bool list, char **ret,
                     struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv parts = {0};

    for (size_t i = 0; list && i < json_array_size(v); i++) {
        const char *s = json_string_value(json_array_get(v, i));

        if (!s)
            return mb_fail(err, MB_ERR_INVALID, "%s: its list may hold strings only",
                           key);
        mb_strv_add(&parts, s);
    }
    if (json_is_string(v))
        mb_strv_add(&parts, json_string_value(v));
    if (parts.n == 0 || !parts.v[0][0])
        return mb_fail(err, MB_ERR_INVALID, "%s must be a string%s, and not empty", key,
                       list ? " or a list of strings" : "");
    *ret = mb_strv_join(&parts, ",");
    return 0;
}

static int read_slots(const json_t *v, uint64_t *ret, struct mb_error *err)
{
    json_int_t n = json_integer_value(v); /* 0 when it is no integer */

    if (n < 1 || n > AGENT_SLOTS_MAX)
        return mb_fail(err, MB_ERR_INVALID, "slots must be a number from 1 to %d",
                       AGENT_SLOTS_MAX);
    *ret = (uint64_t)n;
    return 0;
}

static int read_platforms(const json_t *v, struct mb_platforms *ret,
                          struct mb_error *err)
{
    _cleanup_free_ char *text = NULL;

    if (read_text("platform", v, true, &text, err) < 0)
        return -1;
    if (mb_platforms_parse(text, ret, err) < 0)
        return mb_wrap(err, "platform");
    return 0;
}

static int read_key(const char *key, const json_t *v, struct agent_config *c,
                    struct mb_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        void *at = (char *)c + keys[i].offset;

        if (strcmp(keys[i].key, key) != 0)
            continue;
        switch (keys[i].kind) {
        case TEXT:
        case LIST:
            return read_text(key, v, keys[i].kind == LIST, at, err);
        case SLOTS:
            return read_slots(v, at, err);
        case PLATFORMS:
            return read_platforms(v, at, err);
        }
    }
    return mb_fail(
        err, MB_ERR_INVALID,
        "unknown key \"%s\" (there are join, name, slots, platform, emulate, "
        "runtime, state-dir)",
        key);
}

int agent_config_parse(const char *text, size_t len, struct agent_config *ret,
                       struct mb_error *err)
{
    _cleanup_json_ json_t *root = NULL;
    struct agent_config c = {0};
    const char *key;
    json_t *v;

    if (mb_toml_parse(text, len, &root, err) < 0)
        return -1;
    json_object_foreach(root, key, v)
    {
        if (read_key(key, v, &c, err) < 0) {
            agent_config_done(&c);
            return -1;
        }
    }
    *ret = c;
    return 0;
}

int agent_config_read(const char *path, struct agent_config *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MB_CONFIG_FILE_BYTES_MAX);

    if (mb_read_file(AT_FDCWD, path, &text, err) < 0)
        return -1;
    if (agent_config_parse(text.data ? text.data : "", text.len, ret, err) < 0)
        return mb_wrap(err, "%s", path);
    return 0;
}

void agent_config_done(struct agent_config *c)
{
    free(c->join);
    free(c->name);
    free(c->state_dir);
    free(c->emulate);
    free(c->runtime);
    mb_platforms_done(&c->platforms);
    *c = (struct agent_config){0};
}
