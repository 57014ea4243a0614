/* SPDX-License-Identifier: Apache-2.0 */
/* http_reply - answers of the blob endpoint. Each returns what libmicrohttpd wants. */
#ifndef COORDINATOR_HTTP_REPLY_H
#define COORDINATOR_HTTP_REPLY_H

#include <microhttpd.h>

#include "oci/digest.h"
#include "store/blob_store.h"

/* {"errors":[{"code","message"}]}; @code from distribution-spec "Error Codes". */
enum MHD_Result http_reply_error(struct MHD_Connection *c, unsigned status,
                                 const char *code, const char *message);
/* 404 with @unknown as code, else 500. */
enum MHD_Result http_reply_failure(struct MHD_Connection *c, const char *unknown_code,
                                   const struct mb_error *why);
enum MHD_Result http_reply_base(struct MHD_Connection *c);
/* A stored blob, by Range if asked. */
enum MHD_Result http_reply_blob(struct MHD_Connection *c, struct mb_blob_store *store,
                                const struct mb_digest *d);
/* A stored manifest with its media type. */
enum MHD_Result http_reply_manifest(struct MHD_Connection *c,
                                    struct mb_blob_store *store,
                                    const struct mb_digest *d);
/* 202 (@d NULL) or 201, without a body. */
enum MHD_Result http_reply_stored(struct MHD_Connection *c, const char *location,
                                  const struct mb_digest *d);

enum http_range { RANGE_ALL, RANGE_PART, RANGE_OUTSIDE };
/* A Range header (may be NULL) for @size bytes; lists of ranges and other units mean
 * all. */
enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *ret_from,
                                 uint64_t *ret_len);

#endif
