/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/peers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define ENTRY_BYTES_MAX (4 * MB_KIB)
#define ALLOWED_MAX 4
#define NAME_TRIES 1000

struct allowed {
    uint8_t key[MB_KEY_LEN];
    char user_id[MB_USER_ID_LEN];
};

struct peers {
    char *dir; /* NULL: none */
    struct allowed allowed[ALLOWED_MAX];
    size_t n_allowed;
};

struct peers *peers_new(const char *dir)
{
    struct peers *p = mb_xcalloc(1, sizeof(*p));

    p->dir = mb_xstrdup(dir);
    return p;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    free(p->dir);
    free(p);
}

void peers_allow(struct peers *p, const uint8_t public_key[MB_KEY_LEN],
                 enum mb_role role, const char *name)
{
    BUG_ON(p->n_allowed == ALLOWED_MAX);
    struct allowed *a = &p->allowed[p->n_allowed++];

    memcpy(a->key, public_key, MB_KEY_LEN);
    snprintf(a->user_id, sizeof(a->user_id), "%s:%s", mb_role_name(role), name);
}

int peers_server_key(const char *dir, struct mb_keypair *ret, struct mb_error *err)
{
    _cleanup_free_ char *path = mb_xasprintf("%s/server.key", dir);
    struct mb_keypair k;

    if (mb_keypair_load(path, ret, err) == 0)
        return 0;
    if (err->code != MB_ERR_NOT_FOUND)
        return mb_wrap(err, "the coordinator's key is damaged (bring it back from a "
                            "backup; without it every peer has to join anew)");
    mb_keypair_new(&k);
    if (mb_mkdir_p(AT_FDCWD, dir, 0700, err) < 0 || mb_keypair_save(path, &k, err) < 0)
        return mb_wrap(err, "make the coordinator's key");
    *ret = k;
    return 0;
}

/* --- entries --- */

struct entry {
    char *role, *name;
    uint64_t expires; /* wall seconds; 0 never */
    bool reusable;
};

static const struct mb_json_field entry_fields[] = {
    {"role", MB_JSON_STR, offsetof(struct entry, role), true},
    {"name", MB_JSON_STR, offsetof(struct entry, name), false},
    {"expires", MB_JSON_U64, offsetof(struct entry, expires), false},
    {"reusable", MB_JSON_BOOL, offsetof(struct entry, reusable), false},
};

static void entry_done(struct entry *e)
{
    free(e->role);
    free(e->name);
}

static char *entry_path(const char *dir, const char *kind, const char *hex)
{
    return mb_xasprintf("%s/%s/%s", dir, kind, hex);
}

static int read_entry(const char *dir, const char *kind, const char *hex,
                      struct entry *ret, struct mb_error *err)
{
    _cleanup_free_ char *path = entry_path(dir, kind, hex);
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(ENTRY_BYTES_MAX);
    _cleanup_json_ json_t *obj = NULL;

    if (mb_read_file(AT_FDCWD, path, &text, err) < 0
        || mb_json_parse(text.data, text.len, ENTRY_BYTES_MAX, &obj, err) < 0)
        return -1;
    return mb_json_read(obj, entry_fields, ARRAY_SIZE(entry_fields), ret, err);
}

static int write_entry(const char *dir, const char *kind, const char *hex, json_t *obj,
                       struct mb_error *err)
{
    _cleanup_free_ char *folder = mb_xasprintf("%s/%s", dir, kind);
    _cleanup_free_ char *path = entry_path(dir, kind, hex);
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(ENTRY_BYTES_MAX);

    mb_json_write(obj, 0, false, &text);
    mb_buf_add_byte(&text, '\n');
    if (mb_mkdir_p(AT_FDCWD, folder, 0700, err) < 0)
        return -1;
    return mb_write_file(AT_FDCWD, path, text.data, text.len, 0600, err);
}

/* --- tokens --- */

int peers_new_token(const char *dir, enum mb_role role, bool reusable,
                    uint64_t lifetime_sec, const char *address, char **ret_join,
                    struct mb_error *err)
{
    _cleanup_json_ json_t *obj = json_object();
    struct mb_keypair server;
    struct mb_join j = {.role = role};
    char hex[2 * MB_KEY_LEN + 1];

