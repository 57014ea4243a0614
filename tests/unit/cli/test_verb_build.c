/* SPDX-License-Identifier: Apache-2.0 */
/* `mbcluster build` as a whole against a scripted coordinator with a real blob
 * endpoint. */
#include "fake_coordinator.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "cli/embedded.h"
#include "cli/verbs.h"
#include "fs/tree.h"
#include "oci/image_config.h"
#include "oci/layout.h"
#include "oci/manifest.h"

/* The program links the real pair; here every build names a cluster. */
int embedded_start(const char *state_dir _unused_, struct embedded **ret _unused_,
                   struct embedded_peer *ret_peer _unused_, struct mb_error *err)
{
    return mb_fail(err, MB_ERR_INVALID, "this test has no embedded pair");
}
bool embedded_failed(struct embedded *e _unused_, struct mb_error *err _unused_)
{
    return false;
}
void embedded_stop(struct embedded *e _unused_)
{
}

struct scene {
    struct mb_test_dir *dir;
    struct fake fake;
    struct mb_build_image_record image;
    char *join; /* the string */
    char *text; /* what the last run wrote to stderr */
};

static char *in_dir(const struct scene *s, const char *name)
{
    return mb_xasprintf("%s/%s", s->dir->path, name);
}

static void write_file(const struct scene *s, const char *name, const char *text)
{
    struct mb_error err;

    assert_ok(mb_write_file(s->dir->fd, name, text, strlen(text), 0644, &err), err);
}

/* An image of one layer in the coordinator's store. */
static void make_image(struct scene *s)
{
    struct mb_manifest m = {.media_type = MB_MT_OCI_MANIFEST};
    struct mb_image_config config = {0};
    struct mb_descriptor layer = {.media_type = MB_MT_OCI_LAYER, .size = 1024};
    char zeros[1024] = {0};
    struct mb_index ix = {.media_type = MB_MT_OCI_INDEX};
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(65536);
    struct mb_error err;

    assert_ok(mb_platform_parse("linux/amd64", &s->image.platform, &err), err);
    assert_ok(
        mb_blob_store_put(s->fake.store, zeros, sizeof(zeros), &layer.digest, &err),
        err);
    config.platform = s->image.platform;
    mb_image_config_add_diff_id(&config, &layer.digest);
    mb_image_config_encode(&config, &b);
    (void)snprintf(m.config.media_type, sizeof(m.config.media_type), "%s",
                   MB_MT_OCI_CONFIG);
    m.config.size = b.len;
    assert_ok(mb_blob_store_put(s->fake.store, b.data, b.len, &m.config.digest, &err),
              err);
    s->image.config = m.config.digest;
    m.layers = &layer;
    m.n_layers = 1;
    mb_buf_clear(&b);
    mb_manifest_encode(&m, &b);
    (void)snprintf(s->image.manifest.media_type, MB_MEDIA_TYPE_LEN, "%s",
                   MB_MT_OCI_MANIFEST);
    s->image.manifest.size = b.len;
    assert_ok(mb_blob_store_put(s->fake.store, b.data, b.len, &s->image.manifest.digest,
                                &err),
              err);
    mb_index_add(&ix, &s->image.manifest, &s->image.platform);
    mb_buf_clear(&b);
    mb_index_encode(&ix, &b);
    s->fake.done =
        (struct mb_build_done){.ok = true, .images = &s->image, .n_images = 1};
    (void)snprintf(s->fake.done.root.media_type, MB_MEDIA_TYPE_LEN, "%s",
                   MB_MT_OCI_INDEX);
    s->fake.done.root.size = b.len;
    assert_ok(mb_blob_store_put(s->fake.store, b.data, b.len, &s->fake.done.root.digest,
                                &err),
              err);
    mb_index_done(&ix);
    mb_image_config_done(&config);
}

