/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/call_spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"

static int take_field(const char *field, struct call_spec *s, struct mb_error *err)
{
    if (strcmp(field, "format=json") == 0)
        s->json = true;
    else if (strcmp(field, "format=text") == 0 || strcmp(field, "format=default") == 0)
        s->json = false;
    else if (mb_starts_with(field, "ignorestatus="))
        return options_bool("--call ignorestatus", field + strlen("ignorestatus="),
                            &s->ignore_status, err);
    else
        return mb_fail(err, MB_ERR_INVALID,
                       "--call: \"%s\" is not known: use format=json, format=text or "
                       "ignorestatus=true",
                       field);
    return 0;
}

int call_spec_parse(const char *text, struct call_spec *ret, struct mb_error *err)
{
    static const char *const methods[] = {"build", "check", "lint", "outline",
                                          "targets"};
    _cleanup_strv_ struct mb_strv fields = {0};
    struct call_spec s = {0};

    if (!text)
        return 0;
    if (options_csv(text, &fields, err) < 0)
        return mb_wrap(err, "--call");
    const char *method = fields.n > 0 ? fields.v[0] : "";
    for (size_t i = 1; i < fields.n; i++)
        if (take_field(fields.v[i], &s, err) < 0)
            return -1;
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (strcmp(methods[i], method) == 0) {
            if (strcmp(method, "build") != 0)
                s.method = mb_xstrdup(strcmp(method, "lint") == 0 ? "check" : method);
            *ret = s;
            return 0;
        }
    return mb_fail(err, MB_ERR_INVALID,
                   "--call %s is not known: use build, check, outline or targets",
                   method);
}

void call_spec_done(struct call_spec *s)
{
    free(s->method);
    *s = (struct call_spec){0};
}
