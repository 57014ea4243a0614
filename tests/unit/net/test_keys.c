/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/keys.h"

static void a_key_comes_back_from_its_file(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = mb_xasprintf("%s/key", t->path);
    struct mb_keypair a, b, other;
    struct mb_error err;
    struct stat st;

    mb_keypair_new(&a);
    mb_keypair_new(&other);
    assert_memory_not_equal(a.public_key, other.public_key, MB_KEY_LEN);
    assert_ok(mb_keypair_save(path, &a, &err), err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_ok(mb_keypair_load(path, &b, &err), err);
    assert_memory_equal(&a, &b, sizeof(a)); /* the public half was derived */
    mb_keypair_clear(&b);
    assert_memory_equal(&b, &(struct mb_keypair){0}, sizeof(b));
}

/* X25519 of the secret 00 01 .. 1f, computed from RFC 7748. */
static void the_public_key_is_that_of_curve25519(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = mb_xasprintf("%s/key", t->path);
    struct mb_keypair k;
    struct mb_error err;
    char hex[2 * MB_KEY_LEN + 1];

    assert_ok(mb_write_file(AT_FDCWD, path,
                            BYTES("000102030405060708090a0b0c0d0e0f"
                                  "101112131415161718191a1b1c1d1e1f"),
                            0600, &err),
              err);
    assert_ok(mb_keypair_load(path, &k, &err), err); /* no newline is fine */
    mb_hex(k.public_key, MB_KEY_LEN, hex);
    assert_string_equal(
        hex, "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    static const mode_t rows[] = {0640, 0604, 0620, 0602, 0610, 0644, 0777};
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = mb_xasprintf("%s/key", t->path);
    struct mb_keypair k;
    struct mb_error err;

    mb_keypair_new(&k);
    assert_ok(mb_keypair_save(path, &k, &err), err);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(chmod(path, rows[i]), 0);
        assert_fails(mb_keypair_load(path, &k, &err), err, MB_ERR_DENIED);
        assert_contains(err.msg, "chmod 600");
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_ok(mb_keypair_load(path, &k, &err), err);
}

#define HEX32 "0123456789abcdef0123456789abcdef"

static void a_key_file_with_anything_else_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {BYTES("")},
        {BYTES("\n")},
        {BYTES(HEX32)},
        {BYTES(HEX32 HEX32 "0")},
        {BYTES(HEX32 HEX32 "\n\n")},
        {BYTES(HEX32 HEX32 "\n" HEX32 HEX32)},
        {BYTES(HEX32 HEX32 "\0")},
        {BYTES(HEX32 "0123456789abcdef0123456789abcdeX")},
        {BYTES("0123456789ABCDEF0123456789ABCDEF" HEX32)},
        {BYTES(HEX32 HEX32 HEX32 HEX32 HEX32 HEX32 HEX32)},
    };
    struct mb_test_dir *t = *state;
    _cleanup_free_ char *path = mb_xasprintf("%s/key", t->path);
    struct mb_keypair k = {.public_key = {7}};
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(mb_write_file(AT_FDCWD, path, rows[i].bytes, rows[i].len, 0600, &err),
                  err);
        assert_fails(mb_keypair_load(path, &k, &err), err, MB_ERR_INVALID);
        assert_null(strstr(err.msg, "0123456789")); /* a secret stays one */
        assert_int_equal(k.public_key[0], 7);
    }
    assert_int_equal(unlink(path), 0);
    assert_fails(mb_keypair_load(path, &k, &err), err, MB_ERR_NOT_FOUND);
    assert_fails(mb_keypair_load(t->path, &k, &err), err, MB_ERR_INVALID);
}

static void fill_join(struct mb_join *j)
{
    memset(j, 0, sizeof(*j));
    j->role = MB_ROLE_AGENT;
    memset(j->server_key, 0x42, MB_KEY_LEN);
    mb_keypair_new(&j->token);
    (void)snprintf(j->address, sizeof(j->address), "tcp://build.example.org:7480");
}

static void a_join_string_comes_back(void **state _unused_)
{
    static const char *const addresses[] = {"tcp://127.0.0.1:1", "tcp://[::1]:7480",
                                            "tcp://host:65535"};
    struct mb_join a, b;
    struct mb_error err;

    fill_join(&a);
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        _cleanup_free_ char *text = NULL;

        memset(a.address, 0, sizeof(a.address));
        (void)snprintf(a.address, sizeof(a.address), "%s", addresses[i]);
        text = mb_join_encode(&a);
        assert_true(mb_starts_with(text, "mbc1-AQJC"));
        assert_ok(mb_join_decode(text, &b, &err), err);
        assert_memory_equal(&a, &b, sizeof(a));
    }
}

