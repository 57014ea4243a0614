/* SPDX-License-Identifier: Apache-2.0 */
#include "step_fixture.h"

#include <sys/stat.h>

#include "base/sha256.h"
#include "base/spawn.h"
#include "fs/gzip.h"
#include "oci/image_config.h"
#include "oci/layout.h"

#ifndef STEP_PROGRAM
#error "STEP_PROGRAM is the path of mbcluster-step"
#endif

const char *fixture_missing(void)
{
    if (!getenv("MB_TEST_BASES"))
        return "MB_TEST_BASES: an image layout made by tests/support/make-bases";
    if (access("/usr/bin/crun", X_OK) < 0)
        return "crun";
    return NULL;
}

struct mb_platform fixture_platform(const char *text)
{
    struct mb_platform p;
    struct mb_error err;

    assert_ok(mb_platform_parse(text, &p, &err), err);
    return p;
}

static void open_manifest(const char *platform, struct mb_layout **ret_layout,
                          struct mb_manifest *ret)
{
    struct mb_platform want = fixture_platform(platform);
    struct mb_buf b = MB_BUF_INIT(MB_MANIFEST_BYTES_MAX);
    struct mb_index ix = {0};
    struct mb_descriptor d;
    struct mb_error err;

    assert_ok(mb_layout_open(getenv("MB_TEST_BASES"), ret_layout, &err), err);
    assert_ok(mb_layout_resolve(*ret_layout, NULL, NULL, &d, &err), err);
    assert_ok(mb_layout_read(*ret_layout, &d, &b, &err), err);
    assert_ok(mb_index_decode(b.data, b.len, &ix, &err), err);
    const struct mb_index_entry *e = mb_index_find(&ix, &want);
    assert_non_null(e);
    mb_buf_clear(&b);
    assert_ok(mb_layout_read(*ret_layout, &e->desc, &b, &err), err);
    assert_ok(mb_manifest_decode(b.data, b.len, ret, &err), err);
    assert_int_equal(ret->n_layers, 1);
    mb_index_done(&ix);
    mb_buf_done(&b);
}

struct tee {
    const struct mb_sink *out;
    struct mb_sha256 *hash;
};

static int tee_put(const void *data, size_t len, void *arg, struct mb_error *err)
{
    struct tee *t = arg;

    mb_sha256_add(t->hash, data, len);
    return t->out ? mb_sink_put(t->out, data, len, err) : 0;
}

int fixture_feed_base(const char *platform, const struct mb_sink *out,
                      struct mb_digest *ret, struct mb_error *err)
{
    struct tee t = {.out = out, .hash = mb_sha256_new()};
    const struct mb_sink sink = {.fn = tee_put, .arg = &t};
    struct mb_layout *layout = NULL;
    struct mb_manifest m = {0};
    int fd = -1;

    open_manifest(platform, &layout, &m);
    int rc = mb_layout_open_blob(layout, &m.layers[0], &fd, err);
    if (rc == 0)
        rc = mb_decompress_fd(fd, 64 * MB_MIB, &sink, err);
    mb_sha256_end(t.hash, ret->bytes);
    mb_cleanup_close(&fd);
    mb_sha256_free(t.hash);
    mb_manifest_done(&m);
    mb_layout_free(layout);
    return rc;
}

static int feed(const struct mb_sink *out, void *arg, struct mb_error *err)
{
    struct mb_digest ignored;

    return fixture_feed_base(arg, out, &ignored, err);
}

void fixture_restart(struct fixture *f)
{
    const char *program = getenv("MB_STEP_PROGRAM");
    const struct step_client_opts opts = {.program = program ? program : STEP_PROGRAM,
                                          .state_dir = f->state_dir,
                                          .emulate = true};
    struct mb_error err;

    step_client_free(f->c);
    f->c = NULL;
    assert_ok(step_client_start(&opts, &f->c, &err), err);
}

static void unpack_base(struct fixture *f, const char *platform, struct mb_digest *ret)
{
    struct mb_error err;
    bool there = false;

    assert_ok(fixture_feed_base(platform, NULL, ret, &err), err);
    assert_ok(step_has_layer(f->c, ret, &there, &err), err);
    assert_false(there);
    assert_ok(step_unpack(f->c, NULL, ret, feed, (void *)(uintptr_t)platform, &err),
              err);
    assert_ok(step_has_layer(f->c, ret, &there, &err), err);
    assert_true(there);
}

int fixture_setup(void **state)
{
    struct fixture *f = mb_xcalloc(1, sizeof(*f));

    (void)snprintf(f->path, sizeof(f->path), "/tmp/mb-test-XXXXXX");
    if (!mkdtemp(f->path))
        return -1;
    f->state_dir = mb_xasprintf("%s/state", f->path);
    *state = f;
    fixture_restart(f);
    unpack_base(f, "linux/amd64", &f->amd64);
    unpack_base(f, "linux/s390x", &f->s390x);
    return 0;
}

