/* SPDX-License-Identifier: Apache-2.0 */
/* The blob endpoint's part of doctor_reach.h. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/doctor_reach.h"
#include "registry/exchange.h"

int64_t doctor_http_date(const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

    return end && *end == '\0' ? timegm(&tm) : 0;
}

static void judge_answer(const struct mb_exchange *x, const char *url, bool with_token,
                         int64_t now_sec, struct doctor_report *r)
{
    int64_t date = x->got_date ? doctor_http_date(x->got_date) : 0;
    bool good = x->status == 200 || (x->status == 401 && !with_token);

    doctor_add(r, "blob-endpoint", good ? DOCTOR_OK : DOCTOR_FAIL, "%s answers%s", url,
               good ? "" : ", but not as one of ours would");
    if (!good)
        doctor_fix(r,
                   "is the address that of mbcluster-coordinator --http? It said "
                   "status %ld",
                   x->status);
    doctor_clock(now_sec, date, "the coordinator", r);
}

void doctor_blobs(const char *url, const char *token, struct doctor_report *r)
{
    struct mb_http *h = mb_http_new(NULL);
    struct mb_exchange x = MB_EXCHANGE_INIT;
    struct mb_route route = {0};
    _cleanup_free_ char *full = mb_xasprintf("%s/v2/", url);
    _cleanup_free_ char *bearer = token ? mb_xasprintf("Bearer %s", token) : NULL;
    struct mb_error err;

    x.url = full;
    x.authorization = bearer;
    if (mb_route_fixed(url, &route, &err) < 0
        || mb_exchange_run(h, &route.v[0], &x, &err) < 0) {
        doctor_add(r, "blob-endpoint", DOCTOR_FAIL, "%s: %s", url, err.msg);
        doctor_fix(r, "let this machine reach that address (firewall?), or start "
                      "mbcluster-coordinator with --http on one that it can reach");
        doctor_clock(mb_wall_sec(), 0, NULL, r);
    } else {
        judge_answer(&x, url, token != NULL, mb_wall_sec(), r);
    }
    mb_exchange_done(&x);
    mb_route_done(&route);
    mb_http_free(h);
}
