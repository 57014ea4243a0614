/* SPDX-License-Identifier: Apache-2.0 */
/* An archive from a client: what can be listed can be selected from and digested. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "fs/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void use(const struct mb_tree *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct mb_strv hits = {0};
        struct mb_digest d;
        struct mb_error err;

        BUG_ON(t->v[i].path[0] == '\0' || t->v[i].path[0] == '/');
        mb_ignore(mb_tree_select(t, t->v[i].path, &hits, &err), "any outcome is right");
        mb_ignore(mb_tree_digest(t, t->v[i].path, &d, &err), "any outcome is right");
        mb_strv_done(&hits);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_close_ int fd = memfd_create("tar", MFD_CLOEXEC);
    struct mb_tree t = {0};
    struct mb_error err;

    BUG_ON(fd < 0 || mb_write_all(fd, data, len, &err) < 0);
    BUG_ON(lseek(fd, 0, SEEK_SET) != 0);
    if (mb_tree_from_tar(fd, &t, &err) == 0)
        use(&t);
    mb_tree_done(&t);
    return 0;
}
