/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "oci/digest.h"

#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define CHAIN_AB "51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676"
#define CHAIN_ABC "2fce7f8ce91bcf0a1428b36e1024639fdbd9469eea762dba98aa749631885106"

static void text_and_value_are_the_same_thing(void **state _unused_)
{
    struct mb_digest d = mb_digest_of("a", 1), parsed;
    char text[MB_DIGEST_TEXT_LEN + 1], hex[MB_DIGEST_HEX_LEN + 1];
    struct mb_error err;

    assert_string_equal(mb_digest_hex(&d, hex), A);
    assert_string_equal(mb_digest_text(&d, text), "sha256:" A);
    assert_ok(mb_digest_parse(text, &parsed, &err), err);
    assert_true(mb_digest_equal(&d, &parsed));
    assert_false(mb_digest_is_zero(&d));
}

static void parse_takes_sha256_in_lower_case_only(void **state _unused_)
{
    static const char *const rows[] = {
        "",
        A,
        "sha256:",
        "sha256:" A "0",
        "sha256:CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "SHA256:" A,
        "sha512:" A A,
        "sha256: a978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "sha256:../../../../../../../../../../../../../../../../../../../etc/passwd",
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_digest d = {0};
        struct mb_error err;

        assert_fails(mb_digest_parse(rows[i], &d, &err), err, MB_ERR_INVALID);
        assert_true(mb_digest_is_zero(&d));
    }
}

static void chain_ids_hash_the_texts_of_the_layers_below(void **state _unused_)
{
    struct mb_digest d[] = {mb_digest_of("a", 1), mb_digest_of("b", 1),
                            mb_digest_of("c", 1)};
    static const char *const want[] = {A, CHAIN_AB, CHAIN_ABC};

    for (size_t n = 1; n <= 3; n++) {
        struct mb_digest chain = mb_chain_id(d, n);
        char hex[MB_DIGEST_HEX_LEN + 1];

        assert_string_equal(mb_digest_hex(&chain, hex), want[n - 1]);
    }
    struct mb_digest none = mb_chain_id(NULL, 0);
    assert_true(mb_digest_is_zero(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_value_are_the_same_thing),
        cmocka_unit_test(parse_takes_sha256_in_lower_case_only),
        cmocka_unit_test(chain_ids_hash_the_texts_of_the_layers_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
