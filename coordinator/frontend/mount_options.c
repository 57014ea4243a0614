/* SPDX-License-Identifier: Apache-2.0 */
/* One field of CSV per option, options by a table. `from` has no variables, since it
 * decides what must be built before. */
#include "coordinator/frontend/mount_options.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"

#define KIND(k) (1u << (k))
#define ALL_KINDS UINT32_MAX
#define WITH_OWNER (KIND(FRONTEND_CACHE) | KIND(FRONTEND_SECRET) | KIND(FRONTEND_SSH))
#define WITH_SOURCE (KIND(FRONTEND_BIND) | KIND(FRONTEND_CACHE) | KIND(FRONTEND_SECRET))

/* Index 1 is the first; NULL ends. */
const char *const mount_kind_names[] = {
    [FRONTEND_BIND] = "bind",   [FRONTEND_CACHE] = "cache",
    [FRONTEND_TMPFS] = "tmpfs", [FRONTEND_SECRET] = "secret",
    [FRONTEND_SSH] = "ssh",     [FRONTEND_SSH + 1] = NULL,
};

/* A new option is a row here. */
static const struct row {
    const char *name;
    enum mount_option option;
    bool flag;      /* may stand without a value */
    uint32_t kinds; /* of mounts that have it */
} table[] = {
    {"type", OPT_TYPE, false, ALL_KINDS},
    {"from", OPT_FROM, false, KIND(FRONTEND_BIND) | KIND(FRONTEND_CACHE)},
    {"source", OPT_SOURCE, false, WITH_SOURCE},
    {"src", OPT_SOURCE, false, WITH_SOURCE},
    {"target", OPT_TARGET, false, ALL_KINDS},
    {"dst", OPT_TARGET, false, ALL_KINDS},
    {"destination", OPT_TARGET, false, ALL_KINDS},
    {"readonly", OPT_READONLY, true, ALL_KINDS},
    {"ro", OPT_READONLY, true, ALL_KINDS},
    {"readwrite", OPT_READWRITE, true, ALL_KINDS},
    {"rw", OPT_READWRITE, true, ALL_KINDS},
    {"id", OPT_ID, false, WITH_OWNER},
    {"sharing", OPT_SHARING, false, KIND(FRONTEND_CACHE)},
    {"required", OPT_REQUIRED, true, KIND(FRONTEND_SECRET) | KIND(FRONTEND_SSH)},
    {"mode", OPT_MODE, false, WITH_OWNER},
    {"uid", OPT_UID, false, WITH_OWNER},
    {"gid", OPT_GID, false, WITH_OWNER},
    {"size", OPT_SIZE, false, KIND(FRONTEND_TMPFS)},
    {"env", OPT_ENV, false, KIND(FRONTEND_SECRET)},
};

void mount_options_done(struct mount_options *o)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        free(o->v[i]);
}
/* --- text to fields --- */

/* One field of CSV from *s; *s then is behind its comma, or NULL. */
static int csv_field(const char **s, char **ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_DOCKERFILE_BYTES_MAX);
    const char *p = *s;
    bool quoted = *p == '"';

    if (quoted) {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            mb_buf_add_byte(&b, (unsigned char)*p);
            p += *p == '"';
        }
        if (*p != '"' || (p[1] && p[1] != ','))
            return mb_fail(err, MB_ERR_INVALID, "a quote is out of place in %.200s",
                           *s);
        p++;
    } else {
        size_t n = strcspn(p, ",");

        if (memchr(p, '"', n))
            return mb_fail(err, MB_ERR_INVALID, "a quote is out of place in %.200s",
                           *s);
        mb_buf_add(&b, p, n);
        p += n;
    }
    *s = *p == ',' ? p + 1 : NULL;
    *ret = mb_buf_steal(&b);
    return 0;
}

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (strcasecmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static int fail_key(const char *key, const char *field, struct mb_error *err)
{
    const char *names[ARRAY_SIZE(table) + 1] = {NULL};
    _cleanup_free_ char *hint = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        names[i] = table[i].name;
    hint = suggest_text(key, names);
    return mb_fail(err, MB_ERR_INVALID, "unexpected key '%.60s' in '%.100s'%s", key,
                   field, hint);
}

static int take_field(struct eval *e, const char *field, struct mount_options *ret,
                      struct mb_error *err)
{
    const char *eq = strchr(field, '=');
    _cleanup_free_ char *key =
        mb_xstrndup(field, eq ? (size_t)(eq - field) : strlen(field));
    const struct row *row = find_row(key);
    char *value = NULL;

    if (!row)
        return fail_key(key, field, err);
    if (!eq && !row->flag)
        return mb_fail(err, MB_ERR_INVALID,
                       "invalid field '%.100s' must be a key=value pair", field);
    if (row->option == OPT_FROM && strchr(eq, '$'))
        return mb_fail(
            err, MB_ERR_INVALID,
            "'from' of a mount doesn't support variable expansion, define a new stage "
            "with FROM using ARG from global scope as a workaround");
    if (!eq || !e || row->option == OPT_FROM)
        value = mb_xstrdup(eq ? eq + 1 : "true");
    else if (eval_expand(e, eq + 1, &value, err) < 0)
        return -1;
    free(ret->v[row->option]);
    ret->v[row->option] = value;
    return 0;
}

int mount_options_parse(struct eval *e, const char *text, struct mount_options *ret,
                        struct mb_error *err)
{
    for (const char *s = text; s;) {
        _cleanup_free_ char *field = NULL;

        if (csv_field(&s, &field, err) < 0 || take_field(e, field, ret, err) < 0)
            return -1;
    }
    return 0;
}

int mount_options_check(const struct mount_options *o, enum frontend_mount_kind kind,
                        struct mb_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (o->v[table[i].option] && !(table[i].kinds & KIND(kind)))
            return mb_fail(err, MB_ERR_INVALID,
                           "unexpected key '%s' for mount type '%s'", table[i].name,
                           mount_kind_names[kind]);
    return 0;
}
