/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder - pid 1 of the helper's namespaces: holds them, and forks a worker per
 * request.
 */
#ifndef STEP_HOLDER_H
#define STEP_HOLDER_H

#include "step/archs.h"
#include "step/protocol.h"

/* Directories in the holder's own tmpfs. */
#define HOLDER_DIR "/run"
#define HOLDER_LAYERS HOLDER_DIR "/layers" /* DIR/layers of the state directory */
#define HOLDER_BINFMT HOLDER_DIR "/binfmt"
#define HOLDER_RUNTIME_ROOT HOLDER_DIR "/runtime"
#define HOLDER_WORKERS HOLDER_DIR "/w"

#define WORK_ID_LEN 32
#define HOLDER_ARCHS_MAX 16

struct holder {
    struct step_init init;
    bool runtime_is_crun;
    int control_fd;
    int life_fd;   /* ends when the outer process does */
    int layers_fd; /* of HOLDER_LAYERS */
    int owner_fd;  /* layers/tmp/<owner>, locked */
    char owner[WORK_ID_LEN + 1];
    enum arch_way ways[HOLDER_ARCHS_MAX];
};

/* The working directory is the layers directory, or its parent. Never returns. */
_noreturn_ void holder_main(struct holder *h);

#endif
