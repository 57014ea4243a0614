/* SPDX-License-Identifier: Apache-2.0 */
#include "mb_test.h"

#include "base/mem.h"
#include "coordinator/plan/key.h"
#include "coordinator/plan/plan.h"

/* A plan for two platforms with a base of one made-up layer on each. */
struct fixture {
    struct mb_build_request req;
    struct plan *plan;
    struct mb_tree tree;
};

static void add_file(struct mb_tree *t, const char *path, const char *content)
{
    t->v = mb_xreallocarray(t->v, t->n + 1, sizeof(*t->v));
    t->v[t->n++] = (struct mb_tree_entry){
        .path = mb_xstrdup(path),
        .mode = S_IFREG | 0644,
        .size = strlen(content),
        .content = mb_digest_of(content, strlen(content)),
    };
}

static int prepare(struct fixture *f, const char *dockerfile, const char *kind,
                   const char *value, struct mb_error *err)
{
    struct mb_platform amd64;

    *f = (struct fixture){0};
    if (kind) {
        f->req.contexts = mb_xcalloc(1, sizeof(*f->req.contexts));
        f->req.n_contexts = 1;
        f->req.contexts[0] = (struct mb_named_context){
            mb_xstrdup("named"), mb_xstrdup(kind), mb_xstrdup(value)};
    }
    f->req.dockerfile_name = mb_xstrdup("Dockerfile");
    f->req.dockerfile.data = mb_xstrdup(dockerfile);
    f->req.dockerfile.len = strlen(dockerfile);
    mb_strv_add(&f->req.platforms, "linux/amd64");
    mb_strv_add(&f->req.platforms, "linux/s390x");
    assert_ok(mb_platform_parse("linux/amd64", &amd64, err), *err);
    return plan_new(&f->req, &amd64, &f->plan, err);
}

static void begin(struct fixture *f, const char *dockerfile)
{
    struct mb_error err;

    assert_ok(prepare(f, dockerfile, NULL, NULL, &err), err);
    add_file(&f->tree, "a.txt", "a");
    add_file(&f->tree, "b.txt", "b");
}

static void pull(struct fixture *f)
{
    for (size_t i = 0; i < f->plan->n_bases; i++) {
        struct plan_base *b = &f->plan->bases[i];
        struct mb_digest layer =
            mb_digest_of(b->platform.arch, strlen(b->platform.arch));
        b->image.config.platform = b->platform;
        mb_image_config_add_diff_id(&b->image.config, &layer);
        b->image.layers = mb_xcalloc(1, sizeof(*b->image.layers));
        b->image.layers[0].digest = layer;
        b->image.n_layers = 1;
    }
}

static void make(struct fixture *f, const char *dockerfile)
{
    struct mb_error err;

    begin(f, dockerfile);
    pull(f);
    assert_ok(plan_steps(f->plan, &f->tree, 6, &err), err);
}

static void done(struct fixture *f)
{
    plan_free(f->plan);
    mb_tree_done(&f->tree);
    mb_wire_done(&mb_build_request_schema, &f->req);
}

static size_t steps_on(const struct plan *p, const char *arch)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_steps; i++)
        n += strcmp(p->steps[i].platform.arch, arch) == 0;
    return n;
}

static void a_stage_on_the_build_platform_exists_once(void **state _unused_)
{
    struct fixture f;

    make(&f, "FROM --platform=$BUILDPLATFORM busybox AS build\nRUN make\n"
             "FROM busybox\nCOPY --from=build /out /out\n");
    assert_int_equal(f.plan->n_bases, 2);
    assert_int_equal(f.plan->n_steps, 3); /* make once, COPY for each target */
    assert_int_equal(steps_on(f.plan, "s390x"), 1);
    done(&f);
    make(&f,
         "FROM --platform=$BUILDPLATFORM busybox AS build\nARG TARGETARCH\nRUN make\n"
         "FROM busybox\nCOPY --from=build /out /out\n");
    assert_int_equal(f.plan->n_steps, 4); /* it looks at its target: once for each */
    done(&f);
}

static void stages_that_the_target_does_not_need_are_pruned(void **state _unused_)
{
    struct fixture f;

    make(&f, "FROM nosuch AS unused\nRUN false\nFROM busybox\nRUN true\n");
    assert_int_equal(f.plan->n_bases, 2);
    assert_int_equal(f.plan->n_steps, 2);
    assert_false(f.plan->needs_context);
    done(&f);
}

static void keys_depend_on_content_and_not_on_names(void **state _unused_)
{
    struct fixture f, g;
    struct mb_error err;

    make(&f, "FROM busybox AS x\nCOPY a.txt /\n");
    make(&g, "FROM busybox AS y\nCOPY a.txt /\n");
    assert_true(mb_digest_equal(&f.plan->steps[0].key, &g.plan->steps[0].key));
    done(&g);
    begin(&g, "FROM busybox AS x\nCOPY a.txt /\n");
    pull(&g);
    g.tree.v[1].content = mb_digest_of("z", 1); /* b.txt: not copied */
    assert_ok(plan_steps(g.plan, &g.tree, 6, &err), err);
    assert_true(mb_digest_equal(&f.plan->steps[0].key, &g.plan->steps[0].key));
    done(&g);
    begin(&g, "FROM busybox AS x\nCOPY a.txt /\n");
    pull(&g);
    g.tree.v[0].content = mb_digest_of("z", 1);
    assert_ok(plan_steps(g.plan, &g.tree, 6, &err), err);
    assert_false(mb_digest_equal(&f.plan->steps[0].key, &g.plan->steps[0].key));
    done(&g);
    done(&f);
}

