/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/log_limit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

struct log_limit {
    step_log_fn *out;
    void *arg; /* borrowed */
    uint64_t passed_bytes;
    uint64_t kept_bytes; /* all that went through the ring */
    int stream;          /* of what came last */
    char *ring;
};

struct log_limit *log_limit_new(step_log_fn *out, void *arg)
{
    struct log_limit *l = mb_xcalloc(1, sizeof(*l));

    l->out = out;
    l->arg = arg;
    return l;
}

void log_limit_free(struct log_limit *l)
{
    if (!l)
        return;
    free(l->ring);
    free(l);
}

static void say(struct log_limit *l, const char *text)
{
    l->out(l->stream, text, strlen(text), l->arg);
}

static void keep(struct log_limit *l, const char *p, size_t len)
{
    if (!l->ring) {
        l->ring = mb_xmalloc(MB_STEP_LOG_TAIL_BYTES);
        say(l, "\n[output clipped, only its end follows when the step ends]\n");
    }
    while (len > 0) {
        size_t at = (size_t)(l->kept_bytes % MB_STEP_LOG_TAIL_BYTES);
        size_t n = (size_t)MB_STEP_LOG_TAIL_BYTES - at;

        if (n > len)
            n = len;
        memcpy(l->ring + at, p, n);
        l->kept_bytes += n;
        p += n;
        len -= n;
    }
}

void log_limit_put(int stream, const void *data, size_t len, void *arg)
{
    struct log_limit *l = arg;
    size_t n = len;

    l->stream = stream;
    if (n > MB_STEP_LOG_BYTES_MAX - l->passed_bytes)
        n = (size_t)(MB_STEP_LOG_BYTES_MAX - l->passed_bytes);
    l->passed_bytes += n;
    if (n > 0)
        l->out(stream, data, n, l->arg);
    if (n < len)
        keep(l, (const char *)data + n, len - n);
}

void log_limit_end(struct log_limit *l)
{
    uint64_t size = MB_STEP_LOG_TAIL_BYTES;
    size_t at = (size_t)(l->kept_bytes % size);
    char text[96];

    if (l->kept_bytes == 0)
        return;
    if (l->kept_bytes > size) {
        (void)snprintf(text, sizeof(text), "[%llu bytes of output left out]\n",
                       (unsigned long long)(l->kept_bytes - size));
        say(l, text);
    }
    if (l->kept_bytes >= size)
        l->out(l->stream, l->ring + at, (size_t)size - at, l->arg);
    if (at > 0)
        l->out(l->stream, l->ring, at, l->arg);
    l->kept_bytes = 0;
}
