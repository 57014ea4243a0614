/* SPDX-License-Identifier: Apache-2.0 */
/* config.toml's [registry] tables, through the TOML reader. */
#include <stddef.h>
#include <stdint.h>

#include "registry/registry_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mb_registry_config c = {0};
    struct mb_error err;

    if (mb_registry_config_parse((const char *)data, size, "fuzz", &c, &err) == 0)
        mb_registry_config_done(&c);
    return 0;
}
