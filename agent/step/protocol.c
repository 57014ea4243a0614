/* SPDX-License-Identifier: Apache-2.0 */
#include "step/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/mem.h"

#define F(s, m, t, ...)                                                        \
    {                                                                          \
        .name = #m, .type = MB_WIRE_##t, .offset = offsetof(s, m), __VA_ARGS__ \
    }
#define SCHEMA(text, s, table)                                        \
    {                                                                 \
        .name = text, .fields = table, .n_fields = ARRAY_SIZE(table), \
        .size = sizeof(s)                                             \
    }
#define STATE_BYTES_MAX (MB_LAYERS_MAX * sizeof(struct mb_digest))
#define NAME_MAX_LEN 255

static const struct mb_wire_field init_fields[] = {
    F(struct step_init, runtime, STR, .max = MB_PATH_LEN_MAX, .required = true),
    F(struct step_init, qemu_dir, STR, .max = MB_PATH_LEN_MAX, .required = true),
    F(struct step_init, emulate, BOOL),
};
const struct mb_wire_schema step_init_schema =
    SCHEMA("step init", struct step_init, init_fields);

/* What an operation needs of a step; the rest stays with the agent. */
static const struct mb_wire_field step_fields[] = {
    F(struct mb_step, argv, STRV),
    F(struct mb_step, env, STRV),
    F(struct mb_step, cwd, STR, .max = MB_PATH_LEN_MAX),
    F(struct mb_step, user, STR, .max = NAME_MAX_LEN),
    F(struct mb_step, network, STR, .max = 32),
    F(struct mb_step, paths, STRV),
    F(struct mb_step, excludes, STRV),
    F(struct mb_step, dest, STR, .max = MB_PATH_LEN_MAX),
    F(struct mb_step, chown, STR, .max = NAME_MAX_LEN),
    F(struct mb_step, chmod, STR, .max = NAME_MAX_LEN),
    F(struct mb_step, files, STRV),
    F(struct mb_step, unpack, BOOL),
    F(struct mb_step, hosts, STRV),
    F(struct mb_step, ulimits, STRV),
    F(struct mb_step, shm_bytes, U64, .max = INT64_MAX),
    F(struct mb_step, link, BOOL),
    F(struct mb_step, parents, BOOL),
    F(struct mb_step, mounts, LIST, .offset_n = offsetof(struct mb_step, n_mounts),
      .sub = &mb_step_mount_schema, .max = MB_MOUNTS_MAX),
    F(struct mb_step, insecure, BOOL),
};
static const struct mb_wire_schema step_schema =
    SCHEMA("step", struct mb_step, step_fields);

static const struct mb_wire_field source_fields[] = {
    F(struct step_source, layers, BYTES, .max = STATE_BYTES_MAX),
};
static const struct mb_wire_schema source_schema =
    SCHEMA("source", struct step_source, source_fields);

static const struct mb_wire_field request_fields[] = {
    F(struct step_request, op, U64, .max = STEP_OP_MAX, .required = true),
    F(struct step_request, work, STR, .max = NAME_MAX_LEN),
    F(struct step_request, diff_id, DIGEST),
    F(struct step_request, state, BYTES, .max = STATE_BYTES_MAX),
    F(struct step_request, source, BYTES, .max = STATE_BYTES_MAX),
    F(struct step_request, step, STRUCT, .sub = &step_schema),
    F(struct step_request, platform, PLATFORM),
    F(struct step_request, resolv_conf, STR, .max = STEP_RESOLV_BYTES_MAX),
    F(struct step_request, clamp_mtime, BOOL),
    F(struct step_request, max_mtime_sec, I64),
    F(struct step_request, sources, LIST,
      .offset_n = offsetof(struct step_request, n_sources), .sub = &source_schema,
      .max = MB_STEPS_MAX),
};
const struct mb_wire_schema step_request_schema =
    SCHEMA("step request", struct step_request, request_fields);

static const struct mb_wire_field platform_fields[] = {
    F(struct mb_agent_platform, platform, PLATFORM, .required = true),
    F(struct mb_agent_platform, emulated, BOOL),
    F(struct mb_agent_platform, via, STR, .max = 32),
    F(struct mb_agent_platform, slowdown_x100, U64),
};
static const struct mb_wire_schema platform_schema =
    SCHEMA("platform", struct mb_agent_platform, platform_fields);

