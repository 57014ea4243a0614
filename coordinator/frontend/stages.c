/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stages - what a name means: a --build-context, an earlier stage, else an image.
 *
 * A stage whose own name is a --build-context is that context: nothing in it is run.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/mounts.h"
#include "oci/reference.h"

void frontend_from_done(struct frontend_from *from)
{
    free(from->name);
    *from = (struct frontend_from){0};
}

/* The stage's number when @text is one, else SIZE_MAX. */
static size_t stage_number(const char *text)
{
    struct mb_error ignored;
    uint64_t v;

    if (mb_parse_u64(text, UINT32_MAX, &v, &ignored) < 0)
        return SIZE_MAX;
    return (size_t)v;
}

/* The last stage in front of @before with that name, else SIZE_MAX. */
static size_t stage_named(const struct frontend *f, const char *name, size_t before)
{
    for (size_t i = before; i-- > 0;)
        if (f->stages[i].name && strcasecmp(f->stages[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static char *stage_hint(const struct frontend *f, const char *typed)
{
    _cleanup_free_ const char **names = mb_xcalloc(f->n_stages + 1, sizeof(*names));
    size_t n = 0;

    for (size_t i = 0; i < f->n_stages; i++)
        if (f->stages[i].name)
            names[n++] = f->stages[i].name;
    return suggest_text(typed, names);
}

int frontend_find_stage(const struct frontend *f, const char *target, size_t *ret,
                        struct mb_error *err)
{
    _cleanup_free_ char *hint = NULL;
    size_t found;

    if (!target || !*target) {
        *ret = f->n_stages - 1;
        return 0;
    }
    found = stage_named(f, target, f->n_stages);
    if (found == SIZE_MAX)
        found = stage_number(target);
    if (found < f->n_stages) {
        *ret = found;
        return 0;
    }
    hint = stage_hint(f, target);
    return mb_fail(err, MB_ERR_INVALID,
                   "%s: target stage \"%.100s\" could not be found%s", f->name, target,
                   hint);
}

static bool same_image(const char *a, const char *b)
{
    _cleanup_(mb_reference_done) struct mb_reference ra = {0}, rb = {0};
    _cleanup_free_ char *ta = NULL, *tb = NULL;
    struct mb_error ignored;

    if (mb_reference_parse(a, &ra, &ignored) < 0
        || mb_reference_parse(b, &rb, &ignored) < 0)
        return false;
    ta = mb_reference_text(&ra);
    tb = mb_reference_text(&rb);
    return strcmp(ta, tb) == 0;
}

/* The --build-context that stands for @name: the same name, or the same image. */
static const char *find_context(const struct frontend_args *a, const char *name)
{
    for (size_t i = 0; a->contexts && i < a->contexts->n; i++)
        if (strcasecmp(a->contexts->v[i], name) == 0)
            return a->contexts->v[i];
    for (size_t i = 0; a->contexts && i < a->contexts->n; i++)
        if (same_image(a->contexts->v[i], name))
            return a->contexts->v[i];
    return NULL;
}

bool stage_is_replaced(const struct frontend *f, size_t stage,
                       const struct frontend_args *a)
{
    return f->stages[stage].name && find_context(a, f->stages[stage].name);
}

static int set_image(const struct frontend *f, const char *name,
                     struct frontend_from *from, struct mb_error *err)
{
    _cleanup_(mb_reference_done) struct mb_reference r = {0};
    _cleanup_free_ char *hint = NULL;

    if (mb_reference_parse(name, &r, err) < 0) {
        hint = stage_hint(f, name);
        if (*hint)
            return mb_fail(err, MB_ERR_INVALID,
                           "\"%.100s\" is neither an earlier stage nor an image%s",
                           name, hint);
        return mb_wrap(err, "image \"%.100s\"", name);
    }
    from->source = FRONTEND_IMAGE;
    from->name = mb_xstrdup(name);
    return 0;
}

static const char *get_global(const char *name, void *arg)
{
    return mb_kv_get(arg, name);
}

/* --platform of the stage, variables replaced. *ret_given: is there one? */
static int own_platform(const struct frontend *f, const struct stage *st,
                        const struct mb_kvlist *globals, bool *ret_given,
                        struct mb_platform *ret, struct mb_error *err)
{
    const struct expand x = {
        .escape = f->escape, .get = get_global, .arg = (void *)globals};
    _cleanup_free_ char *text = NULL;

    *ret_given = st->platform != NULL;
    if (!st->platform)
        return 0;
    if (expand_word(&x, st->platform, &text, err) < 0)
        return -1;
    if (!*text)
        return mb_fail(err, MB_ERR_INVALID,
                       "empty platform value from expression %.100s", st->platform);
    if (mb_platform_parse(text, ret, err) < 0)
        return mb_wrap(err, "failed to parse platform %.100s", st->platform);
    return 0;
}

/* What the expanded base of @stage is; from->platform is the target's or the stage's
 * own. */
static int resolve_base(const struct frontend *f, size_t stage, const char *base,
                        const struct frontend_args *a, struct frontend_from *from,
                        struct mb_error *err)
{
    const char *context = find_context(a, base);
    size_t found;

    if (strcmp(base, "scratch") == 0) {
        from->source = FRONTEND_SCRATCH;
        return 0;
    }
    if (context) {
        from->source = FRONTEND_NAMED;
        from->name = mb_xstrdup(context);
        return 0;
    }
    found = stage_named(f, base, stage);
    if (found == SIZE_MAX)
        found = stage_number(base);
    if (found >= stage)
        return set_image(f, base, from, err);
    from->source = FRONTEND_STAGE;
    from->stage = found;
    return 0;
}

static int resolve(const struct frontend *f, size_t stage,
                   const struct frontend_args *a, const struct mb_kvlist *globals,
                   struct frontend_from *from, bool *ret_given, struct mb_error *err)
{
    const struct expand x = {
        .escape = f->escape, .get = get_global, .arg = (void *)globals};
    const struct stage *st = &f->stages[stage];
    const char *replaced = st->name ? find_context(a, st->name) : NULL;
    _cleanup_free_ char *base = NULL;

    *from = (struct frontend_from){.line = st->line, .platform = a->target_platform};
    if (own_platform(f, st, globals, ret_given, &from->platform, err) < 0)
        return -1;
    if (replaced) {
        from->source = FRONTEND_NAMED;
        from->name = mb_xstrdup(replaced);
        return 0;
    }
    if (expand_word(&x, st->base, &base, err) < 0)
        return -1;
    if (!*base)
        return mb_fail(err, MB_ERR_INVALID, "base name (%.100s) should not be blank",
                       st->base);
    return resolve_base(f, stage, base, a, from, err);
}

int resolve_from(const struct frontend *f, size_t stage, const struct frontend_args *a,
                 const struct mb_kvlist *globals, struct frontend_from *ret,
                 struct mb_error *err)
{
    struct frontend_from from;
    struct frontend_from up;
    bool given;

    if (resolve(f, stage, a, globals, &from, &given, err) < 0)
        return at_line(f, f->stages[stage].line, err);
    /* A stage without --platform runs where the stage it is FROM runs. */
    for (size_t s = stage, next; !given && from.source == FRONTEND_STAGE; s = next) {
        next = s == stage ? from.stage : up.stage;
        if (resolve(f, next, a, globals, &up, &given, err) < 0) {
            frontend_from_done(&from);
            return at_line(f, f->stages[next].line, err);
        }
        from.platform = up.platform;
        free(up.name);
        if (up.source != FRONTEND_STAGE)
            break;
    }
    *ret = from;
    return 0;
}

int frontend_from(const struct frontend *f, size_t stage, const struct frontend_args *a,
                  struct frontend_from *ret, struct mb_error *err)
{
    _cleanup_kv_ struct mb_kvlist globals = {0};

    if (global_args(f, a, &globals, err) < 0)
        return -1;
    return resolve_from(f, stage, a, &globals, ret, err);
}

/* The stage that --from=@text means; it must be in front of @stage. */
static int from_stage(const struct frontend *f, size_t stage, const char *text,
                      size_t *ret, struct mb_error *err)
{
    size_t n = stage_number(text);
    size_t found = stage_named(f, text, stage);

    if (n != SIZE_MAX && n >= f->n_stages)
        return mb_fail(err, MB_ERR_INVALID, "invalid stage index %s", text);
    if (found == SIZE_MAX)
        found = n != SIZE_MAX ? n : stage_named(f, text, f->n_stages);
    if (found == stage)
        return mb_fail(
            err, MB_ERR_INVALID,
            "circular dependency detected on stage: %s: COPY --from=%s names "
            "its own stage",
            f->stages[stage].label, text);
    if (found != SIZE_MAX && found > stage)
        return mb_fail(err, MB_ERR_INVALID,
                       "cannot copy from stage \"%s\", it needs to be defined before "
                       "current stage \"%s\"",
                       text, f->stages[stage].label);
    *ret = found;
    return 0;
}

static int resolve_from_flag(const struct frontend *f, size_t stage, const char *text,
                             const struct frontend_args *a, struct frontend_from *from,
                             struct mb_error *err)
{
    const char *context = find_context(a, text);
    size_t found;

    if (strchr(text, '$'))
        return mb_fail(err, MB_ERR_INVALID,
                       "variable expansion is not supported for --from, define a new "
                       "stage with FROM using ARG from global scope as a workaround");
    if (strcmp(text, "scratch") == 0)
        return 0; /* FRONTEND_SCRATCH */
    if (context) {
        from->source = FRONTEND_NAMED;
        from->name = mb_xstrdup(context);
        return 0;
    }
    if (from_stage(f, stage, text, &found, err) < 0)
        return -1;
    if (found == SIZE_MAX)
        return set_image(f, text, from, err);
    from->source = FRONTEND_STAGE;
    from->stage = found;
    return 0;
}

int resolve_copy(const struct frontend *f, size_t stage, const struct instruction *in,
                 const struct frontend_args *a, const struct mb_kvlist *globals,
                 struct frontend_from *ret, struct mb_error *err)
{
    return resolve_source(f, stage, in->line, mb_kv_get(&in->flags, "from"), a, globals,
                          ret, err);
}

int resolve_source(const struct frontend *f, size_t stage, unsigned line,
                   const char *text, const struct frontend_args *a,
                   const struct mb_kvlist *globals, struct frontend_from *ret,
                   struct mb_error *err)
{
    struct frontend_from from = {
        .source = FRONTEND_SCRATCH, .line = line, .platform = a->target_platform};
    _cleanup_(frontend_from_done) struct frontend_from up = {0};

    if (!text || !*text)
        from.source = FRONTEND_CONTEXT;
    else if (resolve_from_flag(f, stage, text, a, &from, err) < 0)
        return -1;
    if (from.source == FRONTEND_STAGE) {
        if (resolve_from(f, from.stage, a, globals, &up, err) < 0)
            return -1;
        from.platform = up.platform;
    }
    *ret = from;
    return 0;
}

static bool same_source(const struct frontend_from *a, const struct frontend_from *b)
{
    if (a->source != b->source)
        return false;
    if (a->source == FRONTEND_STAGE)
        return a->stage == b->stage;
    return !a->name || strcmp(a->name, b->name) == 0;
}

static bool add_source(struct frontend_from **list, size_t *n,
                       const struct frontend_from *from)
{
    for (size_t i = 0; i < *n; i++)
        if (same_source(&(*list)[i], from))
            return false;
    *list = mb_xreallocarray(*list, *n + 1, sizeof(**list));
    (*list)[(*n)++] = *from;
    return true;
}

static void free_sources(struct frontend_from *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        frontend_from_done(&list[i]);
    free(list);
}

struct sources {
    struct frontend_from *v;
    size_t n;
};

static void sources_done(struct sources *l)
{
    free_sources(l->v, l->n);
}

static int add_mount_sources(const struct frontend *f, size_t stage,
                             const struct instruction *in,
                             const struct frontend_args *a,
                             const struct mb_kvlist *globals, struct sources *ret,
                             struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv names = {0};

    if (mounts_froms(in, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        struct frontend_from from;

        if (resolve_source(f, stage, in->line, names.v[i], a, globals, &from, err) < 0)
            return -1;
        if (!add_source(&ret->v, &ret->n, &from))
            frontend_from_done(&from);
    }
    return 0;
}

static int add_sources(const struct frontend *f, size_t stage,
                       const struct instruction *list, size_t n,
                       const struct frontend_args *a, const struct mb_kvlist *globals,
                       struct sources *ret, struct mb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct frontend_from from;

        if (list[i].kind == INSTR_RUN
            && add_mount_sources(f, stage, &list[i], a, globals, ret, err) < 0)
            return at_line(f, list[i].line, err);
        if (list[i].kind != INSTR_COPY && list[i].kind != INSTR_ADD)
            continue;
        if (resolve_copy(f, stage, &list[i], a, globals, &from, err) < 0)
            return at_line(f, list[i].line, err);
        if (from.source == FRONTEND_CONTEXT || !add_source(&ret->v, &ret->n, &from))
            frontend_from_done(&from);
    }
    return 0;
}

int frontend_copy_sources(const struct frontend *f, size_t stage,
                          const struct frontend_args *a, struct frontend_from **ret,
                          size_t *ret_n, struct mb_error *err)
{
    size_t n;
    const struct instruction *own = stage_instructions(f, stage, &n);
    _cleanup_kv_ struct mb_kvlist globals = {0};
    _cleanup_(triggers_done) struct triggers t = {0};
    _cleanup_(sources_done) struct sources l = {0};

    if (global_args(f, a, &globals, err) < 0)
        return -1;
    if (!stage_is_replaced(f, stage, a)
        && (stage_triggers(f, stage, a, &globals, &t, err) < 0
            || add_sources(f, stage, t.v, t.n, a, &globals, &l, err) < 0
            || add_sources(f, stage, own, n, a, &globals, &l, err) < 0))
        return -1;
    *ret = l.v;
    *ret_n = l.n;
    l = (struct sources){0};
    return 0;
}
