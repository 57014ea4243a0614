/* SPDX-License-Identifier: Apache-2.0 */
/* checks_stage - build checks of the instructions in a stage. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/checks_internal.h"

/* What the stages above have done already. */
struct seen {
    bool shell;   /* a SHELL */
    bool workdir; /* a WORKDIR: only the first can be relative to a base's */
    const struct instruction *cmd, *entrypoint, *healthcheck; /* the last one */
};

/* --- names that tell of secrets --- */

/* Is one of @tokens all of @name between two underscores or ends? */
static bool has_token(const char *name, const char *const *tokens, size_t n)
{
    for (const char *p = name; *p;) {
        size_t len = strcspn(p, "_");

        for (size_t i = 0; i < n; i++)
            if (strlen(tokens[i]) == len && strncasecmp(p, tokens[i], len) == 0)
                return true;
        p += len + (p[len] ? 1 : 0);
    }
    return false;
}

static void check_secret(struct frontend *f, const struct instruction *in,
                         const char *name)
{
    static const char *const secret[] = {
        "apikey", "auth",     "credential", "credentials", "key",
        "passwd", "password", "pword",      "secret",      "token"};
    static const char *const harmless[] = {"file", "public", "version"};

    if (has_token(name, secret, ARRAY_SIZE(secret))
        && !has_token(name, harmless, ARRAY_SIZE(harmless)))
        check_note(f, CHECK_SECRETS_USED_IN_ARG_OR_ENV, in->line, in->end_line,
                   "Do not use ARG or ENV instructions for sensitive data (%s \"%s\")",
                   in->keyword, name);
}

static char *arg_name(const char *text)
{
    return mb_xstrndup(text, strcspn(text, "="));
}

/* --- comments that describe --- */

/* Comments in front of @in whose last does not begin with one of its names. */
static void check_description(struct frontend *f, const struct mb_strv *comments,
                              const char *keyword, const struct mb_strv *names,
                              unsigned line, unsigned end_line)
{
    _cleanup_free_ char *first = NULL;
    const char *last;

    if (comments->n == 0 || names->n == 0)
        return;
    last = comments->v[comments->n - 1];
    first = mb_xstrndup(last, strcspn(last, " "));
    if (!mb_strv_contains(names, first))
        check_note(f, CHECK_INVALID_DEFINITION_DESCRIPTION, line, end_line,
                   "Comment for %s should follow the format: `# %s <description>`",
                   keyword, names->n > 1 ? "<arg_key>" : names->v[0]);
}

static void check_arg(struct frontend *f, const struct instruction *in, bool global)
{
    _cleanup_strv_ struct mb_strv names = {0};

    for (size_t i = 0; i < in->args.n; i++)
        mb_strv_add_take(&names, arg_name(in->args.v[i]));
    for (size_t i = 0; !global && i < names.n; i++)
        check_secret(f, in, names.v[i]);
    check_description(f, &in->comments, "ARG", &names, in->line, in->end_line);
}

/* --- instructions --- */

static void check_pairs(struct frontend *f, const struct instruction *in)
{
    if (in->legacy)
        check_note(f, CHECK_LEGACY_KEY_VALUE_FORMAT, in->line, in->end_line,
                   "\"%s key=value\" should be used instead of legacy \"%s key value\" "
                   "format",
                   in->keyword, in->keyword);
    for (size_t i = 0; in->kind == INSTR_ENV && i < in->args.n; i += 2)
        check_secret(f, in, in->args.v[i]);
}

static void check_expose(struct frontend *f, const struct instruction *in)
{
    for (size_t i = 0; i < in->args.n; i++) {
        const char *spec = in->args.v[i];
        const char *proto = strchr(spec, '/');
        bool upper = false;

        if (strchr(spec, '$'))
            continue; /* known when it is expanded */
        for (const char *p = proto; p && *p; p++)
            upper = upper || isupper((unsigned char)*p);
        if (upper)
            check_note(
                f, CHECK_EXPOSE_PROTO_CASING, in->line, in->end_line,
                "Defined protocol '%s' in EXPOSE instruction should be lowercase",
                spec);
        if (strchr(spec, ':'))
            check_note(
                f, CHECK_EXPOSE_INVALID_FORMAT, in->line, in->end_line,
                "EXPOSE instruction should not define an IP address or host-port "
                "mapping, found '%s'",
                spec);
    }
}

static void check_workdir(struct frontend *f, const struct instruction *in,
                          struct seen *s)
{
    const char *path = in->args.v[0];

    if (!s->workdir && *path != '/' && *path != '$')
        check_note(f, CHECK_WORKDIR_RELATIVE_PATH, in->line, in->end_line,
                   "Relative workdir \"%s\" can have unexpected results if the base "
                   "image changes",
                   path);
    s->workdir = true;
}

/* The one before is what will not be used. */
static void check_once(struct frontend *f, const struct instruction *in,
                       const struct instruction **before)
{
    if (*before)
        check_note(f, CHECK_MULTIPLE_INSTRUCTIONS_DISALLOWED, (*before)->line,
                   (*before)->end_line,
                   "Multiple %s instructions should not be used in the same stage "
                   "because only the last one will be used",
                   in->keyword);
    *before = in;
}

static void check_command(struct frontend *f, const struct instruction *in,
                          const struct seen *s)
{
    if (!in->json && in->args.n > 0 && !s->shell)
        check_note(f, CHECK_JSON_ARGS_RECOMMENDED, in->line, in->end_line,
                   "JSON arguments recommended for %s to prevent unintended behavior "
                   "related to OS signals",
                   in->keyword);
}

static void check_instruction(struct frontend *f, const struct instruction *in,
                              struct seen *s)
{
    if (in->kind == INSTR_CMD || in->kind == INSTR_ENTRYPOINT) {
        check_once(f, in, in->kind == INSTR_CMD ? &s->cmd : &s->entrypoint);
        check_command(f, in, s);
    } else if (in->kind == INSTR_HEALTHCHECK) {
        check_once(f, in, &s->healthcheck);
    } else if (in->kind == INSTR_MAINTAINER) {
        check_note(f, CHECK_MAINTAINER_DEPRECATED, in->line, in->end_line,
                   "Maintainer instruction is deprecated in favor of using label");
    } else if (in->kind == INSTR_ARG) {
        check_arg(f, in, false);
    } else if (in->kind == INSTR_ENV || in->kind == INSTR_LABEL) {
        check_pairs(f, in);
    } else if (in->kind == INSTR_EXPOSE) {
        check_expose(f, in);
    } else if (in->kind == INSTR_WORKDIR) {
        check_workdir(f, in, s);
    } else if (in->kind == INSTR_SHELL) {
        s->shell = true;
    }
}

void checks_stages(struct frontend *f)
{
    _cleanup_free_ struct seen *seen = mb_xcalloc(f->n_stages, sizeof(*seen));

    for (size_t i = 0; i < f->n_global; i++)
        check_arg(f, &f->instr[i], true);
    for (size_t i = 0; i < f->n_stages; i++) {
        const struct stage *st = &f->stages[i];
        size_t parent = check_parent(f, i);
        _cleanup_strv_ struct mb_strv names = {0};

        if (parent != SIZE_MAX)
            seen[i] = (struct seen){.shell = seen[parent].shell,
                                    .workdir = seen[parent].workdir};
        if (st->name)
            mb_strv_add(&names, st->typed);
        check_description(f, &st->comments, "FROM", &names, st->line, st->end_line);
        for (size_t k = st->first; k < st->end; k++)
            check_instruction(f, &f->instr[k], &seen[i]);
    }
}
