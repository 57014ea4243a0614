/* SPDX-License-Identifier: Apache-2.0 */
/* directives - what "# syntax=" and "# check=" ask for, or the build args that stand
 * for them: BUILDKIT_SYNTAX and BUILDKIT_DOCKERFILE_CHECK. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "coordinator/frontend/internal.h"
#include "coordinator/frontend/lexer.h"
#include "coordinator/frontend/words.h"
#include "oci/reference.h"

/* "docker/dockerfile:1" and its relatives are this program. */
static bool is_built_in(const char *image)
{
    _cleanup_(mb_reference_done) struct mb_reference r = {0};
    struct mb_error ignored;

    if (strcmp(image, "dockerfile.v0") == 0)
        return true;
    return mb_reference_parse(image, &r, &ignored) == 0
           && strcmp(r.registry, "docker.io") == 0
           && (strcmp(r.repository, "docker/dockerfile") == 0
               || strcmp(r.repository, "docker/dockerfile-upstream") == 0);
}

int directive_syntax(const char *value, struct mb_error *err)
{
    _cleanup_free_ char *image = mb_xstrndup(value, strcspn(value, " \t"));

    if (is_built_in(image))
        return 0;
    return mb_fail(err, MB_ERR_INVALID,
                   "syntax %.100s: other frontends than docker/dockerfile are not "
                   "supported: remove the line or write docker/dockerfile:1",
                   image);
}

/* Go's ParseBool. */
static int parse_bool(const char *option, const char *value, bool *ret,
                      struct mb_error *err)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *ret = strcmp(value, yes[i]) == 0;
            return 0;
        }
    return mb_fail(
        err, MB_ERR_INVALID,
        "failed to parse check option \"%.100s\": \"%.100s\" is neither true "
        "nor false",
        option, value);
}

static void take_rules(const char *value, bool *ret_all, struct mb_strv *ret)
{
    _cleanup_strv_ struct mb_strv names = {0};

    *ret_all = strcmp(value, "all") == 0;
    if (*ret_all)
        return;
    mb_strv_split(&names, value, ",");
    for (size_t i = 0; i < names.n; i++)
        mb_strv_add_take(ret, words_trim(names.v[i]));
}

static int take_option(const char *text, struct check_config *c, struct mb_error *err)
{
    const char *eq = strchr(text, '=');
    _cleanup_free_ char *head = mb_xstrndup(text, strcspn(text, "="));
    _cleanup_free_ char *key = words_trim(head);
    _cleanup_free_ char *value = words_trim(eq ? eq + 1 : "");

    if (!eq)
        return mb_fail(err, MB_ERR_INVALID,
                       "invalid check option \"%.100s\": write skip=RULE,RULE or "
                       "error=true",
                       text);
    if (strcmp(key, "skip") == 0)
        take_rules(value, &c->skip_all, &c->skip);
    else if (strcmp(key, "experimental") == 0)
        take_rules(value, &c->experimental_all, &c->experimental);
    else if (strcmp(key, "error") == 0)
        return parse_bool(text, value, &c->error, err);
    else
        return mb_fail(err, MB_ERR_INVALID, "invalid check option \"%.100s\"", key);
    return 0;
}

int directive_check(const char *value, struct check_config *ret, struct mb_error *err)
{
    struct check_config c = {0};
    _cleanup_strv_ struct mb_strv options = {0};

    mb_strv_split(&options, value, ";");
    for (size_t i = 0; *value && i < options.n; i++)
        if (take_option(options.v[i], &c, err) < 0) {
            check_config_done(&c);
            return -1;
        }
    *ret = c;
    return 0;
}

void check_config_done(struct check_config *c)
{
    mb_strv_done(&c->skip);
    mb_strv_done(&c->experimental);
    *c = (struct check_config){0};
}
