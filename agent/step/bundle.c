/* SPDX-License-Identifier: Apache-2.0 */
#include "step/bundle.h"

#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "step/run_mounts.h"
#include "step/seccomp_table.h"

const char *const bundle_place_path[N_PLACES] = {"/proc", "/dev", "/sys",
                                                 "/etc/resolv.conf", "/etc/hosts"};
const bool bundle_place_is_dir[N_PLACES] = {true, true, true, false, false};

/* Of one user of the namespace, in all steps that run at a time. */
#define PROCESSES_MAX 16384
#define SHM_BYTES_DEFAULT (64 * MB_MIB)
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const capabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",      "CAP_DAC_OVERRIDE", "CAP_FOWNER",
    "CAP_FSETID",      "CAP_KILL",       "CAP_MKNOD",        "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",     "CAP_SETFCAP",    "CAP_SETGID",       "CAP_SETPCAP",
    "CAP_SETUID",      "CAP_SYS_CHROOT",
};
static const char *const masked[] = {
    "/proc/acpi",        "/proc/asound",  "/proc/interrupts",
    "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
    "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
};
static const char *const read_only[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static json_t *strings(const char *const *v, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(a, json_stringn_nocheck(v[i], strlen(v[i])));
    return a;
}

static json_t *text(const char *s)
{
    return json_stringn_nocheck(s, strlen(s));
}

/* --- process --- */

static bool has_variable(const struct mb_strv *env, const char *name_and_equals)
{
    for (size_t i = 0; i < env->n; i++)
        if (mb_starts_with(env->v[i], name_and_equals))
            return true;
    return false;
}

static json_t *environment(const struct bundle *b)
{
    const struct mb_strv *env = &b->step->env;
    json_t *a = json_array();

    if (!has_variable(env, "PATH="))
        (void)json_array_append_new(a, text(DEFAULT_PATH));
    for (size_t i = 0; i < env->n; i++)
        (void)json_array_append_new(a, text(env->v[i]));
    if (!has_variable(env, "HOME=")) {
        _cleanup_buf_ struct mb_buf home = MB_BUF_INIT(MB_PATH_LEN_MAX + 16);

        mb_buf_addf(&home, "HOME=%s", b->user->home);
        (void)json_array_append_new(a, text(home.data));
    }
    /* QARMA pointer authentication takes most of the time otherwise. */
    if (b->emulated && strcmp(b->arch, "arm64") == 0 && !has_variable(env, "QEMU_CPU="))
        (void)json_array_append_new(a, text("QEMU_CPU=max,pauth-impdef=on"));
    return a;
}

static json_t *user(const struct image_user *u)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < u->n_groups; i++)
        (void)json_array_append_new(groups, json_integer((json_int_t)u->groups[i]));
    return json_pack("{s:I,s:I,s:i,s:o}", "uid", (json_int_t)u->uid, "gid",
                     (json_int_t)u->gid, "umask", 022, "additionalGids", groups);
}

static json_t *capability_sets(void)
{
    return json_pack("{s:o,s:o,s:o}", "bounding",
                     strings(capabilities, ARRAY_SIZE(capabilities)), "effective",
                     strings(capabilities, ARRAY_SIZE(capabilities)), "permitted",
                     strings(capabilities, ARRAY_SIZE(capabilities)));
}

static const struct {
    const char *name;
    int number;
} limit_names[] = {
#define L(n)           \
    {                  \
#n, RLIMIT_##n \
    }
    L(CORE),    L(CPU),      L(DATA),   L(FSIZE),      L(LOCKS),
    L(MEMLOCK), L(MSGQUEUE), L(NICE),   L(NOFILE),     L(NPROC),
    L(RSS),     L(RTPRIO),   L(RTTIME), L(SIGPENDING), L(STACK),
#undef L
};

