/* SPDX-License-Identifier: Apache-2.0 */
/* credentials - user and password of a registry from docker's config.json "auths". */
#ifndef MB_REGISTRY_CREDENTIALS_H
#define MB_REGISTRY_CREDENTIALS_H

#include <stdbool.h>

#include "base/error.h"

struct mb_credentials {
    char *username, *password; /* NULL: none found */
    bool has_helper; /* the file names a credential helper for this registry */
};

/* @path NULL or missing: none found, which is success. @registry as in references.
 * INVALID names the file, never its content. LIMIT, IO, DENIED (not readable). */
int mb_credentials_find(const char *path, const char *registry,
                        struct mb_credentials *ret, struct mb_error *err) _must_check_;
/* Wipes before it frees. */
void mb_credentials_done(struct mb_credentials *c);
/* malloc'ed "Basic ..." ; only when something was found. */
char *mb_credentials_basic(const struct mb_credentials *c);
/* explicit_bzero and free; NULL is fine. */
void mb_secret_free(char *s);

#endif