static int scene_up(void **state)
{
    struct scene *s = mb_xcalloc(1, sizeof(*s));
    void *dir = NULL;

    mb_net_init(); /* before threads are made: the last run gave the signals back */
    if (mb_test_dir_setup(&dir) < 0)
        return -1;
    s->dir = dir;
    _cleanup_free_ char *store = in_dir(s, "store");
    _cleanup_free_ char *config = in_dir(s, "config");
    _cleanup_free_ char *local_state = in_dir(s, "state");
    setenv("XDG_CONFIG_HOME", config, 1);
    setenv("MBCLUSTER_STATE", local_state, 1);
    unsetenv("MBCLUSTER_CLUSTER");
    unsetenv("SOURCE_DATE_EPOCH");
    assert_int_equal(mkdirat(s->dir->fd, "ctx", 0755), 0);
    assert_int_equal(mkdirat(s->dir->fd, "ctx/sub", 0755), 0);
    write_file(s, "ctx/Dockerfile", "FROM scratch\nCOPY . /\n");
    write_file(s, "ctx/.dockerignore", "*.log\n!keep.log\n");
    write_file(s, "ctx/a", "A");
    write_file(s, "ctx/b.log", "B");
    write_file(s, "ctx/keep.log", "K");
    write_file(s, "ctx/sub/c", "C");
    fake_start(&s->fake, store);
    make_image(s);
    s->join = fake_join_string(&s->fake);
    *state = s;
    return 0;
}

static int scene_down(void **state)
{
    struct scene *s = *state;
    void *dir = s->dir;

    fake_done(&s->fake);
    free(s->join);
    free(s->text);
    free(s);
    return mb_test_dir_teardown(&dir);
}

/* Run the verb with stderr going to s->text; the context comes last. */
static int build(struct scene *s, const char *flags)
{
    _cleanup_free_ char *context = in_dir(s, "ctx");
    _cleanup_strv_ struct mb_strv argv = {0};
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(1 << 20);
    int fd = memfd_create("stderr", MFD_CLOEXEC);
    int saved = dup(STDERR_FILENO);
    struct mb_error err;
    int r;

    mb_net_init();
    if (*flags)
        mb_strv_split(&argv, flags, " ");
    mb_strv_add(&argv, "--cluster");
    mb_strv_add(&argv, s->join);
    mb_strv_add(&argv, context);
    (void)dup2(fd, STDERR_FILENO);
    r = verb_build((int)argv.n, mb_strv_argv(&argv));
    (void)fflush(stderr);
    (void)dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(mb_read_to_end(fd, &text, &err), err);
    close(fd);
    free(s->text);
    s->text = mb_buf_steal(&text);
    return r;
}

static char *read_path(const struct scene *s, const char *name)
{
    struct mb_buf b = MB_BUF_INIT(1 << 20);
    struct mb_error err;

    assert_ok(mb_read_file(s->dir->fd, name, &b, &err), err);
    return mb_buf_steal(&b);
}

/* Names in the tar, joined; malloc'ed. */
static char *tar_names(int fd)
{
    struct mb_tree tree = {0};
    _cleanup_strv_ struct mb_strv names = {0};
    struct mb_error err;

    assert_ok(mb_tree_from_tar(fd, &tree, &err), err);
    for (size_t i = 0; i < tree.n; i++)
        mb_strv_add(&names, tree.v[i].path);
    mb_tree_done(&tree);
    return mb_strv_join(&names, " ");
}

