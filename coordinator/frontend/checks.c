/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks - BuildKit's build checks. Those which need more than the text are in the
 * table, so that they can be named in "skip=", but nothing here finds them:
 * InvalidBaseImagePlatform (the base image) and CopyIgnoredFile (the context).
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "coordinator/frontend/checks_internal.h"
#include "coordinator/frontend/lexer.h"

#define URL "https://docs.docker.com/go/dockerfile/rule/"
#define HINT_WORK_MAX 50000
#define DETAIL_BYTES_MAX (4 * MB_KIB)

static const struct rule {
    const char *name, *description;
} rules[] = {
    [CHECK_STAGE_NAME_CASING] = {"StageNameCasing", "Stage names should be lowercase"},
    [CHECK_FROM_AS_CASING] = {"FromAsCasing", "The 'as' keyword should match the case "
                                              "of the 'from' keyword"},
    [CHECK_NO_EMPTY_CONTINUATION] = {"NoEmptyContinuation",
                                     "Empty continuation lines will become errors in a "
                                     "future release"},
    [CHECK_CONSISTENT_INSTRUCTION_CASING] =
        {"ConsistentInstructionCasing",
         "All commands within the Dockerfile should use the same casing (either upper "
         "or lower)"},
    [CHECK_DUPLICATE_STAGE_NAME] = {"DuplicateStageName",
                                    "Stage names should be unique"},
    [CHECK_RESERVED_STAGE_NAME] = {"ReservedStageName",
                                   "Reserved words should not be used as stage names"},
    [CHECK_JSON_ARGS_RECOMMENDED] = {"JSONArgsRecommended",
                                     "JSON arguments recommended for ENTRYPOINT/CMD to "
                                     "prevent unintended behavior related to OS "
                                     "signals"},
    [CHECK_MAINTAINER_DEPRECATED] = {"MaintainerDeprecated",
                                     "The MAINTAINER instruction is deprecated, use a "
                                     "label instead to define an image author"},
    [CHECK_UNDEFINED_ARG_IN_FROM] = {"UndefinedArgInFrom",
                                     "FROM command must use declared ARGs"},
    [CHECK_WORKDIR_RELATIVE_PATH] =
        {"WorkdirRelativePath",
         "Relative workdir without an absolute workdir declared within the build can "
         "have unexpected results if the base image changes"},
    [CHECK_UNDEFINED_VAR] = {"UndefinedVar",
                             "Variables should be defined before their use"},
    [CHECK_MULTIPLE_INSTRUCTIONS_DISALLOWED] =
        {"MultipleInstructionsDisallowed",
         "Multiple instructions of the same type should not be used in the same stage"},
    [CHECK_LEGACY_KEY_VALUE_FORMAT] =
        {"LegacyKeyValueFormat",
         "Legacy key/value format with whitespace separator should not be used"},
    [CHECK_INVALID_BASE_IMAGE_PLATFORM] =
        {"InvalidBaseImagePlatform",
         "Base image platform does not match expected target platform"},
    [CHECK_REDUNDANT_TARGET_PLATFORM] =
        {"RedundantTargetPlatform",
         "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this "
         "is the default behavior"},
    [CHECK_SECRETS_USED_IN_ARG_OR_ENV] =
        {"SecretsUsedInArgOrEnv",
         "Sensitive data should not be used in the ARG or ENV commands"},
    [CHECK_INVALID_DEFAULT_ARG_IN_FROM] =
        {"InvalidDefaultArgInFrom",
         "Default value for global ARG results in an empty or invalid base image name"},
    [CHECK_FROM_PLATFORM_FLAG_CONST_DISALLOWED] =
        {"FromPlatformFlagConstDisallowed",
         "FROM --platform flag should not use a constant value"},
    [CHECK_COPY_IGNORED_FILE] = {"CopyIgnoredFile", "Attempting to Copy file that is "
                                                    "excluded by .dockerignore"},
    [CHECK_INVALID_DEFINITION_DESCRIPTION] =
        {"InvalidDefinitionDescription",
         "Comment for build stage or argument should follow the format: `# <arg/stage "
         "name> <description>`. If this is not intended to be a description comment, "
         "add an empty line or comment between the instruction and the comment."},
    [CHECK_EXPOSE_PROTO_CASING] = {"ExposeProtoCasing",
                                   "Protocol in EXPOSE instruction should be "
                                   "lowercase"},
    [CHECK_EXPOSE_INVALID_FORMAT] =
        {"ExposeInvalidFormat",
         "IP address and host-port mapping should not be used in EXPOSE instruction. "
         "This will become an error in a future release"},
};

bool check_wanted(const struct frontend *f, enum check_rule rule)
{
    const struct check_config *c = &f->check;
    const char *name = rules[rule].name;

    if (c->skip_all || mb_strv_contains(&c->skip, name))
        return false;
    return rule != CHECK_INVALID_DEFINITION_DESCRIPTION || c->experimental_all
           || mb_strv_contains(&c->experimental, name);
}