/* Layers belong to ids that only root, or a user namespace, may remove. */
int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    struct mb_spawn s = MB_SPAWN_INIT;
    struct mb_buf out = MB_BUF_INIT(4096);
    struct mb_error err;
    int status = -1;

    step_client_free(f->c);
    if (geteuid() != 0)
        mb_strv_split(&s.argv, "unshare -U --map-root-user --map-auto", " ");
    mb_strv_add(&s.argv, "rm");
    mb_strv_add(&s.argv, "-rf");
    mb_strv_add(&s.argv, f->path);
    assert_ok(mb_spawn_output(&s, &out, &status, &err), err);
    mb_spawn_done(&s);
    mb_buf_done(&out);
    free(f->state_dir);
    free(f);
    return status;
}

struct mb_step fixture_sh(const char *script)
{
    struct mb_step s = {.kind = MB_STEP_RUN};

    mb_strv_add(&s.argv, "/bin/sh");
    mb_strv_add(&s.argv, "-c");
    mb_strv_add(&s.argv, script);
    return s;
}

static void log_put(int stream, const void *data, size_t len, void *arg)
{
    struct log *l = arg;

    mb_buf_add(&l->text, data, len);
    if (stream == 2)
        print_message("[stderr] %.*s", (int)len, (const char *)data);
    if (l->on_output)
        l->on_output(l, l->arg);
}

void log_init(struct log *l)
{
    *l = (struct log){.text = MB_BUF_INIT(1024 * 1024)};
    mb_buf_add(&l->text, "", 0);
    l->call = (struct step_call){.log = log_put, .log_arg = l};
}

/* --- layers --- */

static int put_buf(const void *data, size_t len, void *arg,
                   struct mb_error *err _unused_)
{
    mb_buf_add(arg, data, len);
    return 0;
}

static int feed_buf(const struct mb_sink *out, void *arg, struct mb_error *err)
{
    const struct mb_buf *b = arg;

    return mb_sink_put(out, b->data, b->len, err);
}

struct mb_digest fixture_layer(struct fixture *f, const struct layer_file *files,
                               size_t n)
{
    struct mb_buf tar = MB_BUF_INIT(4 * 1024 * 1024);
    const struct mb_sink sink = {.fn = put_buf, .arg = &tar};
    struct mb_tar_writer *w = mb_tar_writer_new(&sink);
    struct mb_error err;

    for (size_t i = 0; i < n; i++) {
        struct mb_tar_entry e = files[i].e;

        e.size = files[i].content ? strlen(files[i].content) : 0;
        assert_ok(mb_tar_writer_entry(w, &e, &err), err);
        if (e.size > 0)
            assert_ok(mb_tar_writer_data(w, files[i].content, (size_t)e.size, &err),
                      err);
    }
    assert_ok(mb_tar_writer_end(w, &err), err);
    mb_tar_writer_free(w);
    struct mb_digest d = mb_digest_of(tar.data, tar.len);
    assert_ok(step_unpack(f->c, NULL, &d, feed_buf, &tar, &err), err);
    mb_buf_done(&tar);
    return d;
}

/* --- diffs --- */

struct tar_names {
    struct mb_sha256 *hash;
    struct mb_buf head; /* of the entry being read */
    struct mb_buf names;
    uint64_t skip;
};

static uint64_t octal(const char *p, size_t len)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len && p[i] >= '0' && p[i] <= '7'; i++)
        v = v * 8 + (uint64_t)(p[i] - '0');
    return v;
}

static int names_put(const void *data, size_t len, void *arg,
                     struct mb_error *err _unused_)
{
    struct tar_names *t = arg;
    const char *p = data;

    mb_sha256_add(t->hash, data, len);
    while (len > 0) {
        size_t n = t->skip > 0               ? (size_t)(t->skip < len ? t->skip : len)
                   : 512 - t->head.len < len ? 512 - t->head.len
                                             : len;

        if (t->skip > 0)
            t->skip -= n;
        else
            mb_buf_add(&t->head, p, n);
        if (t->head.len == 512) {
            const char *h = t->head.data;

            t->skip = (octal(h + 124, 11) + 511) / 512 * 512;
            if (h[0])
                mb_buf_addf(&t->names, "%.100s %o %u:%u %u\n", h,
                            (unsigned)octal(h + 100, 7), (unsigned)octal(h + 108, 7),
                            (unsigned)octal(h + 116, 7), (unsigned)octal(h + 136, 11));
            mb_buf_clear(&t->head);
        }
        p += n;
        len -= n;
    }
    return 0;
}

struct mb_digest fixture_diff(struct fixture *f, const char *work, bool clamp,
                              char **ret_names)
{
    struct tar_names t = {.hash = mb_sha256_new(),
                          .head = MB_BUF_INIT(1024),
                          .names = MB_BUF_INIT(1024 * 1024)};
    const struct mb_sink sink = {.fn = names_put, .arg = &t};
    struct mb_digest d;
    struct mb_error err;

    assert_ok(step_diff(f->c, NULL, work, clamp, 0, &sink, &err), err);
    mb_sha256_end(t.hash, d.bytes);
    mb_sha256_free(t.hash);
    if (ret_names)
        *ret_names = mb_buf_steal(&t.names);
    mb_buf_done(&t.names);
    mb_buf_done(&t.head);
    return d;
}
