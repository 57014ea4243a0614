/* SPDX-License-Identifier: Apache-2.0 */
/* eval_steps - RUN, COPY and WORKDIR: what an agent will do. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "coordinator/frontend/eval.h"

static const char *cwd(const struct eval *e)
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

/* Append the step, its history entry with it. Takes what @s holds, also on failure. */
static int add_step(struct eval *e, const struct instruction *in,
                    struct frontend_step *s, const char *history, struct mb_error *err)
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
    mb_strv_add_all(&words, &argv);
    if (shown) {
        mb_strv_remove(&words, words.n - 1);
        mb_strv_add(&words, shown);
    }
    s.env = env;
    s.argv = argv;
    env = argv = (struct mb_strv){0};
    proxy_env(e, &s.unkeyed_env);
    s.cwd = mb_xstrdup(cwd(e));
    s.user = mb_xstrdup(e->r.config.user ? e->r.config.user : "");
    s.network = mb_xstrdup(network);
    history = run_history(e, &words);
    return add_step(e, in, &s, history, err);
}

int eval_workdir(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_free_ char *path = NULL, *wd = NULL, *history = NULL;
    struct frontend_step s = {.kind = FRONTEND_WORKDIR};

    if (eval_expand(e, in->args.v[0], &path, err) < 0)
        return -1;
    wd = *path == '/' ? mb_path_clean(path) : mb_path_join(cwd(e), path);
    free(e->r.config.working_dir);
    e->r.config.working_dir = mb_xstrdup(wd);
    history = mb_xasprintf("WORKDIR %s", wd);
    if (strcmp(wd, "/") == 0)
        return eval_history(e, history, true, err); /* is always there */
    s.cwd = mb_xstrdup(wd);
    s.user = mb_xstrdup(e->r.config.user ? e->r.config.user : "");
    return add_step(e, in, &s, history, err);
}

/* ---- COPY ---- */

char *eval_source_path(const char *path)
{
    _cleanup_free_ char *clamped = mb_path_clamp(path);

    return *clamped ? steal_ptr(clamped) : mb_xstrdup(".");
}

static bool names_directory(const char *dest)
{
    size_t n = strlen(dest);

    return n == 0 || dest[n - 1] == '/' || strcmp(dest, ".") == 0
           || (n >= 2 && strcmp(dest + n - 2, "/.") == 0);
}

static char *resolve_dest(const struct eval *e, const char *dest)
{
    _cleanup_free_ char *path =
        *dest == '/' ? mb_path_clean(dest) : mb_path_join(cwd(e), dest);

    if (names_directory(dest) && strcmp(path, "/") != 0)
        return mb_xasprintf("%s/", path);
    return steal_ptr(path);
}

static int check_sources(const struct mb_strv *words, struct mb_error *err)
{
    static const char *const urls[] = {"http://", "https://", "git://", "git@",
                                       "ssh://"};

    for (size_t i = 0; i + 1 < words->n; i++)
        for (size_t j = 0; j < ARRAY_SIZE(urls); j++)
            if (mb_starts_with(words->v[i], urls[j]))
                return mb_fail(err, MB_ERR_INVALID,
                               "source can't be a %s for COPY: %.100s",
                               j < 2 ? "URL" : "git ref", words->v[i]);
    if (words->n > 2 && !names_directory(words->v[words->n - 1]))
        return mb_fail(
            err, MB_ERR_INVALID,
            "when using COPY with more than one source file, the destination "
            "must be a directory and end with a /: %.100s",
            words->v[words->n - 1]);
    return 0;
}

static int check_chmod(const char *mode, struct mb_error *err)
{
    size_t n = strspn(mode, "01234567");

    if (!mode[n] && n > 0 && n <= 5 && (n < 5 || *mode == '0'))
        return 0;
    if (isdigit((unsigned char)*mode) || !*mode)
        return mb_fail(
            err, MB_ERR_INVALID,
            "invalid chmod parameter: '%.100s'. it should be octal string and "
            "between 0 and 07777",
            mode);
    return mb_fail(
        err, MB_ERR_INVALID,
        "symbolic COPY --chmod=%.100s is not supported yet: write it in octal", mode);
}

/* The files that triggers of an image need are known too late to be asked for. */
static int check_asked(const struct eval *e, const struct frontend_from *from,
                       const struct mb_strv *paths, struct mb_error *err)
{
    const struct mb_strv *asked = e->a->context_paths;

    if (!e->foreign_trigger || from->source != FRONTEND_CONTEXT || !asked
        || mb_strv_contains(asked, "."))
        return 0;
    for (size_t i = 0; i < paths->n; i++)
        if (!mb_strv_contains(asked, paths->v[i]))
            return mb_fail(
                err, MB_ERR_INVALID,
                "a base image's trigger that takes \"%.100s\" from the build "
                "context is not supported yet, as long as no COPY of the "
                "Dockerfile takes it as well: write the instruction there",
                paths->v[i]);
    return 0;
}

/* A flag's value with variables replaced; NULL when it is not there. */
static int flag_value(struct eval *e, const struct instruction *in, const char *name,
                      char **ret, struct mb_error *err)
{
    const char *text = mb_kv_get(&in->flags, name);

    return text ? eval_expand(e, text, ret, err) : 0;
}

static char *copy_history(const struct mb_strv *words, const char *chown,
                          const char *chmod)
{
    _cleanup_free_ char *rest = mb_strv_join(words, " ");

    return mb_xasprintf("COPY%s%s%s%s %s # buildkit", chown ? " --chown=" : "",
                        chown ? chown : "", chmod ? " --chmod=" : "",
                        chmod ? chmod : "", rest);
}

int eval_copy(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv words = {0}, paths = {0};
    _cleanup_free_ char *chown = NULL, *chmod = NULL, *history = NULL;
    _cleanup_(frontend_from_done) struct frontend_from from = {0};
    struct frontend_step s = {.kind = FRONTEND_COPY};

    if (flag_value(e, in, "chown", &chown, err) < 0
        || flag_value(e, in, "chmod", &chmod, err) < 0
        || (chmod && check_chmod(chmod, err) < 0)
        || eval_expand_all(e, &in->args, &words, err) < 0
        || check_sources(&words, err) < 0
        || resolve_copy(e->f, e->stage, in, e->a, e->globals, &from, err) < 0)
        return -1;
    for (size_t i = 0; i + 1 < words.n; i++)
        mb_strv_add_take(&paths, eval_source_path(words.v[i]));
    if (check_asked(e, &from, &paths, err) < 0)
        return -1;
    history = copy_history(&words, chown, chmod);
    s.paths = paths;
    paths = (struct mb_strv){0};
    s.dest = resolve_dest(e, words.v[words.n - 1]);
    s.chown = steal_ptr(chown);
    s.chmod = steal_ptr(chmod);
    s.from = from;
    from = (struct frontend_from){0};
    return add_step(e, in, &s, history, err);
}
