/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_http - an HTTP server on a thread that answers by a table: for faults that no
 * real registry will make.  One request per connection.
 */
#ifndef MB_TEST_FAKE_HTTP_H
#define MB_TEST_FAKE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* The first rule that fits answers; none: 418. */
struct fake_rule {
    const char *when; /* the request begins so: "GET /v2/a/blobs/" */
    const char *has;  /* text that its head holds, or NULL */
    unsigned times;   /* answers so often, then no more; 0: always */
    const char *head; /* "200 OK\r\nName: value"; %HOST% becomes the server's; NULL: the
                         connection is closed */
    const char *body;
    size_t len;
    size_t cut;       /* > 0: promises len bytes, sends that many */
    atomic_bool *set; /* becomes true; then the answer waits for fake_http_stop() */
};
struct fake_http;
/* @rules: borrowed, @n of them. Aborts when it cannot. */
struct fake_http *fake_http_start(struct fake_rule *rules, size_t n);
void fake_http_stop(struct fake_http *f);
const char *fake_http_host(const struct fake_http *f); /* "127.0.0.1:PORT" */
/* Heads of requests so far that begin with @when. */
size_t fake_http_count(struct fake_http *f, const char *when);
/* Did any of those hold @text? */
bool fake_http_saw(struct fake_http *f, const char *when, const char *text);

/* A loopback port that nobody listens on. */
unsigned fake_free_port(void);

#endif
