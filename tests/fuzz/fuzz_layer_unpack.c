/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer from a registry.  The target is JAIL/in; after each run JAIL must hold
 * nothing else, or an entry got out.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/fd.h"
#include "fs/layer_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_jail(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    BUG_ON(!d);
    while ((e = readdir(d)))
        BUG_ON(e->d_name[0] != '.' && strcmp(e->d_name, "in") != 0);
    closedir(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char path[] = "/tmp/mb-fuzz-XXXXXX";
    _cleanup_close_ int fd = memfd_create("tar", MFD_CLOEXEC);
    _cleanup_close_ int jail = -1;
    _cleanup_close_ int in = -1;
    struct mb_error err;

    BUG_ON(!mkdtemp(path));
    BUG_ON(fd < 0 || mb_write_all(fd, data, len, &err) < 0);
    BUG_ON(lseek(fd, 0, SEEK_SET) != 0);
    BUG_ON(mb_open_dir(AT_FDCWD, path, &jail, &err) < 0);
    BUG_ON(mkdirat(jail, "in", 0755) < 0 || mb_open_dir(jail, "in", &in, &err) < 0);
    mb_ignore(mb_layer_unpack(fd, in, &err), "any outcome is right, in the jail");
    check_jail(path);
    BUG_ON(mb_remove_tree(AT_FDCWD, path, &err) < 0);
    return 0;
}
