/* SPDX-License-Identifier: Apache-2.0 */
#include "session/blob_url.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char *const any_hosts[] = {"0.0.0.0", "[::]"};
static const char *const own_hosts[] = {"localhost", "[::1]"};

static bool is_one_of(const char *host, size_t len, const char *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(v[i]) == len && strncmp(host, v[i], len) == 0)
            return true;
    return false;
}

/* Reachable from the coordinator's own machine alone. */
static bool is_loopback(const char *host, size_t len)
{
    return (len > 4 && strncmp(host, "127.", 4) == 0)
           || is_one_of(host, len, own_hosts, ARRAY_SIZE(own_hosts));
}

char *mb_blob_url_for(const char *blob_url, const char *address)
{
    const char *dialled = mb_starts_with(address, "tcp://") ? address + 6 : address;
    const char *dialled_end = strrchr(dialled, ':');
    const char *host = mb_starts_with(blob_url, "http://") ? blob_url + 7 : NULL;
    const char *end = host ? strrchr(host, ':') : NULL;

    if (!dialled_end || !end)
        return mb_xstrdup(blob_url);
    size_t len = (size_t)(end - host), dialled_len = (size_t)(dialled_end - dialled);
    if (is_one_of(host, len, any_hosts, ARRAY_SIZE(any_hosts))
        || (is_loopback(host, len) && !is_loopback(dialled, dialled_len)))
        return mb_xasprintf("http://%.*s%s", (int)dialled_len, dialled, end);
    return mb_xstrdup(blob_url);
}
