/* SPDX-License-Identifier: Apache-2.0 */
/* mounts - what the options of a --mount mean, by its type. */
#include "coordinator/frontend/mounts.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "coordinator/frontend/mount_options.h"

static const char *const sharing_names[] = {
    [FRONTEND_SHARED] = "shared",
    [FRONTEND_PRIVATE] = "private",
    [FRONTEND_LOCKED] = "locked",
    [FRONTEND_LOCKED + 1] = NULL,
};

void frontend_mount_done(struct frontend_mount *m)
{
    frontend_from_done(&m->from);
    free(m->source);
    free(m->target);
    free(m->id);
    free(m->env);
    *m = (struct frontend_mount){0};
}

/* --- values --- */

static int find_name(const char *what, const char *const *names, const char *value,
                     int *ret, struct mb_error *err)
{
    /* The first name is number 1. */
    for (int i = 1; names[i]; i++)
        if (strcasecmp(names[i], value) == 0) {
            *ret = i;
            return 0;
        }
    _cleanup_free_ char *hint = suggest_text(value, names + 1);
    return mb_fail(err, MB_ERR_INVALID, "unsupported %s \"%.100s\"%s", what, value,
                   hint);
}

static int bool_value(const char *key, const char *value, bool *ret,
                      struct mb_error *err)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *ret = strcmp(value, yes[i]) == 0;
            return 0;
        }
    return mb_fail(err, MB_ERR_INVALID, "invalid value for %s: %.100s", key, value);
}

static int mode_value(const char *value, uint64_t *ret, struct mb_error *err)
{
    uint64_t mode = 0;
    size_t n = strspn(value, "01234567");

    if (n == 0 || value[n] || n > 5)
        return mb_fail(err, MB_ERR_INVALID,
                       "invalid value %.100s for mode: write it in octal", value);
    for (size_t i = 0; i < n; i++)
        mode = mode * 8 + (uint64_t)(value[i] - '0');
    if (mode > 07777)
        return mb_fail(err, MB_ERR_INVALID, "invalid value %.100s for mode", value);
    *ret = mode;
    return 0;
}

/* "512", "64k", "100m", "1G", "1gb", "1GiB" */
static int size_value(const char *value, uint64_t *ret, struct mb_error *err)
{
    static const char units[] = "bkmgt";
    size_t n = strspn(value, "0123456789");
    _cleanup_free_ char *digits = mb_xstrndup(value, n);
    const char *unit = value + n;
    uint64_t v = 0, scale = 1;

    if (*unit) {
        const char *at = strchr(units, *unit | 0x20);
        const char *rest = unit + 1;

        if (!at || (*rest && strcasecmp(rest, "b") != 0 && strcasecmp(rest, "ib") != 0))
            return mb_fail(err, MB_ERR_INVALID,
                           "invalid value for size: %.100s (example: 64m)", value);
        for (; at > units; at--)
            scale *= 1024;
    }
    if (mb_parse_u64(digits, INT64_MAX / scale, &v, err) < 0)
        return mb_wrap(err, "invalid value for size: %.100s (example: 64m)", value);
    *ret = v * scale;
    return 0;
}

static int owner_value(const char *key, const char *value, uint64_t *ret,
                       struct mb_error *err)
{
    if (mb_parse_u64(value, UINT32_MAX - 1, ret, err) < 0)
        return mb_wrap(err, "invalid value %.100s for %s", value, key);
    return 0;
}

static int read_flags(const struct mount_options *o, struct frontend_mount *m,
                      struct mb_error *err)
{
    bool value;

    m->read_only = m->kind == FRONTEND_BIND || m->kind == FRONTEND_SECRET;
    if (o->v[OPT_READONLY]) {
        if (bool_value("readonly", o->v[OPT_READONLY], &value, err) < 0)
            return -1;
        m->read_only = value;
    }
    if (o->v[OPT_READWRITE]) {
        if (bool_value("readwrite", o->v[OPT_READWRITE], &value, err) < 0)
            return -1;
        m->read_only = !value;
    }
    return o->v[OPT_REQUIRED]
               ? bool_value("required", o->v[OPT_REQUIRED], &m->required, err)
               : 0;
}

