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

/* malloc'ed path of a file with that text in @dir. */
static char *write_text(const char *dir, const char *name, const char *text)
{
    char *path = mb_xasprintf("%s/%s", dir, name);
    struct mb_error err;
    int r = mb_write_file(AT_FDCWD, path, text, strlen(text), 0600, &err);

    BUG_ON(r < 0);
    return path;
}

static char *write_config(const char *dir, const char *host, const char *users)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(4096);

    mb_buf_addf(&text,
                "version: 0.1\n"
                "log: {level: error, accesslog: {disabled: true}}\n"
                "storage: {filesystem: {rootdirectory: %s/registry}}\n"
                "http: {addr: '%s'}\n",
                dir, host);
    if (users) {
        _cleanup_free_ char *path = write_text(dir, "htpasswd", users);

        mb_buf_addf(&text, "auth: {htpasswd: {realm: test, path: %s}}\n", path);
    }
    return write_text(dir, "registry.yml", text.data);
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
                           const char *users)
{
    struct mb_spawn s = MB_SPAWN_INIT;
    unsigned port = fake_free_port();
    uint64_t end = mb_now_usec() + START_SEC * MB_USEC_PER_SEC;
    _cleanup_free_ char *config = NULL;
    _cleanup_free_ char *log = NULL;
    _cleanup_close_ int log_fd = -1;
    struct mb_error err;
    int rc;

    snprintf(r->host, sizeof(r->host), "127.0.0.1:%u", port);
    config = write_config(dir, r->host, users);
    log = write_text(dir, "registry.log", "");
    log_fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
    mb_strv_add(&s.argv, PROGRAM);
    mb_strv_add(&s.argv, "serve");
    mb_strv_add(&s.argv, config);
    s.out_fd = s.err_fd = log_fd;
    rc = mb_spawn(&s, &r->pid, NULL, &err);
    BUG_ON(rc < 0);
    mb_spawn_done(&s);
    while (!answers(port)) {
        BUG_ON(mb_now_usec() > end);
        poll(NULL, 0, 10);
    }
}

void docker_registry_stop(struct docker_registry *r)
{
    struct mb_error err;
    int status, rc;

    if (r->pid <= 0)
        return;
    kill(r->pid, SIGKILL);
    rc = mb_spawn_wait(r->pid, &status, &err);
    BUG_ON(rc < 0);
    r->pid = 0;
}
