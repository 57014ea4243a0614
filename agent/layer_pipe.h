/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_pipe - one pass over a layer's bytes: plain tar -> diffID -> gzip -> blob
 * store, and back.
 */
#ifndef AGENT_LAYER_PIPE_H
#define AGENT_LAYER_PIPE_H

#include "fs/sink.h"
#include "proto/task.h"
#include "store/blob_store.h"

struct layer_pipe;
int layer_pipe_new(struct mb_blob_store *store, int gzip_level, struct layer_pipe **ret,
                   struct mb_error *err) _must_check_;
/* Takes the plain tar; borrowed from the pipe. */
struct mb_sink layer_pipe_sink(struct layer_pipe *p);
/* Everything was put: *ret is the stored layer. Only free may follow. */
int layer_pipe_end(struct layer_pipe *p, struct mb_layer_ref *ret, struct mb_error *err)
    _must_check_;
void layer_pipe_free(struct layer_pipe *p);
DEFINE_CLEANUP(struct layer_pipe *, layer_pipe_free)

/* The plain tar of the stored blob @fd into @out, checked against @diff_id at the end
 * (CORRUPT). A plain layer type is copied as it is; otherwise compression is undone by
 * content. */
int layer_pipe_unpack(int fd, const struct mb_descriptor *blob,
                      const struct mb_digest *diff_id, const struct mb_sink *out,
                      struct mb_error *err) _must_check_;

#endif
