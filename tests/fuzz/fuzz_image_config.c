/* SPDX-License-Identifier: Apache-2.0 */
/* Image config decoder: encoding what it accepts reaches a fixed point at once. */
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "oci/image_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(mb_image_config_done) struct mb_image_config c = {0};
    _cleanup_(mb_image_config_done) struct mb_image_config copy = {0};
    _cleanup_(mb_image_config_done) struct mb_image_config again = {0};
    _cleanup_buf_ struct mb_buf first = MB_BUF_INIT(8 * MB_CONFIG_BYTES_MAX);
    _cleanup_buf_ struct mb_buf second = MB_BUF_INIT(8 * MB_CONFIG_BYTES_MAX);
    struct mb_error err;

    if (mb_image_config_decode(data, len, &c, &err) < 0)
        return 0;
    mb_image_config_copy(&copy, &c);
    mb_image_config_encode(&copy, &first);
    if (first.overflow || first.len > MB_CONFIG_BYTES_MAX)
        return 0;
    BUG_ON(mb_image_config_decode(first.data, first.len, &again, &err) < 0);
    mb_image_config_encode(&again, &second);
    BUG_ON(first.len != second.len || memcmp(first.data, second.data, first.len) != 0);
    return 0;
}
