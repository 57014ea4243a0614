/* SPDX-License-Identifier: Apache-2.0 */
/* build - a client's build, from request to result. PROTOCOL.md section 6. */
#ifndef MB_PROTO_BUILD_H
#define MB_PROTO_BUILD_H

#include "proto/wire.h"

/* --build-context NAME=VALUE */
struct mb_named_context {
    char *name;
    char *kind;
    char *value; /* what the user typed, for messages */
};
#define MB_CONTEXT_LAYOUT "oci-layout"  /* the client uploads an image */
#define MB_CONTEXT_IMAGE "docker-image" /* value: docker-image://REF, to be pulled */
#define MB_CONTEXT_LOCAL "local"        /* the client uploads files as a tar */
#define MB_CONTEXT_IMAGE_PREFIX "docker-image://"
/* --secret */
struct mb_secret {
    char *id;
    struct mb_bytes data;
};
struct mb_build_request {
    char *dockerfile_name; /* as typed, for messages: "Dockerfile" */
    struct mb_bytes dockerfile;
    char *context_name;       /* as typed, for messages */
    struct mb_strv platforms; /* normalised texts in order; empty: the build platform */
    struct mb_kvlist build_args;
    struct mb_kvlist labels;
    char *target;        /* or NULL */
    struct mb_strv tags; /* as typed */
    struct mb_named_context *contexts;
    size_t n_contexts;
    bool push;
    bool rewrite_timestamp;
    bool has_source_date_epoch;
    int64_t source_date_epoch;
    bool no_cache;
    bool pull;       /* resolve bases anew (always done for now) */
    char *network;   /* "default" (= host for now), "host", "none"; NULL: default */
    char *emulation; /* "auto" (NULL), "never", "always" */
    struct mb_strv
        no_cache_filter;    /* stages that run again, and what depends on them */
    struct mb_strv hosts;   /* lines of /etc/hosts, "IP\tNAME" */
    struct mb_strv ulimits; /* "RLIMIT_NOFILE SOFT HARD" */
    uint64_t shm_bytes;     /* size of /dev/shm; 0: the default */
    struct mb_secret *secrets;
    size_t n_secrets;
    struct mb_strv allow; /* --allow: "security.insecure" */
};
/* The coordinator asks for what the build can touch. */
struct mb_layout_need {
    char *name; /* of the named context */
    struct mb_strv
        platforms; /* texts; upload manifest, config, layers for each (best match) */
};
/* Files of a "local" context; uploaded like the main one. */
struct mb_local_need {
    char *name;
    struct mb_strv paths; /* patterns; "." everything */
};
struct mb_build_needs {
    uint64_t build_id;
    bool context;         /* any path of the main context at all */
    struct mb_strv paths; /* patterns of COPY sources; "." everything */
    struct mb_layout_need *layouts;
    size_t n_layouts;
    struct mb_local_need *locals;
    size_t n_locals;
};
struct mb_layout_root {
    char *name;
    struct mb_descriptor root; /* index or manifest, uploaded */
};
struct mb_build_ready {
    struct mb_descriptor context; /* plain tar, uploaded; zero digest when not needed */
    struct mb_layout_root *layouts;
    size_t n_layouts;
    struct mb_layout_root *locals; /* root: a plain tar */
    size_t n_locals;
};

enum mb_vertex_state {
    MB_VERTEX_STARTED = 1,
    MB_VERTEX_DONE = 2,
    MB_VERTEX_CACHED = 3,
    MB_VERTEX_ERROR = 4,
    MB_VERTEX_CANCELED = 5,
};
struct mb_build_vertex {
    uint64_t vertex; /* number as shown: #7 */
    uint64_t state;
    char *name;    /* "[linux/s390x build 2/3 @a2 emulated] RUN make" */
    uint64_t usec; /* duration, at the end */
    char *error;   /* ERROR */
};
struct mb_build_log {
    uint64_t vertex;
    uint64_t stream; /* 1 out, 2 err */
    uint64_t usec;   /* since the vertex began */
    struct mb_bytes data;
};
struct mb_build_status {
    uint64_t vertex;
    char *id; /* "sha256:..", "pushing layers" */
    uint64_t current, total, usec;
    bool done;
};
/* The build record, also for --metadata-file. */
struct mb_build_step_record {
    char *platform, *stage, *text, *agent;
    bool emulated, cached;
    uint64_t usec;
};
struct mb_build_image_record {
    struct mb_platform platform;
    struct mb_descriptor manifest;
    struct mb_digest config;
};
struct mb_build_done {
    bool ok;
    uint64_t code;             /* enum mb_errc */
    char *message;             /* on failure: what, where, what to do */
    char *source;              /* on failure: "Dockerfile:7", or NULL */
    struct mb_descriptor root; /* index, or the manifest of a single platform */
    struct mb_build_image_record *images;
    size_t n_images;
    struct mb_build_step_record *steps;
    size_t n_steps;
    struct mb_strv warnings;
};

/* Overwrite the secrets; the rest stays. */
void mb_build_request_wipe(struct mb_build_request *r);

extern const struct mb_wire_schema mb_build_request_schema, mb_build_needs_schema,
    mb_build_ready_schema, mb_build_vertex_schema, mb_build_log_schema,
    mb_build_status_schema, mb_build_done_schema;

#endif
