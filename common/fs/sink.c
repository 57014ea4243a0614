/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/sink.h"

#include "base/fd.h"

int mb_sink_to_fd(const void *data, size_t len, void *arg, struct mb_error *err)
{
    const int *fd = arg;

    return mb_write_all(*fd, data, len, err);
}
