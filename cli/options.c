/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SUGGEST_LEN_MAX 32
#define HELP_COLUMN 30

struct parse {
    const struct option_def *defs;
    size_t n;
    void *target;
    struct mb_strv *notes;
};

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Levenshtein distance of two short names. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t row[SUGGEST_LEN_MAX + 1];

    if (la > SUGGEST_LEN_MAX || lb > SUGGEST_LEN_MAX)
        return SUGGEST_LEN_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

const char *options_suggest(const char *typed, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(typed) / 3 + 2;

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(typed, names[i]);

        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

int options_bool(const char *what, const char *text, bool *ret, struct mb_error *err)
{
    static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
    static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        if (strcmp(text, yes[i]) == 0) {
            *ret = true;
            return 0;
        }
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        if (strcmp(text, no[i]) == 0) {
            *ret = false;
            return 0;
        }
    return mb_fail(err, MB_ERR_INVALID, "%s must be true or false, not \"%s\"", what,
                   text);
}

/* The field from *pp on, with its quotes undone; *pp goes to the ',' or end behind it.
 */
static int csv_field(const char **pp, struct mb_strv *out, const char *text,
                     struct mb_error *err)
{
    const char *p = *pp;

    _cleanup_buf_ struct mb_buf field = MB_BUF_INIT(strlen(text) + 1);

    if (*p != '"') {
        size_t len = strcspn(p, ",");

        if (memchr(p, '"', len))
            return mb_fail(err, MB_ERR_INVALID,
                           "a quote inside an unquoted field of '%s'", text);
        mb_buf_add(&field, p, len);
        p += len;
    } else {
        for (p++; *p && !(*p == '"' && p[1] != '"'); p++) {
            if (*p == '"')
                p++;
            mb_buf_add_byte(&field, (unsigned char)*p);
        }
        if (*p != '"' || (p[1] && p[1] != ','))
            return mb_fail(err, MB_ERR_INVALID, "a quoted field of '%s' does not end",
                           text);
        p++;
    }
    mb_strv_add_take(out, mb_buf_steal(&field));
    *pp = p;
    return 0;
}

int options_csv(const char *text, struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv fields = {0};

    for (const char *p = text;; p++) {
        if (csv_field(&p, &fields, text, err) < 0)
            return -1;
        if (!*p)
            break;
    }
    mb_strv_add_all(ret, &fields);
    return 0;
}

static bool wants_value(const struct option_def *d)
{
    return d->kind == OPTION_STR || d->kind == OPTION_STRV
           || d->kind == OPTION_LATER_VALUE;
}

static int refuse(const struct option_def *d, const char *value, struct mb_error *err)
{
    if (strcmp(value, "false") == 0)
        return 0;
    if (d->help)
        return mb_fail(err, MB_ERR_INVALID, "--%s is not supported yet: %s", d->name,
                       d->help);
    return mb_fail(err, MB_ERR_INVALID, "--%s is not supported yet", d->name);
}

static int apply(const struct parse *ps, const struct option_def *d, const char *value,
                 struct mb_error *err)
{
    char *at = (char *)ps->target + d->offset;
    _cleanup_free_ char *what = mb_xasprintf("--%s", d->name);
    bool on = true;

    switch (d->kind) {
    case OPTION_STR:
        free(*(char **)(void *)at);
        *(char **)(void *)at = mb_xstrdup(value);
        return 0;
    case OPTION_STRV:
        mb_strv_add((struct mb_strv *)(void *)at, value);
        return 0;
    case OPTION_LATER_VALUE:
        return refuse(d, value, err);
    case OPTION_BOOL:
    case OPTION_IGNORED:
    case OPTION_LATER:
        break;
    }
    if (value && options_bool(what, value, &on, err) < 0)
        return -1;
    if (d->kind == OPTION_BOOL)
        *(bool *)at = on;
    else if (d->kind == OPTION_LATER && on)
        return refuse(d, "true", err);
    else if (d->kind == OPTION_IGNORED)
        mb_strv_addf(ps->notes, "--%s has no effect", d->name);
    return 0;
}

static int unknown_flag(const struct parse *ps, const char *name, struct mb_error *err)
{
    _cleanup_free_ const char **names = mb_xcalloc(ps->n + 1, sizeof(*names));
    const char *close_one;

    for (size_t i = 0; i < ps->n; i++)
        names[i] = ps->defs[i].name;
    close_one = options_suggest(name, names, ps->n);
    if (close_one)
        return mb_fail(err, MB_ERR_INVALID, "unknown flag: --%s (did you mean --%s?)",
                       name, close_one);
    return mb_fail(err, MB_ERR_INVALID, "unknown flag: --%s", name);
}

/* argv[i] is "--name[=value]"; the index of the last word used goes to *i. */
static int parse_long(const struct parse *ps, int argc, char **argv, int *i,
                      struct mb_error *err)
{
    const char *text = argv[*i] + 2;
    size_t len = strcspn(text, "=");
    const char *value = text[len] == '=' ? text + len + 1 : NULL;
    _cleanup_free_ char *name = mb_xstrndup(text, len);

    for (size_t k = 0; k < ps->n; k++) {
        const struct option_def *d = &ps->defs[k];

        if (strcmp(d->name, name) != 0)
            continue;
        if (!value && wants_value(d)) {
            if (*i + 1 >= argc)
                return mb_fail(err, MB_ERR_INVALID, "--%s needs a value", name);
            value = argv[++*i];
        }
        return apply(ps, d, value, err);
    }
    return unknown_flag(ps, name, err);
}

static const struct option_def *find_letter(const struct parse *ps, char letter)
{
    for (size_t k = 0; k < ps->n; k++)
        if (ps->defs[k].letter == letter)
            return &ps->defs[k];
    return NULL;
}

/* argv[i] is "-xyz": switches, the last of them perhaps with a value behind it. */
static int parse_letters(const struct parse *ps, int argc, char **argv, int *i,
                         struct mb_error *err)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct option_def *d = find_letter(ps, *p);
        const char *value = NULL;
        bool rest = false;

        if (!d)
            return mb_fail(err, MB_ERR_INVALID, "unknown flag: -%c in %s", *p,
                           argv[*i]);
        if (p[1] == '=' || (wants_value(d) && p[1])) {
            value = p[1] == '=' ? p + 2 : p + 1;
            rest = true;
        } else if (wants_value(d)) {
            if (*i + 1 >= argc)
                return mb_fail(err, MB_ERR_INVALID, "-%c (--%s) needs a value", *p,
                               d->name);
            value = argv[++*i];
            rest = true;
        }
        if (apply(ps, d, value, err) < 0)
            return -1;
        if (rest)
            return 0;
    }
    return 0;
}