static int read_numbers(const struct mount_options *o, struct frontend_mount *m,
                        struct mb_error *err)
{
    int sharing = FRONTEND_SHARED;

    m->mode = m->kind == FRONTEND_SECRET ? 0400 : 0755;
    if ((o->v[OPT_MODE] && mode_value(o->v[OPT_MODE], &m->mode, err) < 0)
        || (o->v[OPT_UID] && owner_value("uid", o->v[OPT_UID], &m->uid, err) < 0)
        || (o->v[OPT_GID] && owner_value("gid", o->v[OPT_GID], &m->gid, err) < 0)
        || (o->v[OPT_SIZE] && size_value(o->v[OPT_SIZE], &m->size_bytes, err) < 0)
        || (o->v[OPT_SHARING]
            && find_name("sharing value", sharing_names, o->v[OPT_SHARING], &sharing,
                         err)
                   < 0))
        return -1;
    m->sharing = (enum frontend_sharing)sharing;
    return 0;
}

/* --- kinds --- */

static int read_kind(const struct mount_options *o, enum frontend_mount_kind *ret,
                     struct mb_error *err)
{
    int kind = FRONTEND_BIND;

    if (o->v[OPT_TYPE]
        && find_name("mount type", mount_kind_names, o->v[OPT_TYPE], &kind, err) < 0)
        return -1;
    *ret = (enum frontend_mount_kind)kind;
    return 0;
}

static int read_target(struct eval *e, const char *text, struct frontend_mount *m,
                       struct mb_error *err)
{
    m->target = *text == '/' ? mb_path_clean(text) : mb_path_join(eval_cwd(e), text);
    if (strcmp(m->target, "/") == 0)
        return mb_fail(err, MB_ERR_INVALID, "invalid mount target \"%.100s\"",
                       *text ? text : "/");
    return 0;
}

/* The last part of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_variable_name(const char *s)
{
    return *s && !strpbrk(s, "= \t\n");
}

static int read_secret(struct eval *e, const struct mount_options *o,
                       struct frontend_mount *m, struct mb_error *err)
{
    const char *id = o->v[OPT_ID], *source = o->v[OPT_SOURCE];
    const char *target = o->v[OPT_TARGET], *env = o->v[OPT_ENV];

    if (id && source)
        return mb_fail(err, MB_ERR_INVALID, "both source and id can't be set");
    if (!id)
        id = source ? source : target ? base_name(target) : "";
    if (!*id)
        return mb_fail(err, MB_ERR_INVALID,
                       "invalid secret mount: one of id, source, target is required");
    if (env && !is_variable_name(env))
        return mb_fail(err, MB_ERR_INVALID, "invalid value %.100s for env", env);
    m->id = mb_xstrdup(id);
    m->env = mb_xstrdup(env);
    if (env && !target)
        return 0;
    _cleanup_free_ char *usual = mb_xasprintf("/run/secrets/%s", base_name(id));
    return read_target(e, target ? target : usual, m, err);
}

/* The files that triggers of an image need are known too late to be asked for. */
static int check_asked(const struct eval *e, const struct frontend_mount *m,
                       struct mb_error *err)
{
    const struct mb_strv *asked = e->a->context_paths;

    if (!e->foreign_trigger || m->from.source != FRONTEND_CONTEXT || !asked
        || mb_strv_contains(asked, ".") || mb_strv_contains(asked, m->source))
        return 0;
    return mb_fail(err, MB_ERR_INVALID,
                   "a base image's trigger that mounts \"%.100s\" of the build context "
                   "is not supported yet: write the instruction into the Dockerfile",
                   m->source);
}

static int read_source(struct eval *e, const struct instruction *in,
                       const struct mount_options *o, struct frontend_mount *m,
                       struct mb_error *err)
{
    const char *from = o->v[OPT_FROM];

    if (m->kind == FRONTEND_CACHE && (!from || !*from)) {
        if (o->v[OPT_SOURCE])
            return mb_fail(err, MB_ERR_INVALID,
                           "source of a cache mount needs from, too: what it begins "
                           "with");
        return 0;
    }
    if (resolve_source(e->f, e->stage, in->line, from, e->a, e->globals, &m->from, err)
        < 0)
        return -1;
    m->has_from = true;
    m->source = eval_source_path(o->v[OPT_SOURCE] ? o->v[OPT_SOURCE] : ".");
    return check_asked(e, m, err);
}

