/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_access - who may talk to the blob endpoint.
 *
 * Only hashes of tokens are kept, and a check looks at every one of them, so that its
 * time tells nothing about how much of a guess was right.
 */
#include "coordinator/http/http_access.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#define TOKEN_BYTES 32
#define UPLOAD_ID_BYTES 16
#define TOKENS_OF_PEER_MAX 4 /* a new one is handed out before the old one ends */
#define UPLOADS_MAX 4096
#define UPLOADS_OF_PEER_MAX 256
#define UPLOAD_LIFETIME_SEC 3600

struct token {
    uint8_t hash[MB_SHA256_LEN];
    char *peer;
    uint64_t ends_usec;
};
struct upload {
    char *id;
    char *peer;
    uint64_t ends_usec;
};
struct http_access {
    pthread_mutex_t lock;
    struct token *tokens;
    size_t n_tokens;
    struct upload *uploads;
    size_t n_uploads;
};

struct http_access *http_access_new(void)
{
    struct http_access *a = mb_xcalloc(1, sizeof(*a));

    pthread_mutex_init(&a->lock, NULL);
    return a;
}

static void drop_token(struct http_access *a, size_t i)
{
    free(a->tokens[i].peer);
    a->tokens[i] = a->tokens[--a->n_tokens];
}

static void drop_upload(struct http_access *a, size_t i)
{
    free(a->uploads[i].id);
    free(a->uploads[i].peer);
    a->uploads[i] = a->uploads[--a->n_uploads];
}

void http_access_free(struct http_access *a)
{
    if (!a)
        return;
    while (a->n_tokens)
        drop_token(a, 0);
    while (a->n_uploads)
        drop_upload(a, 0);
    free(a->tokens);
    free(a->uploads);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static void drop_expired(struct http_access *a, uint64_t now)
{
    for (size_t i = a->n_tokens; i-- > 0;)
        if (a->tokens[i].ends_usec <= now)
            drop_token(a, i);
    for (size_t i = a->n_uploads; i-- > 0;)
        if (a->uploads[i].ends_usec <= now)
            drop_upload(a, i);
}

static char *random_text(size_t n_bytes)
{
    uint8_t raw[TOKEN_BYTES];
    char *text = mb_xmalloc(2 * n_bytes + 1);

    mb_random_bytes(raw, n_bytes);
    mb_hex(raw, n_bytes, text);
    explicit_bzero(raw, sizeof(raw));
    return text;
}

/* A peer that asks again and again keeps its newest tokens only. */
static void drop_oldest_of(struct http_access *a, const char *peer)
{
    size_t oldest = 0, n = 0;

    for (size_t i = 0; i < a->n_tokens; i++) {
        if (strcmp(a->tokens[i].peer, peer) != 0)
            continue;
        if (n++ == 0 || a->tokens[i].ends_usec < a->tokens[oldest].ends_usec)
            oldest = i;
    }
    if (n >= TOKENS_OF_PEER_MAX)
        drop_token(a, oldest);
}

char *http_access_grant(struct http_access *a, const char *peer, unsigned lifetime_sec)
{
    uint64_t now = mb_now_usec();
    char *text = random_text(TOKEN_BYTES);
    struct token t = {.peer = mb_xstrdup(peer),
                      .ends_usec = now + lifetime_sec * MB_USEC_PER_SEC};

    mb_sha256(text, strlen(text), t.hash);
    pthread_mutex_lock(&a->lock);
    drop_expired(a, now);
    drop_oldest_of(a, peer);
    a->tokens = mb_xreallocarray(a->tokens, a->n_tokens + 1, sizeof(*a->tokens));
    a->tokens[a->n_tokens++] = t;
    pthread_mutex_unlock(&a->lock);
    return text;
}

void http_access_revoke(struct http_access *a, const char *peer)
{
    pthread_mutex_lock(&a->lock);
    for (size_t i = a->n_tokens; i-- > 0;)
        if (!strcmp(a->tokens[i].peer, peer))
            drop_token(a, i);
    for (size_t i = a->n_uploads; i-- > 0;)
        if (!strcmp(a->uploads[i].peer, peer))
            drop_upload(a, i);
    pthread_mutex_unlock(&a->lock);
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
    unsigned diff = 0;

    for (size_t i = 0; i < MB_SHA256_LEN; i++)
        diff |= (unsigned)(a[i] ^ b[i]);
    return diff == 0;
}

char *http_access_check(struct http_access *a, const char *authorization)
{
    uint64_t now = mb_now_usec();
    uint8_t hash[MB_SHA256_LEN];
    char *peer = NULL;

    if (!authorization || strncasecmp(authorization, "Bearer ", 7))
        return NULL;
    mb_sha256(authorization + 7, strlen(authorization + 7), hash);
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->n_tokens; i++)
        if (same_hash(a->tokens[i].hash, hash) && a->tokens[i].ends_usec > now)
            peer = mb_xstrdup(a->tokens[i].peer);
    pthread_mutex_unlock(&a->lock);
    return peer;
}

static size_t count_uploads_of(const struct http_access *a, const char *peer)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n_uploads; i++)
        n += strcmp(a->uploads[i].peer, peer) == 0;
    return n;
}

char *http_access_open_upload(struct http_access *a, const char *peer)
{
    uint64_t now = mb_now_usec();
    char *id = NULL;

    pthread_mutex_lock(&a->lock);
    drop_expired(a, now);
    if (a->n_uploads < UPLOADS_MAX && count_uploads_of(a, peer) < UPLOADS_OF_PEER_MAX) {
        id = random_text(UPLOAD_ID_BYTES);
        a->uploads =
            mb_xreallocarray(a->uploads, a->n_uploads + 1, sizeof(*a->uploads));
        a->uploads[a->n_uploads++] =
            (struct upload){.id = mb_xstrdup(id),
                            .peer = mb_xstrdup(peer),
                            .ends_usec = now + UPLOAD_LIFETIME_SEC * MB_USEC_PER_SEC};
    }
    pthread_mutex_unlock(&a->lock);
    return id;
}

/* The index, or n_uploads. Locked. */
static size_t find_upload(const struct http_access *a, const char *id)
{
    size_t i = 0;

    while (i < a->n_uploads && strcmp(a->uploads[i].id, id))
        i++;
    return i;
}

bool http_access_owns_upload(struct http_access *a, const char *peer, const char *id)
{
    uint64_t now = mb_now_usec();
    bool owns;
    size_t i;

    pthread_mutex_lock(&a->lock);
    i = find_upload(a, id);
    owns = i < a->n_uploads && !strcmp(a->uploads[i].peer, peer)
           && a->uploads[i].ends_usec > now;
    pthread_mutex_unlock(&a->lock);
    return owns;
}

void http_access_close_upload(struct http_access *a, const char *id)
{
    size_t i;

    pthread_mutex_lock(&a->lock);
    i = find_upload(a, id);
    if (i < a->n_uploads)
        drop_upload(a, i);
    pthread_mutex_unlock(&a->lock);
}
