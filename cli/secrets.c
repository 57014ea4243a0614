/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secrets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"

struct spec {
    char *id, *src, *env, *type; /* NULL: not given */
};

static void spec_done(struct spec *s)
{
    free(s->id);
    free(s->src);
    free(s->env);
    free(s->type);
}

static int take_field(const char *text, const char *field, struct spec *s,
                      struct mb_error *err)
{
    const char *eq = strchr(field, '=');
    size_t n = eq ? (size_t)(eq - field) : 0;
    const struct {
        const char *name;
        char **at;
    } keys[] = {{"id", &s->id},
                {"src", &s->src},
                {"source", &s->src},
                {"env", &s->env},
                {"type", &s->type}};

    for (size_t i = 0; eq && i < ARRAY_SIZE(keys); i++)
        if (strlen(keys[i].name) == n && strncmp(keys[i].name, field, n) == 0) {
            free(*keys[i].at);
            *keys[i].at = mb_xstrdup(eq + 1);
            return 0;
        }
    return mb_fail(err, MB_ERR_INVALID,
                   "--secret %.200s: unexpected \"%.60s\" (id=ID[,src=FILE|,env=NAME])",
                   text, field);
}

static int parse(const char *text, struct spec *s, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv fields = {0};

    mb_strv_split(&fields, text, ",");
    for (size_t i = 0; i < fields.n; i++)
        if (take_field(text, fields.v[i], s, err) < 0)
            return -1;
    if (s->type && strcmp(s->type, "env") != 0 && strcmp(s->type, "file") != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "--secret %.200s: type must be file or env, not \"%.60s\"", text,
                       s->type);
    if (!s->id || !*s->id)
        return mb_fail(err, MB_ERR_INVALID, "--secret %.200s: id=ID is missing", text);
    if (s->src && s->env)
        return mb_fail(err, MB_ERR_INVALID,
                       "--secret %.200s: either src or env, not both", text);
    return 0;
}

/* The name of the variable, or NULL: it is a file. */
static const char *variable_of(const struct spec *s)
{
    bool as_env = s->type && strcmp(s->type, "env") == 0;

    if (s->env)
        return s->env;
    if (as_env)
        return s->src ? s->src : s->id;
    return !s->src && !s->type && getenv(s->id) ? s->id : NULL;
}

static int read_secret(const struct spec *s, struct mb_bytes *ret, struct mb_error *err)
{
    const char *name = variable_of(s);
    const char *file = s->src ? s->src : s->id;
    const char *value = name ? getenv(name) : NULL;
    struct mb_buf b = MB_BUF_INIT(MB_SECRET_BYTES_MAX);
    int rc = 0;

    if (name && !value)
        return mb_fail(err, MB_ERR_NOT_FOUND,
                       "--secret id=%.100s: the variable %.100s is not set", s->id,
                       name);
    if (name)
        mb_buf_add_str(&b, value);
    else if (mb_read_file(AT_FDCWD, file, &b, err) < 0)
        rc = mb_wrap(err, "--secret id=%.100s", s->id);
    if (rc == 0 && mb_buf_check(&b, "a secret", err) < 0)
        rc = mb_wrap(err, "--secret id=%.100s", s->id);
    if (rc == 0)
        *ret = (struct mb_bytes){b.data, b.len};
    else if (b.data)
        explicit_bzero(b.data, b.len);
    if (rc < 0)
        mb_buf_done(&b);
    return rc;
}

static int add(const char *text, struct mb_build_request *r, struct mb_error *err)
{
    _cleanup_(spec_done) struct spec s = {0};
    struct mb_bytes data = {0};

    if (parse(text, &s, err) < 0)
        return -1;
    for (size_t i = 0; i < r->n_secrets; i++)
        if (strcmp(r->secrets[i].id, s.id) == 0)
            return mb_fail(err, MB_ERR_INVALID, "--secret id=%.100s is given twice",
                           s.id);
    if (r->n_secrets >= MB_SECRETS_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "more than %d secrets", MB_SECRETS_MAX);
    if (read_secret(&s, &data, err) < 0)
        return -1;
    r->secrets = mb_xreallocarray(r->secrets, r->n_secrets + 1, sizeof(*r->secrets));
    r->secrets[r->n_secrets++] =
        (struct mb_secret){.id = steal_ptr(s.id), .data = data};
    return 0;
}

int secrets_add(const struct mb_strv *specs, struct mb_build_request *r,
                struct mb_error *err)
{
    for (size_t i = 0; i < specs->n; i++)
        if (add(specs->v[i], r, err) < 0)
            return -1;
    return 0;
}