static int read_mount(struct eval *e, const struct instruction *in,
                      const struct mount_options *o, struct frontend_mount *m,
                      struct mb_error *err)
{
    const char *target = o->v[OPT_TARGET] ? o->v[OPT_TARGET] : "";

    if (mount_options_check(o, m->kind, err) < 0 || read_flags(o, m, err) < 0
        || read_numbers(o, m, err) < 0)
        return -1;
    switch (m->kind) {
    case FRONTEND_SECRET:
        return read_secret(e, o, m, err);
    case FRONTEND_SSH:
        return m->required ? mb_fail(err, MB_ERR_INVALID,
                                     "RUN --mount=type=ssh is not supported yet (one "
                                     "that is not required is left out)")
                           : 0;
    case FRONTEND_CACHE:
        m->id = o->v[OPT_ID] ? mb_xstrdup(o->v[OPT_ID]) : mb_path_clean(target);
        break;
    case FRONTEND_BIND:
    case FRONTEND_TMPFS:
        break;
    }
    if (read_target(e, target, m, err) < 0)
        return -1;
    return m->kind == FRONTEND_TMPFS ? 0 : read_source(e, in, o, m, err);
}

/* --- for others --- */

static void mount_texts(const struct instruction *in, struct mb_strv *ret)
{
    const char *texts = mb_kv_get(&in->flags, "mount");

    if (texts)
        mb_strv_split(ret, texts, "\n");
}

int mounts_eval(struct eval *e, const struct instruction *in, struct frontend_step *s,
                struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv texts = {0};

    mount_texts(in, &texts);
    if (texts.n > MB_MOUNTS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "RUN has more than %d mounts", MB_MOUNTS_MAX);
    s->mounts = mb_xcalloc(texts.n + 1, sizeof(*s->mounts));
    for (size_t i = 0; i < texts.n; i++) {
        _cleanup_options_ struct mount_options o = {0};
        struct frontend_mount m = {0};

        if (mount_options_parse(e, texts.v[i], &o, err) < 0
            || read_kind(&o, &m.kind, err) < 0 || read_mount(e, in, &o, &m, err) < 0) {
            frontend_mount_done(&m);
            return mb_wrap(err, "--mount");
        }
        if (m.kind == FRONTEND_SSH)
            frontend_mount_done(&m);
        else
            s->mounts[s->n_mounts++] = m;
    }
    return 0;
}

int mounts_froms(const struct instruction *in, struct mb_strv *ret,
                 struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv texts = {0};

    mount_texts(in, &texts);
    for (size_t i = 0; i < texts.n; i++) {
        _cleanup_options_ struct mount_options o = {0};

        if (mount_options_parse(NULL, texts.v[i], &o, err) < 0)
            return mb_wrap(err, "--mount");
        if (o.v[OPT_FROM] && *o.v[OPT_FROM])
            mb_strv_add(ret, o.v[OPT_FROM]);
    }
    return 0;
}

int mounts_context_paths(struct eval *e, const struct instruction *in,
                         struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv texts = {0};

    mount_texts(in, &texts);
    for (size_t i = 0; i < texts.n; i++) {
        _cleanup_options_ struct mount_options o = {0};
        _cleanup_free_ char *path = NULL;
        bool tainted;

        e->tainted = false;
        if (mount_options_parse(e, texts.v[i], &o, err) < 0)
            return mb_wrap(err, "--mount");
        tainted = e->tainted;
        e->tainted = false;
        if ((o.v[OPT_FROM] && *o.v[OPT_FROM])
            || (o.v[OPT_TYPE] && !tainted && strcasecmp(o.v[OPT_TYPE], "bind") != 0))
            continue;
        path = tainted || !o.v[OPT_SOURCE] ? mb_xstrdup(".")
                                           : eval_source_path(o.v[OPT_SOURCE]);
        if (!mb_strv_contains(ret, path))
            mb_strv_add(ret, path);
    }
    return 0;
}
