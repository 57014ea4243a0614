/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_flags.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

/* A host name, a line of /etc/hosts must hold it. */
static bool is_host_name(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= 253
           && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789.-_")
                  == n;
}

int run_flag_host(const char *text, char **ret, struct mb_error *err)
{
    size_t at = strcspn(text, "=:");
    _cleanup_free_ char *name = mb_xstrndup(text, at);
    _cleanup_free_ char *ip = mb_xstrdup(text[at] ? text + at + 1 : "");
    size_t n = strlen(ip);
    uint8_t address[sizeof(struct in6_addr)];

    if (n > 2 && ip[0] == '[' && ip[n - 1] == ']') {
        memmove(ip, ip + 1, n - 2);
        ip[n - 2] = '\0';
    }
    if (strcmp(ip, "host-gateway") == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "host-gateway is not supported: a RUN shares the network of its "
                       "machine, so use 127.0.0.1");
    if (!is_host_name(name)
        || (inet_pton(AF_INET, ip, address) != 1
            && inet_pton(AF_INET6, ip, address) != 1))
        return mb_fail(err, MB_ERR_INVALID, "\"%.300s\" is not NAME:IP", text);
    *ret = mb_xasprintf("%s\t%s", ip, name);
    return 0;
}

static int parse_limit(const char *text, uint64_t *ret, struct mb_error *err)
{
    *ret = INT64_MAX;
    if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0)
        return 0;
    return mb_parse_u64(text, INT64_MAX, ret, err);
}

int run_flag_ulimit(const char *text, char **ret, struct mb_error *err)
{
    static const char *const names[] = {
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
    };
    size_t at = strcspn(text, "=");
    _cleanup_free_ char *name = mb_xstrndup(text, at);
    _cleanup_strv_ struct mb_strv values = {0};
    uint64_t soft = 0, hard = 0;
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        known = known || strcmp(name, names[i]) == 0;
    if (text[at])
        mb_strv_split(&values, text + at + 1, ":");
    if (!known || values.n == 0 || values.n > 2)
        return mb_fail(err, MB_ERR_INVALID, "\"%.100s\" is not NAME=SOFT[:HARD]%s",
                       text, known ? "" : ", with a name such as nofile or nproc");
    if (parse_limit(values.v[0], &soft, err) < 0
        || parse_limit(values.v[values.n - 1], &hard, err) < 0)
        return mb_wrap(err, "\"%.100s\"", text);
    if (soft > hard)
        return mb_fail(err, MB_ERR_INVALID,
                       "\"%.100s\": the soft limit is over the hard", text);
    for (char *c = name; *c; c++)
        *c = (char)(*c - 'a' + 'A');
    *ret = mb_xasprintf("RLIMIT_%s %llu %llu", name, (unsigned long long)soft,
                        (unsigned long long)hard);
    return 0;
}

int run_flag_bytes(const char *text, uint64_t *ret, struct mb_error *err)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"", 0},    {"b", 0},    {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
                 {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}};
    size_t digits = strspn(text, "0123456789");
    _cleanup_free_ char *number = mb_xstrndup(text, digits);
    uint64_t v = 0;

    for (size_t i = 0; digits > 0 && i < ARRAY_SIZE(units); i++) {
        if (strcasecmp(text + digits, units[i].unit) != 0)
            continue;
        if (mb_parse_u64(number, (uint64_t)INT64_MAX >> units[i].shift, &v, err) < 0)
            return -1;
        *ret = v << units[i].shift;
        return 0;
    }
    return mb_fail(err, MB_ERR_INVALID, "\"%.100s\" is no size such as 64m or 1g",
                   text);
}
