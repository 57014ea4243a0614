/* SPDX-License-Identifier: Apache-2.0 */
/* export - the worker's job behind -o type=oci: fetch the image, write archives or
 * directories. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/build_options.h"
#include "cli/transfer.h"

struct export_job {
    const struct build_options
        *opts;   /* borrowed; its outputs of type OCI are written */
    void *owner; /* borrowed; for who submits it */
    struct mb_descriptor root;
    char *url, *token;
    char *state_dir; /* where a fetched image waits, in tmp/ */
    struct transfer_state state;
    int result;
    struct mb_error error;
};
struct export_job *export_job_new(const struct build_options *opts,
                                  const struct mb_descriptor *root, const char *url,
                                  const char *token, const char *state_dir);
void export_job_run(void *job); /* on a worker */
void export_job_free(struct export_job *j);
bool export_wanted(const struct build_options *opts);

#endif
