/* SPDX-License-Identifier: Apache-2.0 */
/* Reference and platform parsers: the full text of what they accept means the same. */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "oci/platform.h"
#include "oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_reference(const char *text)
{
    _cleanup_(mb_reference_done) struct mb_reference r = {0};
    _cleanup_(mb_reference_done) struct mb_reference again = {0};
    struct mb_error err;

    if (mb_reference_parse(text, &r, &err) < 0)
        return;
    _cleanup_free_ char *full = mb_reference_text(&r);
    if (mb_reference_parse(full, &again, &err) < 0) {
        BUG_ON(err.code != MB_ERR_LIMIT); /* the full form is longer */
        return;
    }
    _cleanup_free_ char *same = mb_reference_text(&again);
    BUG_ON(strcmp(full, same) != 0);
}

static void check_platform(const char *text)
{
    struct mb_platform p, again;
    struct mb_error err;
    char full[MB_PLATFORM_TEXT_LEN];

    if (mb_platform_parse(text, &p, &err) < 0)
        return;
    BUG_ON(mb_platform_parse(mb_platform_text(&p, full), &again, &err) < 0);
    BUG_ON(!mb_platform_equal(&p, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = mb_xstrndup((const char *)data, len);
    _cleanup_(mb_platforms_done) struct mb_platforms list = {0};
    struct mb_error err;

    check_reference(text);
    check_platform(text);
    mb_ignore(mb_platforms_parse(text, &list, &err), "only memory errors count");
    return 0;
}
