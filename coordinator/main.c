/* SPDX-License-Identifier: Apache-2.0 */
/* mbcluster-coordinator - options, the token subcommand, and the loop. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/coordinator.h"
#include "coordinator/peers.h"
#include "net/loop.h"

static const char usage_text[] =
    "Usage: mbcluster-coordinator [OPTIONS]\n"
    "       mbcluster-coordinator token --role agent|client|admin [OPTIONS]\n"
    "\n"
    "Decide what is built where, keep the blobs, talk to the registries.\n"
    "\n"
    "Options:\n"
    "  --listen ADDRESS    control channel (default tcp://127.0.0.1:7480)\n"
    "  --http HOST:PORT    blob endpoint (default 127.0.0.1:7481)\n"
    "  --state-dir DIR     keys, blobs, cache (default /var/lib/mbcluster)\n"
    "  --config FILE       config.toml with registries (default DIR/config.toml)\n"
    "  --debug             log more\n"
    "  --help, --version\n"
    "\n"
    "token: print a join string for a new peer\n"
    "  --role ROLE         agent, client or admin\n"
    "  --address ADDRESS   how peers reach the coordinator (default: where it "
    "listens)\n"
    "  --reusable          any number of peers may join with it (default: one)\n"
    "  --expires SECONDS   (default 86400; 0: never)\n"
    "\n"
    "Examples:\n"
    "  mbcluster-coordinator --listen tcp://0.0.0.0:7480 --http 10.0.0.5:7481 "
    "--state-dir /srv/mb\n"
    "  mbcluster-coordinator token --state-dir /srv/mb --role agent\n";

enum { EXIT_USAGE = 2 };
#define EXPIRES_SEC_DEFAULT 86400
#define EXPIRES_SEC_MAX (UINT64_C(100) * 365 * 86400)
#define ADDRESS_FILE "address"

struct options {
    const char *listen, *http, *state_dir, *config, *role, *address;
    uint64_t expires_sec;
    bool token, reusable, debug;
};

static int usage_error(const char *text)
{
    fprintf(stderr, "mbcluster-coordinator: %s\nTry: mbcluster-coordinator --help\n",
            text);
    return -1;
}

/* 0 go on, 1 done, -1 usage error. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"listen", required_argument, NULL, 'l'},
        {"http", required_argument, NULL, 'H'},
        {"state-dir", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"role", required_argument, NULL, 'r'},
        {"address", required_argument, NULL, 'a'},
        {"reusable", no_argument, NULL, 'R'},
        {"one-time", no_argument, NULL, 'O'},
        {"expires", required_argument, NULL, 'e'},
        {"debug", no_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    struct mb_error err;
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case 'l':
            o->listen = optarg;
            break;
        case 'H':
            o->http = optarg;
            break;
        case 'd':
            o->state_dir = optarg;
            break;
        case 'c':
            o->config = optarg;
            break;
        case 'r':
            o->role = optarg;
            break;
        case 'a':
            o->address = optarg;
            break;
        case 'R':
            o->reusable = true;
            break;
        case 'O':
            o->reusable = false;
            break;
        case 'D':
            o->debug = true;
            break;
        case 'e':
            if (mb_parse_u64(optarg, EXPIRES_SEC_MAX, &o->expires_sec, &err) < 0)
                return usage_error("--expires wants a number of seconds");
            break;
        case 'h':
            fputs(usage_text, stdout);
            return 1;
        case 'V':
            puts("mbcluster-coordinator " MB_VERSION);
            return 1;
        default:
            return usage_error("see the message above");
        }
    }
    if (optind < argc)
        return usage_error("unexpected argument (the only subcommand is token)");
    return 0;
}

/* --- token --- */

