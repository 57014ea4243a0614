/* SPDX-License-Identifier: Apache-2.0 */
/* client_fixture - a store, a reference to a fake registry, and a client for it. */
#ifndef MB_TEST_CLIENT_FIXTURE_H
#define MB_TEST_CLIENT_FIXTURE_H

#include "base/limits.h"
#include "base/mem.h"
#include "mb_test.h"
#include "registry/registry_client.h"
#include "tests/unit/registry/fake_http.h"

struct fixture {
    char dir[64];
    struct mb_blob_store *store;
    struct fake_http *fake;
    struct mb_reference ref; /* FAKE/team/app:1 */
    struct mb_registry_client *client;
};

static inline void fixture_open(struct fixture *f, const struct mb_test_dir *t,
                                struct fake_rule *rules, size_t n,
                                const struct mb_registry_opts *opts)
{
    _cleanup_free_ char *text = NULL;
    struct mb_error err;

    snprintf(f->dir, sizeof(f->dir), "%.40s/store", t->path);
    assert_ok(mb_blob_store_open(f->dir, &f->store, &err), err);
    f->fake = fake_http_start(rules, n);
    text = mb_xasprintf("%s/team/app:1", fake_http_host(f->fake));
    assert_ok(mb_reference_parse(text, &f->ref, &err), err);
    f->client = mb_registry_client_new(opts ? opts : &(struct mb_registry_opts){0});
}

static inline void fixture_close(struct fixture *f)
{
    mb_registry_client_free(f->client);
    mb_blob_store_free(f->store);
    mb_reference_done(&f->ref);
    if (f->fake)
        fake_http_stop(f->fake);
}

static inline struct mb_descriptor describe(const void *data, size_t len)
{
    struct mb_descriptor d = {.media_type = MB_MT_OCI_LAYER_GZIP, .size = len};

    d.digest = mb_digest_of(data, len);
    return d;
}

/* A file with those bytes; the caller closes. */
static inline int make_file(const void *data, size_t len)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    struct mb_error err;

    assert_true(fd >= 0);
    assert_ok(mb_write_all(fd, data, len, &err), err);
    return fd;
}

#endif
