/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args - ARGs that need no stage: the automatic ones, those in front of the first FROM,
 * the predefined proxy ones, and which --build-arg nobody asked for.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/internal.h"

static const char *const proxy_args[] = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY",
                                         "NO_PROXY", "ALL_PROXY"};

bool is_proxy_arg(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(proxy_args); i++)
        if (strcasecmp(name, proxy_args[i]) == 0)
            return true;
    return false;
}

static const char *build_arg(const struct frontend_args *a, const char *name)
{
    return a->build_args ? mb_kv_get(a->build_args, name) : NULL;
}

static void set_auto(const struct frontend_args *a, struct mb_kvlist *ret,
                     const char *name, const char *value)
{
    const char *given = build_arg(a, name);

    mb_kv_set(ret, name, given ? given : value);
}

static void set_platform(const struct frontend_args *a, struct mb_kvlist *ret,
                         const char *prefix, const struct mb_platform *p)
{
    char text[MB_PLATFORM_TEXT_LEN];
    const struct {
        const char *suffix, *value;
    } rows[] = {
        {"PLATFORM", mb_platform_text(p, text)},
        {"OS", p->os},
        {"OSVERSION", ""},
        {"ARCH", p->arch},
        {"VARIANT", p->variant},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *name = mb_xasprintf("%s%s", prefix, rows[i].suffix);

        set_auto(a, ret, name, rows[i].value);
    }
}

static void automatic_args(const struct frontend *f, const struct frontend_args *a,
                           struct mb_kvlist *ret)
{
    const char *target = a->target ? a->target : f->stages[f->n_stages - 1].name;

    set_platform(a, ret, "BUILD", &a->build_platform);
    set_platform(a, ret, "TARGET", &a->target_platform);
    set_auto(a, ret, "TARGETSTAGE", target ? target : "default");
}

static const char *get_arg(const char *name, void *arg)
{
    return mb_kv_get(arg, name);
}

static int global_arg(const struct frontend *f, const struct frontend_args *a,
                      const char *text, struct mb_kvlist *l, struct mb_error *err)
{
    const struct expand x = {.escape = f->escape, .get = get_arg, .arg = l};
    const char *eq = strchr(text, '=');
    _cleanup_free_ char *name =
        mb_xstrndup(text, eq ? (size_t)(eq - text) : strlen(text));
    const char *given = build_arg(a, name);
    _cleanup_free_ char *value = NULL;

    if (given)
        value = mb_xstrdup(given);
    else if (eq && expand_word(&x, eq + 1, &value, err) < 0)
        return -1;
    if (value)
        mb_kv_set(l, name, value);
    return 0;
}

int global_args(const struct frontend *f, const struct frontend_args *a,
                struct mb_kvlist *ret, struct mb_error *err)
{
    _cleanup_kv_ struct mb_kvlist l = {0};

    automatic_args(f, a, &l);
    for (size_t i = 0; i < f->n_global; i++)
        for (size_t j = 0; j < f->instr[i].args.n; j++)
            if (global_arg(f, a, f->instr[i].args.v[j], &l, err) < 0)
                return at_line(f, f->instr[i].line, err);
    *ret = l;
    l = (struct mb_kvlist){0};
    return 0;
}

static bool is_declared(const struct frontend *f, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < f->n_instr; i++) {
        const struct instruction *in = &f->instr[i];

        for (size_t j = 0; in->kind == INSTR_ARG && j < in->args.n; j++)
            if (strncmp(in->args.v[j], name, len) == 0
                && (!in->args.v[j][len] || in->args.v[j][len] == '='))
                return true;
    }
    return false;
}

void frontend_unused_build_args(const struct frontend *f,
                                const struct mb_kvlist *build_args, struct mb_strv *ret)
{
    static const struct frontend_args none;
    _cleanup_kv_ struct mb_kvlist automatic = {0};
    _cleanup_strv_ struct mb_strv names = {0};
    _cleanup_free_ char *text = NULL;

    automatic_args(f, &none, &automatic);
    for (size_t i = 0; build_args && i < build_args->n; i++) {
        const char *name = build_args->v[i].key;

        if (!is_declared(f, name) && !is_proxy_arg(name) && !mb_kv_get(&automatic, name)
            && !mb_starts_with(name, "BUILDKIT_")
            && strcmp(name, "SOURCE_DATE_EPOCH") != 0)
            mb_strv_add(&names, name);
    }
    if (names.n == 0)
        return;
    text = mb_strv_join(&names, " ");
    mb_strv_addf(ret, "[Warning] One or more build-args [%s] were not consumed", text);
}
