/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - the coordinator's blob endpoint: the OCI distribution API on libmicrohttpd's
 * own threads. GET/HEAD /v2/ ; GET/HEAD /v2/NAME/blobs/DIGEST (Range) ; GET/HEAD
 * /v2/NAME/manifests/DIGEST ; POST /v2/NAME/blobs/uploads/ -> Location ; PUT
 * LOCATION?digest=.. (body verified). NAME is any valid repository name. Bearer tokens
 * only: 401 without. Errors as the spec's JSON.
 */
#ifndef COORDINATOR_HTTP_H
#define COORDINATOR_HTTP_H

#include "store/blob_store.h"

struct http_server;
/* @listen "127.0.0.1:0" picks a port. */
int http_start(const char *listen, struct mb_blob_store *store,
               struct http_server **ret, struct mb_error *err) _must_check_;
void http_stop(struct http_server *s);
const char *http_url(
    const struct http_server *s); /* "http://127.0.0.1:41000", borrowed */

/* Tokens: any thread. A new random token for @peer ("agent:a1"), valid @lifetime_sec;
 * agents and clients may read and write blobs. malloc'ed. */
char *http_token_new(struct http_server *s, const char *peer, unsigned lifetime_sec);
void http_token_revoke(struct http_server *s, const char *peer); /* all of a peer */

#endif