    if (strlen(address) > MB_ADDRESS_LEN_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "the address is too long: %s", address);
    if (peers_server_key(dir, &server, err) < 0)
        return -1;
    memcpy(j.server_key, server.public_key, MB_KEY_LEN);
    mb_keypair_clear(&server);
    mb_keypair_new(&j.token);
    snprintf(j.address, sizeof(j.address), "%s", address);
    mb_hex(j.token.public_key, MB_KEY_LEN, hex);
    json_object_set_new(obj, "role", json_string(mb_role_name(role)));
    if (lifetime_sec > 0)
        json_object_set_new(obj, "expires",
                            json_integer(mb_wall_sec() + (json_int_t)lifetime_sec));
    json_object_set_new(obj, "reusable", json_boolean(reusable));
    if (write_entry(dir, "tokens", hex, obj, err) < 0)
        return -1;
    *ret_join = mb_join_encode(&j);
    mb_keypair_clear(&j.token);
    return 0;
}

static bool lookup_token(struct peers *p, const char *hex, char *user_id, char *reason,
                         size_t len)
{
    _cleanup_(entry_done) struct entry e = {0};
    struct mb_error err;

    if (read_entry(p->dir, "tokens", hex, &e, &err) < 0) {
        if (err.code == MB_ERR_NOT_FOUND)
            snprintf(reason, len,
                     "unknown key (never joined, or a one-time token used before)");
        else
            snprintf(reason, len, "damaged entry tokens/%.16s...: %s", hex, err.msg);
        return false;
    }
    if (e.expires > 0 && (int64_t)e.expires <= mb_wall_sec()) {
        snprintf(reason, len, "expired token");
        return false;
    }
    snprintf(user_id, MB_USER_ID_LEN, "token:%s:%s", hex, e.role);
    return true;
}

bool peers_lookup(const uint8_t public_key[MB_KEY_LEN],
                  char ret_user_id[MB_USER_ID_LEN], char *ret_reason, size_t reason_len,
                  void *arg)
{
    struct peers *p = arg;
    _cleanup_(entry_done) struct entry e = {0};
    struct mb_error err;
    char hex[2 * MB_KEY_LEN + 1];

    for (size_t i = 0; i < p->n_allowed; i++) {
        if (memcmp(p->allowed[i].key, public_key, MB_KEY_LEN) == 0) {
            snprintf(ret_user_id, MB_USER_ID_LEN, "%s", p->allowed[i].user_id);
            return true;
        }
    }
    if (!p->dir) {
        snprintf(ret_reason, reason_len, "unknown key");
        return false;
    }
    mb_hex(public_key, MB_KEY_LEN, hex);
    if (read_entry(p->dir, "peers", hex, &e, &err) < 0) {
        if (err.code != MB_ERR_NOT_FOUND) {
            snprintf(ret_reason, reason_len, "damaged entry peers/%.16s...: %s", hex,
                     err.msg);
            return false;
        }
    } else if (e.name) {
        snprintf(ret_user_id, MB_USER_ID_LEN, "%s:%.*s", e.role, PEER_NAME_LEN_MAX,
                 e.name);
        return true;
    }
    return lookup_token(p, hex, ret_user_id, ret_reason, reason_len);
}

bool peers_identity(const char *user_id, struct peer_identity *ret)
{
    struct peer_identity id = {0};
    struct mb_error err;
    char role[16];
    const char *colon = strchr(user_id, ':');

    if (!colon)
        return false;
    if (mb_starts_with(user_id, "token:")) {
        const char *end = strchr(colon + 1, ':');
        if (!end || (size_t)(end - colon - 1) != 2 * MB_KEY_LEN)
            return false;
        memcpy(id.token_hex, colon + 1, 2 * MB_KEY_LEN);
        id.is_token = true;
        snprintf(role, sizeof(role), "%s", end + 1);
    } else {
        snprintf(role, sizeof(role), "%.*s", (int)(colon - user_id), user_id);
        snprintf(id.name, sizeof(id.name), "%s", colon + 1);
    }
    if (mb_role_parse(role, &id.role, &err) < 0)
        return false;
    *ret = id;
    return true;
}

