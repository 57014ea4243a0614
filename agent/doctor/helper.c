/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof: the step helper is started as the agent would start it, a layer with one
 * tiny program is unpacked, an overlay is mounted on it, and the OCI runtime runs the
 * program. The layer is the same each time, so it stays once.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/doctor.h"
#include "agent/step_client.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/strv.h"
#include "fs/tar_writer.h"
#include "step/archs.h"

#define PROOF_PATH "proof"
#define LAYER_BYTES_MAX (64 * 1024)
#define QEMU_DIR "/usr/bin"

static int add_to_buf(const void *data, size_t len, void *arg, struct mb_error *err)
{
    (void)err;
    mb_buf_add(arg, data, len);
    return 0;
}

/* A layer that holds a program for this machine. */
static int make_layer(struct mb_buf *out, struct mb_error *err)
{
    const struct mb_sink sink = {add_to_buf, out};
    struct mb_platform host = mb_platform_host();
    const struct arch *a = arch_find(host.arch);
    _cleanup_buf_ struct mb_buf elf = MB_BUF_INIT(LAYER_BYTES_MAX / 2);
    _cleanup_(mb_tar_writer_freep) struct mb_tar_writer *w = mb_tar_writer_new(&sink);

    if (!a)
        return mb_fail(err, MB_ERR_NOT_FOUND, "no program for linux/%s is known",
                       host.arch);
    arch_elf(a, &elf);
    const struct mb_tar_entry e = {
        .path = PROOF_PATH, .mode = S_IFREG | 0755, .size = elf.len};
    if (mb_tar_writer_entry(w, &e, err) < 0
        || mb_tar_writer_data(w, elf.data, elf.len, err) < 0
        || mb_tar_writer_end(w, err) < 0)
        return -1;
    return mb_buf_check(out, "the doctor's layer", err);
}

static int feed(const struct mb_sink *out, void *arg, struct mb_error *err)
{
    const struct mb_buf *layer = arg;

    return mb_sink_put(out, layer->data, layer->len, err);
}

static int unpack(struct step_client *c, struct mb_digest *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf layer = MB_BUF_INIT(LAYER_BYTES_MAX);
    struct mb_digest d;
    bool there = false;

    if (make_layer(&layer, err) < 0)
        return -1;
    mb_sha256(layer.data, layer.len, d.bytes);
    if (step_has_layer(c, &d, &there, err) < 0
        || (!there && step_unpack(c, NULL, &d, feed, &layer, err) < 0))
        return -1;
    *ret = d;
    return 0;
}

/* --- overlay --- */

static int mount_overlay(struct step_client *c, const struct step_state *state,
                         struct mb_error *err)
{
    char cwd[] = "/doctor", user[] = "";
    struct mb_step step = {.kind = MB_STEP_WORKDIR, .cwd = cwd, .user = user};
    char work[STEP_WORK_ID_LEN + 1];
    bool made = false;

    if (step_workdir(c, NULL, state, &step, work, &made, err) < 0)
        return -1;
    if (!made)
        return mb_fail(err, MB_ERR_CORRUPT, "a directory was there before it was made");
    return step_discard(c, work, err);
}

static bool check_overlay(struct step_client *c, const struct step_state *state,
                          struct doctor_report *r)
{
    struct mb_error err;

    if (mount_overlay(c, state, &err) < 0) {
        doctor_add(r, "overlayfs", DOCTOR_FAIL, "%s", err.msg);
        doctor_fix(r, "modprobe overlay; if that is not it, choose a --state-dir on "
                      "ext4, xfs or btrfs");
        return false;
    }
    doctor_add(r, "overlayfs", DOCTOR_OK,
               "mounted in a user namespace, with userxattr");
    return true;
}

/* --- runtime --- */

static int run_proof(struct step_client *c, const struct step_state *state,
                     struct mb_error *err)
{
    const struct mb_platform host = mb_platform_host();
    char cwd[] = "/", user[] = "", network[] = "none";
    struct mb_step step = {
        .kind = MB_STEP_RUN, .cwd = cwd, .user = user, .network = network};
    char work[STEP_WORK_ID_LEN + 1];
    int status = -1;

    mb_strv_add(&step.argv, "/" PROOF_PATH);
    mb_strv_add(&step.env, "PATH=/");
    int rc = step_run(c, NULL, state, &step, &host, work, &status, err);
    mb_strv_done(&step.argv);
    mb_strv_done(&step.env);
    if (rc < 0 || step_discard(c, work, err) < 0)
        return -1;
    if (status != ARCH_PROOF_STATUS)
        return mb_fail(err, MB_ERR_FAILED, "a program of ours ended with status %d",
                       status);
    return 0;
}

