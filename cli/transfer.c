/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

int transfer_init(struct transfer *t, const char *url, const char *token,
                  struct transfer_state *state, struct mb_error *err)
{
    struct mb_registry_opts opts = {
        .base_url = url, .bearer_token = token, .cancel = &state->cancel};

    *t = (struct transfer){.state = state};
    if (mb_reference_parse(TRANSFER_REPOSITORY, &t->ref, err) < 0)
        return -1;
    t->client = mb_registry_client_new(&opts);
    return 0;
}

void transfer_done(struct transfer *t)
{
    mb_registry_client_free(t->client);
    mb_reference_done(&t->ref);
    *t = (struct transfer){0};
}

int transfer_check(const struct transfer_state *s, struct mb_error *err)
{
    if (atomic_load(&s->cancel))
        return mb_fail(err, MB_ERR_CANCELLED, "interrupted");
    return 0;
}

int transfer_push(struct transfer *t, const struct mb_descriptor *d, int fd,
                  struct mb_error *err)
{
    if (transfer_check(t->state, err) < 0
        || mb_registry_push_blob(t->client, &t->ref, d, fd, err) < 0)
        return -1;
    atomic_fetch_add(&t->state->bytes, d->size);
    return 0;
}

int transfer_push_bytes(struct transfer *t, const struct mb_descriptor *d,
                        const void *data, size_t len, struct mb_error *err)
{
    _cleanup_close_ int fd = memfd_create("mbcluster-blob", MFD_CLOEXEC);

    if (fd < 0)
        return mb_fail_errno(err, "memory for a blob");
    if (mb_write_all(fd, data, len, err) < 0)
        return -1;
    return transfer_push(t, d, fd, err);
}

int transfer_temp_file(int *ret_fd, struct mb_error *err)
{
    const char *dir = getenv("TMPDIR");
    _cleanup_free_ char *path = NULL;
    int fd;

    if (!dir || dir[0] != '/')
        dir = "/var/tmp";
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* not every file system can */
        path = mb_xasprintf("%s/mbcluster-XXXXXX", dir);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
            return mb_fail_errno(
                err, "temporary file in %s (choose another with TMPDIR)", dir);
        (void)unlink(path);
    }
    *ret_fd = fd;
    return 0;
}