/* No more than this process has: the runtime may raise nothing. */
static void add_limit(json_t *all, size_t index, uint64_t soft, uint64_t hard)
{
    struct rlimit has = {RLIM_INFINITY, RLIM_INFINITY};
    _cleanup_free_ char *type = mb_xasprintf("RLIMIT_%s", limit_names[index].name);

    (void)prlimit(0, (__rlimit_resource_t)limit_names[index].number, NULL, &has);
    if (hard > has.rlim_max)
        hard = has.rlim_max;
    if (soft > hard)
        soft = hard;
    (void)json_array_append_new(all,
                                json_pack("{s:s,s:I,s:I}", "type", type, "soft",
                                          (json_int_t)soft, "hard", (json_int_t)hard));
}

/* "RLIMIT_NOFILE 1 2"; what is not so is left out. */
static void add_ulimit(json_t *all, const char *text, bool *ret_nproc)
{
    _cleanup_strv_ struct mb_strv words = {0};
    struct mb_error ignored;
    uint64_t soft, hard;

    mb_strv_split(&words, text, " ");
    if (words.n != 3 || !mb_starts_with(words.v[0], "RLIMIT_")
        || mb_parse_u64(words.v[1], INT64_MAX, &soft, &ignored) < 0
        || mb_parse_u64(words.v[2], INT64_MAX, &hard, &ignored) < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(limit_names); i++) {
        if (strcmp(words.v[0] + strlen("RLIMIT_"), limit_names[i].name) != 0)
            continue;
        if (limit_names[i].number == RLIMIT_NPROC) {
            *ret_nproc = true;
            hard = hard < PROCESSES_MAX ? hard : PROCESSES_MAX;
        }
        add_limit(all, i, soft, hard);
    }
}

/* A fork bomb must end before the machine does; there is no cgroup to end it. */
static json_t *limits(const struct mb_strv *ulimits)
{
    json_t *all = json_array();
    bool nproc = false;

    for (size_t i = 0; i < ulimits->n; i++)
        add_ulimit(all, ulimits->v[i], &nproc);
    for (size_t i = 0; !nproc && i < ARRAY_SIZE(limit_names); i++)
        if (limit_names[i].number == RLIMIT_NPROC)
            add_limit(all, i, PROCESSES_MAX, PROCESSES_MAX);
    return all;
}

static json_t *process(const struct bundle *b)
{
    const struct mb_step *s = b->step;

    return json_pack(
        "{s:b,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "terminal", 0, "user", user(b->user),
        "args", strings((const char *const *)s->argv.v, s->argv.n), "env",
        environment(b), "cwd", text(s->cwd && s->cwd[0] ? s->cwd : "/"), "capabilities",
        capability_sets(), "noNewPrivileges", 1, "rlimits", limits(&s->ulimits));
}

/* --- mounts --- */

static void add_mount(json_t *mounts, const char *destination, const char *type,
                      const char *source, const char *options)
{
    _cleanup_strv_ struct mb_strv o = {0};

    mb_strv_split(&o, options, ",");
    (void)json_array_append_new(
        mounts, json_pack("{s:o,s:s,s:o,s:o}", "destination", text(destination), "type",
                          type, "source", text(source), "options",
                          strings((const char *const *)o.v, o.n)));
}

static void add_below(json_t *mounts, const char *dir, const char *name,
                      const char *type, const char *source, const char *options)
{
    _cleanup_buf_ struct mb_buf path = MB_BUF_INIT(2 * MB_PATH_LEN_MAX);

    mb_buf_addf(&path, "%s/%s", dir, name);
    add_mount(mounts, path.data, type, source, options);
}