int options_parse(const struct option_def *defs, size_t n, int argc, char **argv,
                  void *target, struct mb_strv *args, struct mb_strv *notes,
                  struct mb_error *err)
{
    const struct parse ps = {.defs = defs, .n = n, .target = target, .notes = notes};
    bool only_args = false;

    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];

        if (only_args || word[0] != '-' || word[1] == '\0') {
            mb_strv_add(args, word);
        } else if (strcmp(word, "--") == 0) {
            only_args = true;
        } else if (word[1] == '-') {
            if (parse_long(&ps, argc, argv, &i, err) < 0)
                return -1;
        } else if (parse_letters(&ps, argc, argv, &i, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void options_help(const struct option_def *defs, size_t n, struct mb_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct option_def *d = &defs[i];
        size_t start = out->len;

        if (!d->help || d->kind >= OPTION_IGNORED)
            continue;
        if (d->letter)
            mb_buf_addf(out, "  -%c, --%s", d->letter, d->name);
        else
            mb_buf_addf(out, "      --%s", d->name);
        if (d->value)
            mb_buf_addf(out, " %s", d->value);
        if (out->len - start >= HELP_COLUMN)
            mb_buf_addf(out, "\n%*s", HELP_COLUMN, "");
        else
            mb_buf_addf(out, "%*s", (int)(HELP_COLUMN - (out->len - start)), "");
        mb_buf_addf(out, "%s\n", d->help);
    }
}
