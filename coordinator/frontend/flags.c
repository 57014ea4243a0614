/* SPDX-License-Identifier: Apache-2.0 */
/* flags - the "--name=value" words behind an instruction's name. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "coordinator/frontend/internal.h"

enum flag_type { FLAG_STRING, FLAG_STRINGS, FLAG_BOOL };

/* A new flag is a row here, and `supported` once something acts on it. */
static const struct flag {
    enum instruction_kind instruction;
    const char *name;
    enum flag_type type;
    bool supported;
} flags[] = {
    {INSTR_FROM, "platform", FLAG_STRING, true},
    {INSTR_RUN, "network", FLAG_STRING, true},
    {INSTR_RUN, "mount", FLAG_STRINGS, true},
    {INSTR_RUN, "security", FLAG_STRING, true},
    {INSTR_RUN, "device", FLAG_STRINGS, false},
    {INSTR_COPY, "from", FLAG_STRING, true},
    {INSTR_COPY, "chown", FLAG_STRING, true},
    {INSTR_COPY, "chmod", FLAG_STRING, true},
    {INSTR_COPY, "link", FLAG_BOOL, true},
    {INSTR_COPY, "parents", FLAG_BOOL, true},
    {INSTR_COPY, "exclude", FLAG_STRINGS, true},
    {INSTR_ADD, "chown", FLAG_STRING, true},
    {INSTR_ADD, "chmod", FLAG_STRING, true},
    {INSTR_ADD, "link", FLAG_BOOL, true},
    {INSTR_ADD, "exclude", FLAG_STRINGS, true},
    {INSTR_ADD, "unpack", FLAG_BOOL, true},
    {INSTR_ADD, "checksum", FLAG_STRING, false},
    {INSTR_ADD, "keep-git-dir", FLAG_BOOL, false},
    {INSTR_HEALTHCHECK, "interval", FLAG_STRING, true},
    {INSTR_HEALTHCHECK, "timeout", FLAG_STRING, true},
    {INSTR_HEALTHCHECK, "start-period", FLAG_STRING, true},
    {INSTR_HEALTHCHECK, "start-interval", FLAG_STRING, true},
    {INSTR_HEALTHCHECK, "retries", FLAG_STRING, true},
};

static const struct flag *find(enum instruction_kind kind, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].instruction == kind && strcmp(flags[i].name, name) == 0)
            return &flags[i];
    return NULL;
}

static int fail_unknown(enum instruction_kind kind, const char *name,
                        struct mb_error *err)
{
    const char *names[ARRAY_SIZE(flags) + 1] = {NULL};
    _cleanup_free_ char *hint = NULL;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].instruction == kind)
            names[n++] = flags[i].name;
    hint = suggest_text(name, names);
    return mb_fail(err, MB_ERR_INVALID, "unknown flag: --%s%s", name, hint);
}

static int check_bool(const char *name, const char *value, struct mb_error *err)
{
    if (value && strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "expecting boolean value for flag --%s, not: %s", name, value);
    return 0;
}

/* A flag that may be given many times: one line for each. */
static void add_line(struct mb_kvlist *ret, const char *name, const char *value)
{
    const char *before = mb_kv_get(ret, name);
    _cleanup_free_ char *lines = before ? mb_xasprintf("%s\n%s", before, value) : NULL;

    mb_kv_set(ret, name, lines ? lines : value);
}

static int parse_one(enum instruction_kind kind, const char *keyword, const char *word,
                     struct mb_kvlist *ret, struct mb_error *err)
{
    const char *eq = strchr(word, '=');
    _cleanup_free_ char *name =
        mb_xstrndup(word + 2, eq ? (size_t)(eq - word) - 2 : strlen(word) - 2);
    const char *value = eq ? eq + 1 : NULL;
    const struct flag *flag = find(kind, name);

    if (!flag)
        return fail_unknown(kind, name, err);
    if (flag->type == FLAG_BOOL && check_bool(name, value, err) < 0)
        return -1;
    if (flag->type != FLAG_BOOL && !value)
        return mb_fail(err, MB_ERR_INVALID, "missing a value on flag: --%s", name);
    if (!flag->supported)
        return mb_fail(err, MB_ERR_INVALID, "%s --%s is not supported yet", keyword,
                       name);
    if (flag->type == FLAG_STRINGS)
        add_line(ret, name, value);
    else if (mb_kv_get(ret, name))
        return mb_fail(err, MB_ERR_INVALID, "duplicate flag specified: --%s", name);
    else
        mb_kv_set(ret, name, value ? value : "true");
    return 0;
}

int flags_parse(enum instruction_kind kind, const char *keyword,
                const struct mb_strv *words, struct mb_kvlist *ret,
                struct mb_error *err)
{
    for (size_t i = 0; i < words->n; i++)
        if (parse_one(kind, keyword, words->v[i], ret, err) < 0)
            return -1;
    return 0;
}
