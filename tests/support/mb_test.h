/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mb_test - cmocka with the few things every test here wants.
 *
 * A failed assert jumps out of the test, past _cleanup_ variables; LeakSanitizer
 * then reports them as well, which is noise behind the real failure.
 */
#ifndef MB_TEST_H
#define MB_TEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"

/* A literal with NULs in it as the two values (const char *data, size_t len). */
#define BYTES(literal) (literal), (sizeof(literal) - 1)

/* @call returned 0; else the test fails with the message of @err. */
#define assert_ok(call, err)                                                    \
    do {                                                                        \
        if ((call) < 0)                                                         \
            fail_msg("%s: %s: %s", #call, mb_errc_name((err).code), (err).msg); \
    } while (0)

/* @call returned -1 with @want_code and some message. */
#define assert_fails(call, err, want_code)                                          \
    do {                                                                            \
        memset(&(err), 0, sizeof(err));                                             \
        if ((call) >= 0)                                                            \
            fail_msg("%s: succeeded, want %s", #call, mb_errc_name(want_code));     \
        if ((err).code != (want_code))                                              \
            fail_msg("%s: failed with %s (%s), want %s", #call,                     \
                     mb_errc_name((err).code), (err).msg, mb_errc_name(want_code)); \
        if ((err).msg[0] == '\0')                                                   \
            fail_msg("%s: failed without a message", #call);                        \
    } while (0)

/* @text has @part in it; prints both when not. */
#define assert_contains(text, part)                               \
    do {                                                          \
        const char *text_ = (text), *part_ = (part);              \
        if (!strstr(text_, part_))                                \
            fail_msg("'%s' does not contain '%s'", text_, part_); \
    } while (0)

/* A directory of the test's own: cmocka_unit_test_setup_teardown(test,
 * mb_test_dir_setup, mb_test_dir_teardown), then struct mb_test_dir *t = *state. */
struct mb_test_dir {
    char path[64];
    int fd;
};

static inline int mb_test_dir_setup(void **state)
{
    struct mb_test_dir *t = calloc(1, sizeof(*t));

    if (!t)
        return -1;
    (void)snprintf(t->path, sizeof(t->path), "/tmp/mb-test-XXXXXX");
    if (!mkdtemp(t->path)) {
        free(t);
        return -1;
    }
    t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = t;
    return t->fd < 0 ? -1 : 0;
}

/* Fails when what the test left behind cannot be removed. */
static inline int mb_test_dir_teardown(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_error err;
    int rc = mb_remove_tree(AT_FDCWD, t->path, &err);

    if (rc < 0)
        print_error("teardown: %s\n", err.msg);
    close(t->fd);
    free(t);
    return rc;
}

/* A test that uses a directory of its own. */
#define mb_test_in_dir(test) \
    cmocka_unit_test_setup_teardown(test, mb_test_dir_setup, mb_test_dir_teardown)

/* Open descriptors of this process; the same before and after what must not leak. */
static inline size_t mb_test_count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    if (!d)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

#endif
