/* SPDX-License-Identifier: Apache-2.0 */
/* Every message kind: filled by its table, sent through the codec, copied, cut. */
#include "mb_test.h"

#include "base/limits.h"
#include "base/mem.h"
#include "proto/build.h"
#include "proto/kinds.h"
#include "proto/session.h"
#include "proto/task.h"

#define KIND_END 64

static void fill(const struct mb_wire_schema *s, void *msg);

static char *text_of(const struct mb_wire_field *f)
{
    char *s = mb_xstrdup(f->name);

    if (f->max > 0 && strlen(s) > f->max)
        s[f->max] = '\0';
    return s;
}

static void fill_list(const struct mb_wire_field *f, char *at, char *at_n)
{
    size_t n = 2;
    char *v = mb_xcalloc(n, f->sub->size);

    for (size_t i = 0; i < n; i++)
        fill(f->sub, v + i * f->sub->size);
    memcpy(at, &v, sizeof(v));
    memcpy(at_n, &n, sizeof(n));
}

static void fill_bytes(const struct mb_wire_field *f, struct mb_bytes *b)
{
    b->len = f->min > 0 ? (size_t)f->min : 3;
    b->data = mb_xcalloc(1, b->len);
    memset(b->data, 0xa5, b->len);
}

static void fill_field(const struct mb_wire_field *f, void *msg)
{
    void *at = (char *)msg + f->offset;

    switch (f->type) {
    case MB_WIRE_U64:
        *(uint64_t *)at = f->max > 0 ? f->max : UINT64_MAX;
        break;
    case MB_WIRE_I64:
        *(int64_t *)at = INT64_MIN;
        break;
    case MB_WIRE_BOOL:
        *(bool *)at = true;
        break;
    case MB_WIRE_STR:
        *(char **)at = text_of(f);
        break;
    case MB_WIRE_DIGEST:
        memset(at, 0x77, sizeof(struct mb_digest));
        break;
    case MB_WIRE_BYTES:
        fill_bytes(f, at);
        break;
    case MB_WIRE_STRV:
        mb_strv_add(at, "one");
        mb_strv_add(at, "");
        break;
    case MB_WIRE_KV:
        mb_kv_set(at, "z", "last first");
        mb_kv_set(at, "a", "");
        break;
    case MB_WIRE_PLATFORM:
        *(struct mb_platform *)at = (struct mb_platform){"linux", "arm", "v6"};
        break;
    case MB_WIRE_DESC:
        *(struct mb_descriptor *)at = (struct mb_descriptor){
            MB_MT_OCI_LAYER_GZIP, {{1, 2, 3}}, MB_BLOB_BYTES_MAX};
        break;
    case MB_WIRE_LIST:
        fill_list(f, at, (char *)msg + f->offset_n);
        break;
    case MB_WIRE_STRUCT:
        fill(f->sub, at);
        break;
    }
}

static void fill(const struct mb_wire_schema *s, void *msg)
{
    for (size_t i = 0; i < s->n_fields; i++)
        fill_field(&s->fields[i], msg);
}

static void assert_same_bytes(const struct mb_wire_schema *s, const void *a,
                              const void *b)
{
    _cleanup_buf_ struct mb_buf one = MB_BUF_INIT(MB_MSG_BYTES_MAX);
    _cleanup_buf_ struct mb_buf two = MB_BUF_INIT(MB_MSG_BYTES_MAX);

    mb_wire_encode(s, a, &one);
    mb_wire_encode(s, b, &two);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
}

static void check_round_trip(const struct mb_wire_schema *s)
{
    _cleanup_free_ char *msg = mb_xcalloc(1, s->size + 1);
    _cleanup_free_ char *got = mb_xcalloc(1, s->size + 1);
    _cleanup_free_ char *copy = mb_xcalloc(1, s->size + 1);
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_BYTES_MAX);
    struct mb_error err;

    fill(s, msg);
    mb_wire_encode(s, msg, &out);
    assert_false(out.overflow);
    assert_ok(mb_wire_decode(s, out.data, out.len, got, &err), err);
    assert_same_bytes(s, msg, got);
    mb_wire_copy(s, copy, got);
    mb_wire_done(s, got);
    assert_same_bytes(s, msg, copy);
    for (size_t cut = 0; cut < out.len; cut++)
        assert_fails(mb_wire_decode(s, out.data, cut, got, &err), err, MB_ERR_PROTOCOL);
    mb_wire_done(s, msg);
    mb_wire_done(s, copy);
}

