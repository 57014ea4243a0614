/* SPDX-License-Identifier: Apache-2.0 */
/* eval_config - instructions that change only variables and the image's config. */
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/eval.h"

static void add_once(struct mb_strv *l, const char *s)
{
    if (!mb_strv_contains(l, s))
        mb_strv_add(l, s);
}

static void drop(struct mb_strv *l, const char *s)
{
    for (size_t i = l->n; i-- > 0;)
        if (strcmp(l->v[i], s) == 0)
            mb_strv_remove(l, i);
}

/* Remember whether the value of @name is one that only the base image decides. */
static void note_taint(struct eval *e, const char *name)
{
    if (e->tainted)
        add_once(&e->taints, name);
    else
        drop(&e->taints, name);
    e->tainted = false;
}

/* All keys and values first, so that they see what was before the instruction. */
static int expand_pairs(struct eval *e, const struct instruction *in,
                        struct mb_kvlist *ret, struct mb_buf *message,
                        struct mb_error *err)
{
    for (size_t i = 0; i + 1 < in->args.n; i += 2) {
        _cleanup_free_ char *key = NULL, *value = NULL;

        e->tainted = false;
        if (eval_expand(e, in->args.v[i], &key, err) < 0
            || eval_expand(e, in->args.v[i + 1], &value, err) < 0
            || eval_spend(e, strlen(key) + strlen(value), err) < 0)
            return -1;
        if (!*key || strchr(key, '='))
            return mb_fail(err, MB_ERR_INVALID, "%s names can not be blank%s",
                           in->keyword, *key ? " or hold =" : "");
        mb_kv_set(ret, key, value);
        mb_buf_addf(message, " %s=%s", key, value);
        if (e->dry)
            note_taint(e, key);
    }
    return 0;
}

int eval_env(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_kv_ struct mb_kvlist l = {0};
    _cleanup_buf_ struct mb_buf message = MB_BUF_INIT(SIZE_MAX);

    mb_buf_add_str(&message, "ENV");
    if (expand_pairs(e, in, &l, &message, err) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++) {
        mb_kv_set(&e->r.config.env, l.v[i].key, l.v[i].value);
        add_once(&e->r.env_set, l.v[i].key);
    }
    return eval_history(e, message.data, true, err);
}

int eval_label(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_kv_ struct mb_kvlist l = {0};
    _cleanup_buf_ struct mb_buf message = MB_BUF_INIT(SIZE_MAX);

    mb_buf_add_str(&message, "LABEL");
    if (expand_pairs(e, in, &l, &message, err) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++)
        mb_kv_set(&e->r.config.labels, l.v[i].key, l.v[i].value);
    return eval_history(e, message.data, true, err);
}

/* The value: --build-arg, else the default, else the global ARG's; NULL when none. */
static int arg_value(struct eval *e, const char *name, const char *fallback, char **ret,
                     struct mb_error *err)
{
    const char *given = e->a->build_args ? mb_kv_get(e->a->build_args, name) : NULL;

    if (given)
        *ret = mb_xstrdup(given);
    else if (fallback)
        return eval_expand(e, fallback, ret, err);
    else
        *ret = mb_xstrdup(mb_kv_get(e->globals, name));
    return 0;
}

static int declare_arg(struct eval *e, const char *text, struct mb_buf *message,
                       struct mb_error *err)
{
    const char *eq = strchr(text, '=');
    _cleanup_free_ char *name =
        mb_xstrndup(text, eq ? (size_t)(eq - text) : strlen(text));
    _cleanup_free_ char *value = NULL;

    e->tainted = false;
    if (arg_value(e, name, eq ? eq + 1 : NULL, &value, err) < 0
        || eval_spend(e, value ? strlen(value) : 0, err) < 0)
        return -1;
    mb_buf_addf(message, " %s%s%s", name, value ? "=" : "", value ? value : "");
    if (value) {
        mb_kv_set(&e->r.args, name, value);
        drop(&e->r.unset_args, name);
        if (e->dry)
            note_taint(e, name);
    } else if (!mb_kv_get(&e->r.args, name)) {
        mb_kv_set(&e->r.args, name, "");
        add_once(&e->r.unset_args, name);
    }
    return 0;
}

