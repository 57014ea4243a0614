/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/utf8.h"

/* Messages quote what users and peers wrote and end in logs, terminals and JSON: let
 * them be one line of valid UTF-8 without control characters. */
static void make_printable(char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        uint32_t c = 0;
        size_t n = mb_utf8_decode(text, len, &c);

        if (c == '\n' || c == '\t')
            *text = ' ';
        else if (n == 0 || c < 0x20 || c == 0x7f)
            *text = '?';
        else if (c >= 0x80 && c < 0xa0)
            memset(text, '?', n);
        n = n > 0 ? n : 1;
        text += n;
        len -= n;
    }
}

/* Copy @text into the message; what does not fit is cut between characters. */
static void set_message(struct mb_error *err, char *text)
{
    size_t len = strlen(text);

    make_printable(text);
    if (len < sizeof(err->msg)) {
        memcpy(err->msg, text, len + 1);
        return;
    }
    len = sizeof(err->msg) - sizeof("...");
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(err->msg, text, len);
    memcpy(err->msg + len, "...", sizeof("..."));
}

/* Longer than a message can be, so that set_message() sees what has to be cut. */
#define SCRATCH_BYTES (2 * MB_ERROR_TEXT_MAX)

static int fail_with(struct mb_error *err, enum mb_errc code, int sys_errno, char *text)
{
    BUG_ON(code == MB_OK);
    set_message(err, text);
    err->code = code;
    err->sys_errno = sys_errno;
    return -1;
}

int(mb_fail)(struct mb_error *err, enum mb_errc code, const char *fmt, ...)
{
    char text[SCRATCH_BYTES];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return fail_with(err, code, 0, text);
}

static enum mb_errc code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
        return MB_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return MB_ERR_DENIED;
    default:
        return MB_ERR_IO;
    }
}

int(mb_fail_errno)(struct mb_error *err, const char *fmt, ...)
{
    int number = errno;
    char text[SCRATCH_BYTES];
    char reason[128];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, MB_ERROR_TEXT_MAX, fmt, ap);
    va_end(ap);
    size_t len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, ": %s",
                   strerror_r(number, reason, sizeof(reason)));
    return fail_with(err, code_of_errno(number), number, text);
}

int(mb_wrap)(struct mb_error *err, const char *fmt, ...)
{
    char text[SCRATCH_BYTES];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, MB_ERROR_TEXT_MAX, fmt, ap);
    va_end(ap);
    size_t len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, ": %s", err->msg);
    set_message(err, text);
    return -1;
}

const char *mb_errc_name(enum mb_errc code)
{
    static const char *const names[] = {
        [MB_OK] = "ok",
        [MB_ERR_INVALID] = "invalid",
        [MB_ERR_PROTOCOL] = "protocol",
        [MB_ERR_CORRUPT] = "corrupt",
        [MB_ERR_LIMIT] = "limit",
        [MB_ERR_UNAVAILABLE] = "unavailable",
        [MB_ERR_IO] = "io",
        [MB_ERR_NOT_FOUND] = "not_found",
        [MB_ERR_DENIED] = "denied",
        [MB_ERR_CANCELLED] = "cancelled",
        [MB_ERR_FAILED] = "failed",
        [MB_ERR_EMULATION] = "emulation",
    };

    if ((size_t)code >= ARRAY_SIZE(names))
        return "unknown";
    return names[code];
}