/* --- joining --- */

/* A key that is in already stays what it is: nobody takes another's name from it. */
static bool key_is_known(struct peers *p, const char *hex)
{
    _cleanup_free_ char *as_peer = entry_path(p->dir, "peers", hex);
    _cleanup_free_ char *as_token = entry_path(p->dir, "tokens", hex);

    return access(as_peer, F_OK) == 0 || access(as_token, F_OK) == 0;
}

static bool name_is_good(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > PEER_NAME_LEN_MAX - 5)
        return false;
    return strspn(name,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
           == n;
}

static bool name_is_taken(struct peers *p, const char *name)
{
    _cleanup_free_ char *folder = mb_xasprintf("%s/peers", p->dir);
    DIR *d = opendir(folder);
    bool taken = false;

    if (!d)
        return false;
    for (struct dirent *de; !taken && (de = readdir(d));) {
        _cleanup_(entry_done) struct entry e = {0};
        struct mb_error err;
        if (strlen(de->d_name) == 2 * MB_KEY_LEN
            && read_entry(p->dir, "peers", de->d_name, &e, &err) == 0 && e.name)
            taken = strcmp(e.name, name) == 0;
    }
    closedir(d);
    return taken;
}

static char *free_name(struct peers *p, const char *wished)
{
    if (!name_is_taken(p, wished))
        return mb_xstrdup(wished);
    for (unsigned i = 2; i < NAME_TRIES; i++) {
        _cleanup_free_ char *name = mb_xasprintf("%s-%u", wished, i);
        if (!name_is_taken(p, name))
            return steal_ptr(name);
    }
    return NULL;
}

static int consume_token(struct peers *p, const struct peer_identity *token,
                         struct mb_error *err)
{
    _cleanup_(entry_done) struct entry e = {0};
    _cleanup_free_ char *path = entry_path(p->dir, "tokens", token->token_hex);

    if (read_entry(p->dir, "tokens", token->token_hex, &e, err) < 0)
        return mb_fail(err, MB_ERR_DENIED,
                       "the token was used already; ask for a new join string");
    if (e.reusable)
        return 0;
    if (unlink(path) < 0)
        return errno == ENOENT
                   ? mb_fail(err, MB_ERR_DENIED,
                             "the token was used already; ask for a new join string")
                   : mb_fail_errno(err, "revoke the token");
    return 0;
}

int peers_join(struct peers *p, const struct peer_identity *token,
               const void *public_key, size_t key_len, const char *wished,
               char **ret_name, struct mb_error *err)
{
    _cleanup_json_ json_t *obj = json_object();
    _cleanup_free_ char *name = NULL;
    char hex[2 * MB_KEY_LEN + 1];

    if (key_len != MB_KEY_LEN)
        return mb_fail(err, MB_ERR_INVALID, "a public key has %d bytes, not %zu",
                       MB_KEY_LEN, key_len);
    if (!name_is_good(wished))
        return mb_fail(err, MB_ERR_INVALID,
                       "a name is 1 to %d letters, digits, '.', '_' and '-'",
                       PEER_NAME_LEN_MAX - 5);
    if (!p->dir)
        return mb_fail(err, MB_ERR_DENIED, "nobody joins an embedded coordinator");
    mb_hex(public_key, MB_KEY_LEN, hex);
    if (key_is_known(p, hex))
        return mb_fail(err, MB_ERR_DENIED, "this key is another peer's or a token's");
    name = free_name(p, wished);
    if (!name)
        return mb_fail(err, MB_ERR_LIMIT, "too many peers are named %s", wished);
    if (consume_token(p, token, err) < 0)
        return -1;
    json_object_set_new(obj, "role", json_string(mb_role_name(token->role)));
    json_object_set_new(obj, "name", json_string(name));
    if (write_entry(p->dir, "peers", hex, obj, err) < 0)
        return -1;
    *ret_name = steal_ptr(name);
    return 0;
}
