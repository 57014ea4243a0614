/* SPDX-License-Identifier: Apache-2.0 */
/* eval_steps - RUN and WORKDIR: what an agent will do. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "coordinator/frontend/mounts.h"

const char *eval_cwd(const struct eval *e)
{
    const char *wd = e->r.config.working_dir;

    return wd && *wd ? wd : "/";
}

/* The instruction as progress shows it: variables that are set replaced, one line. */
static char *shown_text(struct eval *e, const struct instruction *in)
{
    bool run = in->kind == INSTR_RUN;
    const struct expand x = {.escape = e->f->escape,
                             .get = eval_lookup,
                             .arg = e,
                             .raw_quotes = run,
                             .keep_unset = run,
                             .work = &e->work};
    _cleanup_free_ char *title = heredoc_title(in);
    struct mb_error ignored;
    _cleanup_free_ char *text = NULL;

    if (expand_word(&x, title, &text, &ignored) < 0)
        text = mb_xstrdup(title);
    for (char *p = text; isalpha((unsigned char)*p); p++)
        *p = (char)toupper((unsigned char)*p);
    return e->on_build ? mb_xasprintf("ONBUILD %s", text) : steal_ptr(text);
}

int eval_add_step(struct eval *e, const struct instruction *in, struct frontend_step *s,
                  const char *history, struct mb_error *err)
{
    struct frontend_result *r = &e->r;

    s->line = in->line;
    s->end_line = in->end_line;
    s->text = shown_text(e, in);
    s->history = r->config.n_history;
    if ((r->n_steps & (r->n_steps - 1)) == 0)
        r->steps = mb_xreallocarray(r->steps, r->n_steps ? r->n_steps * 2 : 1,
                                    sizeof(*r->steps));
    r->steps[r->n_steps++] = *s;
    if (eval_spend(e, strlen(s->text), err) < 0)
        return -1;
    return eval_history(e, history, false, err);
}

static int add_variable(struct eval *e, const char *key, struct mb_strv *ret,
                        struct mb_error *err)
{
    const char *value = eval_get(e, key);

    if (!value)
        return 0;
    if (eval_spend(e, strlen(key) + strlen(value), err) < 0)
        return -1;
    mb_strv_addf(ret, "%s=%s", key, value);
    return 0;
}

static int run_env(struct eval *e, struct mb_strv *ret, struct mb_error *err)
{
    const struct mb_kvlist *env = &e->r.config.env;
    const struct mb_kvlist *args = &e->r.args;

    for (size_t i = 0; i < env->n; i++)
        if (add_variable(e, env->v[i].key, ret, err) < 0)
            return -1;
    for (size_t i = 0; i < args->n; i++)
        if (!mb_kv_get(env, args->v[i].key)
            && add_variable(e, args->v[i].key, ret, err) < 0)
            return -1;
    return 0;
}

static char *changed_case(const char *s, int (*change)(int))
{
    char *ret = mb_xstrdup(s);

    for (char *p = ret; *p; p++)
        *p = (char)change((unsigned char)*p);
    return ret;
}

/* Proxy build args reach a RUN in both spellings, unless it has such a variable anyway.
 */
static void proxy_env(struct eval *e, struct mb_strv *ret)
{
    const struct mb_kvlist *given = e->a->build_args;
    _cleanup_kv_ struct mb_kvlist l = {0};

    for (size_t i = 0; given && i < given->n; i++) {
        _cleanup_free_ char *upper = NULL, *lower = NULL;

        if (!is_proxy_arg(given->v[i].key))
            continue;
        upper = changed_case(given->v[i].key, toupper);
        lower = changed_case(given->v[i].key, tolower);
        mb_kv_set(&l, upper, given->v[i].value);
        mb_kv_set(&l, lower, given->v[i].value);
    }
    mb_kv_sort(&l);
    for (size_t i = 0; i < l.n; i++)
        if (!eval_get(e, l.v[i].key))
            mb_strv_addf(ret, "%s=%s", l.v[i].key, l.v[i].value);
}

