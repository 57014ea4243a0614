/* SPDX-License-Identifier: Apache-2.0 */
/* task - what one agent gets: a run of steps of one stage on one platform. PROTOCOL.md
 * section 7. */
#ifndef MB_PROTO_TASK_H
#define MB_PROTO_TASK_H

#include "proto/wire.h"

/* One layer of a state: what it is and where its blob is. */
struct mb_layer_ref {
    struct mb_digest diff_id;
    struct mb_descriptor blob;
};
/* A file system state: its layers, bottom first. A build context is a state of one
 * plain-tar layer. */
struct mb_state_ref {
    struct mb_layer_ref *layers;
    size_t n_layers;
};

enum mb_mount_kind {
    MB_MOUNT_BIND = 1,
    MB_MOUNT_CACHE = 2,
    MB_MOUNT_TMPFS = 3,
    MB_MOUNT_SECRET = 4,
};
enum mb_cache_sharing {
    MB_CACHE_SHARED = 1,
    MB_CACHE_PRIVATE = 2,
    MB_CACHE_LOCKED = 3,
};
/* RUN --mount, resolved. */
struct mb_step_mount {
    uint64_t kind;
    char *target;      /* absolute; NULL: a SECRET that is only a variable */
    uint64_t source;   /* BIND, CACHE: 1 + index into mb_task.sources; 0: none */
    char *source_path; /* cleaned, relative to the source's root; "." the root */
    bool read_only;
    char *id;         /* CACHE, SECRET */
    uint64_t sharing; /* CACHE: enum mb_cache_sharing */
    uint64_t mode;    /* CACHE, SECRET: permission bits */
    uint64_t uid, gid;
    uint64_t size_bytes;  /* TMPFS; 0: the kernel's default */
    char *env;            /* SECRET: the variable that holds it, or NULL */
    struct mb_bytes data; /* SECRET: never stored, never logged; wiped after use */
};
enum mb_step_kind { MB_STEP_RUN = 1, MB_STEP_COPY = 2, MB_STEP_WORKDIR = 3 };
struct mb_step {
    uint64_t step_id; /* unique in the build */
    uint64_t kind;
    char *text; /* for messages: "RUN make" */
    /* RUN */
    struct mb_strv argv;
    struct mb_strv env; /* "K=V" */
    char *cwd;
    char *user;    /* "", "u", "u:g", "1000:1000"; resolved in the image */
    char *network; /* "host" or "none" */
    /* COPY */
    uint64_t source;         /* index into mb_task.sources */
    struct mb_strv paths;    /* cleaned patterns, relative to the source's root */
    struct mb_strv excludes; /* lines of an ignore file, relative to each source */
    char *dest;              /* absolute; a trailing '/' means a directory */
    char *chown;             /* NULL: 0:0 */
    char *chmod;             /* octal or "u=rwX,go=rX"; NULL: as in the source */
    /* WORKDIR: cwd, user */
    /* RUN */
    struct mb_step_mount *mounts;
    size_t n_mounts;
    bool insecure; /* RUN --security=insecure */
    /* COPY */
    struct mb_strv files; /* name, content, ...: files that come with the step */
    bool unpack;          /* a source that is an archive gives what is in it */
    /* RUN */
    struct mb_strv hosts;   /* more lines of /etc/hosts */
    struct mb_strv ulimits; /* "RLIMIT_NOFILE SOFT HARD", cut to what the agent has */
    uint64_t shm_bytes;     /* size of /dev/shm; 0: 64 MiB */
    bool link;              /* onto an empty root; its links and files are not met */
    bool parents;           /* paths are "pivot/./pattern" or "pattern", "**" in them */
};
struct mb_task {
    uint64_t build_id, task_id, epoch;
    struct mb_platform platform;
    bool emulated;
    struct mb_state_ref start;
    struct mb_state_ref *sources;
    size_t n_sources;
    struct mb_step *steps;
    size_t n_steps;
    bool clamp_mtime;
    int64_t max_mtime_sec;
    uint64_t gzip_level; /* with chunk MB_GZIP_CHUNK_BYTES */
};
struct mb_task_ref {
    uint64_t task_id, epoch;
};
struct mb_step_started {
    uint64_t task_id, epoch, step_id;
};
struct mb_step_log {
    uint64_t task_id, epoch, step_id;
    uint64_t stream; /* 1 out, 2 err */
    uint64_t usec;   /* since the step began */
    struct mb_bytes data;
};
struct mb_step_done {
    uint64_t task_id, epoch, step_id;
    bool has_layer;            /* WORKDIR of an existing directory makes none */
    struct mb_layer_ref layer; /* uploaded to the coordinator before this is sent */
    uint64_t usec;
};
/* The end of a task: ok, or the error of its failing step. */
struct mb_task_done {
    uint64_t task_id, epoch;
    uint64_t code; /* enum mb_errc; 0 ok */
    char *message;
    uint64_t step_id;   /* which failed; 0: before any */
    uint64_t exit_code; /* code FAILED */
};

/* Overwrite the secrets of all steps; they are not usable any more. */
void mb_task_wipe(struct mb_task *t);
void mb_step_wipe(struct mb_step *s);

/* Also a part of other messages. */
extern const struct mb_wire_schema mb_step_mount_schema;
extern const struct mb_wire_schema mb_task_schema, mb_task_ref_schema,
    mb_step_started_schema, mb_step_log_schema, mb_step_done_schema,
    mb_task_done_schema;

#endif
