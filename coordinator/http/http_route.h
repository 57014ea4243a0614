/* SPDX-License-Identifier: Apache-2.0 */
/* http_route - what a path of the distribution API names. Pure. Spec: "Endpoints". */
#ifndef COORDINATOR_HTTP_ROUTE_H
#define COORDINATOR_HTTP_ROUTE_H

enum http_route_kind {
    ROUTE_NONE,     /* no such path */
    ROUTE_BAD_NAME, /* NAME is no repository name */
    ROUTE_BASE,     /* /v2/ */
    ROUTE_BLOB,     /* /v2/NAME/blobs/DIGEST */
    ROUTE_MANIFEST, /* /v2/NAME/manifests/REFERENCE */
    ROUTE_UPLOADS,  /* /v2/NAME/blobs/uploads/ */
    ROUTE_UPLOAD,   /* /v2/NAME/blobs/uploads/ID */
};
struct http_route {
    enum http_route_kind kind;
    char *name; /* NULL without one */
    char *last; /* DIGEST, REFERENCE or ID; NULL without one */
};

void http_route_parse(const char *path, struct http_route *ret);
void http_route_done(struct http_route *r);

#endif
