/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <sys/stat.h>

#include "base/mode.h"

static void modes_are_applied_as_chmod_does(void **state)
{
    static const struct {
        const char *text;
        unsigned before, after;
    } rows[] = {
        {"644", S_IFREG | 0777, 0644},         {"0644", S_IFREG | 04755, 0644},
        {"04755", S_IFREG | 0, 04755},         {"7777", S_IFDIR | 0, 07777},
        {"u=rwX,go=rX", S_IFREG | 0600, 0644}, {"u=rwX,go=rX", S_IFREG | 0100, 0755},
        {"u=rwX,go=rX", S_IFDIR | 0700, 0755}, {"+x", S_IFREG | 0644, 0755},
        {"a+x", S_IFREG | 0644, 0755},         {"-w", S_IFREG | 0666, 0444},
        {"u+s", S_IFREG | 0755, 04755},        {"g+s,o+t", S_IFDIR | 0755, 03755},
        {"u-s", S_IFREG | 04755, 0755},        {"u=rw", S_IFREG | 04755, 0655},
        {"u=rwx", S_IFDIR | 04755, 04755},     {"+t", S_IFDIR | 0777, 01777},
        {"g=u", S_IFREG | 0740, 0770},         {"o=", S_IFREG | 0777, 0770},
        {"go-rwx,u=r", S_IFREG | 0777, 0400},  {"u=r+x-r", S_IFREG | 0700, 0100},
        {"ug+w,o-r", S_IFREG | 0444, 0660},    {"=", S_IFREG | 0777, 0},
    };
    struct mb_error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(mb_mode_check(rows[i].text, &err), err);
        mode_t got = mb_mode_apply(rows[i].text, (mode_t)rows[i].before);
        if (got != rows[i].after)
            fail_msg("%s of %o gives %o", rows[i].text, rows[i].before, (unsigned)got);
    }
}

static void what_is_no_mode_is_refused(void **state)
{
    static const char *const texts[] = {
        "",  "8",    "17777", "00644x", "u",     "rwx",    "u+q",
        ",", "u+r,", "z=r",   "u=rg",   "u = r", "+x,,+w", "000644",
    };
    struct mb_error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_fails(mb_mode_check(texts[i], &err), err, MB_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_applied_as_chmod_does),
        cmocka_unit_test(what_is_no_mode_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
