/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two steps: flags as typed (struct flags, by table), then each checked into the
 * request.  What the product does not do yet is in the table as well, so that it is
 * refused by name.
 */
#include "cli/build_options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/layouts.h"
#include "cli/options.h"
#include "cli/run_flags.h"
#include "cli/secrets.h"
#include "oci/reference.h"

struct flags {
    struct mb_strv hosts, ulimits, no_cache_filter;
    char *shm_size;
    struct mb_strv platforms, tags, build_args, labels, contexts, outputs, allow,
        secrets;
    char *file, *target, *progress, *network, *metadata_file, *iid_file;
    char *cluster, *state_dir, *emulation, *call;
    bool push, quiet, no_cache, pull, debug, help, check;
};
#define AT(field) offsetof(struct flags, field)

static const struct option_def defs[] = {
    {"add-host", 0, OPTION_STRV, AT(hosts), "NAME:IP", "one more line of /etc/hosts"},
    {"allow", 0, OPTION_STRV, AT(allow), "NAME",
     "what a RUN may ask for: security.insecure, network.host"},
    {"build-arg", 0, OPTION_STRV, AT(build_args), "K[=V]",
     "value of an ARG (no =V: from the environment)"},
    {"build-context", 0, OPTION_STRV, AT(contexts), "NAME=VALUE",
     "what NAME is: a directory, docker-image://REF, oci-layout://DIR[:TAG], or an "
     "address of git or http(s)"},
    {"call", 0, OPTION_STR, AT(call), "METHOD[,format=json]",
     "build, or only say what the Dockerfile holds: check, outline, targets"},
    {"check", 0, OPTION_BOOL, AT(check), NULL, "the same as --call check"},
    {"cluster", 0, OPTION_STR, AT(cluster), "STRING|FILE",
     "join string of the cluster (MBCLUSTER_CLUSTER); none: build on this machine"},
    {"debug", 'D', OPTION_BOOL, AT(debug), NULL, "log what happens inside"},
    {"emulation", 0, OPTION_STR, AT(emulation), "auto|never|always",
     "when QEMU may run steps of foreign platforms"},
    {"file", 'f', OPTION_STR, AT(file), "FILE",
     "the Dockerfile ('-': standard input; or an address)"},
    {"help", 'h', OPTION_BOOL, AT(help), NULL, "this text"},
    {"iidfile", 0, OPTION_STR, AT(iid_file), "FILE", "write the image id to FILE"},
    {"label", 0, OPTION_STRV, AT(labels), "K=V", "label of the image"},
    {"metadata-file", 0, OPTION_STR, AT(metadata_file), "FILE",
     "write the result as JSON to FILE"},
    {"network", 0, OPTION_STR, AT(network), "default|host|none",
     "network of RUN (default is host for now)"},
    {"no-cache", 0, OPTION_BOOL, AT(no_cache), NULL, "run every step again"},
    {"no-cache-filter", 0, OPTION_STRV, AT(no_cache_filter), "STAGE[,STAGE]",
     "run these stages again, and what depends on them"},
    {"output", 'o', OPTION_STRV, AT(outputs), "SPEC",
     "type=oci,dest=FILE | type=image[,push=true] | type=registry | type=cacheonly"},
    {"platform", 0, OPTION_STRV, AT(platforms), "LIST",
     "platforms to build for: linux/amd64,linux/s390x"},
    {"progress", 0, OPTION_STR, AT(progress), "auto|tty|plain|quiet",
     "how progress is shown"},
    {"pull", 0, OPTION_BOOL, AT(pull), NULL, "resolve base images anew"},
    {"push", 0, OPTION_BOOL, AT(push), NULL, "push to the registry of each tag"},
    {"quiet", 'q', OPTION_BOOL, AT(quiet), NULL, "print the image id only"},
    {"secret", 0, OPTION_STRV, AT(secrets), "id=ID[,src=FILE|,env=NAME]",
     "what RUN --mount=type=secret,id=ID gives"},
    {"shm-size", 0, OPTION_STR, AT(shm_size), "SIZE", "size of /dev/shm (64m)"},
    {"state-dir", 0, OPTION_STR, AT(state_dir), "DIR",
     "where builds on this machine keep their state (MBCLUSTER_STATE)"},
    {"tag", 't', OPTION_STRV, AT(tags), "NAME",
     "name of the image, registry/repository:tag"},
    {"target", 0, OPTION_STR, AT(target), "STAGE", "the stage to build"},
    {"ulimit", 0, OPTION_STRV, AT(ulimits), "NAME=SOFT[:HARD]",
     "limit of each process, at most what the agent has"},
    /* accepted since scripts still pass them */
    {"rm", 0, OPTION_IGNORED, 0, NULL, NULL},
    {"force-rm", 0, OPTION_IGNORED, 0, NULL, NULL},
    {"compress", 0, OPTION_IGNORED, 0, NULL, NULL},
    /* refused by name */
    {"load", 0, OPTION_LATER, 0, NULL,
     "use -o type=oci,dest=FILE and skopeo or podman load"},
    {"annotation", 0, OPTION_LATER_VALUE, 0, NULL, NULL},
    {"attest", 0, OPTION_LATER_VALUE, 0, NULL, NULL},
    {"builder", 0, OPTION_LATER_VALUE, 0, NULL, "use --cluster"},
    {"cache-from", 0, OPTION_LATER_VALUE, 0, NULL, NULL},
    {"cache-to", 0, OPTION_LATER_VALUE, 0, NULL, NULL},
    {"provenance", 0, OPTION_LATER_VALUE, 0, NULL,
     "--provenance=false is what is done"},
    {"sbom", 0, OPTION_LATER_VALUE, 0, NULL, "--sbom=false is what is done"},
    {"squash", 0, OPTION_LATER, 0, NULL, NULL},
    {"ssh", 0, OPTION_LATER_VALUE, 0, NULL,
     "RUN --mount=type=ssh is left out where it is not required; give keys by "
     "--secret"},
};

