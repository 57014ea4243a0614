/* SPDX-License-Identifier: Apache-2.0 */
/* limits - every bound on what comes from outside, in one place. */
#ifndef MB_BASE_LIMITS_H
#define MB_BASE_LIMITS_H

#include <stdint.h>

#define MB_KIB UINT64_C(1024)
#define MB_MIB (1024 * MB_KIB)
#define MB_GIB (1024 * MB_MIB)

/* Control channel (PROTOCOL.md section 2). */
#define MB_MSG_BYTES_MAX (256 * MB_KIB)        /* one message body */
#define MB_MSG_GREETING_BYTES_MAX (8 * MB_KIB) /* before HELLO is accepted */
#define MB_ZMQ_MSG_BYTES_MAX (1 * MB_MIB)      /* ZMQ_MAXMSGSIZE, any frame */
#define MB_WIRE_DEPTH_MAX 8

/* Registry and images (OCI image-spec, distribution-spec). */
#define MB_MANIFEST_BYTES_MAX (4 * MB_MIB) /* distribution-spec's floor for servers */
#define MB_CONFIG_BYTES_MAX (8 * MB_MIB)
#define MB_LAYERS_MAX 500
#define MB_INDEX_ENTRIES_MAX 1000
#define MB_CONFIG_ITEMS_MAX 4096 /* of one list in an image config */
#define MB_BLOB_BYTES_MAX (64 * MB_GIB)
#define MB_REFERENCE_LEN_MAX 512
#define MB_HTTP_HEADER_BYTES_MAX (64 * MB_KIB) /* all headers of one answer */
#define MB_HTTP_TEXT_BYTES_MAX (256 * MB_KIB)  /* error texts, token answers */
#define MB_REGISTRY_CONFIG_BYTES_MAX \
    (1 * MB_MIB) /* config.toml, docker's config.json */
#define MB_CA_BYTES_MAX (4 * MB_MIB)

/* Archives and trees. */
#define MB_TAR_ENTRIES_MAX 20000000
#define MB_PATH_LEN_MAX 4095
#define MB_XATTR_BYTES_MAX (64 * MB_KIB)

/* A Dockerfile and its .dockerignore. */
#define MB_DOCKERFILE_BYTES_MAX (128 * MB_KIB)
#define MB_ENV_BYTES_MAX                                         \
    (128 * MB_KIB) /* one expanded word; execve's MAX_ARG_STRLEN \
                    */
#define MB_EVAL_BYTES_MAX                                       \
    (64 * MB_MIB) /* all texts that one stage's steps expand to \
                   */
#define MB_STAGES_MAX 1000
#define MB_STEPS_MAX 10000
#define MB_PLATFORMS_MAX 64

/* Mounts of a RUN, and what --secret gives. */
#define MB_MOUNTS_MAX 128  /* of one step */
#define MB_SECRETS_MAX 128 /* of one build */
#define MB_SECRET_BYTES_MAX (64 * MB_KIB)

/* A TOML configuration file. */
#define MB_CONFIG_FILE_BYTES_MAX (256 * MB_KIB)

/* Logs of one step that are kept and forwarded. */
#define MB_LOG_LINE_BYTES_MAX (16 * MB_KIB)
#define MB_STEP_LOG_BYTES_MAX (2 * MB_MIB)   /* forwarded as it comes */
#define MB_STEP_LOG_TAIL_BYTES (64 * MB_KIB) /* and this much of the end */
#define MB_LOG_DATA_BYTES_MAX (64 * MB_KIB)  /* one STEP_LOG or BUILD_LOG message */

#endif
