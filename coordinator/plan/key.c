/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/plan/key.h"

#include "base/bug.h"
#include "base/limits.h"

#define F(n, t)                                                            \
    {                                                                      \
        .name = #n, .type = t, .offset = offsetof(struct key_material, n), \
        .max = UINT32_MAX                                                  \
    }

static const struct mb_wire_field fields[] = {
    F(format, MB_WIRE_U64),        F(platform, MB_WIRE_PLATFORM),
    F(kind, MB_WIRE_U64),          F(parent, MB_WIRE_DIGEST),
    F(argv, MB_WIRE_STRV),         F(env, MB_WIRE_STRV),
    F(cwd, MB_WIRE_STR),           F(user, MB_WIRE_STR),
    F(network, MB_WIRE_STR),       F(source, MB_WIRE_DIGEST),
    F(selection, MB_WIRE_STRV),    F(paths, MB_WIRE_STRV),
    F(dest, MB_WIRE_STR),          F(chown, MB_WIRE_STR),
    F(chmod, MB_WIRE_STR),         F(clamp_mtime, MB_WIRE_BOOL),
    F(max_mtime_sec, MB_WIRE_I64), F(gzip_level, MB_WIRE_U64),
    F(mounts, MB_WIRE_STRV),       F(insecure, MB_WIRE_BOOL),
    F(excludes, MB_WIRE_STRV),     F(files, MB_WIRE_STRV),
    F(unpack, MB_WIRE_BOOL),       F(link, MB_WIRE_BOOL),
    F(parents, MB_WIRE_BOOL),      F(hosts, MB_WIRE_STRV),
};
static const struct mb_wire_schema schema = {"STEP_KEY", fields, ARRAY_SIZE(fields),
                                             sizeof(struct key_material)};

struct mb_digest key_of(const struct key_material *m)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(1 * MB_GIB);

    mb_wire_encode(&schema, m, &out);
    BUG_ON(out.overflow);
    return mb_digest_of(out.data, out.len);
}