static void files_of_a_named_context_are_a_state_with_keys_by_content(
    void **state _unused_)
{
    static const char text[] =
        "FROM named AS f\nRUN true\nFROM scratch\nCOPY --from=named n /\n"
        "COPY --from=f n /m\n";
    struct mb_digest keys[3][2];
    struct mb_error err;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct fixture f;

        assert_ok(prepare(&f, text, MB_CONTEXT_LOCAL, "dir", &err), err);
        assert_false(f.plan->needs_context);
        assert_int_equal(f.plan->n_bases, 0);
        assert_int_equal(f.plan->n_locals, 1);
        assert_string_equal(f.plan->locals[0].name, "named");
        assert_string_equal(f.plan->locals[0].paths.v[0], ".");
        add_file(&f.plan->locals[0].tree, "n", i == 1 ? "other" : "n");
        if (i == 2) /* beside what is copied */
            add_file(&f.plan->locals[0].tree, "o", "o");
        assert_ok(plan_steps(f.plan, NULL, 6, &err), err);
        assert_int_equal(f.plan->n_steps, 6);
        keys[i][0] = f.plan->steps[0].key;
        keys[i][1] = f.plan->steps[1].key;
        assert_int_equal(f.plan->steps[0].source.origin, PLAN_LOCAL);
        done(&f);
    }
    assert_false(mb_digest_equal(&keys[0][0], &keys[1][0]));
    assert_true(mb_digest_equal(&keys[0][0], &keys[2][0]));
    assert_false(mb_digest_equal(&keys[0][1], &keys[2][1])); /* FROM takes all */
}

static void a_named_image_is_pulled_by_its_reference(void **state _unused_)
{
    struct mb_error err;
    struct fixture f;

    assert_ok(prepare(&f, "FROM named\nRUN true\n", MB_CONTEXT_IMAGE,
                      "docker-image://reg/app:2", &err),
              err);
    assert_int_equal(f.plan->n_bases, 2);
    assert_string_equal(f.plan->bases[0].name, "reg/app:2");
    assert_false(f.plan->bases[0].named);
    pull(&f);
    assert_ok(plan_steps(f.plan, NULL, 6, &err), err);
    done(&f);
}

