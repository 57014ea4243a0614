/* SPDX-License-Identifier: Apache-2.0 */
/* blob_store_impl - what store and writer share; nobody else includes it. */
#ifndef MB_STORE_BLOB_STORE_IMPL_H
#define MB_STORE_BLOB_STORE_IMPL_H

#include "store/blob_store.h"

/* Constant after open, so threads share it without a lock. */
struct mb_blob_store {
    int dir_fd;
    int blobs_fd; /* DIR/blobs/sha256 */
    int tmp_fd;   /* DIR/tmp */
    int lock_fd;
};

#endif
