/* SPDX-License-Identifier: Apache-2.0 */
#include "net/keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "base/bug.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"

#define Z85_KEY_SIZE 41
#define KEY_FILE_BYTES_MAX 128

#define JOIN_PREFIX "mbc1-"
#define JOIN_VERSION 1
#define JOIN_FIXED_BYTES (2 + 2 * MB_KEY_LEN)
#define JOIN_BYTES_MAX (JOIN_FIXED_BYTES + MB_ADDRESS_LEN_MAX)
#define JOIN_TEXT_MAX (sizeof(JOIN_PREFIX) + (JOIN_BYTES_MAX * 4 + 2) / 3)

static const char *const role_names[] = {
    [MB_ROLE_CLIENT] = "client",
    [MB_ROLE_AGENT] = "agent",
    [MB_ROLE_ADMIN] = "admin",
};

const char *mb_role_name(enum mb_role role)
{
    unsigned i = (unsigned)role;

    return i < ARRAY_SIZE(role_names) && role_names[i] ? role_names[i] : "unknown";
}

int mb_role_parse(const char *text, enum mb_role *ret, struct mb_error *err)
{
    for (unsigned i = MB_ROLE_CLIENT; i < ARRAY_SIZE(role_names); i++) {
        if (strcmp(text, role_names[i]) == 0) {
            *ret = (enum mb_role)i;
            return 0;
        }
    }
    return mb_fail(err, MB_ERR_INVALID, "'%s' is not a role: client, agent or admin",
                   text);
}

/* libzmq speaks Z85 here. */
static void derive_public(struct mb_keypair *k)
{
    char secret[Z85_KEY_SIZE], public[Z85_KEY_SIZE];
    uint8_t *ok = NULL;
    int rc = -1;

    if (zmq_z85_encode(secret, k->secret_key, MB_KEY_LEN))
        rc = zmq_curve_public(public, secret);
    explicit_bzero(secret, sizeof(secret));
    if (rc == 0)
        ok = zmq_z85_decode(k->public_key, public);
    BUG_ON(!ok); /* libzmq without CURVE */
}

void mb_keypair_new(struct mb_keypair *ret)
{
    mb_random_bytes(ret->secret_key, MB_KEY_LEN);
    derive_public(ret);
}

void mb_keypair_clear(struct mb_keypair *k)
{
    explicit_bzero(k, sizeof(*k));
}

static int open_secret(const char *path, int *ret, struct mb_error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return mb_fail_errno(err, "open key %s", path);
    if (!S_ISREG(st.st_mode))
        return mb_fail(err, MB_ERR_INVALID, "key %s is not a file", path);
    if (st.st_mode & 077)
        return mb_fail(
            err, MB_ERR_DENIED,
            "key %s may be read by others (mode %04o): chmod 600 it, or make a new "
            "one if others may have seen it",
            path, (unsigned)(st.st_mode & 07777));
    *ret = steal_fd(&fd);
    return 0;
}

