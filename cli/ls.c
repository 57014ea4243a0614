/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ls - the agents of the cluster.  Without a cluster, the agent that a build on this
 * machine would have; it needs a moment to try its emulators, so the question is asked
 * again until it is there.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/ls_table.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "proto/kinds.h"

#define ASK_MSEC 100
#define REPLY_MSEC 20000

struct ls_flags {
    char *cluster, *state_dir, *format;
    bool help, debug;
};
static const struct option_def defs[] = {
    {"cluster", 0, OPTION_STR, offsetof(struct ls_flags, cluster), "STRING|FILE",
     "join string of the cluster (MBCLUSTER_CLUSTER)"},
    {"debug", 'D', OPTION_BOOL, offsetof(struct ls_flags, debug), NULL,
     "log what happens inside"},
    {"format", 0, OPTION_STR, offsetof(struct ls_flags, format), "table|json",
     "a table, or one JSON object per agent and line"},
    {"help", 'h', OPTION_BOOL, offsetof(struct ls_flags, help), NULL, "this text"},
    {"state-dir", 0, OPTION_STR, offsetof(struct ls_flags, state_dir), "DIR",
     "state of this machine's builds (MBCLUSTER_STATE)"},
};

struct ls {
    struct client *client;
    bool json;
    bool done;
    int result;
    struct mb_error error;
    struct mb_ls_reply reply;
};

static void finish(struct ls *ls, int result)
{
    ls->done = true;
    ls->result = result;
    mb_loop_stop(client_loop(ls->client));
}

static void ask(void *arg)
{
    struct ls *ls = arg;
    uint8_t nothing = 0;

    if (!ls->done
        && session_send(client_session(ls->client), MB_KIND_LS, &mb_empty_schema,
                        &nothing, &ls->error)
               < 0)
        finish(ls, -1);
}

static void on_message(uint8_t kind, const void *data, size_t len, void *arg)
{
    struct ls *ls = arg;
    struct mb_ls_reply reply = {0};

    if (kind != MB_KIND_LS_REPLY || ls->done)
        return;
    if (mb_wire_decode(&mb_ls_reply_schema, data, len, &reply, &ls->error) < 0) {
        finish(ls, -1);
        return;
    }
    if (client_is_embedded(ls->client) && reply.n_agents == 0) {
        mb_wire_done(&mb_ls_reply_schema, &reply);
        mb_loop_add_once(client_loop(ls->client), ASK_MSEC, ask, ls);
        return;
    }
    ls->reply = reply;
    finish(ls, 0);
}

static void on_failed(const struct mb_error *why, void *arg)
{
    struct ls *ls = arg;

    ls->error = *why;
    finish(ls, -1);
}

static void on_interrupted(void *arg)
{
    struct ls *ls = arg;

    mb_fail(&ls->error, MB_ERR_CANCELLED, "interrupted");
    finish(ls, -1);
}

static void on_deadline(void *arg)
{
    struct ls *ls = arg;

    mb_fail(&ls->error, MB_ERR_UNAVAILABLE,
            "no answer within %u s: see the coordinator's log", REPLY_MSEC / 1000);
    finish(ls, -1);
}

static int print(const struct ls *ls)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(16 * MB_MIB);

    if (ls->json)
        ls_json(&ls->reply, &out);
    else
        ls_table(&ls->reply, &out);
    if (out.len > 0)
        (void)fwrite(out.data, 1, out.len, stdout);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

static int run(const struct ls_flags *f, bool json)
{
    static const struct client_ops ops = {
        .message = on_message, .failed = on_failed, .interrupted = on_interrupted};
    const struct client_opts opts = {.cluster = f->cluster, .state_dir = f->state_dir};
    struct ls ls = {.json = json, .result = -1};
    int r;

    if (client_open(&opts, &ops, &ls, &ls.client, &ls.error) < 0)
        return verb_failed(&ls.error);
    mb_loop_add_once(client_loop(ls.client), REPLY_MSEC, on_deadline, &ls);
    ask(&ls);
    if (!ls.done)
        mb_loop_run(client_loop(ls.client));
    client_close(ls.client);
    r = ls.result == 0 ? print(&ls) : verb_failed(&ls.error);
    mb_wire_done(&mb_ls_reply_schema, &ls.reply);
    return r;
}

static void print_help(void)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(16 * MB_KIB);

    mb_buf_add_str(&out,
                   "Usage: mbcluster ls [FLAGS]\n\n"
                   "List the agents of the cluster. Native platforms come first; those "
                   "marked with * are\nemulated by QEMU.\n\nFlags:\n");
    options_help(defs, ARRAY_SIZE(defs), &out);
    mb_buf_add_str(&out, "\nExamples:\n  mbcluster ls\n"
                         "  mbcluster ls --cluster team.join --format json\n");
    (void)fputs(out.data, stdout);
}

static int check(const struct ls_flags *f, const struct mb_strv *args, bool *ret_json,
                 struct mb_error *err)
{
    if (args->n > 0)
        return mb_fail(err, MB_ERR_INVALID, "ls takes no arguments");
    *ret_json = f->format && strcmp(f->format, "json") == 0;
    if (f->format && !*ret_json && strcmp(f->format, "table") != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "--format must be table or json, not \"%s\"", f->format);
    return 0;
}

int verb_ls(int argc, char **argv)
{
    struct ls_flags f = {0};
    _cleanup_strv_ struct mb_strv args = {0};
    _cleanup_strv_ struct mb_strv notes = {0};
    struct mb_error err;
    bool json = false;
    int r = 0;

    if (options_parse(defs, ARRAY_SIZE(defs), argc, argv, &f, &args, &notes, &err) < 0
        || (!f.help && check(&f, &args, &json, &err) < 0)) {
        r = verb_usage_error("ls", &err);
    } else if (f.help) {
        print_help();
    } else {
        mb_log_set_level(f.debug ? MB_LOG_DEBUG : MB_LOG_ERR);
        r = run(&f, json);
    }
    free(f.cluster);
    free(f.state_dir);
    free(f.format);
    return r;
}