static void every_cut_of_a_join_string_is_refused(void **state _unused_)
{
    _cleanup_free_ char *text = NULL;
    struct mb_join a, b = {.role = MB_ROLE_ADMIN};
    struct mb_error err;
    size_t len;

    fill_join(&a);
    (void)snprintf(a.address, sizeof(a.address), "tcp://h:1"); /* no shorter port */
    text = mb_join_encode(&a);
    for (len = strlen(text); len-- > 0;) {
        text[len] = '\0';
        assert_fails(mb_join_decode(text, &b, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, "looks like mbc1-");
        assert_int_equal(b.role, MB_ROLE_ADMIN);
    }
}

/* Encode what comes behind the two keys, and the two bytes in front of them. */
static char *join_of(uint8_t version, uint8_t role, const char *address, size_t len)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(2000);
    _cleanup_free_ char *text = NULL;

    mb_buf_add_byte(&b, version);
    mb_buf_add_byte(&b, role);
    for (int i = 0; i < 64; i++)
        mb_buf_add_byte(&b, 9);
    mb_buf_add(&b, address, len);
    text = mb_base64url(b.data, b.len);
    return mb_xasprintf("mbc1-%s", text);
}

static void hostile_join_strings_are_refused(void **state _unused_)
{
    static const struct {
        uint8_t version, role;
        const char *address;
        size_t len;
        const char *why;
    } rows[] = {
        {0, 1, BYTES("tcp://h:1"), "another version"},
        {2, 1, BYTES("tcp://h:1"), "another version"},
        {1, 0, BYTES("tcp://h:1"), "role"},
        {1, 4, BYTES("tcp://h:1"), "role"},
        {1, 255, BYTES("tcp://h:1"), "role"},
        {1, 1, BYTES(""), "cut short"},
        {1, 1, BYTES("tcp://h:0"), "tcp://HOST:PORT"},
        {1, 1, BYTES("tcp://h:65536"), "tcp://HOST:PORT"},
        {1, 1, BYTES("tcp://h:"), "tcp://HOST:PORT"},
        {1, 1, BYTES("tcp://h"), "tcp://HOST:PORT"},
        {1, 1, BYTES("tcp://:1"), "tcp://HOST:PORT"},
        {1, 1, BYTES("tcp://h:1x"), "tcp://HOST:PORT"},
        {1, 1, BYTES("ipc:///tmp/x:1"), "tcp://HOST:PORT"},
        {1, 1, BYTES("inproc://zeromq.zap.01"), "tcp://HOST:PORT"},
        {1, 1, BYTES("tcp://h:1\0"), "not allowed"},
        {1, 1, BYTES("tcp://h \n:1"), "not allowed"},
        {1, 1, BYTES("tcp://\x1b[31mh:1"), "not allowed"},
        {1, 1, BYTES("tcp://\xc3\xa4:1"), "not allowed"},
        {1, 1, BYTES("tcp://eth0;1.2.3.4:1"), "not allowed"},
    };
    struct mb_join j;
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *text =
            join_of(rows[i].version, rows[i].role, rows[i].address, rows[i].len);

        assert_fails(mb_join_decode(text, &j, &err), err, MB_ERR_INVALID);
        assert_contains(err.msg, rows[i].why);
        assert_null(strstr(err.msg, text + 10));
    }
}

static void a_join_string_of_any_length_is_bounded(void **state _unused_)
{
    char address[600];
    struct mb_join j;
    struct mb_error err;

    memset(address, 'h', sizeof(address));
    memcpy(address, "tcp://", 6);
    for (size_t len = 100; len <= sizeof(address); len++) {
        _cleanup_free_ char *text = NULL;
        int rc;

        memcpy(address + len - 2, ":1", 2);
        text = join_of(1, 1, address, len);
        rc = mb_join_decode(text, &j, &err);
        assert_int_equal(rc, len <= MB_ADDRESS_LEN_MAX ? 0 : -1);
        memcpy(address + len - 2, "hh", 2);
    }
    assert_fails(mb_join_decode("", &j, &err), err, MB_ERR_INVALID);
    assert_fails(mb_join_decode("mbc1-", &j, &err), err, MB_ERR_INVALID);
    assert_fails(mb_join_decode("mbc1-%%%%", &j, &err), err, MB_ERR_INVALID);
    assert_fails(mb_join_decode("mbc2-AQ", &j, &err), err, MB_ERR_INVALID);
}

static void roles_have_names(void **state _unused_)
{
    enum mb_role role;
    struct mb_error err;

    for (unsigned i = MB_ROLE_CLIENT; i <= MB_ROLE_ADMIN; i++) {
        assert_ok(mb_role_parse(mb_role_name((enum mb_role)i), &role, &err), err);
        assert_int_equal(role, i);
    }
    assert_string_equal(mb_role_name((enum mb_role)0), "unknown");
    assert_string_equal(mb_role_name((enum mb_role)77), "unknown");
    assert_fails(mb_role_parse("root", &role, &err), err, MB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(a_key_comes_back_from_its_file),
        mb_test_in_dir(the_public_key_is_that_of_curve25519),
        mb_test_in_dir(a_key_that_others_may_read_is_refused),
        mb_test_in_dir(a_key_file_with_anything_else_is_refused),
        cmocka_unit_test(a_join_string_comes_back),
        cmocka_unit_test(every_cut_of_a_join_string_is_refused),
        cmocka_unit_test(hostile_join_strings_are_refused),
        cmocka_unit_test(a_join_string_of_any_length_is_bounded),
        cmocka_unit_test(roles_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
