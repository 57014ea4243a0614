/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor_table.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define CHECK_TITLE "CHECK"
#define RESULT_TITLE "RESULT"
#define LINE_BYTES_MAX 1000

static void add_text(struct mb_buf *out, const char *text)
{
    char *safe = mb_escape(text, strlen(text), LINE_BYTES_MAX);

    mb_buf_addf(out, "%s\n", safe);
    free(safe);
}

static void add_finding(const struct doctor_finding *f, int width, bool color,
                        struct mb_buf *out)
{
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
    const char *name = doctor_result_name(f->result);

    mb_buf_addf(out, "%-*s  %s%s%s%*s  ", width, f->check,
                color ? colors[f->result] : "", name, color ? "\033[0m" : "",
                (int)(strlen(RESULT_TITLE) - strlen(name)), "");
    add_text(out, f->text);
    if (f->result == DOCTOR_OK || !f->fix)
        return;
    mb_buf_addf(out, "%*s  -> ", width, "");
    add_text(out, f->fix);
}

void doctor_table(const struct doctor_report *r, bool color, struct mb_buf *out)
{
    size_t width = strlen(CHECK_TITLE);

    for (size_t i = 0; i < r->n; i++)
        if (strlen(r->v[i].check) > width)
            width = strlen(r->v[i].check);
    mb_buf_addf(out, "%-*s  %s  FINDING\n", (int)width, CHECK_TITLE, RESULT_TITLE);
    for (size_t i = 0; i < r->n; i++)
        add_finding(&r->v[i], (int)width, color, out);
}

static void set_text(json_t *o, const char *key, const char *text)
{
    json_t *v = text ? json_string(text) : NULL;

    json_object_set_new(o, key, v ? v : json_null());
}

void doctor_json(const struct doctor_report *r, struct mb_buf *out)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct doctor_finding *f = &r->v[i];
        _cleanup_json_ json_t *o = json_object();

        set_text(o, "check", f->check);
        set_text(o, "result", doctor_result_name(f->result));
        set_text(o, "finding", f->text);
        set_text(o, "fix", f->result == DOCTOR_OK ? NULL : f->fix);
        mb_json_write(o, 0, false, out);
        mb_buf_add_byte(out, '\n');
    }
}
