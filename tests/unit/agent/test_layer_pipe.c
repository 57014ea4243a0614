/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "agent/layer_pipe.h"
#include "base/mem.h"

struct collected {
    struct mb_buf bytes;
};

static int collect(const void *data, size_t len, void *arg,
                   struct mb_error *err _unused_)
{
    struct collected *c = arg;

    mb_buf_add(&c->bytes, data, len);
    return 0;
}

/* Stores @text as a layer's "tar" (the pipe does not look inside). */
static struct mb_layer_ref store_layer(struct mb_blob_store *s, const char *text)
{
    _cleanup_(layer_pipe_freep) struct layer_pipe *p = NULL;
    struct mb_layer_ref ref = {0};
    struct mb_error err;

    assert_ok(layer_pipe_new(s, 6, &p, &err), err);
    struct mb_sink sink = layer_pipe_sink(p);
    for (const char *c = text; *c; c++)
        assert_ok(mb_sink_put(&sink, c, 1, &err), err);
    assert_ok(layer_pipe_end(p, &ref, &err), err);
    return ref;
}

static void what_goes_in_comes_out_and_is_checked(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_(mb_blob_store_freep) struct mb_blob_store *s = NULL;
    struct collected got = {MB_BUF_INIT(1 << 20)};
    struct mb_sink out = {collect, &got};
    struct mb_error err;
    int fd = -1;

    assert_ok(mb_blob_store_open(t->path, &s, &err), err);
    struct mb_layer_ref ref = store_layer(s, "some tar bytes");
    struct mb_digest plain = mb_digest_of(BYTES("some tar bytes"));
    assert_true(mb_digest_equal(&ref.diff_id, &plain));
    assert_true(mb_blob_store_has(s, &ref.blob.digest, NULL));
    assert_ok(mb_blob_store_open_blob(s, &ref.blob.digest, &fd, NULL, &err), err);
    assert_ok(layer_pipe_unpack(fd, &ref.blob, &ref.diff_id, &out, &err), err);
    assert_string_equal(got.bytes.data, "some tar bytes");
    close(fd);
    mb_buf_done(&got.bytes);
}

static void a_layer_of_another_diff_id_is_corrupt(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_(mb_blob_store_freep) struct mb_blob_store *s = NULL;
    struct collected got = {MB_BUF_INIT(1 << 20)};
    struct mb_sink out = {collect, &got};
    struct mb_digest other = mb_digest_of(BYTES("other"));
    struct mb_error err;
    int fd = -1;

    assert_ok(mb_blob_store_open(t->path, &s, &err), err);
    struct mb_layer_ref ref = store_layer(s, "some tar bytes");
    assert_ok(mb_blob_store_open_blob(s, &ref.blob.digest, &fd, NULL, &err), err);
    assert_fails(layer_pipe_unpack(fd, &ref.blob, &other, &out, &err), err,
                 MB_ERR_CORRUPT);
    close(fd);
    mb_buf_done(&got.bytes);
}

/* A tar whose first file name looks like gzip's magic must not be decompressed. */
static void a_plain_layer_is_never_decompressed(void **state)
{
    struct mb_test_dir *t = *state;
    _cleanup_(mb_blob_store_freep) struct mb_blob_store *s = NULL;
    struct collected got = {MB_BUF_INIT(1 << 20)};
    struct mb_sink out = {collect, &got};
    struct mb_descriptor blob = {.media_type = MB_MT_OCI_LAYER};
    static const char bytes[] = "\x1f\x8b\x08 this is a name";
    struct mb_error err;
    int fd = -1;

    assert_ok(mb_blob_store_open(t->path, &s, &err), err);
    assert_ok(mb_blob_store_put(s, BYTES(bytes), &blob.digest, &err), err);
    assert_ok(mb_blob_store_open_blob(s, &blob.digest, &fd, &blob.size, &err), err);
    assert_ok(layer_pipe_unpack(fd, &blob, &blob.digest, &out, &err), err);
    assert_int_equal(got.bytes.len, sizeof(bytes) - 1);
    close(fd);
    mb_buf_done(&got.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(what_goes_in_comes_out_and_is_checked),
        mb_test_in_dir(a_layer_of_another_diff_id_is_corrupt),
        mb_test_in_dir(a_plain_layer_is_never_decompressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
