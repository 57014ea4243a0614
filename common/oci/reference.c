/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grammar: distribution-spec "Pulling manifests" for repository and tag; what stands
 * for the registry and which parts may be left out is Docker's custom.
 */
#include "oci/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define DEFAULT_REGISTRY "docker.io"
#define NAME_LEN_MAX 255 /* registry + '/' + repository */
#define TAG_LEN_MAX 128

void mb_reference_done(struct mb_reference *r)
{
    free(r->registry);
    free(r->repository);
    free(r->tag);
    *r = (struct mb_reference){0};
}

void mb_reference_copy(struct mb_reference *ret, const struct mb_reference *from)
{
    *ret = (struct mb_reference){
        .registry = mb_xstrdup(from->registry),
        .repository = mb_xstrdup(from->repository),
        .tag = mb_xstrdup(from->tag),
        .has_digest = from->has_digest,
        .digest = from->digest,
    };
}

char *mb_reference_text(const struct mb_reference *r)
{
    char digest[MB_DIGEST_TEXT_LEN + 1];

    return mb_xasprintf("%s/%s%s%s%s%s", r->registry, r->repository, r->tag ? ":" : "",
                        r->tag ? r->tag : "", r->has_digest ? "@" : "",
                        r->has_digest ? mb_digest_text(&r->digest, digest) : "");
}

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* Bytes of a separator inside a path component: '.', '_', '__' or dashes. */
static size_t separator_len(const char *s)
{
    if (*s == '-')
        return strspn(s, "-");
    if (*s == '_')
        return s[1] == '_' ? 2 : 1;
    return *s == '.' ? 1 : 0;
}

static bool repository_is_valid(const char *s)
{
    for (;;) {
        if (!is_lower_alnum(*s))
            return false;
        while (is_lower_alnum(*s))
            s++;
        if (*s == '\0')
            return true;
        s += *s == '/' ? 1 : separator_len(s);
        /* A character that is neither is found at the top. */
    }
}

static bool tag_is_valid(const char *s)
{
    if (!is_alnum(*s) && *s != '_')
        return false;
    for (const char *p = s; *p; p++)
        if (!is_alnum(*p) && !strchr("_.-", *p))
            return false;
    return strlen(s) <= TAG_LEN_MAX;
}

static bool port_is_valid(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n >= 1 && n <= 5 && s[n] == '\0';
}

/* "[::1]" or "[::1]:5000". */
static bool ipv6_is_valid(const char *s)
{
    size_t n = strspn(s + 1, "0123456789abcdefABCDEF:");
    const char *rest = s + 1 + n;

    if (n < 2 || *rest != ']')
        return false;
    return rest[1] == '\0' || (rest[1] == ':' && port_is_valid(rest + 2));
}

static bool registry_is_valid(const char *s)
{
    if (*s == '[')
        return ipv6_is_valid(s);
    for (;;) {
        if (!is_alnum(*s))
            return false;
        while (is_alnum(*s) || *s == '-')
            s++;
        if (s[-1] == '-')
            return false;
        if (*s == '\0')
            return true;
        if (*s == ':')
            return port_is_valid(s + 1);
        if (*s++ != '.')
            return false;
    }
}

/* Does the part before the first '/' name a registry?  Otherwise it is the first
 * component of a repository on Docker Hub. */
