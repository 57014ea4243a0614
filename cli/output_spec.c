/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_spec.h"

#include <string.h>

#include "base/mem.h"
#include "cli/options.h"

void output_spec_done(struct output_spec *o)
{
    free(o->dest);
    mb_strv_done(&o->names);
    *o = (struct output_spec){0};
}

static int set_type(struct output_spec *o, const char *type, struct mb_error *err)
{
    if (strcmp(type, "oci") == 0) {
        o->type = OUTPUT_OCI;
    } else if (strcmp(type, "image") == 0) {
        o->type = OUTPUT_IMAGE;
    } else if (strcmp(type, "registry") == 0) {
        o->type = OUTPUT_IMAGE;
        o->push = true;
    } else if (strcmp(type, "cacheonly") == 0) {
        o->type = OUTPUT_CACHEONLY;
    } else {
        return mb_fail(
            err, MB_ERR_INVALID,
            "output type \"%s\" is not supported: use oci, image, registry or "
            "cacheonly",
            type);
    }
    return 0;
}

/* Keys whose only value so far is what is done anyway. */
static int fixed_key(const char *key, const char *value, bool *ret_known,
                     struct mb_error *err)
{
    static const struct {
        const char *key, *value;
    } rows[] = {
        {"compression", "gzip"},     {"oci-mediatypes", "true"},
        {"unpack", "false"},         {"force-compression", "false"},
        {"push-by-digest", "false"}, {"oci-artifact", "false"},
    };

    *ret_known = false;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        *ret_known = true;
        if (strcmp(rows[i].value, value) != 0)
            return mb_fail(err, MB_ERR_INVALID,
                           "output: %s=%s is not supported yet: only %s=%s", key, value,
                           key, rows[i].value);
    }
    return 0;
}

static int set_key(struct output_spec *o, const char *key, const char *value,
                   struct mb_error *err)
{
    bool known = false;

    if (strcmp(key, "type") == 0)
        return set_type(o, value, err);
    if (strcmp(key, "dest") == 0) {
        free(o->dest);
        o->dest = mb_xstrdup(value);
        return 0;
    }
    if (strcmp(key, "name") == 0) {
        struct mb_strv names = {0};

        mb_strv_split(&names, value, ",");
        mb_strv_add_all(&o->names, &names);
        mb_strv_done(&names);
        return 0;
    }
    if (strcmp(key, "tar") == 0)
        return options_bool("output: tar", value, &o->tar, err);
    if (strcmp(key, "push") == 0)
        return options_bool("output: push", value, &o->push, err);
    if (strcmp(key, "rewrite-timestamp") == 0) {
        o->has_rewrite = true;
        return options_bool("output: rewrite-timestamp", value, &o->rewrite, err);
    }
    if (fixed_key(key, value, &known, err) < 0)
        return -1;
    if (!known)
        return mb_fail(err, MB_ERR_INVALID,
                       "output: unknown key \"%s\": use type, dest, tar, name, push or "
                       "rewrite-timestamp",
                       key);
    return 0;
}

static int check(const struct output_spec *o, const char *text, struct mb_error *err)
{
    if (!o->type)
        return mb_fail(err, MB_ERR_INVALID,
                       "output '%s' has no type: use type=oci,dest=FILE or type=image",
                       text);
    if (o->type == OUTPUT_OCI && (!o->dest || !*o->dest))
        return mb_fail(
            err, MB_ERR_INVALID,
            "output type=oci needs dest=FILE (or dest=- for standard output)");
    if (o->type == OUTPUT_OCI && !o->tar && strcmp(o->dest, "-") == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "output type=oci,tar=false needs a directory in dest=, not '-'");
    if (o->type != OUTPUT_OCI && o->dest)
        return mb_fail(err, MB_ERR_INVALID,
                       "output '%s': dest= goes with type=oci only", text);
    if (o->type != OUTPUT_IMAGE && o->push)
        return mb_fail(err, MB_ERR_INVALID,
                       "output '%s': push= goes with type=image only", text);
    return 0;
}

int output_spec_parse(const char *text, struct output_spec *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv fields = {0};
    _cleanup_(output_spec_done) struct output_spec o = {.tar = true};

    if (!strchr(text, '='))
        return mb_fail(err, MB_ERR_INVALID,
                       "output '%s': plain files are not supported yet: use "
                       "type=oci,dest=FILE",
                       text);
    if (options_csv(text, &fields, err) < 0)
        return mb_wrap(err, "output");
    for (size_t i = 0; i < fields.n; i++) {
        char *eq = strchr(fields.v[i], '=');

        if (!eq)
            return mb_fail(err, MB_ERR_INVALID, "output '%s': \"%s\" is not key=value",
                           text, fields.v[i]);
        *eq = '\0';
        if (set_key(&o, fields.v[i], eq + 1, err) < 0)
            return -1;
    }
    if (check(&o, text, err) < 0)
        return -1;
    *ret = o;
    o = (struct output_spec){0};
    return 0;
}