static void a_build_writes_an_archive_and_joins_once(void **state)
{
    struct scene *s = *state;
    _cleanup_free_ char *tar = in_dir(s, "out.tar");
    _cleanup_free_ char *tar2 = in_dir(s, "out2.tar");
    _cleanup_free_ char *meta = in_dir(s, "meta.json");
    _cleanup_free_ char *iid = in_dir(s, "iid");
    _cleanup_free_ char *flags = mb_xasprintf(
        "--progress plain -t app:1 -o type=oci,dest=%s --metadata-file %s --iidfile %s",
        tar, meta, iid);
    _cleanup_free_ char *again =
        mb_xasprintf("--progress plain -t app:1 -o type=oci,dest=%s", tar2);
    char digest[MB_DIGEST_TEXT_LEN + 1];
    struct mb_error err;

    if (build(s, flags) != 0)
        fail_msg("%s", s->text);
    assert_contains(s->text, "#0 building with \"c1\" at tcp://");
    assert_contains(s->text, "#1 [internal] load build definition from Dockerfile\n");
    assert_contains(s->text, "[internal] load build context\n");
    assert_contains(s->text, "[1/1] COPY . /\n");
    assert_contains(s->text, " 0.001 hello\n");
    assert_contains(s->text, "exporting to oci image format\n");

    _cleanup_free_ char *meta_text = read_path(s, "meta.json");
    _cleanup_free_ char *iid_text = read_path(s, "iid");
    mb_digest_text(&s->fake.done.root.digest, digest);
    assert_string_equal(iid_text, digest);
    assert_contains(meta_text, digest);
    assert_contains(meta_text, "\"image.name\": \"docker.io/library/app:1\"");

    if (build(s, again) != 0)
        fail_msg("%s", s->text);
    fake_stop(&s->fake);
    assert_int_equal(s->fake.n_joins, 1);
    assert_int_equal(s->fake.n_hellos, 2);

    _cleanup_buf_ struct mb_buf a = MB_BUF_INIT(1 << 20);
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(1 << 20);
    assert_ok(mb_read_file(AT_FDCWD, tar, &a, &err), err);
    assert_ok(mb_read_file(AT_FDCWD, tar2, &b, &err), err);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    _cleanup_close_ int fd = open(tar, O_RDONLY | O_CLOEXEC);
    _cleanup_free_ char *names = tar_names(fd);
    assert_contains(names, "index.json oci-layout");
    assert_contains(names, "blobs blobs/sha256 blobs/sha256/");
    static const char index_head[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" MB_MT_OCI_INDEX
        "\",\"manifests\":[{\"mediaType\":\"" MB_MT_OCI_INDEX "\"";
    assert_non_null(memmem(a.data, a.len, index_head, sizeof(index_head) - 1));
    _cleanup_free_ char *left = in_dir(s, "state/tmp");
    DIR *d = opendir(left);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        assert_null(strstr(e->d_name, "export-"));
    closedir(d);
}

static void the_context_is_what_dockerignore_leaves(void **state)
{
    struct scene *s = *state;
    _cleanup_close_ int fd = -1;
    struct mb_error err;

    if (build(s, "") != 0)
        fail_msg("%s", s->text);
    assert_contains(s->text, "WARNING: No output specified");
    fake_stop(&s->fake);
    _cleanup_free_ char *dir = in_dir(s, "store");
    assert_ok(mb_blob_store_open(dir, &s->fake.store, &err), err);
    assert_ok(mb_blob_store_open_blob(s->fake.store, &s->fake.ready.context.digest, &fd,
                                      NULL, &err),
              err);
    mb_blob_store_free(s->fake.store);
    _cleanup_free_ char *names = tar_names(fd);
    assert_string_equal(names, ".dockerignore Dockerfile a keep.log sub sub/c");
}

static void a_layout_directory_is_written_and_can_be_a_base(void **state)
{
    struct scene *s = *state;
    _cleanup_free_ char *out = in_dir(s, "layout");
    _cleanup_free_ char *flags =
        mb_xasprintf("-t app:v2 -o type=oci,tar=false,dest=%s", out);
    _cleanup_free_ char *with_base =
        mb_xasprintf("-o type=cacheonly --build-context base=oci-layout://%s:v2", out);
    _cleanup_(mb_layout_freep) struct mb_layout *layout = NULL;
    struct mb_descriptor root;
    struct mb_error err;

    if (build(s, flags) != 0)
        fail_msg("%s", s->text);
    assert_ok(mb_layout_open(out, &layout, &err), err);
    assert_ok(mb_layout_resolve(layout, "v2", NULL, &root, &err), err);
    assert_true(mb_digest_equal(&root.digest, &s->fake.done.root.digest));

    s->fake.layout = "base";
    assert_ok(mb_blob_store_remove(s->fake.store, &root.digest, &err), err);
    assert_ok(mb_blob_store_remove(s->fake.store, &s->image.config, &err), err);
    if (build(s, with_base) != 0)
        fail_msg("%s", s->text);
    assert_true(mb_blob_store_has(s->fake.store, &root.digest, NULL));
    assert_true(mb_blob_store_has(s->fake.store, &s->image.config, NULL));
    fake_stop(&s->fake);
    assert_int_equal(s->fake.ready.n_layouts, 1);
    assert_string_equal(s->fake.ready.layouts[0].name, "base");
    assert_true(mb_digest_equal(&s->fake.ready.layouts[0].root.digest, &root.digest));
}

/* A pipe as dest, as of `-o type=oci,dest=>(xz)`, and a full disk. */
static void what_is_no_file_is_written_to_and_never_replaced(void **state)
{
    struct scene *s = *state;
    _cleanup_free_ char *node = in_dir(s, "full");
    _cleanup_free_ char *flags = mb_xasprintf("-o type=oci,dest=%s", node);
    struct stat st;

    if (mknod(node, S_IFCHR | 0666, makedev(1, 7)) == 0) {
        assert_int_equal(build(s, flags), 1);
        assert_contains(s->text, "No space left on device");
        assert_int_equal(stat(node, &st), 0);
        assert_true(S_ISCHR(st.st_mode));
        assert_int_equal(unlink(node), 0);
    }
    assert_int_equal(mkfifo(node, 0600), 0);
    _cleanup_close_ int fd = open(node, O_RDWR | O_CLOEXEC); /* 64 KiB do not block */
    if (build(s, flags) != 0)
        fail_msg("%s", s->text);
    char head[10] = "";
    assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
    assert_memory_equal(head, "oci-layout", sizeof(head));
    assert_int_equal(stat(node, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    fake_stop(&s->fake);
}

static void failures_end_with_one_message_and_code_1(void **state)
{
    static const struct {
        enum fake_script script;
        const char *flags, *why;
    } rows[] = {
        {FAKE_FAILS, "--progress plain",
         "Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> COPY "
         ". /\n"},
        {FAKE_FAILS, "-q", "ERROR: unknown instruction: FETCH\n"},
        {FAKE_REFUSES, "", "ERROR: the coordinator at tcp://"},
        {FAKE_NEEDS_TWO, "", "asked for the context twice"},
        {FAKE_HANGS, "--progress plain", "ERROR: build canceled\n"},
        {FAKE_STUBBORN, "--progress plain", "ERROR: build canceled\n"},
        {FAKE_GOOD, "-o type=oci,dest=/nonexistent/x.tar", "/nonexistent/"},
        {FAKE_GOOD, "-f /nonexistent/Dockerfile", "ERROR: Dockerfile: "},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        s->fake.script = rows[i].script;
        assert_int_equal(build(s, rows[i].flags), 1);
        assert_contains(s->text, rows[i].why);
    }
    fake_stop(&s->fake);
    assert_true(s->fake.n_cancels >= 2);
}

static void usage_errors_are_code_2(void **state)
{
    struct scene *s = *state;

    assert_int_equal(build(s, "--platfrom x"), 2);
    assert_contains(s->text, "did you mean --platform?");
    assert_contains(s->text, "mbcluster build --help");
    fake_stop(&s->fake);
    assert_int_equal(s->fake.n_hellos, 0);
}

static void a_used_token_is_explained(void **state)
{
    struct scene *s = *state;

    atomic_store(&s->fake.refuse_token, true);
    assert_int_equal(build(s, ""), 1);
    assert_contains(s->text, "ask for a new one");
    fake_stop(&s->fake);
}

static void a_forgotten_key_joins_again(void **state)
{
    struct scene *s = *state;

    if (build(s, "") != 0)
        fail_msg("%s", s->text);
    atomic_store(&s->fake.want_joins, 2);
    if (build(s, "") != 0)
        fail_msg("%s", s->text);
    fake_stop(&s->fake);
    assert_int_equal(s->fake.n_joins, 2);
}

#define scene_test(f) cmocka_unit_test_setup_teardown(f, scene_up, scene_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_build_writes_an_archive_and_joins_once),
        scene_test(the_context_is_what_dockerignore_leaves),
        scene_test(a_layout_directory_is_written_and_can_be_a_base),
        scene_test(what_is_no_file_is_written_to_and_never_replaced),
        scene_test(failures_end_with_one_message_and_code_1),
        scene_test(usage_errors_are_code_2),
        scene_test(a_used_token_is_explained),
        scene_test(a_forgotten_key_joins_again),
    };

    mb_net_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
