/* SPDX-License-Identifier: Apache-2.0 */
/* bug - checks of our own logic, always compiled in; never for input. */
#ifndef MB_BASE_BUG_H
#define MB_BASE_BUG_H

#include "base/cleanup.h"

_noreturn_ void mb_bug(const char *file, int line, const char *cond);
#define BUG_ON(cond)                           \
    do {                                       \
        if (__builtin_expect(!!(cond), 0))     \
            mb_bug(__FILE__, __LINE__, #cond); \
    } while (0)

#endif
