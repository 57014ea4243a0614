/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/probe_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

#define FILE_BYTES_MAX (4 * MB_MIB)

char *probe_file(const struct doctor_host *h, const char *path)
{
    _cleanup_free_ char *full = mb_xasprintf("%s%s", h->root, path);
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(FILE_BYTES_MAX);
    struct mb_error ignored;

    if (mb_read_file(AT_FDCWD, full, &text, &ignored) < 0)
        return NULL;
    char *s = mb_buf_steal(&text);
    size_t len = strlen(s);
    while (len > 0 && s[len - 1] == '\n')
        s[--len] = '\0';
    return s;
}

bool probe_exists(const struct doctor_host *h, const char *path)
{
    _cleanup_free_ char *full = mb_xasprintf("%s%s", h->root, path);

    return access(full, F_OK) == 0;
}

bool probe_has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " \t\n");

        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n;
        p += strspn(p, " \t\n");
    }
    return false;
}

bool probe_kernel_at_least(const struct doctor_host *h, unsigned major, unsigned minor)
{
    unsigned a = 0, b = 0;

    if (!doctor_kernel_version(h->release, &a, &b))
        return true;
    return a > major || (a == major && b >= minor);
}
