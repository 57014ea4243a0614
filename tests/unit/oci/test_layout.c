/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include <sys/stat.h>

#include "base/limits.h"
#include "oci/layout.h"

static void put(struct mb_test_dir *t, const char *path, const char *text)
{
    struct mb_error err;

    assert_ok(mb_write_file(t->fd, path, text, strlen(text), 0644, &err), err);
}

/* A layout whose index names @n_names of "latest", "v1" for one manifest. */
static struct mb_descriptor make_layout(struct mb_test_dir *t, size_t n_names)
{
    static const char manifest[] = "{\"schemaVersion\":2,\"layers\":[]}";
    static const char *const names[] = {"v1", "latest"};
    struct mb_descriptor d = {.digest = mb_digest_of(manifest, sizeof(manifest) - 1),
                              .size = sizeof(manifest) - 1};
    struct mb_index ix = {0};
    struct mb_buf out = MB_BUF_INIT(MB_MIB);
    struct mb_error err;
    char hex[MB_DIGEST_HEX_LEN + 1], path[128];

    (void)snprintf(d.media_type, sizeof(d.media_type), "%s", MB_MT_OCI_MANIFEST);
    assert_ok(mb_mkdir_p(t->fd, "blobs/sha256", 0755, &err), err);
    (void)snprintf(path, sizeof(path), "blobs/sha256/%s",
                   mb_digest_hex(&d.digest, hex));
    put(t, path, manifest);
    put(t, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");

    (void)snprintf(ix.media_type, sizeof(ix.media_type), "%s", MB_MT_OCI_INDEX);
    for (size_t i = 0; i < n_names; i++) {
        mb_index_add(&ix, &d, NULL);
        ix.v[i].ref_name = strdup(names[i]);
    }
    if (n_names == 0)
        mb_index_add(&ix, &d, NULL);
    mb_index_encode(&ix, &out);
    put(t, "index.json", out.data);
    mb_index_done(&ix);
    mb_buf_done(&out);
    return d;
}

static void names_and_digests_resolve(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_descriptor want = make_layout(t, 2), got = {0};
    struct mb_layout *l = NULL;
    struct mb_buf text = MB_BUF_INIT(MB_KIB);
    struct mb_digest other = mb_digest_of("x", 1);
    struct mb_error err;

    assert_ok(mb_layout_open(t->path, &l, &err), err);
    assert_ok(mb_layout_resolve(l, "v1", NULL, &got, &err), err);
    assert_true(mb_digest_equal(&got.digest, &want.digest));
    assert_ok(mb_layout_resolve(l, NULL, NULL, &got, &err), err);
    assert_ok(mb_layout_resolve(l, NULL, &want.digest, &got, &err), err);
    assert_fails(mb_layout_resolve(l, "v2", NULL, &got, &err), err, MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "v1, latest");
    assert_fails(mb_layout_resolve(l, NULL, &other, &got, &err), err, MB_ERR_NOT_FOUND);

    assert_ok(mb_layout_read(l, &got, &text, &err), err);
    assert_int_equal(text.len, want.size);
    mb_buf_done(&text);
    mb_layout_free(l);
}

static void the_only_entry_needs_no_name(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_descriptor want = make_layout(t, 0), got = {0};
    struct mb_layout *l = NULL;
    struct mb_error err;

    assert_ok(mb_layout_open(t->path, &l, &err), err);
    assert_ok(mb_layout_resolve(l, NULL, NULL, &got, &err), err);
    assert_true(mb_digest_equal(&got.digest, &want.digest));
    assert_fails(mb_layout_resolve(l, "v1", NULL, &got, &err), err, MB_ERR_NOT_FOUND);
    mb_layout_free(l);
}

static void a_manifest_outside_the_index_describes_itself(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_descriptor want = make_layout(t, 1), got = {0};
    struct mb_layout *l = NULL;
    struct mb_error err;

    put(t, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
    assert_ok(mb_layout_open(t->path, &l, &err), err);
    assert_ok(mb_layout_resolve(l, NULL, &want.digest, &got, &err), err);
    assert_string_equal(got.media_type, MB_MT_OCI_MANIFEST);
    assert_true(got.size == want.size);
    assert_fails(mb_layout_resolve(l, NULL, NULL, &got, &err), err, MB_ERR_NOT_FOUND);
    mb_layout_free(l);
}

static void changed_blobs_are_found_out(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_descriptor d = make_layout(t, 1);
    struct mb_layout *l = NULL;
    struct mb_buf text = MB_BUF_INIT(MB_KIB), small = MB_BUF_INIT(3);
    struct mb_error err;
    char hex[MB_DIGEST_HEX_LEN + 1], path[128];
    int fd = -1;

    (void)snprintf(path, sizeof(path), "blobs/sha256/%s",
                   mb_digest_hex(&d.digest, hex));
    assert_ok(mb_layout_open(t->path, &l, &err), err);
    assert_fails(mb_layout_read(l, &d, &small, &err), err, MB_ERR_LIMIT);

    put(t, path, "{\"schemaVersion\":2,\"layers\":[ }"); /* same size */
    assert_fails(mb_layout_read(l, &d, &text, &err), err, MB_ERR_CORRUPT);
    assert_contains(err.msg, "digest");
    put(t, path, "short");
    assert_fails(mb_layout_read(l, &d, &text, &err), err, MB_ERR_CORRUPT);
    assert_fails(mb_layout_open_blob(l, &d, &fd, &err), err, MB_ERR_CORRUPT);
    assert_int_equal(unlinkat(t->fd, path, 0), 0);
    assert_fails(mb_layout_read(l, &d, &text, &err), err, MB_ERR_NOT_FOUND);
    assert_int_equal(mkfifoat(t->fd, path, 0600), 0); /* must not block */
    assert_fails(mb_layout_open_blob(l, &d, &fd, &err), err, MB_ERR_CORRUPT);
    assert_int_equal(text.len, 0);
    mb_layout_free(l);
}

static void other_directories_are_not_layouts(void **state)
{
    struct mb_test_dir *t = *state;
    struct mb_layout *l = NULL;
    struct mb_error err;
    size_t fds = mb_test_count_fds();

    assert_fails(mb_layout_open("/no/such/dir", &l, &err), err, MB_ERR_NOT_FOUND);
    assert_fails(mb_layout_open(t->path, &l, &err), err, MB_ERR_INVALID);
    put(t, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    assert_fails(mb_layout_open(t->path, &l, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, "2.0.0");
    put(t, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_fails(mb_layout_open(t->path, &l, &err), err, MB_ERR_NOT_FOUND);
    put(t, "index.json", "{}");
    assert_fails(mb_layout_open(t->path, &l, &err), err, MB_ERR_INVALID);
    assert_null(l);
    assert_int_equal(mb_test_count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mb_test_in_dir(names_and_digests_resolve),
        mb_test_in_dir(the_only_entry_needs_no_name),
        mb_test_in_dir(a_manifest_outside_the_index_describes_itself),
        mb_test_in_dir(changed_blobs_are_found_out),
        mb_test_in_dir(other_directories_are_not_layouts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
