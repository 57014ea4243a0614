/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - one question, one answer. Exit code 0; 1 for a Dockerfile that cannot be read
 * and for `check` of one that asks for errors and has warnings (not with
 * ignorestatus=true).
 */
#include "cli/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/client.h"
#include "cli/progress_internal.h"
#include "cli/verbs.h"
#include "proto/call.h"
#include "proto/kinds.h"

#define REPLY_MSEC 20000

struct call {
    struct client *client;
    bool done;
    int result;
    struct mb_error error;
    struct mb_call_reply reply;
};

/* --- the conversation --- */

static void finish(struct call *c, int result)
{
    c->done = true;
    c->result = result;
    mb_loop_stop(client_loop(c->client));
}

static void on_message(uint8_t kind, const void *data, size_t len, void *arg)
{
    struct call *c = arg;

    if (kind == MB_KIND_CALL_REPLY && !c->done)
        finish(c,
               mb_wire_decode(&mb_call_reply_schema, data, len, &c->reply, &c->error));
}

static void on_failed(const struct mb_error *why, void *arg)
{
    struct call *c = arg;

    if (c->done)
        return;
    c->error = *why;
    finish(c, -1);
}

static void on_interrupted(void *arg)
{
    struct mb_error err;

    mb_fail(&err, MB_ERR_CANCELLED, "interrupted");
    on_failed(&err, arg);
}

static void on_deadline(void *arg)
{
    struct mb_error err;

    mb_fail(&err, MB_ERR_UNAVAILABLE,
            "no answer to --call within %u s: is the coordinator of this version?",
            REPLY_MSEC / 1000);
    on_failed(&err, arg);
}

static int ask(struct call *c, const struct build_options *o)
{
    const struct mb_build_request *r = &o->request;
    const struct mb_call_request q = {
        .method = o->call.method,
        .dockerfile_name = r->dockerfile_name,
        .dockerfile = r->dockerfile,
        .build_args = r->build_args,
        .target = r->target,
        .json = o->call.json,
    };

    return session_send(client_session(c->client), MB_KIND_CALL,
                        &mb_call_request_schema, &q, &c->error);
}

/* --- the answer --- */

static int print_answer(const struct call_spec *s, const struct mb_call_reply *m)
{
    _cleanup_free_ char *text =
        mb_xstrndup(m->text.len ? m->text.data : "", m->text.len);
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4 * MB_MSG_BYTES_MAX);
    _cleanup_strv_ struct mb_strv lines = {0};

    mb_strv_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.n; i++) {
        progress_clean_line(lines.v[i], strlen(lines.v[i]), &out);
        if (i + 1 < lines.n)
            mb_buf_add_byte(&out, '\n');
    }
    if (out.len > 0)
        (void)fwrite(out.data, 1, out.len, stdout);
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    if (!m->violation || s->ignore_status || strcmp(s->method, "check") != 0)
        return 0;
    if (!s->json)
        (void)fprintf(stderr, "ERROR: %s\n", m->violation);
    return EXIT_FAILED;
}

static int print_error(const struct build_options *o, const struct mb_call_reply *m)
{
    _cleanup_(progress_freep) struct progress *p =
        progress_new(PROGRESS_QUIET, STDERR_FILENO, 0);
    struct mb_build_done done = {.code = m->code, .message = m->message};
    const char *colon = m->message ? strstr(m->message, ": ") : NULL;
    _cleanup_free_ char *source =
        colon ? mb_xstrndup(m->message, (size_t)(colon - m->message)) : NULL;

    if (source && strchr(source, ':'))
        done.source = source;
    progress_failure(p, &done, &o->request.dockerfile);
    return EXIT_FAILED;
}

int call_run(const struct build_options *o, const char *state_dir)
{
    static const struct client_ops ops = {
        .message = on_message, .failed = on_failed, .interrupted = on_interrupted};
    const struct client_opts opts = {.cluster = o->cluster, .state_dir = state_dir};
    struct call c = {.result = -1};
    int r;

    if (client_open(&opts, &ops, &c, &c.client, &c.error) < 0)
        return verb_failed(&c.error);
    mb_loop_add_once(client_loop(c.client), REPLY_MSEC, on_deadline, &c);
    if (ask(&c, o) == 0 && !c.done)
        mb_loop_run(client_loop(c.client));
    client_close(c.client);
    if (c.result < 0)
        r = verb_failed(&c.error);
    else if (c.reply.code != MB_OK)
        r = print_error(o, &c.reply);
    else
        r = print_answer(&o->call, &c.reply);
    mb_wire_done(&mb_call_reply_schema, &c.reply);
    return r;
}
