/* SPDX-License-Identifier: Apache-2.0 */
/* http_access - bearer tokens, and the uploads that their holders have open. Any
 * thread. */
#ifndef COORDINATOR_HTTP_ACCESS_H
#define COORDINATOR_HTTP_ACCESS_H

#include <stdbool.h>

#include "base/cleanup.h"

struct http_access;
struct http_access *http_access_new(void);
void http_access_free(struct http_access *a);

/* malloc'ed token. The newest four of a peer are good. */
char *http_access_grant(struct http_access *a, const char *peer, unsigned lifetime_sec);
/* Tokens and uploads of @peer end. */
void http_access_revoke(struct http_access *a, const char *peer);
/* Whose token is in the Authorization header (may be NULL): malloc'ed; NULL: nobody's.
 */
char *http_access_check(struct http_access *a, const char *authorization) _must_check_;

/* A new upload of @peer: malloc'ed random id; NULL: too many are open. */
char *http_access_open_upload(struct http_access *a, const char *peer) _must_check_;
/* Is @id open and @peer's? */
bool http_access_owns_upload(struct http_access *a, const char *peer, const char *id);
void http_access_close_upload(struct http_access *a, const char *id);

#endif