/* A sysfs of its own needs a network namespace of its own, so all get the host's. */
static json_t *mounts(const struct bundle *b)
{
    json_t *m = json_array();
    const char *dev = b->places[PLACE_DEV];
    uint64_t shm_bytes = b->step->shm_bytes;
    _cleanup_free_ char *shm =
        mb_xasprintf("nosuid,noexec,nodev,mode=1777,size=%llu",
                     (unsigned long long)(shm_bytes ? shm_bytes : SHM_BYTES_DEFAULT));

    add_mount(m, b->places[PLACE_PROC], "proc", "proc", "nosuid,noexec,nodev");
    add_mount(m, dev, "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
    add_below(m, dev, "pts", "devpts", "devpts",
              "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
    add_below(m, dev, "shm", "tmpfs", "shm", shm);
    add_below(m, dev, "mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
    add_mount(m, b->places[PLACE_SYS], "bind", "/sys",
              "rbind,rslave,nosuid,noexec,nodev,ro,rro");
    add_mount(m, b->places[PLACE_RESOLV], "bind", b->resolv_source,
              "bind,rprivate,nosuid,noexec,nodev,ro");
    add_mount(m, b->places[PLACE_HOSTS], "bind", b->hosts_source,
              "bind,rprivate,nosuid,noexec,nodev,ro");
    for (size_t i = 0; b->mounts && i < b->mounts->n; i++) {
        const struct run_mount *r = &b->mounts->v[i];

        add_mount(m, r->target, r->type, r->source, r->options);
    }
    return m;
}

/* --- seccomp --- */

static json_t *architectures(void)
{
    static const char *const names[] = {
#if defined(__x86_64__)
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X32",
#elif defined(__aarch64__)
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_ARM",
#elif defined(__s390x__)
        "SCMP_ARCH_S390X",
        "SCMP_ARCH_S390",
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        "SCMP_ARCH_PPC64LE",
#elif defined(__riscv) && __riscv_xlen == 64
        "SCMP_ARCH_RISCV64",
#elif defined(__mips64)
        "SCMP_ARCH_MIPSEL64",
        "SCMP_ARCH_MIPSEL",
        "SCMP_ARCH_MIPSEL64N32",
#elif defined(__arm__)
        "SCMP_ARCH_ARM",
#elif defined(__i386__)
        "SCMP_ARCH_X86",
#elif defined(__loongarch64)
        "SCMP_ARCH_LOONGARCH64",
#endif
    };

    return strings(names, ARRAY_SIZE(names));
}

static json_t *rule(const struct seccomp_rule *r)
{
    json_t *arg = json_pack("{s:i,s:I,s:I,s:s}", "index", (int)r->arg, "value",
                            (json_int_t)r->value, "valueTwo", (json_int_t)r->value_two,
                            "op", r->op);

    return json_pack("{s:[s],s:s,s:[o]}", "names", r->name, "action", "SCMP_ACT_ALLOW",
                     "args", arg);
}

#define ENOSYS_EVERYWHERE                                      \
    38 /* what the runtime hands to the kernel of this machine \
        */

static json_t *seccomp(void)
{
    json_t *calls = json_array();
    size_t n = 0;

    while (seccomp_allowed[n])
        n++;
    (void)json_array_append_new(calls, json_pack("{s:o,s:s}", "names",
                                                 strings(seccomp_allowed, n), "action",
                                                 "SCMP_ACT_ALLOW"));
    for (size_t i = 0; i < n_seccomp_rules; i++)
        (void)json_array_append_new(calls, rule(&seccomp_rules[i]));
    return json_pack("{s:s,s:i,s:o,s:o}", "defaultAction", "SCMP_ACT_ERRNO",
                     "defaultErrnoRet", ENOSYS_EVERYWHERE, "architectures",
                     architectures(), "syscalls", calls);
}

static json_t *linux_part(void)
{
    return json_pack("{s:[{s:s},{s:s},{s:s},{s:s}],s:o,s:o,s:o}", "namespaces", "type",
                     "pid", "type", "mount", "type", "ipc", "type", "uts",
                     "maskedPaths", strings(masked, ARRAY_SIZE(masked)),
                     "readonlyPaths", strings(read_only, ARRAY_SIZE(read_only)),
                     "seccomp", seccomp());
}

void bundle_config(const struct bundle *b, struct mb_buf *out)
{
    _cleanup_json_ json_t *config =
        json_pack("{s:s,s:o,s:{s:o,s:b},s:s,s:o,s:o}", "ociVersion", "1.0.2", "process",
                  process(b), "root", "path", text(b->root), "readonly", 0, "hostname",
                  BUNDLE_HOSTNAME, "mounts", mounts(b), "linux", linux_part());

    mb_json_write(config, 0, false, out);
}
