/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <stdio.h>

int verb_failed(const struct mb_error *err)
{
    (void)fprintf(stderr, "ERROR: %s\n", err->msg);
    return EXIT_FAILED;
}

int verb_usage_error(const char *verb, const struct mb_error *err)
{
    (void)fprintf(stderr, "ERROR: %s\nRun 'mbcluster %s --help' for more.\n", err->msg,
                  verb);
    return EXIT_USAGE;
}
