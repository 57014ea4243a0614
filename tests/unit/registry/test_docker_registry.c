/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a real registry: Debian's docker-registry. */
#include "tests/unit/registry/docker_registry.h"

#include <sys/mman.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/text.h"
#include "mb_test.h"
#include "registry/registry_client.h"

/* user: pw, by htpasswd -nbB (cost 5) */
static const char htpasswd[] =
    "user:$2y$05$stoOUekAvjf90.l7IXj3lOw.5VDYqSdjbbzlsqdUyInbHha5Nof2i\n";
static const char index_doc[] =
    "{\"schemaVersion\":2,\"mediaType\":\"" MB_MT_OCI_INDEX "\",\"manifests\":[]}";

struct fixture {
    struct mb_test_dir *dir;
    struct docker_registry registry;
    struct mb_blob_store *store;
    struct mb_reference ref;
    char store_dir[64];
};

static int setup(void **state, const char *users)
{
    struct fixture *f = mb_xcalloc(1, sizeof(*f));
    _cleanup_free_ char *ref = NULL;
    struct mb_error err;

    if (mb_test_dir_setup((void **)&f->dir) < 0)
        return -1;
    docker_registry_start(&f->registry, f->dir->path, users);
    snprintf(f->store_dir, sizeof(f->store_dir), "%.40s/store", f->dir->path);
    ref = mb_xasprintf("%s/team/app:1", f->registry.host);
    if (mb_blob_store_open(f->store_dir, &f->store, &err) < 0
        || mb_reference_parse(ref, &f->ref, &err) < 0)
        return -1;
    *state = f;
    return 0;
}

static int setup_open(void **state)
{
    return setup(state, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int rc;

    docker_registry_stop(&f->registry);
    mb_blob_store_free(f->store);
    mb_reference_done(&f->ref);
    rc = mb_test_dir_teardown((void **)&f->dir);
    free(f);
    return rc;
}

static struct mb_descriptor describe(const void *data, size_t len)
{
    struct mb_descriptor d = {.media_type = MB_MT_OCI_LAYER_GZIP, .size = len};

    d.digest = mb_digest_of(data, len);
    return d;
}

static int push(struct mb_registry_client *c, const struct fixture *f, const void *data,
                size_t len, const struct mb_descriptor *d, struct mb_error *err)
{
    _cleanup_close_ int fd = memfd_create("blob", MFD_CLOEXEC);

    if (mb_write_all(fd, data, len, err) < 0)
        return -1;
    return mb_registry_push_blob(c, &f->ref, d, fd, err);
}

static void blobs_and_an_index_go_there_and_back(void **state)
{
    struct fixture *f = *state;
    _cleanup_(mb_registry_client_freep) struct mb_registry_client *c =
        mb_registry_client_new(&(struct mb_registry_opts){0});
    _cleanup_free_ char *data = mb_xmalloc(3 * MB_MIB);
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(4096);
    struct mb_descriptor d, got;
    struct mb_error err;
    bool has = true;

    mb_random_bytes(data, 3 * MB_MIB);
    d = describe(data, 3 * MB_MIB);
    assert_ok(mb_registry_has_blob(c, &f->ref, &d.digest, &has, &err), err);
    assert_false(has);
    assert_ok(push(c, f, data, 3 * MB_MIB, &d, &err), err);
    assert_ok(push(c, f, data, 3 * MB_MIB, &d, &err), err);
    assert_ok(mb_registry_has_blob(c, &f->ref, &d.digest, &has, &err), err);
    assert_true(has);
    assert_ok(mb_registry_get_blob(c, &f->ref, &d, f->store, &err), err);
    assert_true(mb_blob_store_has(f->store, &d.digest, NULL));

    for (unsigned i = 0; i < 2; i++)
        assert_ok(mb_registry_put_manifest(c, &f->ref, i ? "1" : NULL, MB_MT_OCI_INDEX,
                                           index_doc, sizeof(index_doc) - 1, &err),
                  err);
    assert_ok(mb_registry_get_manifest(c, &f->ref, &doc, &got, &err), err);
    assert_string_equal(doc.data, index_doc);
    assert_string_equal(got.media_type, MB_MT_OCI_INDEX);
}

static void what_is_missing_is_named(void **state)
{
    struct fixture *f = *state;
    _cleanup_(mb_registry_client_freep) struct mb_registry_client *c =
        mb_registry_client_new(&(struct mb_registry_opts){0});
    struct mb_descriptor d = describe("absent", 6);
    _cleanup_buf_ struct mb_buf doc = MB_BUF_INIT(4096);
    struct mb_error err;

    assert_fails(mb_registry_get_blob(c, &f->ref, &d, f->store, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_fails(mb_registry_get_manifest(c, &f->ref, &doc, &d, &err), err,
                 MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "team/app:1");
    assert_contains(err.msg, "MANIFEST_UNKNOWN");
}

static void a_wrong_digest_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_(mb_registry_client_freep) struct mb_registry_client *c =
        mb_registry_client_new(&(struct mb_registry_opts){0});
    struct mb_descriptor d = describe("other", 5);
    struct mb_error err;

    assert_fails(push(c, f, "bytes", 5, &d, &err), err, MB_ERR_CORRUPT);
    assert_contains(err.msg, "DIGEST_INVALID");
}

static void a_registry_that_went_away_is_named(void **state)
{
    struct fixture *f = *state;
    _cleanup_(mb_registry_client_freep) struct mb_registry_client *c =
        mb_registry_client_new(&(struct mb_registry_opts){0});
    struct mb_descriptor d = describe("bytes", 5);
    struct mb_error err;

    assert_ok(push(c, f, "bytes", 5, &d, &err), err); /* a connection is open */
    docker_registry_stop(&f->registry);
    assert_fails(push(c, f, "bytes", 5, &d, &err), err, MB_ERR_UNAVAILABLE);
    assert_contains(err.msg, f->registry.host);
    assert_contains(err.msg, "refused");
}

static int setup_users(void **state)
{
    return setup(state, htpasswd);
}

static void users_are_let_in_and_others_are_not(void **state)
{
    static const struct {
        const char *auth; /* base64 of user:pw, user:no */
        enum mb_errc code;
    } rows[] = {
        {"dXNlcjpwdw==", MB_OK}, {"dXNlcjpubw==", MB_ERR_DENIED}, {"", MB_ERR_DENIED}};
    struct fixture *f = *state;
    struct mb_descriptor d = describe("bytes", 5);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_free_ char *path = mb_xasprintf("%s/config.json", f->dir->path);
        _cleanup_free_ char *text = mb_xasprintf(
            "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", f->registry.host, rows[i].auth);
        _cleanup_(mb_registry_client_freep) struct mb_registry_client *c =
            mb_registry_client_new(&(struct mb_registry_opts){.docker_config = path});
        struct mb_error err;

        assert_ok(mb_write_file(AT_FDCWD, path, text, strlen(text), 0600, &err), err);
        if (rows[i].code == MB_OK) {
            assert_ok(push(c, f, "bytes", 5, &d, &err), err);
            continue;
        }
        assert_fails(push(c, f, "bytes", 5, &d, &err), err, rows[i].code);
        assert_contains(err.msg, "docker login");
        assert_contains(err.msg, f->registry.host);
        assert_contains(err.msg, "team/app");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blobs_and_an_index_go_there_and_back,
                                        setup_open, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, setup_open, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_digest_is_refused, setup_open,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_registry_that_went_away_is_named, setup_open,
                                        teardown),
        cmocka_unit_test_setup_teardown(users_are_let_in_and_others_are_not,
                                        setup_users, teardown),
    };

    if (!docker_registry_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
