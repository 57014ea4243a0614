/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stuck - an emulated command that has crashed and cannot die.
 *
 * QEMU ends a program that a signal has killed by sending itself that signal, with its
 * default action, and waiting for it. To pid 1 of a namespace nothing happens then: the
 * kernel ignores signals that it has no handler for, so the step would wait for ever.
 */
#ifndef STEP_STUCK_H
#define STEP_STUCK_H

#include <sys/types.h>

#include "base/error.h"

/* The signal that the child of @runtime, pid 1 of the container, waits for in vain, and
 * that child's pid in our /proc; 0: it does not. */
int stuck_signal(pid_t runtime, pid_t *ret_pid);

/* What the text of /proc/PID/status says, given the call it is in (the text of
 * /proc/PID/syscall). */
int stuck_judge(const char *status, const char *syscall_text);

#endif
