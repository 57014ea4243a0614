/* SPDX-License-Identifier: Apache-2.0 */
#include "base/toml.h"

#include <string.h>

#include "base/limits.h"
#include "base/toml_shim.h"

/* A run of dots nests one table per dot, and the parser frees nested tables by
 * recursion: bound it per line.  No sane line comes near. */
#define DOTS_PER_LINE_MAX 64

static int check_dots(const char *text, size_t len, struct mb_error *err)
{
    unsigned line = 1, dots = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            line++;
            dots = 0;
        } else if (text[i] == '.' && ++dots > DOTS_PER_LINE_MAX) {
            return mb_fail(err, MB_ERR_LIMIT, "line %u: over %d dots in one line", line,
                           DOTS_PER_LINE_MAX);
        }
    }
    return 0;
}

int mb_toml_parse(const char *text, size_t len, json_t **ret, struct mb_error *err)
{
    struct mb_toml_problem problem = {0};

    if (len > MB_CONFIG_FILE_BYTES_MAX)
        return mb_fail(err, MB_ERR_LIMIT,
                       "configuration of %zu bytes is over the limit of %llu", len,
                       (unsigned long long)MB_CONFIG_FILE_BYTES_MAX);
    if (check_dots(text, len, err) < 0)
        return -1;

    json_t *v = mb_toml_shim_parse(text, len, &problem);
    if (!v)
        return mb_fail(err, MB_ERR_INVALID, "line %u, column %u: %s", problem.line,
                       problem.column, problem.text);
    *ret = v;
    return 0;
}