static void flags_done(struct flags *f)
{
    mb_strv_done(&f->hosts);
    mb_strv_done(&f->ulimits);
    mb_strv_done(&f->no_cache_filter);
    free(f->shm_size);
    mb_strv_done(&f->platforms);
    mb_strv_done(&f->tags);
    mb_strv_done(&f->build_args);
    mb_strv_done(&f->labels);
    mb_strv_done(&f->contexts);
    mb_strv_done(&f->outputs);
    mb_strv_done(&f->allow);
    mb_strv_done(&f->secrets);
    free(f->file);
    free(f->target);
    free(f->progress);
    free(f->network);
    free(f->metadata_file);
    free(f->iid_file);
    free(f->cluster);
    free(f->state_dir);
    free(f->emulation);
    free(f->call);
}

void build_options_done(struct build_options *o)
{
    mb_build_request_wipe(&o->request);
    mb_wire_done(&mb_build_request_schema, &o->request);
    free(o->context_dir);
    free(o->dockerfile);
    context_source_done(&o->source);
    for (size_t i = 0; i < o->n_named; i++)
        context_source_done(&o->named[i]);
    free(o->named);
    for (size_t i = 0; i < o->n_outputs; i++)
        output_spec_done(&o->outputs[i]);
    free(o->outputs);
    free(o->metadata_file);
    free(o->iid_file);
    free(o->cluster);
    free(o->state_dir);
    mb_strv_done(&o->notes);
    call_spec_done(&o->call);
    *o = (struct build_options){0};
}

void build_options_help(struct mb_buf *out)
{
    mb_buf_add_str(out, "Usage: mbcluster build [FLAGS] CONTEXT\n\n"
                        "Build an image for one or many platforms.\n\n"
                        "CONTEXT: a directory, an address of git or http(s), or '-' (a "
                        "Dockerfile or a tar\narchive on standard input).\n\nFlags:\n");
    options_help(defs, ARRAY_SIZE(defs), out);
    mb_buf_add_str(
        out, "\nExamples:\n"
             "  mbcluster build --platform linux/amd64,linux/s390x -t reg:5000/app:1 "
             "--push .\n"
             "  mbcluster build --platform linux/arm64 -o type=oci,dest=app.oci.tar .\n"
             "  mbcluster build --cluster team.join -t reg:5000/app:1 --push .\n"
             "  mbcluster build --build-context base=oci-layout://bases:1 -o "
             "type=oci,dest=app.tar .\n");
}

static int check_platforms(const struct flags *f, struct build_options *o,
                           struct mb_error *err)
{
    _cleanup_(mb_platforms_done) struct mb_platforms list = {0};
    const char *fallback = getenv("DOCKER_DEFAULT_PLATFORM");

