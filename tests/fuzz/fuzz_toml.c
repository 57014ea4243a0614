/* SPDX-License-Identifier: Apache-2.0 */
/* TOML and JSON readers; what JSON accepts is written and read back. */
#include "base/bug.h"
#include "base/limits.h"
#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Go prints 1.0 as 1 and 1e20 in full: numbers that are read back as others. */
static bool has_real(json_t *v)
{
    size_t i;
    const char *key;
    json_t *item;

    if (json_is_real(v))
        return true;
    json_array_foreach(v, i, item)
    {
        if (has_real(item))
            return true;
    }
    json_object_foreach(v, key, item)
    {
        if (has_real(item))
            return true;
    }
    return false;
}

static void check_json(json_t *v)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(16 * MB_MIB);
    _cleanup_json_ json_t *again = NULL;
    struct mb_error err;

    mb_json_write(v, 2, true, &text);
    if (text.overflow || has_real(v))
        return;
    BUG_ON(mb_json_parse(text.data, text.len, 16 * MB_MIB, &again, &err) < 0);
    BUG_ON(!json_equal(v, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ json_t *config = NULL;
    _cleanup_json_ json_t *value = NULL;
    struct mb_error err;

    if (mb_toml_parse((const char *)data, len, &config, &err) == 0)
        check_json(config);
    if (mb_json_parse(data, len, MB_MIB, &value, &err) == 0)
        check_json(value);
    return 0;
}
