/* SPDX-License-Identifier: Apache-2.0 */
/* eval_expose - EXPOSE port[-port][/proto]; an address or host port in front is
 * dropped. */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/eval.h"

#define PORTS 65536
#define SHOWN_PREFIX "EXPOSE ["
#define SHOWN_PREFIX_LEN (sizeof(SHOWN_PREFIX) - 1)

static const char *const protos[] = {"tcp", "udp", "sctp"};

static int proto_index(const char *name, size_t *ret, struct mb_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
        if (strcasecmp(name, protos[i]) == 0) {
            *ret = i;
            return 0;
        }
    return mb_fail(err, MB_ERR_INVALID, "invalid proto: %.100s", name);
}

static int parse_range(const char *text, uint64_t *first, uint64_t *last,
                       struct mb_error *err)
{
    _cleanup_free_ char *low = mb_xstrdup(text);
    char *dash = strchr(low, '-');
    struct mb_error ignored;

    if (dash)
        *dash = '\0';
    if (mb_parse_u64(low, PORTS - 1, first, &ignored) < 0
        || mb_parse_u64(dash ? dash + 1 : low, PORTS - 1, last, &ignored) < 0
        || *last < *first)
        return mb_fail(err, MB_ERR_INVALID, "invalid containerPort: %.100s", text);
    return 0;
}

/* Which ports the config has already, so that adding stays linear. */
static void load_ports(struct eval *e)
{
    if (e->ports)
        return;
    e->ports = mb_xcalloc(ARRAY_SIZE(protos), PORTS);
    for (size_t i = 0; i < e->r.config.exposed_ports.n; i++) {
        _cleanup_free_ char *port = mb_xstrdup(e->r.config.exposed_ports.v[i]);
        char *slash = strchr(port, '/');
        struct mb_error ignored;
        size_t proto;
        uint64_t n;

        if (slash)
            *slash = '\0';
        if (proto_index(slash ? slash + 1 : "tcp", &proto, &ignored) == 0
            && mb_parse_u64(port, PORTS - 1, &n, &ignored) == 0)
            e->ports[proto * PORTS + n] = 1;
    }
}

static int add_spec(struct eval *e, const char *spec, struct mb_buf *shown,
                    struct mb_error *err)
{
    const char *colon = strrchr(spec, ':');
    _cleanup_free_ char *port = mb_xstrdup(colon ? colon + 1 : spec);
    char *slash = strchr(port, '/');
    uint64_t first, last;
    size_t proto = 0;

    if (slash) {
        *slash = '\0';
        if (slash[1] && proto_index(slash + 1, &proto, err) < 0)
            return -1;
    }
    if (!*port)
        return mb_fail(err, MB_ERR_INVALID, "no port specified: %.100s<empty>", spec);
    if (parse_range(port, &first, &last, err) < 0
        || eval_spend(e, (size_t)(last - first + 1) * sizeof("65535/tcp"), err) < 0)
        return -1;
    for (uint64_t n = first; n <= last; n++) {
        _cleanup_free_ char *name = mb_xasprintf("%u/%s", (unsigned)n, protos[proto]);

        mb_buf_addf(shown, "%s%s", shown->len > SHOWN_PREFIX_LEN ? " " : "", name);
        if (!e->ports[proto * PORTS + n])
            mb_strv_add(&e->r.config.exposed_ports, name);
        e->ports[proto * PORTS + n] = 1;
    }
    return 0;
}

int eval_expose(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    const struct expand x = {.escape = e->f->escape,
                             .get = eval_lookup,
                             .unset = eval_unset,
                             .arg = e,
                             .work = &e->work};
    _cleanup_strv_ struct mb_strv specs = {0};
    _cleanup_buf_ struct mb_buf shown = MB_BUF_INIT(MB_EVAL_BYTES_MAX);

    for (size_t i = 0; i < in->args.n; i++)
        if (expand_words(&x, in->args.v[i], &specs, err) < 0)
            return -1;
    load_ports(e);
    mb_buf_add_str(&shown, SHOWN_PREFIX);
    for (size_t i = 0; i < specs.n; i++)
        if (add_spec(e, specs.v[i], &shown, err) < 0)
            return -1;
    mb_buf_add_byte(&shown, ']');
    if (mb_buf_check(&shown, "EXPOSE", err) < 0)
        return -1;
    return eval_history(e, shown.data, true, err);
}