    for (size_t i = 0; i < f->platforms.n; i++)
        if (mb_platforms_parse(f->platforms.v[i], &list, err) < 0)
            return mb_wrap(err, "--platform");
    if (f->platforms.n == 0 && fallback && *fallback
        && mb_platforms_parse(fallback, &list, err) < 0)
        return mb_wrap(err, "DOCKER_DEFAULT_PLATFORM");
    for (size_t i = 0; i < list.n; i++) {
        char text[MB_PLATFORM_TEXT_LEN];

        mb_strv_add(&o->request.platforms, mb_platform_text(&list.v[i], text));
    }
    return 0;
}

static void add_tag(struct build_options *o, const char *tag)
{
    if (!mb_strv_contains(&o->request.tags, tag))
        mb_strv_add(&o->request.tags, tag);
}

static int check_tags(const struct build_options *o, struct mb_error *err)
{
    for (size_t i = 0; i < o->request.tags.n; i++) {
        _cleanup_(mb_reference_done) struct mb_reference ref = {0};

        if (mb_reference_parse(o->request.tags.v[i], &ref, err) < 0)
            return mb_wrap(err, "tag");
        if (ref.has_digest)
            return mb_fail(
                err, MB_ERR_INVALID,
                "tag \"%s\": a digest cannot be chosen, it comes out of the build",
                o->request.tags.v[i]);
    }
    return 0;
}

static int check_rewrite(struct build_options *o, struct mb_error *err)
{
    bool first = true;

    for (size_t i = 0; i < o->n_outputs; i++) {
        const struct output_spec *s = &o->outputs[i];

        if (!s->has_rewrite)
            continue;
        if (!first && s->rewrite != o->request.rewrite_timestamp)
            return mb_fail(
                err, MB_ERR_INVALID,
                "rewrite-timestamp must be the same in all outputs of one build");
        o->request.rewrite_timestamp = s->rewrite;
        first = false;
    }
    return 0;
}

static int check_outputs(const struct flags *f, struct build_options *o,
                         struct mb_error *err)
{
    o->outputs = mb_xcalloc(f->outputs.n + 1, sizeof(*o->outputs));
    o->request.push = f->push;
    for (size_t i = 0; i < f->outputs.n; i++) {
        struct output_spec *s = &o->outputs[i];

        if (output_spec_parse(f->outputs.v[i], s, err) < 0)
            return -1;
        o->n_outputs++;
        if (s->push)
            o->request.push = true;
        for (size_t k = 0; s->type == OUTPUT_IMAGE && k < s->names.n; k++)
            add_tag(o, s->names.v[k]);
    }
    for (size_t i = 0; i < f->tags.n; i++)
        add_tag(o, f->tags.v[i]);
    if (o->request.push && o->request.tags.n == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "tag is needed when pushing to registry: add -t "
                       "REGISTRY/REPOSITORY:TAG");
    if (o->n_outputs == 0 && !o->request.push)
        mb_strv_add(&o->notes,
                    "No output specified. Build result will only remain in the "
                    "build cache. To push result image into registry use --push "
                    "or to write an OCI archive use -o type=oci,dest=FILE");
    if (check_tags(o, err) < 0)
        return -1;
    return check_rewrite(o, err);
}

static int check_epoch(struct build_options *o, struct mb_error *err)
{
    const char *given = mb_kv_get(&o->request.build_args, "SOURCE_DATE_EPOCH");
    const char *from_env = getenv("SOURCE_DATE_EPOCH");
    uint64_t sec = 0;

    if (!given && from_env && *from_env) {
        mb_kv_set(&o->request.build_args, "SOURCE_DATE_EPOCH", from_env);
        given = from_env;
    }
    if (!given || !*given)
        return 0;
    if (mb_parse_u64(given, INT64_MAX, &sec, err) < 0)
        return mb_wrap(err, "SOURCE_DATE_EPOCH must be seconds since 1970");
    o->request.has_source_date_epoch = true;
    o->request.source_date_epoch = (int64_t)sec;
    return 0;
}

