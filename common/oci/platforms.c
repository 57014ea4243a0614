/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of platforms, of platform.h. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "oci/platform.h"

void mb_platforms_done(struct mb_platforms *l)
{
    free(l->v);
    *l = (struct mb_platforms){0};
}

void mb_platforms_add(struct mb_platforms *l, const struct mb_platform *p)
{
    struct mb_platform copy = *p; /* @p may be in the list */

    l->v = mb_xreallocarray(l->v, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = copy;
}

bool mb_platforms_contain(const struct mb_platforms *l, const struct mb_platform *p)
{
    for (size_t i = 0; i < l->n; i++)
        if (mb_platform_equal(&l->v[i], p))
            return true;
    return false;
}

/* Blanks around a name, as people type them after a comma. */
static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t len = strlen(s);
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        s[--len] = '\0';
    return s;
}

static int add_name(struct mb_platforms *l, const char *name, struct mb_error *err)
{
    struct mb_platform p;

    if (strcmp(name, "local") == 0)
        p = mb_platform_host();
    else if (mb_platform_parse(name, &p, err) < 0)
        return -1;
    if (mb_platforms_contain(l, &p))
        return 0;
    if (l->n >= MB_PLATFORMS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "there are over %d platforms",
                       MB_PLATFORMS_MAX);
    mb_platforms_add(l, &p);
    return 0;
}

int mb_platforms_parse(const char *text, struct mb_platforms *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv names = {0};
    _cleanup_(mb_platforms_done) struct mb_platforms all = {0};

    for (size_t i = 0; i < ret->n; i++)
        mb_platforms_add(&all, &ret->v[i]);
    mb_strv_split(&names, text, ",");
    for (size_t i = 0; i < names.n; i++)
        if (add_name(&all, trim(names.v[i]), err) < 0)
            return -1;
    mb_platforms_done(ret);
    *ret = all;
    all = (struct mb_platforms){0};
    return 0;
}

char *mb_platforms_text(const struct mb_platforms *l)
{
    _cleanup_strv_ struct mb_strv names = {0};

    for (size_t i = 0; i < l->n; i++) {
        char text[MB_PLATFORM_TEXT_LEN];

        mb_strv_add(&names, mb_platform_text(&l->v[i], text));
    }
    return mb_strv_join(&names, ", ");
}