int mb_keypair_load(const char *path, struct mb_keypair *ret, struct mb_error *err)
{
    char text[KEY_FILE_BYTES_MAX];
    _cleanup_close_ int fd = -1;
    struct mb_keypair k;
    ssize_t n;
    int rc;

    if (open_secret(path, &fd, err) < 0)
        return -1;
    n = mb_read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return mb_fail_errno(err, "read key %s", path);
    if (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = '\0';
    rc = strlen(text) == (size_t)n ? mb_unhex(text, k.secret_key, MB_KEY_LEN, err) : -1;
    explicit_bzero(text, sizeof(text));
    if (rc < 0) /* whose message may hold the secret */
        return mb_fail(err, MB_ERR_INVALID, "key %s is not one line of 64 hex digits",
                       path);
    derive_public(&k);
    *ret = k;
    mb_keypair_clear(&k);
    return 0;
}

int mb_keypair_save(const char *path, const struct mb_keypair *k, struct mb_error *err)
{
    char text[2 * MB_KEY_LEN + 2];
    int rc;

    mb_hex(k->secret_key, MB_KEY_LEN, text);
    text[2 * MB_KEY_LEN] = '\n';
    rc = mb_write_file(AT_FDCWD, path, text, 2 * MB_KEY_LEN + 1, 0600, err);
    explicit_bzero(text, sizeof(text));
    return rc;
}

int mb_address_check(const char *address, struct mb_error *err)
{
    const char *host = address + strlen("tcp://"), *port;
    struct mb_error ignored;
    uint64_t n = 0;

    if (strlen(address) > MB_ADDRESS_LEN_MAX)
        return mb_fail(err, MB_ERR_INVALID, "the address is over %d bytes",
                       MB_ADDRESS_LEN_MAX);
    for (const char *c = address; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == ';' || *c == '*')
            return mb_fail(err, MB_ERR_INVALID,
                           "the address has a byte that is not allowed");
    port = strrchr(address, ':');
    if (!mb_starts_with(address, "tcp://") || !port || port <= host
        || mb_parse_u64(port + 1, UINT16_MAX, &n, &ignored) < 0 || n == 0)
        return mb_fail(err, MB_ERR_INVALID, "the address is not tcp://HOST:PORT");
    return 0;
}

char *mb_join_encode(const struct mb_join *j)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(JOIN_BYTES_MAX);
    _cleanup_free_ char *text = NULL;
    char *ret;

    mb_buf_add_byte(&b, JOIN_VERSION);
    mb_buf_add_byte(&b, (unsigned char)j->role);
    mb_buf_add(&b, j->server_key, MB_KEY_LEN);
    mb_buf_add(&b, j->token.secret_key, MB_KEY_LEN);
    mb_buf_add_str(&b, j->address);
    BUG_ON(b.overflow);
    text = mb_base64url(b.data, b.len);
    ret = mb_xasprintf(JOIN_PREFIX "%s", text);
    explicit_bzero(b.data, b.len);
    explicit_bzero(text, strlen(text));
    return ret;
}

/* The bytes behind the prefix. */
static int unpack(const struct mb_buf *b, struct mb_join *ret, struct mb_error *err)
{
    const uint8_t *p = (const uint8_t *)b->data;
    struct mb_join j = {0};

    if (b->len > 0 && p[0] != JOIN_VERSION)
        return mb_fail(err, MB_ERR_INVALID, "it is for another version of mbcluster");
    if (b->len <= JOIN_FIXED_BYTES)
        return mb_fail(err, MB_ERR_INVALID, "it is cut short");
    if (p[1] < MB_ROLE_CLIENT || p[1] > MB_ROLE_ADMIN)
        return mb_fail(err, MB_ERR_INVALID, "its role is unknown");
    j.role = (enum mb_role)p[1];
    memcpy(j.server_key, p + 2, MB_KEY_LEN);
    memcpy(j.token.secret_key, p + 2 + MB_KEY_LEN, MB_KEY_LEN);
    memcpy(j.address, p + JOIN_FIXED_BYTES, b->len - JOIN_FIXED_BYTES);
    if (strlen(j.address) != b->len - JOIN_FIXED_BYTES)
        return mb_fail(err, MB_ERR_INVALID,
                       "the address has a byte that is not allowed");
    if (mb_address_check(j.address, err) < 0)
        return -1;
    derive_public(&j.token);
    *ret = j;
    explicit_bzero(&j, sizeof(j));
    return 0;
}

static int decode(const char *text, struct mb_join *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(JOIN_BYTES_MAX);
    int rc;

    if (!mb_starts_with(text, JOIN_PREFIX))
        return mb_fail(err, MB_ERR_INVALID, "it does not begin with " JOIN_PREFIX);
    if (strnlen(text, JOIN_TEXT_MAX) == JOIN_TEXT_MAX)
        return mb_fail(err, MB_ERR_INVALID, "it is too long");
    if (mb_unbase64url(text + strlen(JOIN_PREFIX), &b, err) < 0)
        rc = mb_fail(err, MB_ERR_INVALID,
                     "it has a character that is not allowed or is cut short");
    else
        rc = unpack(&b, ret, err);
    if (b.len > 0)
        explicit_bzero(b.data, b.len);
    return rc;
}

int mb_join_decode(const char *text, struct mb_join *ret, struct mb_error *err)
{
    struct mb_error why;

    if (decode(text, ret, &why) < 0)
        return mb_fail(
            err, MB_ERR_INVALID,
            "not a join string: %s. It looks like " JOIN_PREFIX
            "AQLk... and is printed, on one line, by the coordinator that it is for",
            why.msg);
    return 0;
}