static int check_args(const struct flags *f, struct build_options *o,
                      struct mb_error *err)
{
    for (size_t i = 0; i < f->build_args.n; i++) {
        const char *text = f->build_args.v[i];
        size_t len = strcspn(text, "=");
        _cleanup_free_ char *key = mb_xstrndup(text, len);
        const char *value = text[len] == '=' ? text + len + 1 : getenv(key);

        if (len == 0)
            return mb_fail(err, MB_ERR_INVALID, "--build-arg \"%s\" has no name", text);
        if (value)
            mb_kv_set(&o->request.build_args, key, value);
    }
    for (size_t i = 0; i < f->labels.n; i++) {
        const char *text = f->labels.v[i];
        size_t len = strcspn(text, "=");
        _cleanup_free_ char *key = mb_xstrndup(text, len);

        if (len == 0)
            return mb_fail(err, MB_ERR_INVALID, "--label \"%s\" has no name", text);
        mb_kv_set(&o->request.labels, key, text[len] == '=' ? text + len + 1 : "");
    }
    return check_epoch(o, err);
}

/* What the value of --build-context is, and whether it is well-formed. */
static int context_kind_check(const char *value, const char **ret, struct mb_error *err)
{
    _cleanup_(layout_spec_done) struct layout_spec spec = {0};
    _cleanup_(mb_reference_done) struct mb_reference ref = {0};
    enum context_kind kind;

    if (mb_starts_with(value, "oci-layout://")) {
        *ret = MB_CONTEXT_LAYOUT;
        return layout_spec_parse(value, &spec, err);
    }
    if (mb_starts_with(value, MB_CONTEXT_IMAGE_PREFIX)) {
        *ret = MB_CONTEXT_IMAGE;
        return mb_reference_parse(value + strlen(MB_CONTEXT_IMAGE_PREFIX), &ref, err);
    }
    *ret = MB_CONTEXT_LOCAL;
    if (context_kind_of(value, &kind, err) < 0)
        return -1;
    return kind == CONTEXT_STDIN ? mb_fail(err, MB_ERR_INVALID,
                                           "only the main context may be standard "
                                           "input")
                                 : 0;
}

static int check_contexts(const struct flags *f, struct build_options *o,
                          struct mb_error *err)
{
    struct mb_build_request *r = &o->request;

    r->contexts = mb_xcalloc(f->contexts.n + 1, sizeof(*r->contexts));
    for (size_t i = 0; i < f->contexts.n; i++) {
        const char *text = f->contexts.v[i];
        const char *eq = strchr(text, '=');
        struct mb_named_context *c = &r->contexts[r->n_contexts];
        const char *kind = NULL;

        if (!eq || eq == text || !eq[1])
            return mb_fail(err, MB_ERR_INVALID,
                           "--build-context \"%s\" is not NAME=DIRECTORY, "
                           "NAME=docker-image://REF, NAME=oci-layout://DIR[:TAG] or "
                           "NAME=URL",
                           text);
        if (context_kind_check(eq + 1, &kind, err) < 0)
            return mb_wrap(err, "--build-context %s", text);
        c->name = mb_xstrndup(text, (size_t)(eq - text));
        c->kind = mb_xstrdup(kind);
        c->value = mb_xstrdup(eq + 1);
        r->n_contexts++;
        for (size_t k = 0; k + 1 < r->n_contexts; k++)
            if (strcmp(r->contexts[k].name, c->name) == 0)
                return mb_fail(err, MB_ERR_INVALID, "--build-context %s is given twice",
                               c->name);
    }
    return 0;
}

static int check_allow(const struct flags *f, struct build_options *o,
                       struct mb_error *err)
{
    static const char *const names[] = {"security.insecure", "network.host"};

    for (size_t i = 0; i < f->allow.n; i++)
        if (strcmp(f->allow.v[i], names[0]) != 0
            && strcmp(f->allow.v[i], names[1]) != 0)
            return mb_fail(err, MB_ERR_INVALID,
                           "--allow must be %s or %s, not \"%.60s\"", names[0],
                           names[1], f->allow.v[i]);
    mb_strv_add_all(&o->request.allow, &f->allow);
    return 0;
}

static int check_run(const struct flags *f, struct build_options *o,
                     struct mb_error *err)
{
    struct mb_build_request *r = &o->request;
    char *text = NULL;

