/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inventory.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/spawn.h"
#include "fs/gzip.h"

/* "crun version 1.8.1\n..." to "crun 1.8.1"; a runtime that says nothing is just its
 * name. */
static char *runtime_version(const char *runtime)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4096);
    struct mb_spawn s = MB_SPAWN_INIT;
    struct mb_error err;
    int status = 0;
    const char *name = strrchr(runtime, '/') ? strrchr(runtime, '/') + 1 : runtime;

    mb_strv_add(&s.argv, runtime);
    mb_strv_add(&s.argv, "--version");
    int r = mb_spawn_output(&s, &out, &status, &err);
    mb_spawn_done(&s);
    const char *at =
        r == 0 && status == 0 && out.data ? strstr(out.data, "version ") : NULL;
    if (!at)
        return mb_xstrdup(name);
    at += strlen("version ");
    return mb_xasprintf("%.*s %.*s", (int)strcspn(out.data, " \n"), out.data,
                        (int)strcspn(at, " \n"), at);
}

static bool wanted_by_list(const struct mb_agent_platform *p,
                           const struct agent_opts *opts)
{
    return !opts->platforms || mb_platforms_contain(opts->platforms, &p->platform);
}

/* --emulate: auto (all that were proved), none, or a list. */
static bool emulation_allowed(const struct mb_agent_platform *p, const char *emulate,
                              const struct mb_platforms *list)
{
    if (!p->emulated || !emulate || strcmp(emulate, "auto") == 0)
        return true;
    return strcmp(emulate, "none") != 0 && mb_platforms_contain(list, &p->platform);
}

static char *platform_names(const struct mb_agent_platform *v, size_t n)
{
    struct mb_platforms all = {0};

    for (size_t i = 0; i < n; i++)
        mb_platforms_add(&all, &v[i].platform);
    char *text = mb_platforms_text(&all);
    mb_platforms_done(&all);
    return text;
}

static void free_platforms(struct mb_agent_platform *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(v[i].via);
    free(v);
}

/* Every platform of @asked must be among the probed. */
static int check_asked(const struct mb_platforms *asked,
                       const struct mb_agent_platform *v, size_t n,
                       struct mb_error *err)
{
    char text[MB_PLATFORM_TEXT_LEN];

    for (size_t i = 0; asked && i < asked->n; i++) {
        bool found = false;
        for (size_t j = 0; j < n && !found; j++)
            found = mb_platform_equal(&asked->v[i], &v[j].platform);
        if (!found) {
            _cleanup_free_ char *have = platform_names(v, n);
            return mb_fail(err, MB_ERR_INVALID,
                           "this machine cannot run %s programs (it runs %s); install "
                           "qemu-user-static or leave the platform out",
                           mb_platform_text(&asked->v[i], text), have);
        }
    }
    return 0;
}

static int read_platforms(struct step_client *step, const struct agent_opts *opts,
                          struct mb_agent_info *info, struct mb_error *err)
{
    struct mb_agent_platform *v = NULL;
    struct mb_platforms list = {0};
    size_t n = 0, kept = 0;
    const char *e = opts->emulate;
    int r;

    if (e && strcmp(e, "auto") != 0 && strcmp(e, "none") != 0
        && mb_platforms_parse(e, &list, err) < 0)
        return mb_wrap(err, "--emulate");
    if (step_client_probe(step, &v, &n, &info->qemu, err) < 0) {
        mb_platforms_done(&list);
        return -1;
    }
    r = check_asked(opts->platforms, v, n, err);
    if (r == 0 && list.n > 0)
        r = check_asked(&list, v, n, err);
    for (size_t i = 0; i < n; i++) {
        if (r == 0 && wanted_by_list(&v[i], opts) && emulation_allowed(&v[i], e, &list))
            v[kept++] = v[i];
        else
            free(v[i].via);
    }
    mb_platforms_done(&list);
    if (r == 0 && kept == 0)
        r = mb_fail(err, MB_ERR_INVALID,
                    "--platform and --emulate leave nothing to offer");
    if (r < 0) {
        free_platforms(v, kept);
        return -1;
    }
    info->platforms = v;
    info->n_platforms = kept;
    return 0;
}

int inventory_read(struct step_client *step, const struct agent_opts *opts,
                   struct mb_agent_info *ret, struct mb_error *err)
{
    struct mb_agent_info info = {0};
    struct utsname u;
    struct sysinfo si;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct mb_platform host = mb_platform_host();

    if (uname(&u) < 0 || sysinfo(&si) < 0)
        return mb_fail_errno(err, "ask the kernel what this machine is");
    if (read_platforms(step, opts, &info, err) < 0) {
        mb_wire_done(&mb_agent_info_schema, &info);
        return -1;
    }
    info.arch = mb_xstrdup(host.arch);
    info.hostname = mb_xstrdup(u.nodename);
    info.kernel = mb_xstrdup(u.release);
    info.runtime = runtime_version(opts->runtime ? opts->runtime : "crun");
    info.codec = mb_xstrdup(mb_gzip_codec());
    info.mode = mb_xstrdup(geteuid() == 0 ? "root" : "rootless");
    info.cores = cores > 0 ? (uint64_t)cores : 1;
    info.slots = opts->slots ? opts->slots : info.cores;
    info.memory_bytes = (uint64_t)si.totalram * si.mem_unit;
    *ret = info;
    return 0;
}
