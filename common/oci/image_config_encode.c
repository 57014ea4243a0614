/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of these bytes is the ImageID, so they follow BuildKit's to the letter:
 * a Go map at the top (keys sorted), Go structs below it (keys in their order, empty
 * values left out), Go maps sorted.
 */
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "oci/image_config.h"

/* As Go: a byte that is not UTF-8 becomes U+FFFD. */
static char *valid_text(const char *text)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(SIZE_MAX);
    size_t len = strlen(text);
    uint32_t ignored;

    if (mb_utf8_valid(text, len))
        return mb_xstrdup(text);
    while (len > 0) {
        size_t n = mb_utf8_decode(text, len, &ignored);

        if (n > 0)
            mb_buf_add(&out, text, n);
        else
            mb_buf_add_str(&out, "\xef\xbf\xbd");
        n = n > 0 ? n : 1;
        text += n;
        len -= n;
    }
    return mb_buf_steal(&out);
}

static json_t *text_json(const char *text)
{
    _cleanup_free_ char *valid = valid_text(text);

    return json_string(valid);
}

static void set_text(json_t *obj, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(obj, key, text_json(text));
}

static void set_in_map(json_t *map, const char *key, json_t *value)
{
    _cleanup_free_ char *valid = valid_text(key);

    json_object_set_new(map, valid, value);
}

static json_t *list_json(const struct mb_strv *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(list, text_json(l->v[i]));
    return list;
}

static void set_list(json_t *obj, const char *key, const struct mb_strv *l)
{
    if (l->n > 0)
        json_object_set_new(obj, key, list_json(l));
}

/* {"80/tcp":{}} with sorted keys. */
static void set_key_map(json_t *obj, const char *key, const struct mb_strv *keys)
{
    _cleanup_strv_ struct mb_strv sorted = {0};

    if (keys->n == 0)
        return;
    mb_strv_copy(&sorted, keys);
    mb_strv_sort(&sorted);

    json_t *map = json_object();
    for (size_t i = 0; i < sorted.n; i++)
        set_in_map(map, sorted.v[i], json_object());
    json_object_set_new(obj, key, map);
}

static void set_labels(json_t *obj, const struct mb_kvlist *labels)
{
    _cleanup_kv_ struct mb_kvlist sorted = {0};

    if (labels->n == 0)
        return;
    mb_kv_copy(&sorted, labels);
    mb_kv_sort(&sorted);

    json_t *map = json_object();
    for (size_t i = 0; i < sorted.n; i++)
        set_in_map(map, sorted.v[i].key, text_json(sorted.v[i].value));
    json_object_set_new(obj, "Labels", map);
}

static void set_env(json_t *obj, const struct mb_kvlist *env)
{
    _cleanup_strv_ struct mb_strv texts = {0};

    for (size_t i = 0; i < env->n; i++)
        mb_strv_addf(&texts, "%s=%s", env->v[i].key, env->v[i].value);
    set_list(obj, "Env", &texts);
}

static void set_healthcheck(json_t *obj, const char *text)
{
    json_t *v = NULL;
    struct mb_error err;

    if (!text)
        return;
    /* The decoder and the frontend only put JSON there. */
    BUG_ON(mb_json_parse(text, strlen(text), MB_CONFIG_BYTES_MAX, &v, &err) < 0);
    json_object_set_new(obj, "Healthcheck", v);
}

static json_t *config_json(const struct mb_image_config *c)
{
    json_t *obj = json_object();

    set_text(obj, "User", c->user);
    set_key_map(obj, "ExposedPorts", &c->exposed_ports);
    set_env(obj, &c->env);
    set_list(obj, "Entrypoint", &c->entrypoint);
    set_list(obj, "Cmd", &c->cmd);
    set_key_map(obj, "Volumes", &c->volumes);
    set_text(obj, "WorkingDir", c->working_dir);
    set_labels(obj, &c->labels);
    set_text(obj, "StopSignal", c->stop_signal);
    if (c->args_escaped)
        json_object_set_new(obj, "ArgsEscaped", json_true());
    set_healthcheck(obj, c->healthcheck);
    set_list(obj, "OnBuild", &c->on_build);
    set_list(obj, "Shell", &c->shell);
    return obj;
}

static json_t *history_json(const struct mb_image_config *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->n_history; i++) {
        const struct mb_history *h = &c->history[i];
        json_t *obj = json_object();

        set_text(obj, "created", h->created);
        set_text(obj, "created_by", h->created_by);
        set_text(obj, "author", h->author);
        set_text(obj, "comment", h->comment);
        if (h->empty_layer)
            json_object_set_new(obj, "empty_layer", json_true());
        json_array_append_new(list, obj);
    }
    return list;
}

static json_t *rootfs_json(const struct mb_image_config *c)
{
    json_t *obj = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < c->n_diff_ids; i++) {
        char text[MB_DIGEST_TEXT_LEN + 1];

        json_array_append_new(list, json_string(mb_digest_text(&c->diff_ids[i], text)));
    }
    json_object_set_new(obj, "type", json_string("layers"));
    json_object_set_new(obj, "diff_ids", list);
    return obj;
}

void mb_image_config_encode(const struct mb_image_config *c, struct mb_buf *out)
{
    _cleanup_json_ json_t *doc = json_object();

    /* In key order already; the objects below have an order of their own. */
    json_object_set_new(doc, "architecture", json_string(c->platform.arch));
    set_text(doc, "author", c->author);
    json_object_set_new(doc, "config", config_json(c));
    set_text(doc, "created", c->created);
    if (c->n_history > 0)
        json_object_set_new(doc, "history", history_json(c));
    json_object_set_new(doc, "os", json_string(c->platform.os));
    set_text(doc, "os.version", c->os_version);
    json_object_set_new(doc, "rootfs", rootfs_json(c));
    set_text(doc, "variant", c->platform.variant);
    mb_json_write(doc, 0, false, out);
}
