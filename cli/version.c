/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "net/peer_socket.h"

int verb_version(int argc, char **argv)
{
    struct mb_error err;

    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        (void)printf(
            "Usage: mbcluster version\n\nPrint the version of this program.\n\n"
            "Example:\n  mbcluster version\n");
        return 0;
    }
    if (argc > 0) {
        mb_fail(&err, MB_ERR_INVALID, "version takes no arguments");
        return verb_usage_error("version", &err);
    }
    (void)printf("mbcluster %s (protocol %d)\n", MB_VERSION, MB_PROTOCOL_VERSION);
    return 0;
}