/* "FromAsCasing" to "https://.../from-as-casing/", "JSONArgs" to "json-args". */
static char *rule_url(const char *name)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_KIB);

    mb_buf_add_str(&b, URL);
    for (const char *p = name; *p; p++) {
        if (p > name && isupper((unsigned char)*p)
            && (islower((unsigned char)p[-1]) || islower((unsigned char)p[1])))
            mb_buf_add_byte(&b, '-');
        mb_buf_add_byte(&b, (unsigned char)tolower((unsigned char)*p));
    }
    mb_buf_add_byte(&b, '/');
    return mb_buf_steal(&b);
}

/* malloc'ed; a long one is cut. */
_printf_(1, 0) static char *detail_text(const char *fmt, va_list ap)
{
    char *text = mb_xmalloc(DETAIL_BYTES_MAX);
    size_t n;

    (void)vsnprintf(text, DETAIL_BYTES_MAX, fmt, ap);
    n = strlen(text);
    if (n == DETAIL_BYTES_MAX - 1) /* no half of a character */
        while (n > 0 && ((unsigned char)text[n - 1] & 0x80))
            text[--n] = '\0';
    return text;
}

void check_note(struct frontend *f, enum check_rule rule, unsigned line,
                unsigned end_line, const char *fmt, ...)
{
    const struct rule *r = &rules[rule];
    struct frontend_warning w = {.rule = r->name,
                                 .description = r->description,
                                 .line = line,
                                 .end_line = end_line};
    va_list ap;

    if (!check_wanted(f, rule))
        return;
    va_start(ap, fmt);
    w.detail = detail_text(fmt, ap);
    va_end(ap);
    w.url = rule_url(r->name);
    if ((f->n_warnings & (f->n_warnings - 1)) == 0)
        f->warnings = mb_xreallocarray(
            f->warnings, f->n_warnings ? f->n_warnings * 2 : 1, sizeof(*f->warnings));
    f->warnings[f->n_warnings++] = w;
}

char *check_hint(struct frontend *f, const char *mark, const char *typed,
                 const char *const *names, size_t n)
{
    const char *near = NULL;

    f->hint_work += n;
    if (f->hint_work <= HINT_WORK_MAX)
        near = suggest(typed, names);
    return near ? mb_xasprintf(" (did you mean %s%s?)", mark, near) : mb_xstrdup("");
}

size_t check_parent(const struct frontend *f, size_t stage)
{
    for (size_t i = stage; i-- > 0;)
        if (f->stages[i].name
            && strcasecmp(f->stages[i].name, f->stages[stage].base) == 0)
            return i;
    return SIZE_MAX;
}

static int by_line(const void *a, const void *b)
{
    const struct frontend_warning *x = a, *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return strcmp(x->rule, y->rule) != 0 ? strcmp(x->rule, y->rule)
                                         : strcmp(x->detail, y->detail);
}

void checks_run(struct frontend *f, const struct lexer_result *lines,
                const struct mb_kvlist *build_args)
{
    if (f->check.skip_all)
        return;
    for (size_t i = 0; i < lines->n; i++)
        if (lines->v[i].empty_continuation)
            check_note(f, CHECK_NO_EMPTY_CONTINUATION, lines->v[i].end_line,
                       lines->v[i].end_line, "Empty continuation line");
    checks_from(f, build_args);
    checks_stages(f);
    checks_variables(f);
    if (f->n_warnings > 1)
        qsort(f->warnings, f->n_warnings, sizeof(*f->warnings), by_line);
    for (size_t i = 0; i < f->n_warnings; i++)
        mb_strv_addf(&f->warning_texts, "%s: %s (line %u)", f->warnings[i].rule,
                     f->warnings[i].detail, f->warnings[i].line);
}

void checks_done(struct frontend *f)
{
    for (size_t i = 0; i < f->n_warnings; i++) {
        free(f->warnings[i].url);
        free(f->warnings[i].detail);
    }
    free(f->warnings);
    mb_strv_done(&f->warning_texts);
}

const struct frontend_warning *frontend_checks(const struct frontend *f, size_t *ret_n)
{
    *ret_n = f->n_warnings;
    return f->warnings;
}

const struct mb_strv *frontend_warnings(const struct frontend *f)
{
    return &f->warning_texts;
}

int frontend_check_error(const struct frontend *f, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv names = {0};
    _cleanup_free_ char *list = NULL;

    if (!f->check.error || f->n_warnings == 0)
        return 0;
    for (size_t i = 0; i < f->n_warnings; i++)
        if (!mb_strv_contains(&names, f->warnings[i].rule))
            mb_strv_add(&names, f->warnings[i].rule);
    list = mb_strv_join(&names, ", ");
    return mb_fail(err, MB_ERR_INVALID, "lint violation found for rules: %s", list);
}
