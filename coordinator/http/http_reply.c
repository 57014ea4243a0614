/* SPDX-License-Identifier: Apache-2.0 */
/* http_reply - blobs leave by sendfile: the response owns the descriptor. */
#include "coordinator/http/http_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/manifest.h"

#define ERROR_BYTES_MAX (8 * MB_KIB)
#define REALM "Bearer realm=\"mbcluster\""

DEFINE_CLEANUP(struct MHD_Response *, MHD_destroy_response)
#define _cleanup_response_ _cleanup_(MHD_destroy_responsep)

/* A body that the response frees. */
static struct MHD_Response *from_buf(struct mb_buf *b)
{
    size_t len = b->len;

    return MHD_create_response_from_buffer(len, mb_buf_steal(b), MHD_RESPMEM_MUST_FREE);
}

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
    (void)MHD_add_response_header(r, name, value); /* fails for malformed values only */
}

static void add_digest(struct MHD_Response *r, const struct mb_digest *d)
{
    char text[MB_DIGEST_TEXT_LEN + 1];

    add_header(r, "Docker-Content-Digest", mb_digest_text(d, text));
}

enum MHD_Result http_reply_error(struct MHD_Connection *c, unsigned status,
                                 const char *code, const char *message)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(ERROR_BYTES_MAX);
    _cleanup_response_ struct MHD_Response *r = NULL;
    _cleanup_free_ char *shown = mb_escape(message, strlen(message), MB_ERROR_TEXT_MAX);
    _cleanup_json_ json_t *doc =
        json_pack("{s:[{s:s,s:s}]}", "errors", "code", code, "message", shown);

    mb_json_write(doc, 0, false, &text);
    r = from_buf(&text);
    add_header(r, "Content-Type", "application/json");
    if (status == MHD_HTTP_UNAUTHORIZED)
        add_header(r, "WWW-Authenticate", REALM);
    return MHD_queue_response(c, status, r);
}

enum MHD_Result http_reply_failure(struct MHD_Connection *c, const char *unknown_code,
                                   const struct mb_error *why)
{
    if (why->code == MB_ERR_NOT_FOUND)
        return http_reply_error(c, MHD_HTTP_NOT_FOUND, unknown_code, why->msg);
    mb_log(MB_LOG_ERR, "http_failed", "code=%s reason=\"%s\"", mb_errc_name(why->code),
           why->msg);
    return http_reply_error(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "UNKNOWN",
                            "the coordinator's store failed; see its log");
}

enum MHD_Result http_reply_base(struct MHD_Connection *c)
{
    static char body[] = "{}";
    _cleanup_response_ struct MHD_Response *r =
        MHD_create_response_from_buffer(2, body, MHD_RESPMEM_PERSISTENT);

    add_header(r, "Content-Type", "application/json");
    add_header(r, "Docker-Distribution-API-Version", "registry/2.0");
    return MHD_queue_response(c, MHD_HTTP_OK, r);
}

/* "bytes=A-B", "bytes=A-", "bytes=-N" (RFC 9110 section 14.1.2). */
enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *ret_from,
                                 uint64_t *ret_len)
{
    _cleanup_free_ char *first = NULL;
    struct mb_error ignored;
    const char *dash;
    uint64_t from = 0, to = 0;

    if (!header || !mb_starts_with(header, "bytes=") || strchr(header, ','))
        return RANGE_ALL;
    header += 6;
    dash = strchr(header, '-');
    if (!dash || (dash == header && !dash[1]))
        return RANGE_ALL;
    first = mb_xstrndup(header, (size_t)(dash - header));
    if ((first[0] && mb_parse_u64(first, UINT64_MAX, &from, &ignored) < 0)
        || (dash[1] && mb_parse_u64(dash + 1, UINT64_MAX, &to, &ignored) < 0))
        return RANGE_ALL;
    if (!first[0]) { /* the last @to bytes */
        if (!to || !size)
            return RANGE_OUTSIDE;
        from = to < size ? size - to : 0;
        to = size - 1;
    } else {
        if (dash[1] && to < from)
            return RANGE_ALL;
        if (from >= size)
            return RANGE_OUTSIDE;
        if (!dash[1] || to >= size)
            to = size - 1;
    }
    *ret_from = from;
    *ret_len = to - from + 1;
    return RANGE_PART;
}

static enum MHD_Result reply_outside(struct MHD_Connection *c, uint64_t size)
{
    static char nothing[] = "";
    _cleanup_response_ struct MHD_Response *r =
        MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    char range[48];

    snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
    add_header(r, "Content-Range", range);
    return MHD_queue_response(c, MHD_HTTP_RANGE_NOT_SATISFIABLE, r);
}

static struct MHD_Response *from_file(int *fd, uint64_t from, uint64_t len)
{
    static char nothing[] = "";

    if (!len)
        return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_fd_at_offset64(len, steal_fd(fd), from);
}

enum MHD_Result http_reply_blob(struct MHD_Connection *c, struct mb_blob_store *store,
                                const struct mb_digest *d)
{
    _cleanup_response_ struct MHD_Response *r = NULL;
    _cleanup_close_ int fd = -1;
    uint64_t size = 0, from = 0, len;
    enum http_range range;
    struct mb_error err;
    char text[80];

    if (mb_blob_store_open_blob(store, d, &fd, &size, &err) < 0)
        return http_reply_failure(c, "BLOB_UNKNOWN", &err);
    len = size;
    range = http_range_parse(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range"),
                             size, &from, &len);
    if (range == RANGE_OUTSIDE)
        return reply_outside(c, size);
    r = from_file(&fd, from, len);
    if (!r)
        return MHD_NO;
    if (range == RANGE_PART) {
        snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from,
                 from + len - 1, size);
        add_header(r, "Content-Range", text);
    }
    add_header(r, "Content-Type", "application/octet-stream");
    add_header(r, "Accept-Ranges", "bytes");
    add_digest(r, d);
    return MHD_queue_response(
        c, range == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, r);
}

enum MHD_Result http_reply_manifest(struct MHD_Connection *c,
                                    struct mb_blob_store *store,
                                    const struct mb_digest *d)
{
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    _cleanup_response_ struct MHD_Response *r = NULL;
    char type[MB_MEDIA_TYPE_LEN];
    struct mb_error err;

    if (mb_blob_store_read(store, d, &doc, &err) < 0) {
        if (err.code == MB_ERR_LIMIT)
            err.code = MB_ERR_NOT_FOUND; /* so large a blob is no manifest */
        return http_reply_failure(c, "MANIFEST_UNKNOWN", &err);
    }
    if (mb_manifest_kind(doc.data ? doc.data : "", doc.len, type, &err) < 0)
        return http_reply_error(c, MHD_HTTP_NOT_FOUND, "MANIFEST_UNKNOWN",
                                "that blob is no manifest");
    r = from_buf(&doc);
    add_header(r, "Content-Type", type);
    add_digest(r, d);
    return MHD_queue_response(c, MHD_HTTP_OK, r);
}

enum MHD_Result http_reply_stored(struct MHD_Connection *c, const char *location,
                                  const struct mb_digest *d)
{
    static char nothing[] = "";
    _cleanup_response_ struct MHD_Response *r =
        MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);

    add_header(r, "Location", location);
    if (d)
        add_digest(r, d);
    return MHD_queue_response(c, d ? MHD_HTTP_CREATED : MHD_HTTP_ACCEPTED, r);
}
