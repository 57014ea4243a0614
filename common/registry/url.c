/* SPDX-License-Identifier: Apache-2.0 */
/* url - curl's address parser, so that what we compare is what curl connects to. */
#include "registry/url.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/bug.h"
#include "base/mem.h"

DEFINE_CLEANUP(CURLU *, curl_url_cleanup)
DEFINE_CLEANUP(char *, curl_free)

static CURLU *parse(const char *text)
{
    CURLU *u = curl_url();

    BUG_ON(!u); /* out of memory */
    if (curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    _cleanup_(curl_freep) char *va = NULL;
    _cleanup_(curl_freep) char *vb = NULL;

    return curl_url_get(a, part, &va, CURLU_DEFAULT_PORT) == CURLUE_OK
           && curl_url_get(b, part, &vb, CURLU_DEFAULT_PORT) == CURLUE_OK
           && !strcasecmp(va, vb);
}

bool mb_url_same_origin(const char *a, const char *b)
{
    _cleanup_(curl_url_cleanupp) CURLU *ua = parse(a);
    _cleanup_(curl_url_cleanupp) CURLU *ub = parse(b);

    return ua && ub && same_part(ua, ub, CURLUPART_SCHEME)
           && same_part(ua, ub, CURLUPART_HOST) && same_part(ua, ub, CURLUPART_PORT);
}

static char *text_of(CURLU *u)
{
    char *text = NULL;
    char *copy;

    if (curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return NULL;
    copy = mb_xstrdup(text);
    curl_free(text);
    return copy;
}

static bool is_web(CURLU *u)
{
    _cleanup_(curl_freep) char *scheme = NULL;

    return curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
           && (!strcasecmp(scheme, "http") || !strcasecmp(scheme, "https"));
}

int mb_url_resolve(const char *base, const char *to, char **ret, struct mb_error *err)
{
    _cleanup_(curl_url_cleanupp) CURLU *u = parse(base);
    char *text = NULL;

    if (u && curl_url_set(u, CURLUPART_URL, to, 0) == CURLUE_OK && is_web(u))
        text = text_of(u);
    if (!text)
        return mb_fail(err, MB_ERR_INVALID, "the server points to a malformed address");
    *ret = text;
    return 0;
}

int mb_url_add_query(char **url, const char *key, const char *value,
                     struct mb_error *err)
{
    _cleanup_(curl_url_cleanupp) CURLU *u = parse(*url);
    _cleanup_free_ char *pair = mb_xasprintf("%s=%s", key, value);
    char *text = NULL;

    if (u
        && curl_url_set(u, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE)
               == CURLUE_OK)
        text = text_of(u);
    if (!text)
        return mb_fail(err, MB_ERR_INVALID, "the server points to a malformed address");
    free(*url);
    *url = text;
    return 0;
}
