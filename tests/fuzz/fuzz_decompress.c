/* SPDX-License-Identifier: Apache-2.0 */
/* A blob from a registry: never more output than allowed. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "fs/gzip.h"

#define OUT_BYTES_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int count(const void *data, size_t len, void *arg, struct mb_error *err)
{
    uint64_t *total = arg;

    *total += len;
    return data ? 0 : mb_fail(err, MB_ERR_INVALID, "no data");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_close_ int fd = memfd_create("blob", MFD_CLOEXEC);
    uint64_t total = 0;
    struct mb_sink sink = {count, &total};
    struct mb_error err;

    BUG_ON(fd < 0 || mb_write_all(fd, data, len, &err) < 0);
    BUG_ON(lseek(fd, 0, SEEK_SET) != 0);
    mb_ignore(mb_decompress_fd(fd, OUT_BYTES_MAX, &sink, &err), "any outcome is right");
    BUG_ON(total > OUT_BYTES_MAX);
    return 0;
}
