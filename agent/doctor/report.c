/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doctor.h"

#include "base/bug.h"
#include "base/mem.h"

const char *doctor_result_name(enum doctor_result r)
{
    static const char *const names[] = {"ok", "warn", "fail"};

    return names[r];
}

void doctor_report_done(struct doctor_report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->v[i].check);
        free(r->v[i].text);
        free(r->v[i].fix);
    }
    free(r->v);
    *r = (struct doctor_report){0};
}

void doctor_add(struct doctor_report *r, const char *check, enum doctor_result result,
                const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *text = mb_xvasprintf(fmt, ap);
    va_end(ap);
    r->v = mb_xreallocarray(r->v, r->n + 1, sizeof(*r->v));
    r->v[r->n++] = (struct doctor_finding){
        .check = mb_xstrdup(check), .result = result, .text = text};
}

void doctor_fix(struct doctor_report *r, const char *fmt, ...)
{
    va_list ap;

    BUG_ON(r->n == 0);
    va_start(ap, fmt);
    free(r->v[r->n - 1].fix);
    r->v[r->n - 1].fix = mb_xvasprintf(fmt, ap);
    va_end(ap);
}

bool doctor_has_failed(const struct doctor_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].result == DOCTOR_FAIL)
            return true;
    return false;
}
