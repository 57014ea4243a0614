/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - one event per line on stderr, journald's <N> priority in front when stderr
 * is not a terminal:  <5>event=agent_joined agent=a1 arch=arm64
 *
 * mb_log(MB_LOG_NOTICE, "agent_joined", "agent=%s arch=%s", name, arch)
 * Values with blanks are the caller's to quote: reason=\"%s\".  Programs log;
 * common/ and proto/ do not (debug excepted).
 */
#ifndef MB_BASE_LOG_H
#define MB_BASE_LOG_H

#include "base/cleanup.h"

enum mb_log_level {
    MB_LOG_ERR = 3,     /* an operator must act */
    MB_LOG_WARNING = 4, /* handled; says what happens instead */
    MB_LOG_NOTICE = 5,  /* life cycle */
    MB_LOG_INFO = 6,    /* per build */
    MB_LOG_DEBUG = 7,
};

/* Nothing above @level is written (default NOTICE); thread-safe, one write per line. */
void mb_log_set_level(enum mb_log_level level);
/* Write to @fd instead of stderr (borrowed); -1 drops everything. */
void mb_log_set_fd(int fd);
void mb_log(enum mb_log_level level, const char *event, const char *fmt, ...)
    _printf_(3, 4);

#endif
