/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line goes out in one write(2), so that lines of threads and of child processes
 * on the same pipe do not mix.  Control bytes become blanks: no value can start a
 * line of its own.
 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define LINE_BYTES_MAX 8192

static struct {
    pthread_mutex_t lock;
    enum mb_log_level level;
    int fd; /* borrowed */
    bool tty_known;
    bool tty;
} sink = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .level = MB_LOG_NOTICE,
    .fd = STDERR_FILENO,
};

void mb_log_set_level(enum mb_log_level level)
{
    pthread_mutex_lock(&sink.lock);
    sink.level = level;
    pthread_mutex_unlock(&sink.lock);
}

void mb_log_set_fd(int fd)
{
    pthread_mutex_lock(&sink.lock);
    sink.fd = fd;
    sink.tty_known = false;
    pthread_mutex_unlock(&sink.lock);
}

/* Where a line of @level goes: -1 nowhere. */
static int target_of(enum mb_log_level level, bool *ret_tty)
{
    int fd = -1;

    pthread_mutex_lock(&sink.lock);
    if (level <= sink.level && sink.fd >= 0) {
        fd = sink.fd;
        if (!sink.tty_known) {
            sink.tty = isatty(fd) == 1;
            sink.tty_known = true;
        }
        *ret_tty = sink.tty;
    }
    pthread_mutex_unlock(&sink.lock);
    return fd;
}

static void write_line(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody is left to tell */
        data += n;
        len -= (size_t)n;
    }
}

void mb_log(enum mb_log_level level, const char *event, const char *fmt, ...)
{
    int saved_errno = errno;
    bool tty = false;
    int fd = target_of(level, &tty);

    if (fd < 0)
        return;

    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *text = mb_xvasprintf(fmt, ap);
    va_end(ap);

    _cleanup_free_ char *line =
        mb_xasprintf("event=%s%s%.*s", event, text[0] ? " " : "", LINE_BYTES_MAX, text);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';

    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(2 * LINE_BYTES_MAX);
    if (!tty)
        mb_buf_addf(&out, "<%d>", (int)level);
    mb_buf_addf(&out, "%s\n", line);
    if (out.len > 0)
        write_line(fd, out.data, out.len);
    errno = saved_errno;
}
