/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor - what is wrong with this machine as an agent, and how to mend it.
 *
 * A report is a list of findings. Checks that only read files take a struct
 * doctor_host, so that tests can give them a tree of their own; a check adds one
 * finding or more and cannot fail itself.
 */
#ifndef AGENT_DOCTOR_H
#define AGENT_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include "base/error.h"

enum doctor_result {
    DOCTOR_OK,
    DOCTOR_WARN, /* works, but less than it could */
    DOCTOR_FAIL, /* an agent cannot work like this */
};
const char *doctor_result_name(enum doctor_result r); /* "ok", "warn", "fail" */

struct doctor_finding {
    char *check; /* stable name, such as "user-namespaces" */
    enum doctor_result result;
    char *text;
    char *fix; /* what to do, a command where there is one; NULL: nothing */
};
struct doctor_report {
    struct doctor_finding *v;
    size_t n;
};
void doctor_report_done(struct doctor_report *r);
void doctor_add(struct doctor_report *r, const char *check, enum doctor_result result,
                const char *fmt, ...) _printf_(4, 5);
/* What to do about the finding that was added last. */
void doctor_fix(struct doctor_report *r, const char *fmt, ...) _printf_(2, 3);
bool doctor_has_failed(const struct doctor_report *r);

/* --- the machine --- */

struct doctor_opts {
    const char *state_dir;
    const char *runtime;      /* NULL: crun */
    const char *step_program; /* NULL: beside this program */
};
/* Everything but the network. Starts the step helper in the state directory, runs a
 * program in a container, and leaves one layer of a few hundred bytes behind. */
void doctor_machine(const struct doctor_opts *opts, struct doctor_report *r);

/* --- the parts --- */

struct doctor_host {
    const char *root;    /* in front of /proc, /sys and /etc: "" */
    const char *release; /* uname -r */
    const char *user;
    uid_t uid;
    const char *path; /* $PATH */
};
void doctor_kernel(const struct doctor_host *h, struct doctor_report *r);
void doctor_user_namespaces(const struct doctor_host *h, struct doctor_report *r);
void doctor_overlay_known(const struct doctor_host *h, struct doctor_report *r);
void doctor_binfmt(const struct doctor_host *h, struct doctor_report *r);
void doctor_cgroups(const struct doctor_host *h, struct doctor_report *r);
void doctor_subids(const struct doctor_host *h, struct doctor_report *r);
void doctor_id_mapping(const struct doctor_host *h, struct doctor_report *r);
/* The file system of @dir, or of the nearest parent that exists; true: it will do. */
bool doctor_state_dir(const struct doctor_host *h, const char *dir,
                      struct doctor_report *r);
bool doctor_file_system(const char *dir, const struct statfs *fs,
                        struct doctor_report *r);
void doctor_helper(const struct doctor_opts *opts, struct doctor_report *r);

/* This machine's clock, by itself (@other_sec 0), or against that of @other. */
void doctor_clock(int64_t now_sec, int64_t other_sec, const char *other,
                  struct doctor_report *r);

/* "6.18.44-cloud" gives 6 and 18. */
bool doctor_kernel_version(const char *release, unsigned *ret_major,
                           unsigned *ret_minor);

#endif
