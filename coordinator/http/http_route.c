/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_route - paths are read from the right: a repository may have a component "blobs"
 * or "manifests", a digest, tag or upload id has no slash.
 */
#include "coordinator/http/http_route.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NAME_LEN_MAX 255

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Components of lower-case letters, digits and inner separators (distribution-spec). */
static bool is_name(const char *s, size_t len)
{
    if (!len || len > NAME_LEN_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool edge = i == 0 || i + 1 == len || s[i - 1] == '/' || s[i + 1] == '/';

        if (is_alnum(s[i]))
            continue;
        if (edge || !strchr("/._-", s[i]))
            return false;
    }
    return true;
}

void http_route_done(struct http_route *r)
{
    free(r->name);
    free(r->last);
    *r = (struct http_route){0};
}

/* @head: what stands before the last slash; the part that @suffix leaves over is NAME.
 */
static bool take(struct http_route *r, enum http_route_kind kind, const char *head,
                 const char *suffix, const char *last)
{
    size_t len;

    if (!mb_ends_with(head, suffix))
        return false;
    len = strlen(head) - strlen(suffix);
    if (!is_name(head, len)) {
        r->kind = ROUTE_BAD_NAME;
        return true;
    }
    r->kind = kind;
    r->name = mb_xstrndup(head, len);
    r->last = last[0] ? mb_xstrdup(last) : NULL;
    return true;
}

void http_route_parse(const char *path, struct http_route *ret)
{
    struct http_route r = {.kind = ROUTE_NONE};
    _cleanup_free_ char *head = NULL;
    const char *slash, *last;

    *ret = r;
    if (!strcmp(path, "/v2") || !strcmp(path, "/v2/")) {
        ret->kind = ROUTE_BASE;
        return;
    }
    if (!mb_starts_with(path, "/v2/"))
        return;
    path += 4;
    slash = strrchr(path, '/');
    if (!slash)
        return;
    last = slash + 1;
    head = mb_xstrndup(path, (size_t)(slash - path));
    if (!last[0]) {
        take(&r, ROUTE_UPLOADS, head, "/blobs/uploads", last);
    } else if (!strcmp(last, "uploads") && mb_ends_with(head, "/blobs")) {
        take(&r, ROUTE_UPLOADS, head, "/blobs", "");
    } else if (!take(&r, ROUTE_UPLOAD, head, "/blobs/uploads", last)
               && !take(&r, ROUTE_BLOB, head, "/blobs", last)) {
        take(&r, ROUTE_MANIFEST, head, "/manifests", last);
    }
    *ret = r;
}
