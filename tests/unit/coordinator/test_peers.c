/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/peers.h"

#define ADDRESS "tcp://127.0.0.1:7480"

static struct mb_join new_token(const char *dir, bool reusable, uint64_t lifetime_sec)
{
    _cleanup_free_ char *text = NULL;
    struct mb_join j = {0};
    struct mb_error err;

    assert_ok(peers_new_token(dir, MB_ROLE_AGENT, reusable, lifetime_sec, ADDRESS,
                              &text, &err),
              err);
    assert_ok(mb_join_decode(text, &j, &err), err);
    return j;
}

static bool look_up(struct peers *p, const uint8_t key[MB_KEY_LEN],
                    struct peer_identity *ret, char reason[128])
{
    char user_id[MB_USER_ID_LEN] = "";

    if (!peers_lookup(key, user_id, reason, 128, p))
        return false;
    assert_true(peers_identity(user_id, ret));
    return true;
}

static void a_one_time_token_joins_once(void **state)
{
    struct mb_test_dir *t = *state;
    struct peers *p = peers_new(t->path);
    struct mb_join j = new_token(t->path, false, 60);
    struct mb_keypair own, other;
    struct peer_identity token, who;
    struct mb_error err;
    char *name = NULL, reason[128];

    mb_keypair_new(&own);
    mb_keypair_new(&other);
    assert_false(look_up(p, own.public_key, &who, reason));
    assert_true(look_up(p, j.token.public_key, &token, reason));
    assert_true(token.is_token);
    assert_int_equal(token.role, MB_ROLE_AGENT);
    assert_ok(peers_join(p, &token, own.public_key, MB_KEY_LEN, "a1", &name, &err),
              err);
    assert_string_equal(name, "a1");
    free(name);
    assert_true(look_up(p, own.public_key, &who, reason));
    assert_false(who.is_token);
    assert_string_equal(who.name, "a1");
    assert_fails(peers_join(p, &token, other.public_key, MB_KEY_LEN, "a2", &name, &err),
                 err, MB_ERR_DENIED);
    assert_contains(err.msg, "used already");
    assert_false(look_up(p, j.token.public_key, &who, reason));
    assert_contains(reason, "one-time token used before");
    peers_free(p);
}

static void a_reusable_token_gives_each_peer_its_own_name(void **state)
{
    struct mb_test_dir *t = *state;
    struct peers *p = peers_new(t->path);
    struct mb_join j = new_token(t->path, true, 60);
    struct peer_identity token;
    struct mb_error err;
    char reason[128];

    assert_true(look_up(p, j.token.public_key, &token, reason));
    static const char *const want[] = {"a", "a-2", "a-3"};
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        struct mb_keypair k;
        char *name = NULL;
        mb_keypair_new(&k);
        assert_ok(peers_join(p, &token, k.public_key, MB_KEY_LEN, "a", &name, &err),
                  err);
        assert_string_equal(name, want[i]);
        free(name);
    }
    peers_free(p);
}

static void bad_names_and_keys_are_refused_and_consume_nothing(void **state)
{
    struct mb_test_dir *t = *state;
    struct peers *p = peers_new(t->path);
    struct mb_join j = new_token(t->path, false, 60);
    static const char *const bad[] = {
        "",    "a/b",  "../x",
        "a b", "a\nb", "0123456789012345678901234567890123456789012345678901234567890"};
    struct mb_keypair own;
    struct peer_identity token;
    struct mb_error err;
    char *name = NULL, reason[128];

    mb_keypair_new(&own);
    assert_true(look_up(p, j.token.public_key, &token, reason));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_fails(
            peers_join(p, &token, own.public_key, MB_KEY_LEN, bad[i], &name, &err), err,
            MB_ERR_INVALID);
    assert_fails(peers_join(p, &token, own.public_key, 31, "a", &name, &err), err,
                 MB_ERR_INVALID);
    assert_true(look_up(p, j.token.public_key, &token, reason));
    peers_free(p);
}

static void nobody_joins_with_a_key_that_is_known(void **state)
{
    struct mb_test_dir *t = *state;
    struct peers *p = peers_new(t->path);
    struct mb_join first = new_token(t->path, true, 60);
    struct mb_join second = new_token(t->path, false, 60);
    struct mb_keypair own;
    struct peer_identity token, who;
    struct mb_error err;
    char *name = NULL, reason[128];

    mb_keypair_new(&own);
    assert_true(look_up(p, first.token.public_key, &token, reason));
    assert_ok(peers_join(p, &token, own.public_key, MB_KEY_LEN, "victim", &name, &err),
              err);
    free(name);
    assert_true(look_up(p, second.token.public_key, &token, reason));
    assert_fails(
        peers_join(p, &token, own.public_key, MB_KEY_LEN, "thief", &name, &err), err,
        MB_ERR_DENIED);
    assert_fails(
        peers_join(p, &token, first.token.public_key, MB_KEY_LEN, "thief", &name, &err),
        err, MB_ERR_DENIED);
    assert_true(look_up(p, own.public_key, &who, reason));
    assert_string_equal(who.name, "victim");
    peers_free(p);
}

/* Cut or overwritten files let nobody in, and the log says which file it is. */
static void damaged_entries_are_named(void **state)
{
    static const char *const folders[] = {"tokens", "peers"};
    struct mb_test_dir *t = *state;
    struct peers *p = peers_new(t->path);
    struct mb_join j = new_token(t->path, false, 60);
    struct peer_identity who;
    struct mb_error err;
    char hex[2 * MB_KEY_LEN + 1], reason[128];

    mb_hex(j.token.public_key, MB_KEY_LEN, hex);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        _cleanup_free_ char *folder = mb_xasprintf("%s/%s", t->path, folders[i]);
        _cleanup_free_ char *path = mb_xasprintf("%s/%s", folder, hex);

        assert_ok(mb_mkdir_p(AT_FDCWD, folder, 0700, &err), err);
        assert_ok(mb_write_file(AT_FDCWD, path, BYTES("{\"role\": \"ag"), 0600, &err),
                  err);
        assert_false(look_up(p, j.token.public_key, &who, reason));
        assert_contains(reason, "damaged entry");
        assert_contains(reason, folders[i]);
    }
    peers_free(p);
}

static void the_server_key_is_made_once_and_private(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = NULL;
    struct mb_keypair a, b;
    struct mb_error err;
    struct stat st;

    assert_ok(peers_server_key(t->path, &a, &err), err);
    assert_ok(peers_server_key(t->path, &b, &err), err);
    assert_memory_equal(a.secret_key, b.secret_key, MB_KEY_LEN);
    assert_true(asprintf(&path, "%s/server.key", t->path) > 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void user_ids_that_nobody_gave_are_refused(void **state _unused_)
{
    static const char *const bad[] = {"", "agent", "token:abc:agent", "king:a", ":a"};
    struct peer_identity who;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(peers_identity(bad[i], &who));
    assert_true(peers_identity("client:bob", &who));
    assert_int_equal(who.role, MB_ROLE_CLIENT);
    assert_string_equal(who.name, "bob");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(a_one_time_token_joins_once),
        mb_test_in_dir(a_reusable_token_gives_each_peer_its_own_name),
        mb_test_in_dir(bad_names_and_keys_are_refused_and_consume_nothing),
        mb_test_in_dir(nobody_joins_with_a_key_that_is_known),
        mb_test_in_dir(damaged_entries_are_named),
        mb_test_in_dir(the_server_key_is_made_once_and_private),
        cmocka_unit_test(user_ids_that_nobody_gave_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
