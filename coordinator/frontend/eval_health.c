/* SPDX-License-Identifier: Apache-2.0 */
/* eval_health - HEALTHCHECK: Go durations in, Docker's JSON object out. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/eval.h"

#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)
#define DURATION_MAX (INT64_MAX / 2)

static const struct {
    const char *name;
    int64_t nsec;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000},
    {"ms", NSEC_PER_MSEC},
    {"s", NSEC_PER_SEC},
    {"m", 60 * NSEC_PER_SEC},
    {"h", 3600 * NSEC_PER_SEC},
};

/* One "1.5h" of a duration at *s; *s moves behind it. */
static bool take_part(const char **s, int64_t *total)
{
    double value = 0, scale = 1;
    bool digits = false, point = false;
    size_t n;

    for (; isdigit((unsigned char)**s) || (**s == '.' && !point); (*s)++) {
        if (**s == '.') {
            point = true;
            continue;
        }
        digits = true;
        value = value * 10 + (**s - '0');
        if (point)
            scale *= 10;
        if (value > 1e18)
            return false;
    }
    for (n = 0; (*s)[n] && (*s)[n] != '.' && !isdigit((unsigned char)(*s)[n]); n++)
        ;
    for (size_t i = 0; digits && i < ARRAY_SIZE(units); i++) {
        if (strlen(units[i].name) != n || memcmp(units[i].name, *s, n) != 0)
            continue;
        value = value / scale * (double)units[i].nsec + 0.5;
        if (value + (double)*total > (double)DURATION_MAX)
            return false;
        *total += (int64_t)value;
        *s += n;
        return true;
    }
    return false;
}

static int parse_duration(const char *name, const char *text, int64_t *ret,
                          struct mb_error *err)
{
    const char *s = text;
    int64_t v = 0;

    if (strcmp(text, "0") != 0)
        do
            if (!take_part(&s, &v))
                return mb_fail(
                    err, MB_ERR_INVALID,
                    "--%s: invalid duration \"%.100s\" (such as 30s or 1m30s)", name,
                    text);
        while (*s);
    if (v != 0 && v < NSEC_PER_MSEC)
        return mb_fail(err, MB_ERR_INVALID, "interval \"%s\" cannot be less than 1ms",
                       name);
    *ret = v;
    return 0;
}

/* As Go prints it: 500ms, 1.5s, 1m30s, 1h0m0s. */
static char *duration_text(int64_t v)
{
    _cleanup_free_ char *sec = NULL;
    int64_t unit = v < NSEC_PER_SEC ? NSEC_PER_MSEC : NSEC_PER_SEC;
    const char *name = v < NSEC_PER_SEC ? "ms" : "s";
    int64_t minutes = v / (60 * NSEC_PER_SEC);
    size_t len;

    if (v == 0)
        return mb_xstrdup("0s");
    sec = mb_xasprintf("%" PRId64 ".%0*" PRId64, v % (60 * NSEC_PER_SEC) / unit,
                       unit == NSEC_PER_SEC ? 9 : 6, v % unit);
    for (len = strlen(sec); sec[len - 1] == '0'; len--)
        ;
    if (sec[len - 1] == '.')
        len--;
    sec[len] = '\0';
    if (minutes >= 60)
        return mb_xasprintf("%" PRId64 "h%" PRId64 "m%s%s", minutes / 60, minutes % 60,
                            sec, name);
    if (minutes > 0)
        return mb_xasprintf("%" PRId64 "m%s%s", minutes, sec, name);
    return mb_xasprintf("%s%s", sec, name);
}

struct health {
    struct mb_strv test;
    int64_t interval, timeout, start_period, start_interval;
    uint64_t retries;
};

static void health_done(struct health *h)
{
    mb_strv_done(&h->test);
}

static int read_flags(const struct instruction *in, struct health *h,
                      struct mb_error *err)
{
    const struct {
        const char *name;
        int64_t *value;
    } rows[] = {
        {"interval", &h->interval},
        {"timeout", &h->timeout},
        {"start-period", &h->start_period},
        {"start-interval", &h->start_interval},
    };
    const char *retries = mb_kv_get(&in->flags, "retries");

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *text = mb_kv_get(&in->flags, rows[i].name);

        if (text && *text && parse_duration(rows[i].name, text, rows[i].value, err) < 0)
            return -1;
    }
    if (retries && *retries && mb_parse_u64(retries, INT32_MAX, &h->retries, err) < 0)
        return mb_wrap(err, "--retries");
    return 0;
}

static int read_test(const struct instruction *in, struct health *h,
                     struct mb_error *err)
{
    const char *type = in->args.v[0];

    if (strcasecmp(type, "NONE") == 0) {
        if (in->args.n > 1 || in->flags.n > 0)
            return mb_fail(err, MB_ERR_INVALID, "HEALTHCHECK NONE takes no arguments");
        mb_strv_add(&h->test, "NONE");
        return 0;
    }
    if (strcasecmp(type, "CMD") != 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "unknown type \"%.100s\" in HEALTHCHECK (try CMD)", type);
    if (in->args.n < 2)
        return mb_fail(err, MB_ERR_INVALID, "missing command after HEALTHCHECK CMD");
    mb_strv_add(&h->test, in->json ? "CMD" : "CMD-SHELL");
    for (size_t i = 1; i < in->args.n; i++)
        mb_strv_add(&h->test, in->args.v[i]);
    return 0;
}

static void add_number(json_t *obj, const char *key, int64_t v)
{
    if (v != 0)
        json_object_set_new(obj, key, json_integer(v));
}

static char *health_json(const struct health *h)
{
    _cleanup_json_ json_t *obj = json_object();
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(MB_CONFIG_BYTES_MAX);
    json_t *test = json_array();

    for (size_t i = 0; i < h->test.n; i++)
        json_array_append_new(test, json_string(h->test.v[i]));
    json_object_set_new(obj, "Test", test);
    add_number(obj, "Interval", h->interval);
    add_number(obj, "Timeout", h->timeout);
    add_number(obj, "StartPeriod", h->start_period);
    add_number(obj, "StartInterval", h->start_interval);
    add_number(obj, "Retries", (int64_t)h->retries);
    mb_json_write(obj, 0, false, &b);
    return mb_buf_steal(&b);
}

int eval_healthcheck(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_(health_done) struct health h = {0};
    _cleanup_free_ char *test = NULL, *text = NULL;
    _cleanup_free_ char *interval = NULL, *timeout = NULL, *period = NULL,
                        *start = NULL;

    if (read_test(in, &h, err) < 0 || read_flags(in, &h, err) < 0)
        return -1;
    free(e->r.config.healthcheck);
    e->r.config.healthcheck = health_json(&h);
    test = gotext_plain(&h.test);
    interval = duration_text(h.interval);
    timeout = duration_text(h.timeout);
    period = duration_text(h.start_period);
    start = duration_text(h.start_interval);
    text = mb_xasprintf("HEALTHCHECK {Test:%s Interval:%s Timeout:%s StartPeriod:%s "
                        "StartInterval:%s Retries:%" PRIu64 "}",
                        test, interval, timeout, period, start, h.retries);
    return eval_history(e, text, true, err);
}