static const struct mb_wire_field reply_fields[] = {
    F(struct step_reply, code, U64, .max = 255),
    F(struct step_reply, sys_errno, U64, .max = 4095),
    F(struct step_reply, message, STR, .max = MB_ERROR_TEXT_MAX),
    F(struct step_reply, work, STR, .max = NAME_MAX_LEN),
    F(struct step_reply, exit, U64, .max = 255),
    F(struct step_reply, emulated, BOOL),
    F(struct step_reply, yes, BOOL),
    F(struct step_reply, platforms, LIST,
      .offset_n = offsetof(struct step_reply, n_platforms), .sub = &platform_schema,
      .max = MB_PLATFORMS_MAX),
    F(struct step_reply, qemu_version, STR, .max = 64),
};
const struct mb_wire_schema step_reply_schema =
    SCHEMA("step reply", struct step_reply, reply_fields);

void step_reply_set_error(struct step_reply *r, const struct mb_error *e)
{
    mb_wire_done(&step_reply_schema, r);
    r->code = e->code;
    r->sys_errno = e->sys_errno > 0 ? (uint64_t)e->sys_errno : 0;
    r->message = mb_xstrdup(e->msg);
}

int step_reply_check(const struct step_reply *r, struct mb_error *err)
{
    if (r->code == MB_OK)
        return 0;
    mb_fail(err, (enum mb_errc)r->code, "%s",
            r->message ? r->message : "no reason given");
    err->sys_errno = (int)r->sys_errno;
    return -1;
}

int step_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds,
              struct mb_error *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * STEP_FDS_MAX)];
    } control;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (n_fds > 0) {
        memset(&control, 0, sizeof(control));
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 0;
    if (errno == EPIPE || errno == ECONNRESET)
        return mb_fail(err, MB_ERR_UNAVAILABLE, "the other side is gone");
    if (errno == EMSGSIZE)
        return mb_fail(err, MB_ERR_LIMIT, "a message of %zu bytes is too long", len);
    return mb_fail_errno(err, "send a message");
}

int step_send_msg(int sock, const struct mb_wire_schema *s, const void *msg,
                  const int *fds, size_t n_fds, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(STEP_MSG_BYTES_MAX);

    mb_wire_encode(s, msg, &b);
    int rc = mb_buf_check(&b, s->name, err);
    if (rc == 0)
        rc = step_send(sock, b.data, b.len, fds, n_fds, err);
    if (b.data)
        explicit_bzero(b.data, b.len); /* there may be secrets in it */
    return rc;
}

static void take_fds(struct msghdr *m, int fds[STEP_FDS_MAX])
{
    size_t got = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (got < STEP_FDS_MAX)
                fds[got++] = fd;
            else
                close(fd);
        }
    }
}

int step_recv(int sock, void **ret, size_t *ret_len, int fds[STEP_FDS_MAX],
              struct mb_error *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * STEP_FDS_MAX)];
    } control;
    ssize_t n;

    for (size_t i = 0; i < STEP_FDS_MAX; i++)
        fds[i] = -1;
    do
        n = recv(sock, NULL, 0, MSG_PEEK | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET)
        return mb_fail_errno(err, "receive a message");
    if (n < 0)
        n = 0;
    if ((uint64_t)n > STEP_MSG_BYTES_MAX)
        return mb_fail(err, MB_ERR_PROTOCOL, "a message of %zd bytes is too long", n);

    _cleanup_free_ char *data = mb_xcalloc(1, (size_t)n + 1);
    struct iovec iov = {.iov_base = data, .iov_len = (size_t)n + 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof(control.bytes);
    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET)
        return mb_fail_errno(err, "receive a message");
    if (n >= 0)
        take_fds(&m, fds);
    *ret_len = n > 0 ? (size_t)n : 0;
    *ret = steal_ptr(data);
    return 0;
}

int step_socketpair(int ret[2], struct mb_error *err)
{
    const int bytes = (int)STEP_MSG_BYTES_MAX;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
        return mb_fail_errno(err, "create a socket pair");
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    return 0;
}
