/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by checks*.c: the rules by number, and how a finding is noted. */
#ifndef COORDINATOR_FRONTEND_CHECKS_INTERNAL_H
#define COORDINATOR_FRONTEND_CHECKS_INTERNAL_H

#include "coordinator/frontend/internal.h"

enum check_rule {
    CHECK_STAGE_NAME_CASING,
    CHECK_FROM_AS_CASING,
    CHECK_NO_EMPTY_CONTINUATION,
    CHECK_CONSISTENT_INSTRUCTION_CASING,
    CHECK_DUPLICATE_STAGE_NAME,
    CHECK_RESERVED_STAGE_NAME,
    CHECK_JSON_ARGS_RECOMMENDED,
    CHECK_MAINTAINER_DEPRECATED,
    CHECK_UNDEFINED_ARG_IN_FROM,
    CHECK_WORKDIR_RELATIVE_PATH,
    CHECK_UNDEFINED_VAR,
    CHECK_MULTIPLE_INSTRUCTIONS_DISALLOWED,
    CHECK_LEGACY_KEY_VALUE_FORMAT,
    CHECK_INVALID_BASE_IMAGE_PLATFORM,
    CHECK_REDUNDANT_TARGET_PLATFORM,
    CHECK_SECRETS_USED_IN_ARG_OR_ENV,
    CHECK_INVALID_DEFAULT_ARG_IN_FROM,
    CHECK_FROM_PLATFORM_FLAG_CONST_DISALLOWED,
    CHECK_COPY_IGNORED_FILE,
    CHECK_INVALID_DEFINITION_DESCRIPTION,
    CHECK_EXPOSE_PROTO_CASING,
    CHECK_EXPOSE_INVALID_FORMAT,
};

/* Unless the check directive skips @rule. */
void check_note(struct frontend *f, enum check_rule rule, unsigned line,
                unsigned end_line, const char *fmt, ...) _printf_(5, 6);
/* Names of one instruction that are told as unset. */
#define CHECK_NAMES_MAX 100
/* " (did you mean X?)" of @names, @mark in front of X, or ""; malloc'ed. None once the
 * whole file has cost too much. */
char *check_hint(struct frontend *f, const char *mark, const char *typed,
                 const char *const *names, size_t n);
bool check_wanted(const struct frontend *f, enum check_rule rule);
/* The stage that @stage is FROM by its plain name, else SIZE_MAX. */
size_t check_parent(const struct frontend *f, size_t stage);

/* checks_from.c: stages and their FROM. */
void checks_from(struct frontend *f, const struct mb_kvlist *build_args);
/* checks_stage.c: instructions of each stage. */
void checks_stages(struct frontend *f);
/* checks_vars.c: variables that nothing sets. */
void checks_variables(struct frontend *f);

#endif
