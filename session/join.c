/* SPDX-License-Identifier: Apache-2.0 */
#include "session/join.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/loop.h"
#include "net/peer_socket.h"
#include "proto/kinds.h"
#include "proto/session.h"

#define JOIN_DEADLINE_MSEC 10000
#define MEMBERSHIP_BYTES_MAX (16 * MB_KIB)

/* --- the exchange --- */

struct exchange {
    struct mb_loop *loop;
    struct mb_peer_client *peer;
    const struct mb_keypair *own;
    const char *name;
    char *given_name;
    bool ok;
    struct mb_error error;
};

static void finish(struct exchange *x, enum mb_errc code, const char *text)
{
    mb_fail(&x->error, code, "%s", text);
    mb_loop_stop(x->loop);
}

static void send_join(struct exchange *x)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_GREETING_BYTES_MAX);
    struct mb_join_request req = {
        .public_key = {(void *)(uintptr_t)x->own->public_key, MB_KEY_LEN},
        .name = (char *)(uintptr_t)x->name,
    };

    mb_wire_encode(&mb_join_request_schema, &req, &out);
    if (mb_peer_client_send(x->peer, MB_KIND_JOIN, out.data, out.len, &x->error) < 0)
        mb_loop_stop(x->loop);
}

static void on_message(uint8_t version, uint8_t kind, const void *data, size_t len,
                       void *arg)
{
    struct exchange *x = arg;
    struct mb_join_reply reply = {0};
    struct mb_refused refused = {0};

    if (version != MB_PROTOCOL_VERSION) {
        finish(x, MB_ERR_PROTOCOL,
               "the coordinator speaks another protocol version; upgrade the older of "
               "the two");
    } else if (kind == MB_KIND_JOINED
               && mb_wire_decode(&mb_join_reply_schema, data, len, &reply, &x->error)
                      == 0) {
        x->given_name = steal_ptr(reply.name);
        x->ok = true;
        mb_loop_stop(x->loop);
    } else if (kind == MB_KIND_REFUSED
               && mb_wire_decode(&mb_refused_schema, data, len, &refused, &x->error)
                      == 0) {
        finish(x, (enum mb_errc)refused.code,
               refused.message ? refused.message : "refused");
    }
    mb_wire_done(&mb_join_reply_schema, &reply);
    mb_wire_done(&mb_refused_schema, &refused);
}

static void on_event(enum mb_peer_event ev, const char *detail _unused_, void *arg)
{
    struct exchange *x = arg;

    if (ev == MB_PEER_CONNECTED)
        send_join(x);
    else if (ev == MB_PEER_REFUSED)
        finish(x, MB_ERR_DENIED,
               "the coordinator refused the join string: its token is unknown, expired "
               "or used "
               "already; ask for a new one (mbcluster-coordinator token)");
    else if (ev == MB_PEER_BAD_SERVER)
        finish(x, MB_ERR_DENIED,
               "the coordinator's key is not the one in the join string (wrong server "
               "key); take "
               "a new string from the coordinator you mean");
}

static void on_deadline(void *arg)
{
    finish(
        arg, MB_ERR_UNAVAILABLE,
        "no answer within 10 s; is the coordinator running and its address reachable?");
}

static int run_exchange(const struct mb_join *j, const struct mb_keypair *own,
                        const char *name, char **ret_name, struct mb_error *err)
{
    static const struct mb_peer_client_ops ops = {on_message, on_event};
    struct exchange x = {.own = own, .name = name};

    x.loop = mb_loop_new();
    mb_loop_add_once(x.loop, JOIN_DEADLINE_MSEC, on_deadline, &x);
    if (mb_peer_client_new(x.loop, j->address, j->server_key, &j->token, &ops, &x,
                           &x.peer, &x.error)
        == 0)
        mb_loop_run(x.loop);
    mb_peer_client_free(x.peer);
    mb_loop_free(x.loop);
    if (!x.ok) {
        *err = x.error;
        return mb_wrap(err, "join %s", j->address);
    }
    *ret_name = x.given_name;
    return 0;
}

