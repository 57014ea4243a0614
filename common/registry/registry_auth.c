/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_auth - Basic, and Bearer by a token server.
 * Spec: distribution "Token Authentication Specification": GET realm?service=&scope=
 * with Basic credentials if there are any, {"token" | "access_token"} back.
 */
#include "registry/client_impl.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/url.h"

int mb_registry_denied(const struct mb_registry_client *c, const struct mb_call *call,
                       const struct mb_exchange *x, bool has_helper,
                       struct mb_error *err)
{
    const char *name = call->endpoint->name;
    struct mb_error why = {0};

    mb_exchange_fail(x, &why);
    if (c->authorization)
        return mb_fail(err, MB_ERR_DENIED, "the access token was refused: %s", why.msg);
    if (has_helper)
        return mb_fail(err, MB_ERR_DENIED,
                       "access to %s denied: %s: credential helpers are not read; put "
                       "\"auths\" for %s into %s",
                       call->repository, why.msg, name, c->docker_config);
    return mb_fail(err, MB_ERR_DENIED,
                   "access to %s denied: %s: run `docker login %s`, or put \"auths\" "
                   "for it into %s",
                   call->repository, why.msg, name,
                   c->docker_config ? c->docker_config : "config.json");
}

/* Bearer is taken before Basic; only when no header is usable is that an error. */
static int pick_challenge(const struct mb_strv *headers, struct mb_challenge *ret,
                          struct mb_error *err)
{
    _cleanup_(mb_challenge_done) struct mb_challenge best = {0};
    bool found = false;

    mb_fail(err, MB_ERR_PROTOCOL, "answered 401 without WWW-Authenticate");
    for (size_t i = 0; i < headers->n; i++) {
        _cleanup_(mb_challenge_done) struct mb_challenge ch = {0};
        struct mb_challenge before = best;

        if (mb_challenge_parse(headers->v[i], &ch, err) < 0)
            continue;
        if (found && !(ch.bearer && !best.bearer))
            continue;
        best = ch;
        ch = before;
        found = true;
    }
    if (!found) {
        err->code = MB_ERR_PROTOCOL;
        return -1;
    }
    *ret = best;
    best = (struct mb_challenge){0};
    return 0;
}

static int token_url(const struct mb_call *call, const struct mb_challenge *ch,
                     char **ret, struct mb_error *err)
{
    _cleanup_free_ char *url = mb_xstrdup(ch->realm);
    _cleanup_free_ char *scope = NULL;

    if (!mb_starts_with(url, "https://") && !mb_starts_with(url, "http://"))
        return mb_fail(err, MB_ERR_PROTOCOL, "its token server has no http address");
    if (mb_starts_with(call->endpoint->origin, "https://")
        && !mb_starts_with(url, "https://"))
        return mb_fail(err, MB_ERR_PROTOCOL,
                       "its token server is not reached by https: credentials are not "
                       "sent there");
    /* One grant for all that a push does, else HEAD and PUT would replace each other's.
     */
    if (call->push || !ch->scope)
        scope = mb_xasprintf("repository:%s%s:pull%s", call->endpoint->prefix,
                             call->repository, call->push ? ",push" : "");
    if (ch->service && mb_url_add_query(&url, "service", ch->service, err) < 0)
        return -1;
    if (mb_url_add_query(&url, "scope", scope ? scope : ch->scope, err) < 0)
        return -1;
    *ret = steal_ptr(url);
    return 0;
}

static int keep_text(const struct mb_exchange *x, const void *data, size_t len,
                     void *arg, struct mb_error *err)
{
    (void)x;
    mb_buf_add(arg, data, len);
    return mb_buf_check(arg, "the token server's answer", err);
}

static void secret_buf_done(struct mb_buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->len);
    mb_buf_done(b);
}

/* It becomes a header: nothing but visible ASCII. */
static bool is_token(const char *s)
{
    if (!s || !*s)
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

static int read_token(const struct mb_buf *answer, char **ret, struct mb_error *err)
{
    _cleanup_json_ json_t *root = NULL;
    const char *token;

    if (mb_json_parse(answer->data ? answer->data : "", answer->len,
                      MB_HTTP_TEXT_BYTES_MAX, &root, err)
        < 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "the token server's answer is not JSON");
    token = json_string_value(json_object_get(root, "token"));
    if (!is_token(token))
        token = json_string_value(json_object_get(root, "access_token"));
    if (!is_token(token))
        return mb_fail(err, MB_ERR_PROTOCOL, "the token server sent no token");
    *ret = mb_xasprintf("Bearer %s", token);
    return 0;
}

static int fetch_token(struct mb_registry_client *c, const struct mb_call *call,
                       const struct mb_challenge *ch, const struct mb_credentials *cred,
                       char **ret, struct mb_error *err)
{
    _cleanup_(secret_buf_done) struct mb_buf answer =
        MB_BUF_INIT(MB_HTTP_TEXT_BYTES_MAX);
    _cleanup_(mb_exchange_done) struct mb_exchange x = MB_EXCHANGE_INIT;
    _cleanup_free_ char *url = NULL;
    char *basic = NULL;
    int r;

    if (token_url(call, ch, &url, err) < 0)
        return -1;
    if (cred->username)
        basic = mb_credentials_basic(cred);
    x.url = url;
    x.authorization = basic;
    x.receive = keep_text;
    x.arg = &answer;
    r = mb_exchange_run(c->http, call->endpoint, &x, err);
    x.authorization = NULL;
    mb_secret_free(basic);
    if (r < 0)
        return mb_wrap(err, "token server");
    if (x.status == 401 || x.status == 403)
        return mb_registry_denied(c, call, &x, !cred->username && cred->has_helper,
                                  err);
    if (x.status != 200) {
        mb_exchange_fail(&x, err);
        return mb_wrap(err, "token server");
    }
    return read_token(&answer, ret, err);
}

int mb_registry_authorize(struct mb_registry_client *c, const struct mb_call *call,
                          const struct mb_exchange *x, struct mb_error *err)
{
    _cleanup_(mb_credentials_done) struct mb_credentials cred = {0};
    _cleanup_(mb_challenge_done) struct mb_challenge ch = {0};
    char *header = NULL;

    if (pick_challenge(&x->challenges, &ch, err) < 0
        || mb_credentials_find(c->docker_config, call->endpoint->name, &cred, err) < 0)
        return -1;
    if (ch.bearer) {
        if (fetch_token(c, call, &ch, &cred, &header, err) < 0)
            return -1;
    } else {
        if (!cred.username)
            return mb_registry_denied(c, call, x, cred.has_helper, err);
        header = mb_credentials_basic(&cred);
    }
    mb_endpoint_set_grant(call->endpoint, call->repository, call->push || !ch.bearer,
                          header);
    return 0;
}