static bool looks_like_registry(const char *part)
{
    if (strpbrk(part, ".:[") || strcmp(part, "localhost") == 0)
        return true;
    for (const char *p = part; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            return true;
    return false;
}

static void split_registry(const char *name, struct mb_reference *r)
{
    const char *slash = strchr(name, '/');
    _cleanup_free_ char *first =
        slash ? mb_xstrndup(name, (size_t)(slash - name)) : NULL;

    if (first && looks_like_registry(first)) {
        r->registry = steal_ptr(first);
        r->repository = mb_xstrdup(slash + 1);
        if (strcmp(r->registry, "index.docker.io") == 0) {
            free(r->registry);
            r->registry = mb_xstrdup(DEFAULT_REGISTRY);
        }
    } else {
        r->registry = mb_xstrdup(DEFAULT_REGISTRY);
        r->repository = mb_xstrdup(name);
    }
    if (strcmp(r->registry, DEFAULT_REGISTRY) == 0 && !strchr(r->repository, '/')) {
        char *official = mb_xasprintf("library/%s", r->repository);

        free(r->repository);
        r->repository = official;
    }
}

/* Take "@sha256:..." off the end of @name. */
static int cut_digest(char *name, struct mb_reference *r, struct mb_error *err)
{
    char *at = strchr(name, '@');

    if (!at)
        return 0;
    *at = '\0';
    if (mb_digest_parse(at + 1, &r->digest, err) < 0)
        return -1;
    r->has_digest = true;
    return 0;
}

/* Take ":tag" off the end of @name; a ':' before a '/' is a port. */
static int cut_tag(char *name, struct mb_reference *r, struct mb_error *err)
{
    char *slash = strrchr(name, '/');
    char *colon = strrchr(slash ? slash : name, ':');

    if (!colon) {
        r->tag = r->has_digest ? NULL : mb_xstrdup("latest");
        return 0;
    }
    *colon = '\0';
    if (!tag_is_valid(colon + 1))
        return mb_fail(err, MB_ERR_INVALID,
                       "tag '%.128s' is not 1 to %d letters, digits, '_', '.' and '-' "
                       "beginning with no '.' or '-'",
                       colon + 1, TAG_LEN_MAX);
    r->tag = mb_xstrdup(colon + 1);
    return 0;
}

static int check_names(const struct mb_reference *r, struct mb_error *err)
{
    if (!registry_is_valid(r->registry))
        return mb_fail(err, MB_ERR_INVALID, "registry '%.128s' is not host[:port]",
                       r->registry);
    if (r->repository[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "the repository is missing");
    for (const char *p = r->repository; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            return mb_fail(err, MB_ERR_INVALID, "repository '%.128s' is not lower-case",
                           r->repository);
    if (!repository_is_valid(r->repository))
        return mb_fail(err, MB_ERR_INVALID,
                       "repository '%.128s' is not a path of letters and digits with "
                       "single '.', '_', '__' or '-' between them",
                       r->repository);
    if (strlen(r->registry) + 1 + strlen(r->repository) > NAME_LEN_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "registry and repository are over %d bytes",
                       NAME_LEN_MAX);
    return 0;
}

static bool is_bare_hex(const char *s)
{
    return strlen(s) == MB_DIGEST_HEX_LEN && strspn(s, "0123456789abcdef") == strlen(s);
}

static int parse(const char *text, struct mb_reference *r, struct mb_error *err)
{
    _cleanup_free_ char *name = mb_xstrdup(text);

    if (text[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "it is empty");
    if (is_bare_hex(text))
        return mb_fail(err, MB_ERR_INVALID,
                       "an image id is not a name: write repository@sha256:...");
    if (cut_digest(name, r, err) < 0 || cut_tag(name, r, err) < 0)
        return -1;
    if (name[0] == '\0')
        return mb_fail(err, MB_ERR_INVALID, "the repository is missing");
    split_registry(name, r);
    return check_names(r, err);
}

int mb_reference_parse(const char *text, struct mb_reference *ret, struct mb_error *err)
{
    struct mb_reference r = {0};

    if (strlen(text) > MB_REFERENCE_LEN_MAX)
        return mb_fail(err, MB_ERR_LIMIT, "reference '%.64s...' is over %d bytes", text,
                       MB_REFERENCE_LEN_MAX);
    if (parse(text, &r, err) < 0) {
        _cleanup_free_ char *shown = mb_escape(text, strlen(text), 128);

        mb_reference_done(&r);
        return mb_wrap(err, "reference '%s'", shown);
    }
    *ret = r;
    return 0;
}
