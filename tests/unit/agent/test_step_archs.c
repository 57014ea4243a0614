/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about programs of an architecture. */
#include "mb_test.h"

#include "step/archs.h"

static void the_machines_own_program_runs(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_platform host = mb_platform_host();
    const struct arch *a = arch_find(host.arch);

    if (!a)
        skip();
    assert_true(arch_runs(a, t->path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(the_machines_own_program_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
