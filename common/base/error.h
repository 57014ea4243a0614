/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error - how everything that can fail says so.
 *
 * A function that can fail returns 0 or -1 and takes a struct mb_error * last,
 * never NULL.  On failure its outputs are untouched.  The message grows from the
 * inside out: "pull alpine: layer 3: connect: Connection refused".
 */
#ifndef MB_BASE_ERROR_H
#define MB_BASE_ERROR_H

#include "base/cleanup.h"

/* What the caller should do about it; the numbers travel on the wire. */
enum mb_errc {
    MB_OK = 0,
    MB_ERR_INVALID = 1,     /* the user's input: report it, do not retry */
    MB_ERR_PROTOCOL = 2,    /* a peer broke the protocol: drop that peer */
    MB_ERR_CORRUPT = 3,     /* content does not match its digest or size */
    MB_ERR_LIMIT = 4,       /* over a bound in base/limits.h */
    MB_ERR_UNAVAILABLE = 5, /* another try or another agent may succeed */
    MB_ERR_IO = 6,          /* a system call failed; sys_errno says how */
    MB_ERR_NOT_FOUND = 7,   /* the named thing does not exist */
    MB_ERR_DENIED = 8,      /* credentials or permissions; do not retry */
    MB_ERR_CANCELLED = 9,   /* somebody asked for it to end */
    MB_ERR_FAILED = 10,     /* the user's command ended with a non-zero status */
    MB_ERR_EMULATION = 11,  /* the emulator failed, not the user's command */
};

#define MB_ERROR_TEXT_MAX 512

struct mb_error {
    enum mb_errc code;
    int sys_errno;
    char msg[MB_ERROR_TEXT_MAX];
};

/* Each fills *err and returns -1.  Too long a message is cut with "...".  The message
 * is one line of valid UTF-8: other bytes and control characters become '?', line ends
 * and tabs blanks. */
int mb_fail(struct mb_error *err, enum mb_errc code, const char *fmt, ...)
    _printf_(3, 4);
/* Code by errno: ENOENT NOT_FOUND, EACCES/EPERM DENIED, else IO; appends ": strerror".
 */
int mb_fail_errno(struct mb_error *err, const char *fmt, ...) _printf_(2, 3);
/* Put "text: " in front of the message that is there; code stays. */
int mb_wrap(struct mb_error *err, const char *fmt, ...) _printf_(2, 3);

/* Lets the compiler see the -1, and so that outputs are set where a call did not fail.
 */
#define mb_fail(...)                \
    (__extension__({                \
        (void)mb_fail(__VA_ARGS__); \
        -1;                         \
    }))
#define mb_fail_errno(...)                \
    (__extension__({                      \
        (void)mb_fail_errno(__VA_ARGS__); \
        -1;                               \
    }))
#define mb_wrap(...)                \
    (__extension__({                \
        (void)mb_wrap(__VA_ARGS__); \
        -1;                         \
    }))

/* A stable lower-case name such as "unavailable", for logs and JSON. */
const char *mb_errc_name(enum mb_errc code);

/* A failure that is ignored on purpose; @why is for the reader. */
#define mb_ignore(call, why) ((call) < 0 ? (void)sizeof(why) : (void)0)

#endif
