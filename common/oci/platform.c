/* SPDX-License-Identifier: Apache-2.0 */
/* Names and their normal forms.  Lists of platforms are in platforms.c. */
#include "oci/platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/bug.h"

static int set_name(const char *text, const char *what, char *ret, size_t ret_size,
                    struct mb_error *err)
{
    size_t len = strlen(text);

    if (len >= ret_size)
        return mb_fail(err, MB_ERR_INVALID, "%s '%.64s' is longer than %zu bytes", what,
                       text, ret_size - 1);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return mb_fail(err, MB_ERR_INVALID,
                           "%s '%s' has other characters than letters, digits, '_' "
                           "and '-'",
                           what, text);
        ret[i] = c;
    }
    ret[len] = '\0';
    return 0;
}

/* Other names of an architecture, from uname(2), Debian and GNU triplets. */
static const struct {
    const char *alias, *arch, *variant; /* variant NULL: keep what is there */
} aliases[] = {
    {"i386", "386", ""},          {"i486", "386", ""},
    {"i586", "386", ""},          {"i686", "386", ""},
    {"x86_64", "amd64", NULL},    {"x86-64", "amd64", NULL},
    {"aarch64", "arm64", NULL},   {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},       {"armv5l", "arm", "v5"},
    {"armv5tel", "arm", "v5"},    {"armv6l", "arm", "v6"},
    {"armv7l", "arm", "v7"},      {"armv8l", "arm", "v8"},
    {"mips64el", "mips64le", ""}, {"mipsel", "mipsle", ""},
    {"ppc64el", "ppc64le", NULL}, {"loongarch64", "loong64", NULL},
};

static void normalise_variant(struct mb_platform *p)
{
    /* "7" means "v7" wherever variants are versions. */
    if ((strcmp(p->arch, "arm") == 0 || strcmp(p->arch, "arm64") == 0)
        && p->variant[0] >= '1' && p->variant[0] <= '9' && p->variant[1] == '\0') {
        p->variant[1] = p->variant[0];
        p->variant[0] = 'v';
        p->variant[2] = '\0';
    }
    if (strcmp(p->arch, "arm") == 0 && p->variant[0] == '\0')
        (void)snprintf(p->variant, sizeof(p->variant), "v7");
    if ((strcmp(p->arch, "arm64") == 0 && strcmp(p->variant, "v8") == 0)
        || (strcmp(p->arch, "amd64") == 0 && strcmp(p->variant, "v1") == 0))
        p->variant[0] = '\0';
}

static void normalise(struct mb_platform *p)
{
    if (strcmp(p->os, "macos") == 0)
        (void)snprintf(p->os, sizeof(p->os), "darwin");
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        if (strcmp(p->arch, aliases[i].alias) != 0)
            continue;
        (void)snprintf(p->arch, sizeof(p->arch), "%s", aliases[i].arch);
        if (aliases[i].variant)
            (void)snprintf(p->variant, sizeof(p->variant), "%s", aliases[i].variant);
        break;
    }
    normalise_variant(p);
}

int mb_platform_make(const char *os, const char *arch, const char *variant,
                     struct mb_platform *ret, struct mb_error *err)
{
    struct mb_platform p = {0};

