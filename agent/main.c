/* SPDX-License-Identifier: Apache-2.0 */
/* mbcluster-agent - options, joining, and the loop. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/agent.h"
#include "agent/config.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/loop.h"
#include "session/join.h"

#define DEFAULT_STATE_DIR "/var/lib/mbcluster-agent"

static const char usage_text[] =
    "Usage: mbcluster-agent [--join STRING] [OPTIONS]\n"
    "\n"
    "Run build steps for a coordinator. The first start needs a join string from\n"
    "\"mbcluster-coordinator token --role agent\"; later starts remember it.\n"
    "\n"
    "Options:\n"
    "  --config FILE       these options in a file, without \"--\"; flags win\n"
    "                      (default " AGENT_CONFIG_FILE ", if it is there)\n"
    "  --join STRING       join string of the coordinator\n"
    "  --state-dir DIR     keys, blobs and layers (default /var/lib/mbcluster-agent)\n"
    "  --name NAME         how the agent is listed (default: the host's name)\n"
    "  --slots N           tasks at the same time (default: number of cores)\n"
    "  --platform LIST     offer only these platforms\n"
    "  --emulate WHAT      auto (default), none, or a list of platforms\n"
    "  --runtime PATH      OCI runtime (default: crun)\n"
    "  --debug             log more\n"
    "  --help, --version\n"
    "\n"
    "Examples:\n"
    "  mbcluster-agent --join mbc1-AQI... --state-dir /var/lib/mbcluster-agent\n"
    "  mbcluster-agent --state-dir /var/lib/mbcluster-agent --emulate none --slots 2\n"
    "  mbcluster-agent --config lab.toml     # join = \"mbc1-AQI...\", slots = 4\n";

enum { EXIT_USAGE = 2 };

struct options {
    const char *config, *join, *state_dir, *name, *emulate, *runtime;
    uint64_t slots;
    struct mb_platforms platforms;
    bool debug;
};

static int usage_error(const char *what, const char *why)
{
    fprintf(stderr, "mbcluster-agent: %s: %s\nTry: mbcluster-agent --help\n", what,
            why);
    return -1;
}

/* 0 go on, 1 done (help, version), -1 usage error. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"join", required_argument, NULL, 'j'},
        {"state-dir", required_argument, NULL, 'd'},
        {"name", required_argument, NULL, 'n'},
        {"slots", required_argument, NULL, 's'},
        {"platform", required_argument, NULL, 'p'},
        {"emulate", required_argument, NULL, 'e'},
        {"runtime", required_argument, NULL, 'r'},
        {"debug", no_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    struct mb_error err;
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'j':
            o->join = optarg;
            break;
        case 'd':
            o->state_dir = optarg;
            break;
        case 'n':
            o->name = optarg;
            break;
        case 'e':
            o->emulate = optarg;
            break;
        case 'r':
            o->runtime = optarg;
            break;
        case 'D':
            o->debug = true;
            break;
        case 's':
            if (mb_parse_u64(optarg, AGENT_SLOTS_MAX, &o->slots, &err) < 0
                || o->slots == 0)
                return usage_error("--slots needs a number from 1 to 1024, not",
                                   optarg);
            break;
        case 'p':
            if (mb_platforms_parse(optarg, &o->platforms, &err) < 0)
                return usage_error("--platform", err.msg);
            break;
        case 'h':
            fputs(usage_text, stdout);
            return 1;
        case 'V':
            puts("mbcluster-agent " MB_VERSION);
            return 1;
        default:
            return usage_error("options", "see the message above");
        }
    }
    if (optind < argc)
        return usage_error("unexpected argument", argv[optind]);
    return 0;
}

/* What the file says and no flag does; @c keeps what the options then point to. The
 * default file need not be there, nor in a directory that this user may enter. */