static void every_kind_survives_the_wire(void **state _unused_)
{
    unsigned n = 0;

    for (unsigned kind = 0; kind < KIND_END; kind++) {
        if (!mb_kind_schema(kind))
            continue;
        check_round_trip(mb_kind_schema(kind));
        n++;
    }
    assert_int_equal(n, 25);
    check_round_trip(&mb_agent_info_schema);
}

static void kinds_have_their_names(void **state _unused_)
{
    static const struct {
        unsigned kind;
        const char *name;
    } rows[] = {
        {0, "unknown"},    {1, "JOIN"},
        {7, "BYE"},        {8, "unknown"},
        {16, "LS"},        {25, "BUILD_STATUS"},
        {26, "CALL"},      {27, "CALL_REPLY"},
        {28, "unknown"},   {48, "TASK"},
        {53, "TASK_DONE"}, {54, "unknown"},
        {255, "unknown"},  {UINT32_MAX, "unknown"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(mb_kind_name(rows[i].kind), rows[i].name);
}

static void a_clients_greeting_has_these_bytes(void **state _unused_)
{
    static const char want[] = "\x83\xa4role\x01\xa7session\xc4\x10"
                               "0123456789abcdef\xa7version\xa3"
                               "0.1";
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_GREETING_BYTES_MAX);
    char session[] = "0123456789abcdef", version[] = "0.1";
    const struct mb_hello m = {
        .role = 1, .session = {.data = session, .len = 16}, .version = version};

    mb_wire_encode(&mb_hello_schema, &m, &out);
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.len);
}

static void an_agents_greeting_fits_before_it_is_known(void **state _unused_)
{
    _cleanup_buf_ struct mb_buf out = MB_BUF_INIT(MB_MSG_GREETING_BYTES_MAX);
    _cleanup_free_ struct mb_agent_platform *platforms =
        mb_xcalloc(MB_PLATFORMS_MAX, sizeof(*platforms));
    char fact[] = "a fact about this machine that is not short",
         via[] = "private-binfmt";
    struct mb_hello m = {.role = 2, .session = {fact, 16}, .version = fact};

    m.agent = (struct mb_agent_info){fact,      fact,      fact,
                                     fact,      fact,      fact,
                                     fact,      platforms, MB_PLATFORMS_MAX,
                                     64,        128,       UINT64_MAX,
                                     UINT64_MAX};
    for (size_t i = 0; i < MB_PLATFORMS_MAX; i++)
        platforms[i] =
            (struct mb_agent_platform){{"linux", "mips64le", "r6"}, true, via, 1234567};
    mb_wire_encode(&mb_hello_schema, &m, &out);
    assert_false(out.overflow);
}

static void a_task_without_steps_is_refused(void **state _unused_)
{
    static const char bytes[] = "\x85\xa8"
                                "build_id\x01\xa7task_id\x02\xa5"
                                "epoch\x01\xa8platform\xablinux/amd64\xa5steps\x90";
    struct mb_task m;
    struct mb_error err;

    assert_fails(mb_wire_decode(&mb_task_schema, bytes, sizeof(bytes) - 1, &m, &err),
                 err, MB_ERR_PROTOCOL);
    assert_string_equal(err.msg, "TASK: 'steps' is under 1 items");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_survives_the_wire),
        cmocka_unit_test(kinds_have_their_names),
        cmocka_unit_test(a_clients_greeting_has_these_bytes),
        cmocka_unit_test(an_agents_greeting_fits_before_it_is_known),
        cmocka_unit_test(a_task_without_steps_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