    if (os[0] == '\0' || arch[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID,
                       "a platform needs an os and an architecture");
    if (set_name(os, "os", p.os, sizeof(p.os), err) < 0
        || set_name(arch, "architecture", p.arch, sizeof(p.arch), err) < 0
        || set_name(variant ? variant : "", "variant", p.variant, sizeof(p.variant),
                    err)
               < 0)
        return -1;
    normalise(&p);
    *ret = p;
    return 0;
}

static bool is_os_name(const char *name)
{
    static const char *const known[] = {"linux",   "windows", "darwin", "macos",
                                        "freebsd", "netbsd",  "openbsd"};

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static int parse_parts(const struct mb_strv *parts, struct mb_platform *ret,
                       struct mb_error *err)
{
    for (size_t i = 0; i < parts->n; i++)
        if (parts->v[i][0] == '\0')
            return mb_fail(err, MB_ERR_INVALID, "a part between '/' is empty");
    switch (parts->n) {
    case 1:
        if (is_os_name(parts->v[0]))
            return mb_fail(err, MB_ERR_INVALID,
                           "the architecture is missing: write os/architecture");
        return mb_platform_make("linux", parts->v[0], "", ret, err);
    case 2:
        return mb_platform_make(parts->v[0], parts->v[1], "", ret, err);
    case 3:
        return mb_platform_make(parts->v[0], parts->v[1], parts->v[2], ret, err);
    default:
        return mb_fail(err, MB_ERR_INVALID,
                       "it has too many parts: write os/architecture[/variant]");
    }
}

int mb_platform_parse(const char *text, struct mb_platform *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv parts = {0};

    if (strlen(text) >= MB_PLATFORM_TEXT_LEN)
        return mb_fail(err, MB_ERR_INVALID, "platform '%.64s...' is too long", text);
    mb_strv_split(&parts, text, "/");
    if (parse_parts(&parts, ret, err) < 0)
        return mb_wrap(err, "platform '%s'", text);
    return 0;
}

static const char *join(const struct mb_platform *p, char sep,
                        char out[MB_PLATFORM_TEXT_LEN])
{
    char between[] = {p->variant[0] ? sep : '\0', '\0'};

    (void)snprintf(out, MB_PLATFORM_TEXT_LEN, "%s%c%s%s%s", p->os, sep, p->arch,
                   between, p->variant);
    return out;
}

const char *mb_platform_text(const struct mb_platform *p,
                             char out[MB_PLATFORM_TEXT_LEN])
{
    return join(p, '/', out);
}

const char *mb_platform_dirname(const struct mb_platform *p,
                                char out[MB_PLATFORM_TEXT_LEN])
{
    return join(p, '_', out);
}

bool mb_platform_equal(const struct mb_platform *a, const struct mb_platform *b)
{
    return strcmp(a->os, b->os) == 0 && strcmp(a->arch, b->arch) == 0
           && strcmp(a->variant, b->variant) == 0;
}

#define EXACT 100

/* "v7" is 7, "" is @none, anything else 0. */
static int version_of(const char *variant, int none)
{
    if (variant[0] == '\0')
        return none;
    if (variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9'
        && variant[2] == '\0')
        return variant[1] - '0';
    return 0;
}

/* How well code for 32-bit arm of version @have runs on version @want. */
static int match_arm(int want, const struct mb_platform *have)
{
    int version = version_of(have->variant, 0);

    if (strcmp(have->arch, "arm") != 0 || version < 5 || version > want)
        return 0;
    return EXACT - 1 - (want - version);
}

int mb_platform_match(const struct mb_platform *want, const struct mb_platform *have)
{
    if (mb_platform_equal(want, have))
        return EXACT;
    if (strcmp(want->os, have->os) != 0)
        return 0;
    if (strcmp(want->arch, "arm") == 0)
        return match_arm(version_of(want->variant, 7), have);
    if (strcmp(want->arch, "arm64") == 0) {
        if (strcmp(have->arch, "arm64") == 0)
            return have->variant[0] == '\0' ? EXACT - 1 : 0; /* v9 runs v8 */
        int match = match_arm(8, have);
        return match > 0 ? match - 1 : 0;
    }
    if (strcmp(want->arch, "amd64") == 0) {
        int want_version = version_of(want->variant, 1);
        int version = version_of(have->variant, 1);

        if (strcmp(have->arch, "386") == 0)
            return 1;
        if (strcmp(have->arch, "amd64") == 0 && version > 0 && version <= want_version)
            return EXACT - 1 - (want_version - version);
    }
    return 0;
}

struct mb_platform mb_platform_host(void)
{
    struct utsname u;
    struct mb_platform p;
    struct mb_error err;

    BUG_ON(uname(&u) < 0);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Both byte orders of MIPS call themselves by the same name. */
    if (strcmp(u.machine, "mips64") == 0)
        (void)snprintf(u.machine, sizeof(u.machine), "mips64le");
    if (strcmp(u.machine, "mips") == 0)
        (void)snprintf(u.machine, sizeof(u.machine), "mipsle");
#endif
    BUG_ON(mb_platform_make("linux", u.machine, "", &p, &err) < 0);
    return p;
}
