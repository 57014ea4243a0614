/* SPDX-License-Identifier: Apache-2.0 */
/* call - check and targets; texts and JSON as buildx prints them. */
#include "coordinator/frontend/call.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/call_internal.h"

#define AROUND_LINES 2
#define RULE "--------------------\n"

json_t *call_location(unsigned line, unsigned end_line)
{
    return json_pack("{s:[{s:{s:i}, s:{s:i}}]}", "ranges", "start", "line", (int)line,
                     "end", "line", (int)end_line);
}

const char *call_description(const struct mb_strv *comments, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < comments->n; i++)
        if (strncmp(comments->v[i], name, len) == 0 && comments->v[i][len] == ' ')
            return comments->v[i] + len + 1;
    return "";
}

void call_table(const struct mb_strv *cells, size_t n_columns, struct mb_buf *out)
{
    _cleanup_free_ size_t *width = mb_xcalloc(n_columns, sizeof(*width));

    for (size_t i = 0; i < cells->n; i++)
        if (strlen(cells->v[i]) > width[i % n_columns])
            width[i % n_columns] = strlen(cells->v[i]);
    for (size_t i = 0; i < cells->n; i++) {
        if (i % n_columns + 1 == n_columns)
            mb_buf_addf(out, "%s\n", cells->v[i]);
        else
            mb_buf_addf(out, "%-*s  ", (int)width[i % n_columns], cells->v[i]);
    }
}

/* --- check --- */

/* The lines of the warning with their neighbours. */
static void add_source(const struct frontend_call *c, const struct mb_strv *lines,
                       const struct frontend_warning *w, struct mb_buf *out)
{
    size_t first = w->line > AROUND_LINES ? w->line - AROUND_LINES : 1;

    mb_buf_addf(out, "%s:%u\n" RULE, c->name, w->line);
    for (size_t i = first; i <= w->end_line + AROUND_LINES && i <= lines->n; i++)
        mb_buf_addf(out, "%4zu | %s%s\n", i,
                    i >= w->line && i <= w->end_line ? ">>> " : "    ",
                    lines->v[i - 1]);
    mb_buf_add_str(out, RULE);
}

static void check_text(const struct frontend *f, const struct frontend_call *c,
                       struct mb_buf *out)
{
    _cleanup_free_ char *text = mb_xstrndup(c->text, c->text_len);
    _cleanup_strv_ struct mb_strv lines = {0};
    size_t n;
    const struct frontend_warning *w = frontend_checks(f, &n);

    if (n == 0) {
        mb_buf_add_str(out, "Check complete, no warnings found.\n");
        return;
    }
    mb_buf_addf(out, "Check complete, %zu warning%s been found!\n", n,
                n == 1 ? " has" : "s have");
    mb_strv_split(&lines, text, "\n");
    for (size_t i = 0; i < n; i++) {
        mb_buf_addf(out, "\nWARNING: %s - %s\n%s\n", w[i].rule, w[i].url, w[i].detail);
        add_source(c, &lines, &w[i], out);
    }
}

static void check_json(const struct frontend *f, const struct frontend_call *c,
                       struct mb_buf *out)
{
    _cleanup_free_ char *data = mb_base64(c->text, c->text_len);
    json_t *list = json_array();
    size_t n;
    const struct frontend_warning *w = frontend_checks(f, &n);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "ruleName",
                                              w[i].rule, "description",
                                              w[i].description, "url", w[i].url,
                                              "detail", w[i].detail, "location",
                                              call_location(w[i].line, w[i].end_line)));
    _cleanup_json_ json_t *all =
        json_pack("{s:o, s:[{s:s, s:s, s:s}]}", "warnings", list, "sources", "fileName",
                  c->name, "language", "Dockerfile", "data", data);
    mb_json_write(all, 2, false, out);
    mb_buf_add_byte(out, '\n');
}

static int call_check(const struct frontend *f, const struct frontend_call *c,
                      struct mb_buf *out, struct mb_error *err _unused_)
{
    (c->json ? check_json : check_text)(f, c, out);
    return 0;
}

/* --- targets --- */

static void targets_text(const struct frontend *f, struct mb_buf *out)
{
    _cleanup_strv_ struct mb_strv cells = {0};

    mb_strv_add(&cells, "TARGET");
    mb_strv_add(&cells, "DESCRIPTION");
    for (size_t i = 0; i < f->n_stages; i++) {
        const struct stage *st = &f->stages[i];
        const char *name = st->name ? st->name : "";
        bool last = i + 1 == f->n_stages;

        mb_strv_addf(&cells, "%s%s%s", name, *name && last ? " " : "",
                     last ? "(default)" : "");
        mb_strv_add(&cells, st->name ? call_description(&st->comments, st->typed) : "");
    }
    call_table(&cells, 2, out);
}

static void set_text(json_t *o, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(o, key, json_string(value));
}

static void targets_json(const struct frontend *f, const struct frontend_call *c,
                         struct mb_buf *out)
{
    _cleanup_free_ char *data = mb_base64(c->text, c->text_len);
    json_t *list = json_array();

    for (size_t i = 0; i < f->n_stages; i++) {
        const struct stage *st = &f->stages[i];
        json_t *o = json_object();

        set_text(o, "name", st->name);
        if (i + 1 == f->n_stages)
            json_object_set_new(o, "default", json_true());
        if (st->name)
            set_text(o, "description", call_description(&st->comments, st->typed));
        set_text(o, "base", st->base);
        set_text(o, "platform", st->platform);
        json_object_set_new(o, "location", call_location(st->line, st->end_line));
        json_array_append_new(list, o);
    }
    _cleanup_json_ json_t *all =
        json_pack("{s:o, s:[s]}", "targets", list, "sources", data);
    mb_json_write(all, 2, false, out);
    mb_buf_add_byte(out, '\n');
}

static int call_targets(const struct frontend *f, const struct frontend_call *c,
                        struct mb_buf *out, struct mb_error *err _unused_)
{
    if (c->json)
        targets_json(f, c, out);
    else
        targets_text(f, out);
    return 0;
}

int frontend_call(const struct frontend *f, const struct frontend_call *c,
                  struct mb_buf *out, struct mb_error *err)
{
    static const struct {
        const char *name;
        int (*fn)(const struct frontend *f, const struct frontend_call *c,
                  struct mb_buf *out, struct mb_error *err);
    } rows[] = {
        {"check", call_check}, {"outline", call_outline}, {"targets", call_targets}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, c->method) == 0)
            return rows[i].fn(f, c, out, err);
    return mb_fail(err, MB_ERR_INVALID,
                   "--call %.100s is not known: use build, check, outline or targets",
                   c->method);
}
