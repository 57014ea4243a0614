/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend_test.h"

struct want {
    enum frontend_mount_kind kind;
    const char *source, *target, *id, *env;
    bool read_only, required;
    enum frontend_sharing sharing;
    uint64_t mode, uid, gid, size_bytes;
};

/* Each row is one --mount and what the step is told. */
static void mounts_become_parts_of_the_step(void **state _unused_)
{
    static const struct {
        const char *mount;
        struct want want;
    } rows[] = {
        {"target=/a", {FRONTEND_BIND, .source = "", .target = "/a", .read_only = true}},
        {"type=bind,dst=b,src=/x/../y,rw",
         {FRONTEND_BIND, .source = "y", .target = "/w/b"}},
        {"TYPE=Bind,destination=/b/,source=../..,ro=false",
         {FRONTEND_BIND, .source = "", .target = "/b"}},
        {"from=s,target=/a,source=o",
         {FRONTEND_BIND, .source = "o", .target = "/a", .read_only = true}},
        {"type=tmpfs,target=/t", {FRONTEND_TMPFS, .target = "/t"}},
        {"type=tmpfs,target=/t,size=64m",
         {FRONTEND_TMPFS, .target = "/t", .size_bytes = 64 << 20}},
        {"type=tmpfs,target=/t,size=2GiB",
         {FRONTEND_TMPFS, .target = "/t", .size_bytes = UINT64_C(2) << 30}},
        {"type=cache,target=/c",
         {FRONTEND_CACHE, .target = "/c", .id = "/c", .sharing = FRONTEND_SHARED}},
        {"type=cache,target=/c,id=i,sharing=locked,ro,mode=0700,uid=1,gid=2",
         {FRONTEND_CACHE, .target = "/c", .id = "i", .sharing = FRONTEND_LOCKED,
          .read_only = true, .mode = 0700, .uid = 1, .gid = 2}},
        {"type=cache,target=/c,sharing=private,from=s",
         {FRONTEND_CACHE, .target = "/c", .id = "/c", .source = "",
          .sharing = FRONTEND_PRIVATE}},
        {"type=cache,target=/$V/c,id=$V",
         {FRONTEND_CACHE, .target = "/v/c", .id = "v", .sharing = FRONTEND_SHARED}},
        {"type=secret,id=k",
         {FRONTEND_SECRET, .target = "/run/secrets/k", .id = "k", .read_only = true,
          .mode = 0400}},
        {"type=secret,src=d/k",
         {FRONTEND_SECRET, .target = "/run/secrets/k", .id = "d/k", .read_only = true,
          .mode = 0400}},
        {"type=secret,target=/etc/k,required,mode=0440",
         {FRONTEND_SECRET, .target = "/etc/k", .id = "k", .required = true,
          .read_only = true, .mode = 0440}},
        {"type=secret,id=k,env=K",
         {FRONTEND_SECRET, .id = "k", .env = "K", .read_only = true, .mode = 0400}},
        {"type=secret,id=k,env=K,target=k",
         {FRONTEND_SECRET, .target = "/w/k", .id = "k", .env = "K", .read_only = true,
          .mode = 0400}},
        {"\\\"target=/a,b\\\"",
         {FRONTEND_BIND, .source = "", .target = "/a,b", .read_only = true}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct frontend_args a = test_args();
        const struct want *want = &rows[i].want;
        _cleanup_free_ char *text = mb_xasprintf(
            "FROM scratch AS s\nFROM scratch\nENV V=v\nWORKDIR /w\nRUN --mount=%s x\n",
            rows[i].mount);
        struct frontend_result r = test_eval(text, &a);
        const struct frontend_step *s = &r.steps[r.n_steps - 1];

        print_message("%s\n", rows[i].mount);
        assert_int_equal(s->n_mounts, 1);
        const struct frontend_mount *m = &s->mounts[0];
        assert_int_equal(m->kind, want->kind);
        assert_int_equal(m->has_from, want->source != NULL);
        if (want->source)
            assert_string_equal(m->source, *want->source ? want->source : ".");
        assert_int_equal(m->target != NULL, want->target != NULL);
        if (want->target)
            assert_string_equal(m->target, want->target);
        if (want->id)
            assert_string_equal(m->id, want->id);
        assert_int_equal(m->env != NULL, want->env != NULL);
        assert_int_equal(m->read_only, want->read_only);
        assert_int_equal(m->required, want->required);
        assert_int_equal(m->size_bytes, want->size_bytes);
        if (want->sharing)
            assert_int_equal(m->sharing, want->sharing);
        if (want->mode)
            assert_int_equal(m->mode, want->mode);
        assert_int_equal(m->uid, want->uid);
        assert_int_equal(m->gid, want->gid);
        frontend_result_done(&r);
    }
}

static void wrong_mounts_are_refused_with_their_line(void **state _unused_)
{
    static const struct {
        const char *mount, *why;
    } rows[] = {
        {"type=cash,target=/a",
         "unsupported mount type \"cash\" (did you mean cache?)"},
        {"targit=/a", "unexpected key 'targit' in 'targit=/a' (did you mean target?)"},
        {"target", "invalid field 'target' must be a key=value pair"},
        {"", "unexpected key ''"},
        {"target=/", "invalid mount target \"/\""},
        {"type=tmpfs", "invalid mount target \"/\""},
        {"target=/a,from=$X", "'from' of a mount doesn't support variable expansion"},
        {"target=/a,from=last", "needs to be defined before"},
        {"target=/a,ro=maybe", "invalid value for readonly: maybe"},
        {"target=/a,size=1m", "unexpected key 'size' for mount type 'bind'"},
        {"target=/a,sharing=locked", "unexpected key 'sharing' for mount type 'bind'"},
        {"target=/a,required", "unexpected key 'required' for mount type 'bind'"},
        {"target=/a,mode=0700", "unexpected key 'mode' for mount type 'bind'"},
        {"type=tmpfs,target=/a,from=s", "unexpected key 'from' for mount type 'tmpfs'"},
        {"type=tmpfs,target=/a,size=1x", "invalid value for size: 1x"},
        {"type=tmpfs,target=/a,size=99999999999g", "invalid value for size"},
        {"type=cache,target=/a,sharing=lokced", "(did you mean locked?)"},
        {"type=cache,target=/a,mode=0999", "invalid value 0999 for mode"},
        {"type=cache,target=/a,uid=root", "invalid value root for uid"},
        {"type=cache,target=/a,source=b", "needs from"},
        {"type=secret", "one of id, source, target is required"},
        {"type=secret,id=a,src=b", "both source and id can't be set"},
        {"type=secret,id=a,env=A=B", "invalid value A=B for env"},
        {"type=ssh,required", "RUN --mount=type=ssh is not supported yet"},
        {"\\\"target=/a", "a quote is out of place"},
        {"target=/a\\\"", "a quote is out of place"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct frontend_args a = test_args();
        struct mb_error err;
        _cleanup_free_ char *text = mb_xasprintf(
            "FROM scratch AS s\nFROM scratch\nRUN --mount=%s x\nFROM scratch AS last\n",
            rows[i].mount);

        assert_fails(test_eval_all(text, &a, &err), err, MB_ERR_INVALID);
        print_message("%s\n", err.msg);
        assert_contains(err.msg, "Dockerfile:3: --mount: ");
        assert_contains(err.msg, rows[i].why);
    }
}

static void sources_and_context_paths_of_mounts_are_known_early(void **state _unused_)
{
    struct frontend_args a = test_args();
    struct frontend *f = test_parse(
        "FROM scratch AS s\nFROM scratch\nENV V=dir\n"
        "RUN --mount=from=s,target=/a --mount=from=img,target=/b x\n"
        "RUN --mount=source=$V/x,target=/a --mount=type=tmpfs,target=/t y\n");
    _cleanup_strv_ struct mb_strv paths = {0};
    struct frontend_from *v = NULL;
    struct mb_error err;
    size_t n = 0;

    assert_ok(frontend_copy_sources(f, 1, &a, &v, &n, &err), err);
    assert_int_equal(n, 2);
    assert_int_equal(v[0].source, FRONTEND_STAGE);
    assert_string_equal(v[1].name, "img");
    for (size_t i = 0; i < n; i++)
        frontend_from_done(&v[i]);
    free(v);
    assert_ok(frontend_context_paths(f, 1, &a, &paths, &err), err);
    assert_int_equal(paths.n, 1);
    assert_string_equal(paths.v[0], "dir/x");
    frontend_free(f);
}

static void a_ssh_mount_that_is_not_required_is_left_out(void **state _unused_)
{
    struct frontend_args a = test_args();
    struct frontend_result r =
        test_eval("FROM scratch\nRUN --mount=type=ssh --security=sandbox x\n", &a);

    assert_int_equal(r.steps[0].n_mounts, 0);
    assert_false(r.steps[0].insecure);
    frontend_result_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mounts_become_parts_of_the_step),
        cmocka_unit_test(wrong_mounts_are_refused_with_their_line),
        cmocka_unit_test(sources_and_context_paths_of_mounts_are_known_early),
        cmocka_unit_test(a_ssh_mount_that_is_not_required_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
