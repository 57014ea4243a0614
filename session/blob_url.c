/* SPDX-License-Identifier: Apache-2.0 */
#include "session/blob_url.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char *const any_hosts[] = {"http://0.0.0.0:", "http://[::]:"};

char *mb_blob_url_for(const char *blob_url, const char *address)
{
    const char *host =
        mb_starts_with(address, "tcp://") ? address + strlen("tcp://") : address;
    const char *port = strrchr(host, ':');

    for (size_t i = 0; port && i < ARRAY_SIZE(any_hosts); i++)
        if (mb_starts_with(blob_url, any_hosts[i]))
            return mb_xasprintf("http://%.*s:%s", (int)(port - host), host,
                                blob_url + strlen(any_hosts[i]));
    return mb_xstrdup(blob_url);
}