static int apply_config(struct options *o, struct agent_config *c, struct mb_error *err)
{
    if (agent_config_read(o->config ? o->config : AGENT_CONFIG_FILE, c, err) < 0) {
        if (o->config || (err->code != MB_ERR_NOT_FOUND && err->code != MB_ERR_DENIED))
            return -1;
        if (err->code == MB_ERR_DENIED)
            mb_log(MB_LOG_WARNING, "config_not_read", "reason=\"%s\"", err->msg);
    }
    o->join = o->join ? o->join : c->join;
    o->name = o->name ? o->name : c->name;
    o->state_dir = o->state_dir ? o->state_dir : c->state_dir;
    o->emulate = o->emulate ? o->emulate : c->emulate;
    o->runtime = o->runtime ? o->runtime : c->runtime;
    o->slots = o->slots ? o->slots : c->slots;
    if (o->platforms.n == 0) {
        mb_platforms_done(&o->platforms);
        o->platforms = c->platforms;
        c->platforms = (struct mb_platforms){0};
    }
    if (!o->state_dir)
        o->state_dir = DEFAULT_STATE_DIR;
    return 0;
}

/* --- running --- */

struct program {
    struct mb_loop *loop;
    int exit_code;
};

static void on_signal(int signo _unused_, void *arg)
{
    struct program *p = arg;

    mb_loop_stop(p->loop);
}

static void on_ended(const struct mb_error *why, void *arg)
{
    struct program *p = arg;

    mb_log(MB_LOG_ERR, "agent_ended", "reason=\"%s\"", why->msg);
    p->exit_code = 1;
    mb_loop_stop(p->loop);
}

/* Another role's string would be used up for a key that makes no agent. */
static int check_role(const char *join_string, struct mb_error *err)
{
    struct mb_join j = {0};

    if (mb_join_decode(join_string, &j, err) < 0)
        return -1;
    if (j.role != MB_ROLE_AGENT)
        return mb_fail(err, MB_ERR_INVALID,
                       "the join string is for the role %s: an agent needs one from "
                       "mbcluster-coordinator token --role agent",
                       mb_role_name(j.role));
    mb_keypair_clear(&j.token);
    return 0;
}

static int find_membership(const struct options *o, struct mb_membership *ret,
                           struct mb_error *err)
{
    _cleanup_free_ char *dir = mb_xasprintf("%s/membership", o->state_dir);
    struct utsname u;

    if (!o->join) {
        if (mb_membership_load(dir, ret, err) == 0)
            return 0;
        return mb_wrap(err, "no --join string was given and there is no earlier one");
    }
    if (check_role(o->join, err) < 0)
        return -1;
    if (uname(&u) < 0)
        return mb_fail_errno(err, "uname");
    return mb_membership_join(dir, o->join, o->name ? o->name : u.nodename, ret, err);
}

static int run(const struct options *o, struct mb_error *err)
{
    _cleanup_(mb_loop_freep) struct mb_loop *loop = mb_loop_new();
    _cleanup_(agent_freep) struct agent *agent = NULL;
    struct program p = {.loop = loop};
    struct mb_membership m = {0};

    if (find_membership(o, &m, err) < 0)
        return -1;
    struct agent_opts opts = {
        .address = m.address,
        .keys = m.keys,
        .state_dir = o->state_dir,
        .runtime = o->runtime,
        .slots = (unsigned)o->slots,
        .platforms = o->platforms.n > 0 ? &o->platforms : NULL,
        .emulate = o->emulate,
    };
    memcpy(opts.server_key, m.server_key, MB_KEY_LEN);
    if (mb_loop_on_signal(loop, on_signal, &p, err) < 0
        || agent_new(loop, &opts, on_ended, &p, &agent, err) < 0)
        return -1;
    mb_log(MB_LOG_NOTICE, "agent_started", "coordinator=%s", m.address);
    mb_loop_run(loop);
    mb_log(MB_LOG_NOTICE, "agent_stopping", "exit=%d", p.exit_code);
    return p.exit_code;
}

int main(int argc, char **argv)
{
    _cleanup_(agent_config_done) struct agent_config config = {0};
    struct options o = {0};
    struct mb_error err;
    int r = parse_options(argc, argv, &o);

    if (r != 0) {
        mb_platforms_done(&o.platforms);
        return r > 0 ? 0 : EXIT_USAGE;
    }
    mb_log_set_level(o.debug ? MB_LOG_DEBUG : MB_LOG_INFO);
    mb_net_init();
    r = apply_config(&o, &config, &err);
    if (r == 0)
        r = run(&o, &err);
    if (r < 0)
        fprintf(stderr, "mbcluster-agent: %s\n", err.msg);
    mb_platforms_done(&o.platforms);
    return r == 0 ? 0 : 1;
}
