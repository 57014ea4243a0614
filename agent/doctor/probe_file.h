/* SPDX-License-Identifier: Apache-2.0 */
/* probe_file - small files of /proc, /sys and /etc below the host's root. */
#ifndef AGENT_DOCTOR_PROBE_FILE_H
#define AGENT_DOCTOR_PROBE_FILE_H

#include "agent/doctor.h"

/* The text without line ends at its end, malloc'ed; NULL when it is not there or cannot
 * be read. */
char *probe_file(const struct doctor_host *h, const char *path);
bool probe_exists(const struct doctor_host *h, const char *path);
/* Is @word one of the words of @text, which blanks and line ends part? */
bool probe_has_word(const char *text, const char *word);
/* Is that kernel or a later one running? An unreadable version is. */
bool probe_kernel_at_least(const struct doctor_host *h, unsigned major, unsigned minor);

#endif
