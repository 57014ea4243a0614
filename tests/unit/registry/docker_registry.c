/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/registry/docker_registry.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "tests/unit/registry/fake_http.h"

#define PROGRAM "docker-registry"
#define START_SEC 20

bool docker_registry_is_there(void)
{
    struct mb_spawn s = MB_SPAWN_INIT;
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(4096);
    struct mb_error err;
    int status, r;

    mb_strv_add(&s.argv, PROGRAM);
    mb_strv_add(&s.argv, "--version");
    r = mb_spawn_output(&s, &out, &status, &err);
    mb_spawn_done(&s);
    if (r < 0)
        printf(PROGRAM " is not installed: skipped\n");
    return r == 0;
}

static char *write_config(const char *dir, const char *host, const char *htpasswd)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(4096);
    char *path = mb_xasprintf("%s/registry.yml", dir);
    struct mb_error err;

    mb_buf_addf(&text,
                "version: 0.1\n"
                "log: {level: error, accesslog: {disabled: true}}\n"
                "storage: {filesystem: {rootdirectory: %s/registry}}\n"
                "http: {addr: '%s'}\n",
                dir, host);
    if (htpasswd)
        mb_buf_addf(&text, "auth: {htpasswd: {realm: test, path: %s}}\n", htpasswd);
    BUG_ON(mb_write_file(AT_FDCWD, path, text.data, text.len, 0600, &err) < 0);
    return path;
}

static bool answers(unsigned port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

    close(fd);
    return ok;
}

void docker_registry_start(struct docker_registry *r, const char *dir,
                           const char *htpasswd)
{
    struct mb_spawn s = MB_SPAWN_INIT;
    unsigned port = fake_free_port();
    uint64_t end = mb_now_usec() + START_SEC * MB_USEC_PER_SEC;
    _cleanup_free_ char *config = NULL;
    struct mb_error err;

    snprintf(r->host, sizeof(r->host), "127.0.0.1:%u", port);
    config = write_config(dir, r->host, htpasswd);
    mb_strv_add(&s.argv, PROGRAM);
    mb_strv_add(&s.argv, "serve");
    mb_strv_add(&s.argv, config);
    BUG_ON(mb_spawn(&s, &r->pid, NULL, &err) < 0);
    mb_spawn_done(&s);
    while (!answers(port)) {
        BUG_ON(mb_now_usec() > end);
        poll(NULL, 0, 10);
    }
}

void docker_registry_stop(struct docker_registry *r)
{
    struct mb_error err;
    int status;

    if (r->pid <= 0)
        return;
    kill(r->pid, SIGKILL);
    BUG_ON(mb_spawn_wait(r->pid, &status, &err) < 0);
    r->pid = 0;
}