    for (size_t i = 0; i < f->hosts.n; i++) {
        if (run_flag_host(f->hosts.v[i], &text, err) < 0)
            return mb_wrap(err, "--add-host");
        mb_strv_add_take(&r->hosts, text);
    }
    for (size_t i = 0; i < f->ulimits.n; i++) {
        if (run_flag_ulimit(f->ulimits.v[i], &text, err) < 0)
            return mb_wrap(err, "--ulimit");
        mb_strv_add_take(&r->ulimits, text);
    }
    if (f->shm_size && run_flag_bytes(f->shm_size, &r->shm_bytes, err) < 0)
        return mb_wrap(err, "--shm-size");
    for (size_t i = 0; i < f->no_cache_filter.n; i++) {
        _cleanup_strv_ struct mb_strv stages = {0};

        mb_strv_split(&stages, f->no_cache_filter.v[i], ",");
        mb_strv_add_all(&r->no_cache_filter, &stages);
    }
    if (f->no_cache && r->no_cache_filter.n > 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "--no-cache and --no-cache-filter cannot currently be used "
                       "together");
    return 0;
}

static int check_word(const char *flag, const char *value, const char *const *words,
                      size_t n, struct mb_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(value, words[i]) == 0)
            return 0;
    return mb_fail(err, MB_ERR_INVALID, "%s must be %s, %s or %s, not \"%s\"", flag,
                   words[0], words[1], words[2], value);
}

static int check_choices(struct flags *f, struct build_options *o, struct mb_error *err)
{
    static const char *const networks[] = {"default", "host", "none"};
    static const char *const emulations[] = {"auto", "never", "always"};
    const char *mode = f->progress ? f->progress : getenv("BUILDKIT_PROGRESS");

    if (f->network && check_word("--network", f->network, networks, 3, err) < 0)
        return -1;
    if (f->emulation && check_word("--emulation", f->emulation, emulations, 3, err) < 0)
        return -1;
    if (progress_mode_parse(mode && *mode ? mode : "auto", &o->progress, err) < 0)
        return -1;
    if (f->quiet)
        o->progress = PROGRESS_QUIET;
    o->quiet = o->progress == PROGRESS_QUIET;
    o->request.no_cache = f->no_cache;
    o->request.pull = f->pull;
    o->request.network = steal_ptr(f->network);
    o->request.emulation = steal_ptr(f->emulation);
    o->request.target = steal_ptr(f->target);
    o->metadata_file = steal_ptr(f->metadata_file);
    o->iid_file = steal_ptr(f->iid_file);
    return 0;
}

static bool is_web_address(const char *text)
{
    return mb_starts_with(text, "http://") || mb_starts_with(text, "https://");
}

static int check_places(struct flags *f, const struct mb_strv *args,
                        struct build_options *o, struct mb_error *err)
{
    enum context_kind kind;

    if (args->n != 1)
        return mb_fail(err, MB_ERR_INVALID,
                       "build takes one argument, the context (%zu given); '.' is "
                       "this directory",
                       args->n);
    if (context_kind_of(args->v[0], &kind, err) < 0)
        return mb_wrap(err, "context");
    if (f->file && strstr(f->file, "://") && !is_web_address(f->file))
        return mb_fail(err, MB_ERR_INVALID, "-f %s: only http and https are supported",
                       f->file);
    o->context_dir = mb_xstrdup(args->v[0]);
    o->request.context_name = mb_xstrdup(args->v[0]);
    o->request.dockerfile_name = mb_xstrdup(f->file ? f->file : "Dockerfile");
    o->dockerfile = steal_ptr(f->file);
    return 0;
}

int build_options_parse(int argc, char **argv, struct build_options *ret,
                        struct mb_error *err)
{
    _cleanup_(flags_done) struct flags f = {0};
    _cleanup_strv_ struct mb_strv args = {0};
    _cleanup_(build_options_done) struct build_options o = {0};

    if (options_parse(defs, ARRAY_SIZE(defs), argc, argv, &f, &args, &o.notes, err) < 0)
        return -1;
    o.help = f.help;
    o.debug = f.debug;
    o.cluster = steal_ptr(f.cluster);
    o.state_dir = steal_ptr(f.state_dir);
    if (!f.help && !f.call && f.check)
        f.call = mb_xstrdup("check");
    if (!f.help
        && (check_places(&f, &args, &o, err) < 0 || check_platforms(&f, &o, err) < 0
            || check_args(&f, &o, err) < 0 || check_contexts(&f, &o, err) < 0
            || check_run(&f, &o, err) < 0 || check_allow(&f, &o, err) < 0
            || secrets_add(&f.secrets, &o.request, err) < 0
            || check_outputs(&f, &o, err) < 0 || check_choices(&f, &o, err) < 0
            || call_spec_parse(f.call, &o.call, err) < 0))
        return -1;
    *ret = o;
    o = (struct build_options){0};
    return 0;
}