static void check_runtime(struct step_client *c, const struct doctor_opts *opts,
                          const struct step_state *state, struct doctor_report *r)
{
    const char *runtime = opts->runtime ? opts->runtime : "crun";
    struct mb_error err;

    if (run_proof(c, state, &err) == 0) {
        doctor_add(r, "runtime", DOCTOR_OK, "%s runs a container", runtime);
        return;
    }
    doctor_add(r, "runtime", DOCTOR_FAIL, "%s: %s", runtime, err.msg);
    doctor_fix(r, "apt install crun, or name another with --runtime PATH");
}

/* --- emulators --- */

static const struct mb_agent_platform *find_platform(const struct mb_agent_platform *v,
                                                     size_t n, const char *arch)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].platform.arch, arch) == 0)
            return &v[i];
    return NULL;
}

static bool is_installed(const struct arch *a)
{
    _cleanup_free_ char *fixed = mb_xasprintf(QEMU_DIR "/qemu-%s-static", a->qemu);
    _cleanup_free_ char *plain = mb_xasprintf(QEMU_DIR "/qemu-%s", a->qemu);

    return access(fixed, X_OK) == 0 || access(plain, X_OK) == 0;
}

static void report_emulator(const struct arch *a, const struct mb_agent_platform *p,
                            const char *qemu, struct doctor_report *r)
{
    _cleanup_free_ char *check = mb_xasprintf("emulator-%s", a->name);

    if (p) {
        doctor_add(r, check, DOCTOR_OK, "runs%s%s (%s)", qemu ? ", QEMU " : "",
                   qemu ? qemu : "", p->via ? p->via : "unknown way");
        return;
    }
    doctor_add(r, check, DOCTOR_WARN, "qemu-%s is installed but a program does not run",
               a->qemu);
    doctor_fix(r, "apt install --reinstall qemu-user-static binfmt-support; see the "
                  "finding on binfmt");
}

static void report_platforms(const struct mb_agent_platform *v, size_t n,
                             const char *qemu, struct doctor_report *r)
{
    _cleanup_strv_ struct mb_strv native = {0};
    size_t emulators = 0;

    for (size_t i = 0; i < n; i++)
        if (!v[i].emulated && !mb_strv_contains(&native, v[i].platform.arch))
            mb_strv_add(&native, v[i].platform.arch);
    _cleanup_free_ char *names = mb_strv_join(&native, ", ");
    doctor_add(r, "native", DOCTOR_OK, "runs programs for %s", names);
    for (size_t i = 0; i < n_archs; i++) {
        const struct mb_agent_platform *p = find_platform(v, n, archs[i].name);

        if ((p && !p->emulated) || (!p && !is_installed(&archs[i])))
            continue;
        report_emulator(&archs[i], p, qemu, r);
        emulators++;
    }
    if (emulators == 0) {
        doctor_add(r, "emulators", DOCTOR_WARN,
                   "none is installed: steps for other processors need other agents");
        doctor_fix(r, "apt install qemu-user-static, if this machine shall emulate");
    }
}

static void check_platforms(struct step_client *c, struct doctor_report *r)
{
    struct mb_agent_info info = {0};
    struct mb_error err;

    if (step_client_probe(c, &info.platforms, &info.n_platforms, &info.qemu, &err)
        < 0) {
        doctor_add(r, "emulators", DOCTOR_FAIL, "%s", err.msg);
        doctor_fix(r, "see the findings above");
    } else {
        report_platforms(info.platforms, info.n_platforms, info.qemu, r);
    }
    mb_wire_done(&mb_agent_info_schema, &info);
}

static void say_helper_failed(const char *what, const struct mb_error *err,
                              struct doctor_report *r)
{
    bool earlier = doctor_has_failed(r);

    doctor_add(r, "step-helper", DOCTOR_FAIL, "%s%s", what, err->msg);
    if (earlier)
        doctor_fix(r, "mend what fails above, then run this again");
    else if (strstr(err->msg, "OCI runtime"))
        doctor_fix(r, "apt install crun, or name another with --runtime PATH");
    else
        doctor_fix(r, "do what the message says; the state directory must be on a "
                      "local disk and belong to this user");
}

void doctor_helper(const struct doctor_opts *opts, struct doctor_report *r)
{
    const struct step_client_opts so = {.program = opts->step_program,
                                        .state_dir = opts->state_dir,
                                        .runtime = opts->runtime,
                                        .emulate = true};
    _cleanup_(step_client_freep) struct step_client *c = NULL;
    struct mb_digest d;
    const struct step_state state = {.diff_ids = &d, .n = 1};
    struct mb_error err;

    if (step_client_start(&so, &c, &err) < 0) {
        say_helper_failed("", &err, r);
        return;
    }
    if (unpack(c, &d, &err) < 0) {
        say_helper_failed("unpack a layer: ", &err, r);
        return;
    }
    doctor_add(r, "step-helper", DOCTOR_OK, "starts, and unpacks a layer");
    if (check_overlay(c, &state, r))
        check_runtime(c, opts, &state, r);
    check_platforms(c, r);
}
