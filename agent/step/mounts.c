/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay's options must fit one page on every kernel before 6.5. So each lower is
 * named by a short link in a directory of the worker, which is the working directory
 * during the mount: 500 layers are 1,890 bytes.
 */
#include "step/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "step/cover.h"

#define OPTIONS_BYTES_MAX 4095 /* a page with its NUL */

int mounts_proc(struct mb_error *err)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return mb_fail_errno(err,
                             "mount /proc (does a container around this agent mask "
                             "parts of it? run it with systempaths=unconfined)");
    return 0;
}

/* Runtimes refuse hosts that mix both versions of cgroups; ours is version 2 alone. */
static void mount_cgroup2(void)
{
    struct statfs fs;

    if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type == CGROUP2_SUPER_MAGIC)
        return;
    if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              NULL)
        < 0)
        return; /* the runtime then says what it thinks of it */
}

int mounts_holder(struct mb_error *err)
{
    _cleanup_close_ int layers_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (layers_fd < 0)
        return mb_fail_errno(err, "open the layers directory");
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return mb_fail_errno(err, "keep mounts from leaving the namespace");
    if (mounts_proc(err) < 0)
        return -1;
    mount_cgroup2();
    if (mount("tmpfs", HOLDER_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
        return mb_fail_errno(err, "mount a tmpfs at %s", HOLDER_DIR);
    if (mkdir(HOLDER_LAYERS, 0700) < 0 || mkdir(HOLDER_WORKERS, 0700) < 0
        || mkdir(HOLDER_RUNTIME_ROOT, 0700) < 0)
        return mb_fail_errno(err, "create directories in %s", HOLDER_DIR);
    if (fchdir(layers_fd) < 0 || mount(".", HOLDER_LAYERS, NULL, MS_BIND, NULL) < 0)
        return mb_fail_errno(err, "mount the layers directory at %s", HOLDER_LAYERS);
    if (chdir(HOLDER_DIR) < 0)
        return mb_fail_errno(err, "enter %s", HOLDER_DIR);
    return 0;
}

static struct mb_digest layer_from_top(const struct mb_bytes *layers, size_t i)
{
    size_t n = layers->len / sizeof(struct mb_digest);
    struct mb_digest d;

    memcpy(d.bytes, (const char *)layers->data + (n - 1 - i) * sizeof(d.bytes),
           sizeof(d.bytes));
    return d;
}

/* The same layer is higher up, as when two steps change nothing: overlayfs refuses a
 * directory that it has already (ELOOP), and what lies below its double is hidden. */
static bool is_repeated(const struct mb_bytes *layers, size_t i)
{
    struct mb_digest d = layer_from_top(layers, i);

    for (size_t above = 0; above < i; above++) {
        struct mb_digest other = layer_from_top(layers, above);

        if (mb_digest_equal(&d, &other))
            return true;
    }
    return false;
}

static int link_layer(const struct holder *h, int dir_fd, const struct mb_digest *d,
                      size_t number, struct mb_buf *options, struct mb_error *err)
{
    char hex[MB_DIGEST_HEX_LEN + 1], name[24], target[128];

    mb_digest_hex(d, hex);
    (void)snprintf(target, sizeof(target), "sha256/%s/fs", hex);
    if (faccessat(h->layers_fd, target, F_OK, 0) < 0)
        return mb_fail_errno(err, "layer sha256:%s is not extracted here", hex);
    (void)snprintf(target, sizeof(target), "%s/sha256/%s/fs", HOLDER_LAYERS, hex);
    (void)snprintf(name, sizeof(name), "%zu", number);
    if (symlinkat(target, dir_fd, name) < 0)
        return mb_fail_errno(err, "link layer %zu", number);
    mb_buf_addf(options, "%s%s", number > 0 ? ":" : "", name);
    return 0;
}

/* Link @dir_fd/<n> to the different layers, from the top; adds "0:1:2" to @options. */
static int link_layers(const struct holder *h, int dir_fd,
                       const struct mb_bytes *layers, struct mb_buf *options,
                       size_t *ret_n, struct mb_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < layers->len / sizeof(struct mb_digest); i++) {
        struct mb_digest d = layer_from_top(layers, i);

        if (is_repeated(layers, i))
            continue;
        if (link_layer(h, dir_fd, &d, n, options, err) < 0)
            return -1;
        n++;
    }
    *ret_n = n;
    return 0;
}

/* Options that only some kernels know are tried first, then left out. */
static int try_mount(const char *target, unsigned long flags,
                     const struct mb_buf *options, bool writable, struct mb_error *err)
{
    static const char *const extras[] = {",index=off,volatile", ",index=off", ""};
    size_t first = writable ? 0 : 1;

    if (options->overflow)
        return mb_fail(err, MB_ERR_LIMIT, "too many layers for one overlay");
    for (size_t i = first; i < ARRAY_SIZE(extras); i++) {
        _cleanup_free_ char *all = mb_xasprintf("%s%s", options->data, extras[i]);

        if (mount("overlay", target, "overlay", flags, all) == 0)
            return 0;
        if (errno != EINVAL)
            break;
    }
    return mb_fail_errno(err, "mount an overlay (it needs Linux 5.11 or newer, and a "
                              "state directory on ext4, xfs or btrfs)");
}

/* Adds "c:" when the stack needs one. */
static int add_cover(int dir_fd, size_t n, bool with_root, struct mb_buf *options,
                     struct mb_error *err)
{
    _cleanup_close_ int cover_fd = -1;
    bool needed = false;

    if (mkdirat(dir_fd, "c", 0755) < 0)
        return mb_fail_errno(err, "create an empty layer");
    if (mb_open_dir(dir_fd, "c", &cover_fd, err) < 0
        || cover_fill(dir_fd, n, cover_fd, with_root, &needed, err) < 0)
        return -1;
    if (needed)
        mb_buf_add_str(options, "c:");
    return 0;
}

static int add_upper(const struct holder *h, int dir_fd, size_t n, const char *work,
                     struct mb_buf *options, struct mb_error *err)
{
    _cleanup_free_ char *path = mb_xasprintf("tmp/%s/%s/fs", h->owner, work);
    _cleanup_close_ int upper_fd = -1;

    if (mb_open_dir(h->layers_fd, path, &upper_fd, err) < 0
        || cover_root(dir_fd, n, upper_fd, err) < 0)
        return -1;
    mb_buf_addf(options, ",upperdir=%s/tmp/%s/%s/fs,workdir=%s/tmp/%s/%s/work",
                HOLDER_LAYERS, h->owner, work, HOLDER_LAYERS, h->owner, work);
    return 0;
}

static int mount_in(const struct holder *h, int dir_fd, const struct mb_bytes *layers,
                    const char *work, const char *target, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf lowers = MB_BUF_INIT(OPTIONS_BYTES_MAX);
    _cleanup_buf_ struct mb_buf options = MB_BUF_INIT(OPTIONS_BYTES_MAX - 32);
    unsigned long flags = work ? 0 : MS_RDONLY;
    size_t n = 0;

    mb_buf_add_str(&options, "userxattr,lowerdir=");
    if (link_layers(h, dir_fd, layers, &lowers, &n, err) < 0)
        return -1;
    if (n == 0) { /* an overlay needs something below */
        if (mkdirat(dir_fd, "0", 0755) < 0)
            return mb_fail_errno(err, "create an empty layer");
        mb_buf_add_str(&lowers, "0");
    }
    if (!work && n <= 1) { /* nor can it be of one lower alone */
        if (mkdirat(dir_fd, "e", 0755) < 0)
            return mb_fail_errno(err, "create an empty layer");
        mb_buf_add_str(&lowers, ":e");
    }
    if (n > 0 && add_cover(dir_fd, n, !work, &options, err) < 0)
        return -1;
    if (lowers.overflow)
        return mb_fail(err, MB_ERR_LIMIT, "too many layers for one overlay");
    mb_buf_add(&options, lowers.data, lowers.len);
    if (work && add_upper(h, dir_fd, n, work, &options, err) < 0)
        return -1;
    if (fchdir(dir_fd) < 0)
        return mb_fail_errno(err, "enter the directory of short names");
    int rc = try_mount(target, flags, &options, work != NULL, err);
    if (chdir(HOLDER_DIR) < 0 && rc == 0)
        rc = mb_fail_errno(err, "enter %s", HOLDER_DIR);
    return rc;
}

int mounts_overlay(const struct holder *h, const char *dir,
                   const struct mb_bytes *layers, const char *work, const char *target,
                   struct mb_error *err)
{
    _cleanup_free_ char *links = mb_xasprintf("%s/%s", dir, work ? "l" : "s");
    _cleanup_close_ int dir_fd = -1;

    if (layers->len % sizeof(struct mb_digest) != 0)
        return mb_fail(err, MB_ERR_PROTOCOL, "the list of layers is cut");
    if (mkdir(links, 0700) < 0 || mkdir(target, 0755) < 0)
        return mb_fail_errno(err, "create a mount point");
    if (mb_open_dir(AT_FDCWD, links, &dir_fd, err) < 0)
        return -1;
    return mount_in(h, dir_fd, layers, work, target, err);
}
