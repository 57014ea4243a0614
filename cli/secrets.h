/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets - --secret id=ID[,src=FILE|,env=NAME][,type=file|env], read into memory.
 *
 * With neither src nor env: the variable ID when there is one, else the file ID.
 */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include "proto/build.h"

/* Appends to the request's secrets; mb_build_request_wipe() overwrites them. INVALID,
 * LIMIT (MB_SECRET_BYTES_MAX), NOT_FOUND, IO. */
int secrets_add(const struct mb_strv *specs, struct mb_build_request *r,
                struct mb_error *err) _must_check_;

#endif
