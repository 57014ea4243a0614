/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange - one HTTP request and its answer; connections live on between them.
 *
 * Redirects are not followed here. Whatever status the server answers is success; what
 * fails: UNAVAILABLE (no connection, or it broke; sys_errno ECONNREFUSED tells
 * refusal), CANCELLED, LIMIT (headers), INVALID (address, certificate), and what the
 * body's receiver said.
 */
#ifndef MB_REGISTRY_EXCHANGE_H
#define MB_REGISTRY_EXCHANGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/strv.h"
#include "registry/endpoint.h"

struct mb_http;                                         /* a curl handle */
struct mb_http *mb_http_new(const atomic_bool *cancel); /* borrowed, may be NULL */
void mb_http_free(struct mb_http *h);

struct mb_exchange;
/* Bytes of a 200 or 206 answer; @x's answer fields are filled up to the headers. */
typedef int mb_exchange_body_fn(const struct mb_exchange *x, const void *data,
                                size_t len, void *arg, struct mb_error *err);

struct mb_exchange {
    /* request; all borrowed */
    const char *method; /* GET HEAD POST PUT */
    const char *url;
    const char *accept, *content_type, *authorization; /* or NULL */
    const void *data;                                  /* body in memory, */
    int fd;                       /* or in a file from offset 0; -1: none */
    uint64_t size;                /* of either */
    uint64_t range_from;          /* GET: leave out that many bytes; 0: all */
    mb_exchange_body_fn *receive; /* NULL: the body is dropped */
    void *arg;
    /* answer */
    long status;
    char *got_type, *got_digest, *got_location, *got_range, *got_length, *got_retry,
        *got_date;
    struct mb_strv challenges; /* WWW-Authenticate headers */
    char *redirect;            /* absolute, of a 3xx answer */
    struct mb_buf text;        /* body of any other status, cut */
};
#define MB_EXCHANGE_INIT   \
    ((struct mb_exchange){ \
        .method = "GET", .fd = -1, .text.max = MB_HTTP_TEXT_BYTES_MAX})

/* Empties the answer; the request stays, so that it can be sent again. */
void mb_exchange_reset(struct mb_exchange *x);
#define mb_exchange_done mb_exchange_reset
/* @e: whose trust settings hold. */
int mb_exchange_run(struct mb_http *h, const struct mb_endpoint *e,
                    struct mb_exchange *x, struct mb_error *err) _must_check_;

/* UNAVAILABLE, DENIED, ... as the status asks for, with the server's own words. */
int mb_exchange_fail(const struct mb_exchange *x, struct mb_error *err);

#endif
