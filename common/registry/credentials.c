/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials - {"auths": {"HOST": {"auth": base64("user:password")}}}.
 *
 * Keys are hosts, or URLs as Docker wrote them in its first years; only the host
 * counts. Docker Hub has several names, all of which mean docker.io here.
 */
#include "registry/credentials.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

void mb_secret_free(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

void mb_credentials_done(struct mb_credentials *c)
{
    mb_secret_free(c->username);
    mb_secret_free(c->password);
    *c = (struct mb_credentials){0};
}

static void secret_buf_done(struct mb_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->len);
    mb_buf_done(b);
}

/* The host of "host", "host/path" and "https://host/path". */
static char *host_of(const char *key)
{
    const char *scheme = strstr(key, "://");
    const char *host = scheme ? scheme + 3 : key;

    return mb_xstrndup(host, strcspn(host, "/"));
}

static bool is_docker_hub(const char *host)
{
    return !strcasecmp(host, "docker.io") || !strcasecmp(host, "index.docker.io")
           || !strcasecmp(host, "registry-1.docker.io");
}

static bool key_matches(const char *key, const char *registry)
{
    _cleanup_free_ char *host = host_of(key);

    return !strcasecmp(host, registry)
           || (is_docker_hub(host) && is_docker_hub(registry));
}

static int split_auth(const char *auth, struct mb_credentials *ret,
                      struct mb_error *err)
{
    _cleanup_(secret_buf_done) struct mb_buf text =
        MB_BUF_INIT(MB_HTTP_HEADER_BYTES_MAX);
    const char *colon;

    if (mb_unbase64(auth, &text, err) < 0)
        return mb_fail(err, MB_ERR_INVALID, "auth is not base64");
    colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    if (!colon || memchr(text.data, '\0', text.len))
        return mb_fail(err, MB_ERR_INVALID, "auth is not base64 of user:password");
    ret->username = mb_xstrndup(text.data, (size_t)(colon - text.data));
    ret->password = mb_xstrdup(colon + 1);
    return 0;
}

static int read_entry(json_t *entry, struct mb_credentials *ret, struct mb_error *err)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    const char *user = json_string_value(json_object_get(entry, "username"));
    const char *password = json_string_value(json_object_get(entry, "password"));

    if (auth && *auth)
        return split_auth(auth, ret, err);
    if (user && password) {
        ret->username = mb_xstrdup(user);
        ret->password = mb_xstrdup(password);
    }
    return 0;
}

static bool names_helper(json_t *root, const char *registry)
{
    const char *key;
    json_t *v;

    json_object_foreach(json_object_get(root, "credHelpers"), key, v)
    {
        if (key_matches(key, registry))
            return true;
    }
    return json_is_string(json_object_get(root, "credsStore"));
}

static int find_in(json_t *root, const char *registry, struct mb_credentials *ret,
                   struct mb_error *err)
{
    const char *key;
    json_t *entry;

    ret->has_helper = names_helper(root, registry);
    json_object_foreach(json_object_get(root, "auths"), key, entry)
    {
        if (!key_matches(key, registry))
            continue;
        if (read_entry(entry, ret, err) < 0)
            return mb_wrap(err, "auths.\"%s\"", registry);
        if (ret->username)
            return 0;
    }
    return 0;
}

int mb_credentials_find(const char *path, const char *registry,
                        struct mb_credentials *ret, struct mb_error *err)
{
    _cleanup_(secret_buf_done) struct mb_buf text =
        MB_BUF_INIT(MB_REGISTRY_CONFIG_BYTES_MAX);
    _cleanup_(mb_credentials_done) struct mb_credentials c = {0};
    _cleanup_json_ json_t *root = NULL;

    if (!path) {
        *ret = c;
        return 0;
    }
    if (mb_read_file(AT_FDCWD, path, &text, err) < 0) {
        if (err->code != MB_ERR_NOT_FOUND)
            return -1;
        *ret = c;
        return 0;
    }
    if (mb_json_parse(text.data ? text.data : "", text.len,
                      MB_REGISTRY_CONFIG_BYTES_MAX, &root, err)
            < 0
        || find_in(root, registry, &c, err) < 0)
        return mb_wrap(err, "%s", path);
    *ret = c;
    c = (struct mb_credentials){0};
    return 0;
}

char *mb_credentials_basic(const struct mb_credentials *c)
{
    char *pair = mb_xasprintf("%s:%s", c->username, c->password);
    char *encoded = mb_base64(pair, strlen(pair));
    char *header = mb_xasprintf("Basic %s", encoded);

    mb_secret_free(pair);
    mb_secret_free(encoded);
    return header;
}
