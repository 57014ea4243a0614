/* SPDX-License-Identifier: Apache-2.0 */
/* upload - the worker's job that answers BUILD_NEEDS: context and layouts to the
 * coordinator. */
#ifndef CLI_UPLOAD_H
#define CLI_UPLOAD_H

#include "cli/build_options.h"
#include "cli/transfer.h"

struct upload_job {
    const struct build_options
        *opts;   /* borrowed; not changed meanwhile; dockerfile is set */
    void *owner; /* borrowed; for who submits it */
    struct mb_build_needs needs; /* owned */
    char *url, *token;
    struct transfer_state state;
    int result; /* of the run: 0 or -1 */
    struct mb_error error;
    struct mb_build_ready ready;
};
/* Takes *@needs. */
struct upload_job *upload_job_new(const struct build_options *opts,
                                  struct mb_build_needs *needs, const char *url,
                                  const char *token);
void upload_job_run(void *job); /* on a worker */
void upload_job_free(struct upload_job *j);

#endif
