/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform - os/architecture[/variant], normalised as containerd does it:
 * linux/arm = linux/arm/v7, linux/arm64/v8 = linux/arm64, x86_64 = amd64,
 * aarch64 = arm64, mips64el = mips64le, i386 = 386, amd64/v1 = amd64.
 */
#ifndef MB_OCI_PLATFORM_H
#define MB_OCI_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

struct mb_platform {
    char os[16];
    char arch[24];
    char variant[16]; /* "" is none */
};
#define MB_PLATFORM_TEXT_LEN 64

/* "linux/arm64", "arm64" (os = linux), "linux/arm/v6"; lower-cased. Names this build
 * does not know are accepted when well-formed ([a-z0-9_-]+). INVALID. */
int mb_platform_parse(const char *text, struct mb_platform *ret, struct mb_error *err)
    _must_check_;
/* From fields of a descriptor or image config; normalises. Cuts nothing: INVALID when
 * too long. */
int mb_platform_make(const char *os, const char *arch, const char *variant,
                     struct mb_platform *ret, struct mb_error *err) _must_check_;
const char *mb_platform_text(const struct mb_platform *p,
                             char out[MB_PLATFORM_TEXT_LEN]);
/* "linux_arm_v7" */
const char *mb_platform_dirname(const struct mb_platform *p,
                                char out[MB_PLATFORM_TEXT_LEN]);
bool mb_platform_equal(const struct mb_platform *a, const struct mb_platform *b);
/* How well @have serves a request for @want: 0 not at all; larger is better, exact is
 * largest (containerd platforms.Only: arm64 > arm/v8 > v7 > v6 > v5; arm/v7 > v6 > v5;
 * amd64/v3 > v2 > v1). */
int mb_platform_match(const struct mb_platform *want, const struct mb_platform *have);
/* This machine's, from uname(2). */
struct mb_platform mb_platform_host(void);

struct mb_platforms {
    struct mb_platform *v;
    size_t n;
};
/* "linux/amd64,linux/arm64"; duplicates after normalising are dropped, order kept.
 * "local" is the host. INVALID, LIMIT (MB_PLATFORMS_MAX). Appends to *ret. */
int mb_platforms_parse(const char *text, struct mb_platforms *ret, struct mb_error *err)
    _must_check_;
void mb_platforms_add(struct mb_platforms *l, const struct mb_platform *p);
bool mb_platforms_contain(const struct mb_platforms *l, const struct mb_platform *p);
/* "linux/amd64, linux/arm64"; malloc'ed. */
char *mb_platforms_text(const struct mb_platforms *l);
void mb_platforms_done(struct mb_platforms *l);

#endif
