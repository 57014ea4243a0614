/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archs - the architectures that can be told apart, their emulators, and a proof of
 * each.
 */
#ifndef STEP_ARCHS_H
#define STEP_ARCHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/platform.h"

enum arch_way {
    ARCH_NOT = 0, /* its programs do not run here */
    ARCH_NATIVE,
    ARCH_PRIVATE_BINFMT, /* by an emulator that we registered in our user namespace */
    ARCH_HOST_BINFMT,    /* by what the host has registered */
};

struct arch {
    const char *name;        /* as in platforms */
    const char *qemu;        /* "aarch64" of qemu-aarch64 */
    const char *variants[3]; /* each is a platform of its own; NULL: none */
    uint8_t elf_class, elf_data;
    uint16_t machine;
    uint32_t elf_flags;
    const char *code; /* exits with status 42 */
    size_t code_len;
};

extern const struct arch archs[];
extern const size_t n_archs;

/* NULL when the table does not have it. */
const struct arch *arch_find(const char *name);
size_t arch_index(const struct arch *a);
/* Exit status of the program that arch_elf() makes. */
#define ARCH_PROOF_STATUS 42
/* The bytes of a static program for @a. */
void arch_elf(const struct arch *a, struct mb_buf *out);
/* Append the line for binfmt_misc's "register" file. */
void arch_binfmt_line(const struct arch *a, const char *interpreter,
                      struct mb_buf *out);

/* Run the program of @a, which is written to @dir (absolute, executable files allowed).
 * Forks; for single-threaded callers. */
bool arch_runs(const struct arch *a, const char *dir);
/* How each architecture runs here, into @ways[n_archs]: first what the kernel runs by
 * itself, then, if @emulate, emulators from @qemu_dir through a binfmt_misc of our own
 * at the directory @binfmt_dir, or, where that cannot be, the host's. */
void archs_set_up(const char *dir, const char *binfmt_dir, const char *qemu_dir,
                  bool emulate, enum arch_way *ways);

#endif
