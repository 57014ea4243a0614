/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor - is this machine fit to be an agent, or to build by itself?  The machine's
 * part of the answer is the agent's (agent/doctor.h), the coordinator's is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/doctor.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/doctor_reach.h"
#include "cli/doctor_table.h"
#include "cli/options.h"
#include "cli/state_dir.h"
#include "cli/verbs.h"

struct doctor_flags {
    char *cluster, *state_dir, *format, *runtime;
    bool help, debug;
};
static const struct option_def defs[] = {
    {"cluster", 0, OPTION_STR, offsetof(struct doctor_flags, cluster), "STRING|FILE",
     "also reach this cluster, as a client (MBCLUSTER_CLUSTER)"},
    {"debug", 'D', OPTION_BOOL, offsetof(struct doctor_flags, debug), NULL,
     "log what happens inside"},
    {"format", 0, OPTION_STR, offsetof(struct doctor_flags, format), "table|json",
     "a table, or one JSON object per finding and line"},
    {"help", 'h', OPTION_BOOL, offsetof(struct doctor_flags, help), NULL, "this text"},
    {"runtime", 0, OPTION_STR, offsetof(struct doctor_flags, runtime), "PATH",
     "OCI runtime (default: crun)"},
    {"state-dir", 0, OPTION_STR, offsetof(struct doctor_flags, state_dir), "DIR",
     "an agent's state, whose membership counts, or that of this machine's builds "
     "(MBCLUSTER_STATE)"},
};

static void print_help(void)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(16 * MB_KIB);

    mb_buf_add_str(
        &out,
        "Usage: mbcluster doctor [FLAGS]\n\n"
        "Check whether this machine can run build steps: kernel, user namespaces, "
        "subordinate\nids, cgroups, overlayfs, OCI runtime and each emulator, all "
        "by trying them; disk, clock,\nand the coordinator. Under what is not ok "
        "stands what to do.\n\nRun it as the user who runs the agent or the "
        "builds. The exit status is 0 when nothing\nfails, else 1.\n\nFlags:\n");
    options_help(defs, ARRAY_SIZE(defs), &out);
    mb_buf_add_str(
        &out, "\nExamples:\n  mbcluster doctor\n"
              "  mbcluster doctor --cluster team.join\n"
              "  runuser -u mbcluster-agent -- mbcluster doctor --state-dir "
              "/var/lib/mbcluster-agent\n"
              "  mbcluster doctor --format json | jq 'select(.result != \"ok\")'\n");
    (void)fputs(out.data, stdout);
}

static int check(const struct doctor_flags *f, const struct mb_strv *args,
                 bool *ret_json, struct mb_error *err)
{
    if (args->n > 0)
        return mb_fail(err, MB_ERR_INVALID, "doctor takes no arguments");
    *ret_json = f->format && strcmp(f->format, "json") == 0;
    if (f->format && !*ret_json && strcmp(f->format, "table") != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "--format must be table or json, not \"%s\"", f->format);
    return 0;
}

static bool wants_color(void)
{
    const char *no = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !(no && *no);
}

static int print(const struct doctor_report *r, bool json)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MIB);

    if (json)
        doctor_json(r, &out);
    else
        doctor_table(r, wants_color(), &out);
    (void)fwrite(out.data, 1, out.len, stdout);
    return fflush(stdout) == 0 && !doctor_has_failed(r) ? 0 : EXIT_FAILED;
}

static int run(const struct doctor_flags *f, bool json)
{
    _cleanup_(doctor_report_done) struct doctor_report r = {0};
    _cleanup_free_ char *state_dir = NULL;
    struct mb_error err;

    if (state_dir_find(f->state_dir, &state_dir, &err) < 0)
        return verb_failed(&err);
    const struct doctor_opts opts = {.state_dir = state_dir, .runtime = f->runtime};
    doctor_machine(&opts, &r);
    doctor_reach(f->cluster, state_dir, &r);
    return print(&r, json);
}

int verb_doctor(int argc, char **argv)
{
    struct doctor_flags f = {0};
    _cleanup_strv_ struct mb_strv args = {0};
    _cleanup_strv_ struct mb_strv notes = {0};
    struct mb_error err;
    bool json = false;
    int r = 0;

    if (options_parse(defs, ARRAY_SIZE(defs), argc, argv, &f, &args, &notes, &err) < 0
        || (!f.help && check(&f, &args, &json, &err) < 0)) {
        r = verb_usage_error("doctor", &err);
    } else if (f.help) {
        print_help();
    } else {
        mb_log_set_level(f.debug ? MB_LOG_DEBUG : MB_LOG_ERR);
        r = run(&f, json);
    }
    free(f.cluster);
    free(f.state_dir);
    free(f.format);
    free(f.runtime);
    return r;
}