/* Where the running (or last) coordinator listened. */
static char *known_address(const struct options *o)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/" ADDRESS_FILE, o->state_dir);
    struct mb_buf text = MB_BUF_INIT(MB_ADDRESS_LEN_MAX);
    struct mb_error err;

    if (o->address)
        return mb_xstrdup(o->address);
    if (mb_read_file(AT_FDCWD, path, &text, &err) < 0) {
        mb_buf_done(&text);
        return mb_xstrdup(o->listen);
    }
    return mb_buf_steal(&text);
}

/* A string that says "everywhere" leads its reader to itself. */
static int check_address(const char *address, struct mb_error *err)
{
    static const char *const everywhere[] = {
        "tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"};

    for (size_t i = 0; i < ARRAY_SIZE(everywhere); i++)
        if (mb_starts_with(address, everywhere[i]))
            return mb_fail(err, MB_ERR_INVALID,
                           "the coordinator listens on all addresses (%s): say which "
                           "one peers use with --address tcp://HOST:PORT",
                           address);
    if (mb_address_check(address, err) < 0)
        return mb_wrap(err, "--address '%s'", address);
    return 0;
}

static int print_token(const struct options *o, struct mb_error *err)
{
    _cleanup_free_ char *dir = mb_xasprintf("%s/keys", o->state_dir);
    _cleanup_free_ char *address = known_address(o);
    _cleanup_free_ char *join = NULL;
    enum mb_role role;

    if (mb_role_parse(o->role ? o->role : "", &role, err) < 0)
        return mb_wrap(err, "--role");
    if (check_address(address, err) < 0)
        return -1;
    if (peers_new_token(dir, role, o->reusable, o->expires_sec, address, &join, err)
        < 0)
        return -1;
    puts(join);
    return 0;
}

/* --- serving --- */

static void on_signal(int signo _unused_, void *arg)
{
    mb_loop_stop(arg);
}

static int note_address(const struct options *o, const char *endpoint,
                        struct mb_error *err)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/" ADDRESS_FILE, o->state_dir);

    return mb_write_file(AT_FDCWD, path, endpoint, strlen(endpoint), 0600, err);
}

static int serve(const struct options *o, struct mb_error *err)
{
    _cleanup_(mb_loop_freep) struct mb_loop *loop = mb_loop_new();
    _cleanup_(coordinator_freep) struct coordinator *c = NULL;
    _cleanup_free_ char *config = o->config
                                      ? mb_xstrdup(o->config)
                                      : mb_xasprintf("%s/config.toml", o->state_dir);
    struct coordinator_opts opts = {
        .state_dir = o->state_dir,
        .listen = o->listen,
        .http = o->http,
        .config = config,
    };

    if (o->config && access(o->config, R_OK) < 0)
        return mb_fail_errno(err, "--config %s", o->config);
    if (mb_loop_on_signal(loop, on_signal, loop, err) < 0
        || coordinator_new(loop, &opts, &c, err) < 0
        || note_address(o, coordinator_endpoint(c), err) < 0)
        return -1;
    mb_loop_run(loop);
    mb_log(MB_LOG_NOTICE, "coordinator_stopping", "state_dir=\"%s\"", o->state_dir);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {
        .listen = "tcp://127.0.0.1:7480",
        .http = "127.0.0.1:7481",
        .state_dir = "/var/lib/mbcluster",
        .expires_sec = EXPIRES_SEC_DEFAULT,
    };
    struct mb_error err;
    int r;

    if (argc > 1 && strcmp(argv[1], "token") == 0) {
        o.token = true;
        argv++;
        argc--;
    }
    r = parse_options(argc, argv, &o);
    if (r != 0)
        return r > 0 ? 0 : EXIT_USAGE;
    mb_log_set_level(o.debug ? MB_LOG_DEBUG : MB_LOG_INFO);
    mb_net_init();
    r = o.token ? print_token(&o, &err) : serve(&o, &err);
    if (r < 0)
        fprintf(stderr, "mbcluster-coordinator: %s\n", err.msg);
    return r < 0;
}