/* "RUN |2 A=1 B=2 /bin/sh -c make # buildkit" */
static char *run_history(struct eval *e, const struct mb_strv *argv)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(SIZE_MAX);
    const struct mb_kvlist *args = &e->r.args;

    mb_buf_add_str(&b, "RUN");
    if (args->n > 0)
        mb_buf_addf(&b, " |%zu", args->n);
    for (size_t i = 0; i < args->n; i++) {
        const char *value = eval_get(e, args->v[i].key);

        mb_buf_addf(&b, " %s=%s", args->v[i].key, value ? value : "");
    }
    for (size_t i = 0; i < argv->n; i++)
        mb_buf_addf(&b, " %s", argv->v[i]);
    mb_buf_add_str(&b, " # buildkit");
    return mb_buf_steal(&b);
}

/* The step's argv, and what the history says instead of its last word, or NULL. */
static int run_argv(const struct eval *e, const struct instruction *in,
                    struct mb_strv *ret, char **ret_shown, struct mb_error *err)
{
    eval_command(e, in, ret);
    if (in->heredocs.n == 0)
        return 0;
    mb_strv_remove(ret, ret->n - 1);
    char *text = NULL;
    if (heredoc_command(in, &text, ret_shown, err) < 0)
        return -1;
    mb_strv_add_take(ret, text);
    return 0;
}

static int check_network(const char *network, struct mb_error *err)
{
    if (strcmp(network, "default") == 0 || strcmp(network, "none") == 0
        || strcmp(network, "host") == 0)
        return 0;
    return mb_fail(err, MB_ERR_INVALID,
                   "invalid network mode \"%.100s\": use default, none or host",
                   network);
}

/* What a RUN may do to the machine. */
static int run_security(const struct instruction *in, bool *ret_insecure,
                        struct mb_error *err)
{
    static const char *const modes[] = {"sandbox", "insecure", NULL};
    const char *mode = mb_kv_get(&in->flags, "security");

    *ret_insecure = mode && strcmp(mode, "insecure") == 0;
    if (!mode || *ret_insecure || strcmp(mode, "sandbox") == 0)
        return 0;
    _cleanup_free_ char *hint = suggest_text(mode, modes);
    return mb_fail(err, MB_ERR_INVALID, "security \"%.100s\" is not valid%s", mode,
                   hint);
}

int eval_run(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    const char *network = mb_kv_get(&in->flags, "network");
    _cleanup_free_ char *history = NULL;
    _cleanup_free_ char *shown = NULL;
    _cleanup_strv_ struct mb_strv env = {0}, argv = {0}, words = {0};
    struct frontend_step s = {.kind = FRONTEND_RUN};

    if (!network)
        network = "default";
    if (check_network(network, err) < 0 || run_env(e, &env, err) < 0
        || run_argv(e, in, &argv, &shown, err) < 0)
        return -1;
    if (run_security(in, &s.insecure, err) < 0 || mounts_eval(e, in, &s, err) < 0) {
        frontend_step_done(&s);
        return -1;
    }
    mb_strv_add_all(&words, &argv);
    if (shown) {
        mb_strv_remove(&words, words.n - 1);
        mb_strv_add(&words, shown);
    }
    s.env = env;
    s.argv = argv;
    env = argv = (struct mb_strv){0};
    proxy_env(e, &s.unkeyed_env);
    s.cwd = mb_xstrdup(eval_cwd(e));
    s.user = mb_xstrdup(e->r.config.user ? e->r.config.user : "");
    s.network = mb_xstrdup(network);
    history = run_history(e, &words);
    return eval_add_step(e, in, &s, history, err);
}

int eval_workdir(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_free_ char *path = NULL, *wd = NULL, *history = NULL;
    struct frontend_step s = {.kind = FRONTEND_WORKDIR};

    if (eval_expand(e, in->args.v[0], &path, err) < 0)
        return -1;
    wd = *path == '/' ? mb_path_clean(path) : mb_path_join(eval_cwd(e), path);
    free(e->r.config.working_dir);
    e->r.config.working_dir = mb_xstrdup(wd);
    history = mb_xasprintf("WORKDIR %s", wd);
    if (strcmp(wd, "/") == 0)
        return eval_history(e, history, true, err); /* is always there */
    s.cwd = mb_xstrdup(wd);
    s.user = mb_xstrdup(e->r.config.user ? e->r.config.user : "");
    return eval_add_step(e, in, &s, history, err);
}
