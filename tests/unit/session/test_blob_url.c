/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "session/blob_url.h"

static void hosts_that_only_the_coordinator_knows_become_the_dialled_one(
    void **state _unused_)
{
    static const struct {
        const char *url, *address, *want;
    } rows[] = {
        {"http://0.0.0.0:7481", "tcp://10.0.0.5:7480", "http://10.0.0.5:7481"},
        {"http://[::]:7481", "tcp://build.example:7480", "http://build.example:7481"},
        {"http://[::]:7481", "tcp://[fd00::1]:7480", "http://[fd00::1]:7481"},
        {"http://10.0.0.9:1", "tcp://10.0.0.5:7480", "http://10.0.0.9:1"},
        {"http://127.0.0.1:7481", "tcp://10.0.2.2:7480", "http://10.0.2.2:7481"},
        {"http://localhost:7481", "tcp://[fd00::1]:7480", "http://[fd00::1]:7481"},
        {"http://[::1]:7481", "tcp://build.example:1", "http://build.example:7481"},
        {"http://127.0.0.1:7481", "tcp://127.0.0.1:7480", "http://127.0.0.1:7481"},
        {"http://127.0.0.1:7481", "tcp://localhost:7480", "http://127.0.0.1:7481"},
        {"http://[::1]:7481", "tcp://127.1.2.3:7480", "http://[::1]:7481"},
        {"http://127.example:7481", "tcp://127.0.0.1:7480", "http://127.example:7481"},
        {"http://10.0.0.9", "tcp://10.0.0.5:7480", "http://10.0.0.9"},
        {"https://127.0.0.1:1", "tcp://10.0.0.5:7480", "https://127.0.0.1:1"},
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
        cmocka_unit_test(hosts_that_only_the_coordinator_knows_become_the_dialled_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
