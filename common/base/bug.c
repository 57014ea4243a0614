/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

void mb_bug(const char *file, int line, const char *cond)
{
    (void)fprintf(stderr, "BUG: %s at %s:%d; please report it\n", cond, file, line);
    abort();
}