static void kinds_of_contexts_that_are_not_known_are_refused(void **state _unused_)
{
    static const char *const rows[][2] = {
        {"target", "target:x"},
        {MB_CONTEXT_IMAGE, "x"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_error err;
        struct fixture f;

        assert_fails(prepare(&f, "FROM named\n", rows[i][0], rows[i][1], &err), err,
                     MB_ERR_INVALID);
        assert_contains(err.msg, "knows no build context of kind");
        done(&f);
    }
}

/* The key of the last step for amd64. */
static struct mb_digest mount_key(const char *mounts, const char *content)
{
    _cleanup_free_ char *text =
        mb_xasprintf("FROM busybox AS s\nRUN %s\nFROM busybox\nRUN %s x\n",
                     strcmp(content, "other stage") == 0 ? "two" : "one", mounts);
    struct fixture f;
    struct mb_error err;

    begin(&f, text);
    pull(&f);
    f.tree.v[0].content = mb_digest_of(content, strlen(content));
    assert_ok(plan_steps(f.plan, &f.tree, 6, &err), err);
    const struct plan_stage *st = &f.plan->stages[f.plan->images[0]];
    struct mb_digest key = f.plan->steps[st->tip.index].key;
    done(&f);
    return key;
}

static void keys_tell_what_a_run_mounts(void **state _unused_)
{
    static const struct {
        const char *a, *content_a, *b, *content_b;
        bool same;
    } rows[] = {
        {"--mount=source=a.txt,target=/a", "1", "--mount=source=a.txt,target=/a", "1",
         true},
        {"--mount=source=a.txt,target=/a", "1", "--mount=source=a.txt,target=/a", "2",
         false},
        {"--mount=source=b.txt,target=/a", "1", "--mount=source=b.txt,target=/a", "2",
         true},
        {"--mount=target=/a", "1", "--mount=target=/a", "2", false},
        {"--mount=target=/a", "1", "--mount=target=/b", "1", false},
        {"--mount=target=/a", "1", "--mount=target=/a,rw", "1", false},
        {"--mount=from=s,target=/a", "1", "--mount=from=s,target=/a", "2", true},
        {"--mount=from=s,target=/a", "1", "--mount=from=s,target=/a", "other stage",
         false},
        {"--mount=from=s,target=/a", "1", "--mount=from=s,source=x,target=/a", "1",
         false},
        {"--mount=type=cache,target=/a", "1", "--mount=type=cache,target=/a", "2",
         true},
        {"--mount=type=cache,target=/a", "1", "--mount=type=tmpfs,target=/a", "1",
         false},
        {"--mount=type=secret,id=a", "1", "--mount=type=secret,id=b", "1", false},
        {"--mount=type=secret,id=a", "1", "--mount=type=secret,id=a,env=A", "1", false},
        {"--mount=type=ssh", "1", "", "1", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct mb_digest a = mount_key(rows[i].a, rows[i].content_a);
        struct mb_digest b = mount_key(rows[i].b, rows[i].content_b);

        print_message("%s, %s\n", rows[i].a, rows[i].b);
        assert_int_equal(mb_digest_equal(&a, &b), rows[i].same);
    }
}

static void what_a_mount_lacks_or_may_not_is_named_with_its_line(void **state _unused_)
{
    struct fixture f;
    struct mb_error err;

    begin(&f, "FROM busybox\n\nRUN --mount=source=nosuch,target=/x true\n");
    pull(&f);
    assert_fails(plan_steps(f.plan, &f.tree, 6, &err), err, MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "Dockerfile:3: \"/nosuch\": not found");
    done(&f);
    begin(&f, "FROM busybox\nRUN --security=insecure true\n");
    pull(&f);
    assert_fails(plan_steps(f.plan, &f.tree, 6, &err), err, MB_ERR_INVALID);
    assert_contains(err.msg, "Dockerfile:2: security.insecure is not allowed");
    done(&f);
}

/* A step that saw the network must not stand for one that must not. */
static void the_network_of_the_build_is_in_the_key(void **state _unused_)
{
    struct fixture f, g;
    struct mb_error err;

    make(&f, "FROM busybox\nRUN true\n");
    begin(&g, "FROM busybox\nRUN true\n");
    g.req.network = mb_xstrdup("none");
    pull(&g);
    assert_ok(plan_steps(g.plan, &g.tree, 6, &err), err);
    assert_false(mb_digest_equal(&f.plan->steps[0].key, &g.plan->steps[0].key));
    done(&g);
    done(&f);
}

static void a_missing_copy_source_is_named_with_its_line(void **state _unused_)
{
    struct fixture f;
    struct mb_error err;

    begin(&f, "FROM busybox\n\nCOPY nosuch /\n");
    pull(&f);
    assert_fails(plan_steps(f.plan, &f.tree, 6, &err), err, MB_ERR_NOT_FOUND);
    assert_contains(err.msg, "Dockerfile:3: \"/nosuch\": not found");
    done(&f);
}

static void the_platforms_that_must_execute_are_known_early(void **state _unused_)
{
    struct fixture f;

    begin(&f, "FROM --platform=$BUILDPLATFORM busybox AS b\nRUN make\n"
              "FROM scratch\nCOPY --from=b /x /x\n");
    assert_int_equal(f.plan->run_platforms.n, 1); /* s390x only gets a COPY */
    assert_string_equal(f.plan->run_platforms.v[0].arch, "amd64");
    done(&f);
}

/* The same bytes on every byte order; computed apart from this code, by the rules of
 * PROTOCOL.md section 4. */
#define KEY_VECTOR "28a16613de0b67185cc85183ea97fc08b373dce8ee61bf06fd1355ebcc4b1946"

static void keys_are_fixed_by_byte(void **state _unused_)
{
    char text[MB_DIGEST_HEX_LEN + 1];
    struct key_material k = {.format = 1, .kind = 1, .gzip_level = 6};
    struct mb_error err;

    assert_ok(mb_platform_parse("linux/arm", &k.platform, &err), err);
    mb_strv_add(&k.argv, "/bin/sh");
    k.cwd = (char *)(uintptr_t) "/";
    k.clamp_mtime = true;
    k.max_mtime_sec = 1700000000;
    struct mb_digest d = key_of(&k);
    assert_string_equal(mb_digest_hex(&d, text), KEY_VECTOR);
    mb_strv_done(&k.argv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_on_the_build_platform_exists_once),
        cmocka_unit_test(stages_that_the_target_does_not_need_are_pruned),
        cmocka_unit_test(keys_depend_on_content_and_not_on_names),
        cmocka_unit_test(files_of_a_named_context_are_a_state_with_keys_by_content),
        cmocka_unit_test(a_named_image_is_pulled_by_its_reference),
        cmocka_unit_test(kinds_of_contexts_that_are_not_known_are_refused),
        cmocka_unit_test(keys_tell_what_a_run_mounts),
        cmocka_unit_test(what_a_mount_lacks_or_may_not_is_named_with_its_line),
        cmocka_unit_test(the_network_of_the_build_is_in_the_key),
        cmocka_unit_test(a_missing_copy_source_is_named_with_its_line),
        cmocka_unit_test(the_platforms_that_must_execute_are_known_early),
        cmocka_unit_test(keys_are_fixed_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
