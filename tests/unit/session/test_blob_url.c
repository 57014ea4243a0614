/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "session/blob_url.h"

static void only_wildcard_hosts_become_the_dialled_one(void **state _unused_)
{
    static const struct {
        const char *url, *address, *want;
    } rows[] = {
        {"http://0.0.0.0:7481", "tcp://10.0.0.5:7480", "http://10.0.0.5:7481"},
        {"http://[::]:7481", "tcp://build.example:7480", "http://build.example:7481"},
        {"http://[::]:7481", "tcp://[fd00::1]:7480", "http://[fd00::1]:7481"},
        {"http://10.0.0.9:1", "tcp://10.0.0.5:7480", "http://10.0.0.9:1"},
        {"http://0.0.0.0:7481", "nonsense", "http://0.0.0.0:7481"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *got = mb_blob_url_for(rows[i].url, rows[i].address);
        assert_string_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_wildcard_hosts_become_the_dialled_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