/* --- the directory --- */

struct stored {
    char *address, *server_key, *name;
};

static const struct mb_json_field stored_fields[] = {
    {"address", MB_JSON_STR, offsetof(struct stored, address), true},
    {"server_key", MB_JSON_STR, offsetof(struct stored, server_key), true},
    {"name", MB_JSON_STR, offsetof(struct stored, name), false},
};

static void stored_done(struct stored *s)
{
    free(s->address);
    free(s->server_key);
    free(s->name);
}

static int read_stored(const char *path, struct stored *ret, struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MEMBERSHIP_BYTES_MAX);
    _cleanup_json_ json_t *obj = NULL;

    if (mb_read_file(AT_FDCWD, path, &text, err) < 0
        || mb_json_parse(text.data, text.len, MEMBERSHIP_BYTES_MAX, &obj, err) < 0)
        return -1;
    return mb_json_read(obj, stored_fields, ARRAY_SIZE(stored_fields), ret, err);
}

int mb_membership_load(const char *dir, struct mb_membership *ret, struct mb_error *err)
{
    _cleanup_free_ char *key_path = mb_xasprintf("%s/key", dir);
    _cleanup_free_ char *path = mb_xasprintf("%s/coordinator", dir);
    _cleanup_(stored_done) struct stored s = {0};
    struct mb_membership m = {0};

    if (read_stored(path, &s, err) < 0 || mb_keypair_load(key_path, &m.keys, err) < 0
        || mb_unhex(s.server_key, m.server_key, MB_KEY_LEN, err) < 0)
        return mb_wrap(err, "membership in %s", dir);
    if (strlen(s.address) > MB_ADDRESS_LEN_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "%s: the address is too long", path);
    snprintf(m.address, sizeof(m.address), "%s", s.address);
    *ret = m;
    return 0;
}

static int store(const char *dir, const struct mb_membership *m, const char *name,
                 struct mb_error *err)
{
    _cleanup_free_ char *key_path = mb_xasprintf("%s/key", dir);
    _cleanup_free_ char *path = mb_xasprintf("%s/coordinator", dir);
    _cleanup_json_ json_t *obj = json_object();
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(MEMBERSHIP_BYTES_MAX);
    char hex[2 * MB_KEY_LEN + 1];

    mb_hex(m->server_key, MB_KEY_LEN, hex);
    json_object_set_new(obj, "address", json_string(m->address));
    json_object_set_new(obj, "server_key", json_string(hex));
    json_object_set_new(obj, "name", json_string(name));
    mb_json_write(obj, 2, false, &text);
    mb_buf_add_byte(&text, '\n');
    if (mb_mkdir_p(AT_FDCWD, dir, 0700, err) < 0
        || mb_keypair_save(key_path, &m->keys, err) < 0)
        return -1;
    return mb_write_file(AT_FDCWD, path, text.data, text.len, 0600, err);
}

int mb_membership_join(const char *dir, const char *join_string, const char *name,
                       struct mb_membership *ret, struct mb_error *err)
{
    _cleanup_free_ char *given = NULL;
    struct mb_membership m = {0}, old = {0};
    struct mb_join j = {0};
    struct mb_error none;

    if (mb_join_decode(join_string, &j, err) < 0)
        return -1;
    if (mb_membership_load(dir, &old, &none) == 0
        && memcmp(old.server_key, j.server_key, MB_KEY_LEN) == 0) {
        memcpy(old.address, j.address, sizeof(old.address));
        *ret = old;
        return 0;
    }
    mb_keypair_new(&m.keys);
    memcpy(m.server_key, j.server_key, MB_KEY_LEN);
    memcpy(m.address, j.address, sizeof(m.address));
    if (run_exchange(&j, &m.keys, name, &given, err) < 0
        || store(dir, &m, given, err) < 0)
        return -1;
    *ret = m;
    return 0;
}
