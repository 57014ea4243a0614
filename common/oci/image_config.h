/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_config - JSON with rootfs.diff_ids; its digest is the ImageID.
 * Spec: image-spec config.md, plus Docker's Shell, OnBuild, Healthcheck.
 */
#ifndef MB_OCI_IMAGE_CONFIG_H
#define MB_OCI_IMAGE_CONFIG_H

#include "base/buf.h"
#include "base/kv.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/platform.h"

struct mb_history {
    char *created;    /* RFC 3339 text as found, or NULL */
    char *created_by; /* or NULL */
    char *comment;    /* or NULL */
    char *author;     /* or NULL */
    bool empty_layer;
};

struct mb_image_config {
    struct mb_platform platform;
    char *os_version; /* or NULL */
    char *created;    /* RFC 3339 text, or NULL */
    char *author;     /* or NULL */
    /* "config" */
    char *user;                   /* or NULL */
    struct mb_strv exposed_ports; /* "80/tcp" */
    struct mb_kvlist env;         /* in order */
    bool has_entrypoint, has_cmd; /* an empty list is not the same as none */
    struct mb_strv entrypoint;
    struct mb_strv cmd;
    struct mb_strv volumes;
    char *working_dir; /* or NULL */
    struct mb_kvlist labels;
    char *stop_signal;    /* or NULL */
    struct mb_strv shell; /* empty: none */
    struct mb_strv on_build;
    char *healthcheck; /* JSON text of the object, or NULL */
    bool args_escaped;
    /* rootfs */
    struct mb_digest *diff_ids;
    size_t n_diff_ids;
    struct mb_history *history;
    size_t n_history;
};

/* Zeroed input is an empty config. */
void mb_image_config_done(struct mb_image_config *c);
void mb_image_config_copy(struct mb_image_config *ret,
                          const struct mb_image_config *from);
void mb_image_config_add_diff_id(struct mb_image_config *c, const struct mb_digest *d);
/* All texts copied; @created may be NULL. */
void mb_image_config_add_history(struct mb_image_config *c, const char *created,
                                 const char *created_by, const char *comment,
                                 bool empty_layer);

int mb_image_config_decode(const void *data, size_t len, struct mb_image_config *ret,
                           struct mb_error *err) _must_check_;
/* Compact JSON, top-level keys sorted, the "config" object's keys in Go struct order of
 * Docker's ImageConfig (User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir,
 * Labels, StopSignal, ArgsEscaped?, Healthcheck, OnBuild, Shell), empty ones left out,
 * map keys sorted. */
void mb_image_config_encode(const struct mb_image_config *c, struct mb_buf *out);

#endif