int eval_arg(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf message = MB_BUF_INIT(SIZE_MAX);

    mb_buf_add_str(&message, "ARG");
    for (size_t i = 0; i < in->args.n; i++)
        if (declare_arg(e, in->args.v[i], &message, err) < 0)
            return -1;
    return eval_history(e, message.data, true, err);
}

/* "NAME ["a" "b"]" into the history. */
static int list_history(struct eval *e, const char *keyword, char *list,
                        struct mb_error *err)
{
    _cleanup_free_ char *owned = list;
    _cleanup_free_ char *text = mb_xasprintf("%s %s", keyword, owned);

    return eval_history(e, text, true, err);
}

int eval_cmd(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    struct mb_image_config *c = &e->r.config;

    mb_strv_done(&c->cmd);
    eval_command(e, in, &c->cmd);
    c->has_cmd = true;
    c->args_escaped = true;
    e->cmd_set = true;
    return list_history(e, "CMD", gotext_quoted(&c->cmd), err);
}

int eval_entrypoint(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    struct mb_image_config *c = &e->r.config;

    mb_strv_done(&c->entrypoint);
    eval_command(e, in, &c->entrypoint);
    c->has_entrypoint = c->entrypoint.n > 0;
    if (!e->cmd_set) {
        mb_strv_done(&c->cmd);
        c->has_cmd = false;
    }
    return list_history(e, "ENTRYPOINT", gotext_quoted(&c->entrypoint), err);
}

int eval_shell(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    struct mb_strv *shell = &e->r.config.shell;

    mb_strv_done(shell);
    mb_strv_add_all(shell, &in->args);
    return list_history(e, "SHELL", gotext_plain(shell), err);
}

int eval_volume(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv volumes = {0};

    if (eval_expand_all(e, &in->args, &volumes, err) < 0)
        return -1;
    for (size_t i = 0; i < volumes.n; i++) {
        if (!*volumes.v[i])
            return mb_fail(err, MB_ERR_INVALID,
                           "VOLUME specified can not be an empty string");
        add_once(&e->r.config.volumes, volumes.v[i]);
    }
    return list_history(e, "VOLUME", gotext_plain(&volumes), err);
}

/* No entry in the history, and no variable is replaced: it is for later. */
int eval_onbuild(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    if (eval_spend(e, strlen(in->args.v[0]), err) < 0)
        return -1;
    mb_strv_add(&e->r.config.on_build, in->args.v[0]);
    return 0;
}

int eval_maintainer(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_free_ char *text = mb_xasprintf("MAINTAINER %s", in->args.v[0]);

    free(e->r.config.author);
    e->r.config.author = mb_xstrdup(in->args.v[0]);
    return eval_history(e, text, true, err);
}

int eval_user(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_free_ char *text = NULL;
    char *user;

    if (eval_expand(e, in->args.v[0], &user, err) < 0)
        return -1;
    free(e->r.config.user);
    e->r.config.user = user;
    text = mb_xasprintf("USER %s", user);
    return eval_history(e, text, true, err);
}

/* "9", "KILL", "sigkill", "SIGRTMIN+3" */
static bool is_signal(const char *s)
{
    struct mb_error ignored;
    uint64_t n;

    if (mb_parse_u64(s, 64, &n, &ignored) == 0)
        return n > 0;
    if (strncasecmp(s, "SIG", 3) == 0)
        s += 3;
    if (strncasecmp(s, "RTMIN", 5) == 0 || strncasecmp(s, "RTMAX", 5) == 0)
        return !s[5]
               || ((s[5] == '+' || s[5] == '-')
                   && mb_parse_u64(s + 6, 30, &n, &ignored) == 0);
    for (int sig = 1; sig < 32; sig++)
        if (sigabbrev_np(sig) && strcasecmp(sigabbrev_np(sig), s) == 0)
            return true;
    return strcasecmp(s, "IOT") == 0 || strcasecmp(s, "CLD") == 0;
}

int eval_stopsignal(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_free_ char *text = NULL, *name = NULL;

    if (eval_expand(e, in->args.v[0], &name, err) < 0)
        return -1;
    if (!is_signal(name))
        return mb_fail(err, MB_ERR_INVALID, "invalid signal: %.100s", name);
    text = mb_xasprintf("STOPSIGNAL %s", name);
    free(e->r.config.stop_signal);
    e->r.config.stop_signal = steal_ptr(name);
    return eval_history(e, text, true, err);
}
