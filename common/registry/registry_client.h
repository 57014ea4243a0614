/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_client - the OCI distribution API over libcurl, blocking: call it from
 * worker threads. One client = one thread at a time; connections are kept. Spec:
 * distribution-spec v1.1.
 *
 * Everything fetched is verified: manifests against the digest asked for (or
 * Docker-Content-Digest, or computed), blobs by the caller's blob writer. Errors:
 * NOT_FOUND (404; what is missing), DENIED (401/403 after trying credentials: names the
 * registry and says how to log in), UNAVAILABLE (connection, 5xx, 429 after retries
 * with back-off), CORRUPT, LIMIT, CANCELLED.
 */
#ifndef MB_REGISTRY_CLIENT_H
#define MB_REGISTRY_CLIENT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "oci/descriptor.h"
#include "oci/reference.h"
#include "registry/registry_config.h"
#include "store/blob_store.h"

struct mb_registry_client;

struct mb_registry_opts {
    const struct mb_registry_config *config; /* borrowed; NULL: empty */
    const char *docker_config; /* path of config.json with "auths"; NULL: none */
    const char *base_url; /* fixed endpoint "http://127.0.0.1:7481" for every reference;
                             NULL: by reference */
    const char *bearer_token;  /* fixed token; NULL: by WWW-Authenticate */
    const atomic_bool *cancel; /* borrowed; polled during transfers; may be NULL */
};
/* Opts are copied except what is marked borrowed. */
struct mb_registry_client *mb_registry_client_new(const struct mb_registry_opts *opts);
void mb_registry_client_free(struct mb_registry_client *c);
DEFINE_CLEANUP(struct mb_registry_client *, mb_registry_client_free)

/* Manifest or index bytes by ref's digest, else tag. @ret->max bounds it. */
int mb_registry_get_manifest(struct mb_registry_client *c,
                             const struct mb_reference *ref, struct mb_buf *ret,
                             struct mb_descriptor *ret_desc, struct mb_error *err)
    _must_check_;
/* Fetch into @store unless it is there; verified. Resumes by Range after a broken
 * connection. */
int mb_registry_get_blob(struct mb_registry_client *c, const struct mb_reference *ref,
                         const struct mb_descriptor *desc, struct mb_blob_store *store,
                         struct mb_error *err) _must_check_;
int mb_registry_has_blob(struct mb_registry_client *c, const struct mb_reference *ref,
                         const struct mb_digest *d, bool *ret, struct mb_error *err)
    _must_check_;
/* HEAD first; POST + PUT (monolithic) from @fd at offset 0; verified by the registry's
 * answer. */
int mb_registry_push_blob(struct mb_registry_client *c, const struct mb_reference *ref,
                          const struct mb_descriptor *desc, int fd,
                          struct mb_error *err) _must_check_;
/* PUT by @tag, or by digest when @tag is NULL. */
int mb_registry_put_manifest(struct mb_registry_client *c,
                             const struct mb_reference *ref, const char *tag,
                             const char *media_type, const void *data, size_t len,
                             struct mb_error *err) _must_check_;

#endif
