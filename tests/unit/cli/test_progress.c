/* SPDX-License-Identifier: Apache-2.0 */
/* What the plain view prints, byte for byte; the formats are buildx's. */
#include "mb_test.h"

#include <sys/mman.h>

#include "base/mem.h"
#include "cli/progress.h"

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)
#define T0 (100 * SEC)

struct screen {
    struct progress *p;
    int fd;
};

static int screen_up(void **state, enum progress_mode mode)
{
    struct screen *s = mb_xcalloc(1, sizeof(*s));

    s->fd = memfd_create("progress", MFD_CLOEXEC);
    s->p = progress_new(mode, s->fd, T0);
    *state = s;
    return s->fd < 0 ? -1 : 0;
}

static int plain_up(void **state)
{
    return screen_up(state, PROGRESS_PLAIN);
}

static int quiet_up(void **state)
{
    return screen_up(state, PROGRESS_QUIET);
}

static int tty_up(void **state)
{
    return screen_up(state, PROGRESS_TTY);
}

static int screen_down(void **state)
{
    struct screen *s = *state;

    progress_free(s->p);
    close(s->fd);
    free(s);
    return 0;
}

/* All that was written so far; malloc'ed. */
static char *shown(struct screen *s)
{
    struct mb_buf b = MB_BUF_INIT(1 << 20);
    struct mb_error err;

    assert_int_equal(lseek(s->fd, 0, SEEK_SET), 0);
    assert_ok(mb_read_to_end(s->fd, &b, &err), err);
    return mb_buf_steal(&b);
}

static void assert_shown(struct screen *s, const char *want)
{
    _cleanup_free_ char *text = shown(s);

    assert_string_equal(text, want);
}

static void vertex(struct screen *s, uint64_t id, enum mb_vertex_state state,
                   const char *name, uint64_t usec, uint64_t now)
{
    _cleanup_free_ char *copy = mb_xstrdup(name);
    _cleanup_free_ char *error =
        state == MB_VERTEX_ERROR ? mb_xstrdup("exit code: 1") : NULL;
    const struct mb_build_vertex m = {
        .vertex = id, .state = state, .name = copy, .usec = usec, .error = error};

    progress_vertex(s->p, &m, now);
}

static void say(struct screen *s, uint64_t id, const char *text, size_t len,
                uint64_t usec, uint64_t now)
{
    _cleanup_free_ char *copy = mb_xmemdup(text, len);
    const struct mb_build_log m = {
        .vertex = id, .stream = 1, .usec = usec, .data = {copy, len}};

    progress_log(s->p, &m, now);
}

static void plain_prints_one_build(void **state)
{
    struct screen *s = *state;
    uint64_t id;

    progress_title(s->p, "building with \"a\"");
    id = progress_local_begin(s->p, "[internal] load build definition from Dockerfile",
                              T0);
    progress_local_status(s->p, id, "transferring dockerfile:", 227, 0, true, T0);
    progress_local_end(s->p, id, MB_VERTEX_DONE, NULL, T0);
    vertex(s, 1, MB_VERTEX_CACHED, "[linux/amd64 build 1/2] FROM busybox", 0, T0);
    vertex(s, 2, MB_VERTEX_STARTED, "[linux/s390x build 2/2 @a2 emulated] RUN make", 0,
           T0);
    say(s, 2, BYTES("one\ntw"), 123 * MSEC, T0 + SEC);
    say(s, 2, BYTES("o\n"), 5 * SEC, T0 + 5 * SEC);
    say(s, 2, BYTES("\n\033[1mthree\033[0m\r\033[2J\x07\n"), 12345 * MSEC,
        T0 + 12 * SEC);
    say(s, 2, BYTES("last"), 123456 * MSEC, T0 + 123 * SEC);
    vertex(s, 2, MB_VERTEX_DONE, NULL, 124 * SEC, T0 + 124 * SEC);
    progress_end(s->p, T0 + 124 * SEC);
    assert_shown(s, "#0 building with \"a\"\n"
                    "\n"
                    "#1 [internal] load build definition from Dockerfile\n"
                    "#1 transferring dockerfile: 227B done\n"
                    "#1 DONE 0.0s\n"
                    "\n"
                    "#2 [linux/amd64 build 1/2] FROM busybox\n"
                    "#2 CACHED\n"
                    "\n"
                    "#3 [linux/s390x build 2/2 @a2 emulated] RUN make\n"
                    "#3 0.123 one\n"
                    "#3 0.123 two\n"
                    "#3 12.35 \n"
                    "#3 12.35 \033[1mthree\033[0m[2J\n"
                    "#3 123.5 last\n"
                    "#3 DONE 124.0s\n");
}

static void plain_switches_between_vertices(void **state)
{
    struct screen *s = *state;

    vertex(s, 1, MB_VERTEX_STARTED, "one", 0, T0);
    vertex(s, 2, MB_VERTEX_STARTED, "two", 0, T0);
    say(s, 1, BYTES("a\n"), SEC, T0 + SEC);
    say(s, 2, BYTES("x\n"), SEC, T0 + 2 * SEC); /* held back: one is active */
    progress_tick(s->p, T0 + 5 * SEC);
    assert_shown(s, "#1 one\n#1 1.000 a\n");
    progress_tick(s->p, T0 + 6 * SEC); /* one has been silent for 5 s */
    assert_shown(s, "#1 one\n#1 1.000 a\n#1 ...\n\n#2 two\n#2 1.000 x\n");
    say(s, 1, BYTES("b\n"), 7 * SEC, T0 + 7 * SEC);
    vertex(s, 2, MB_VERTEX_DONE, NULL, 8 * SEC, T0 + 8 * SEC); /* one's turn again */
    vertex(s, 3, MB_VERTEX_CACHED, "three", 0, T0 + 9 * SEC);
    vertex(s, 1, MB_VERTEX_CANCELED, NULL, 9 * SEC, T0 + 9 * SEC);
    progress_end(s->p, T0 + 9 * SEC);
    assert_shown(s, "#1 one\n#1 1.000 a\n#1 ...\n\n"
                    "#2 two\n#2 1.000 x\n#2 DONE 8.0s\n\n"
                    "#1 one\n#1 7.000 b\n#1 ...\n\n"
                    "#3 three\n#3 CACHED\n\n"
                    "#1 one\n#1 CANCELED\n");
}

static void plain_lets_nobody_wait_for_ever(void **state)
{
    struct screen *s = *state;

    vertex(s, 1, MB_VERTEX_STARTED, "one", 0, T0);
    vertex(s, 2, MB_VERTEX_STARTED, "two", 0, T0);
    for (uint64_t t = 1; t <= 10; t++)
        say(s, 1, BYTES("a\n"), t * SEC, T0 + t * SEC);
    _cleanup_free_ char *text = shown(s);
    assert_contains(text, "#1 10.00 a\n#1 ...\n\n#2 two\n");
}

static void plain_prints_transfers_and_new_names(void **state)
{
    struct screen *s = *state;
    char id[] = "sha256:ab";
    struct mb_build_status m = {.vertex = 1, .id = id, .total = 3420000};

    vertex(s, 1, MB_VERTEX_STARTED, "RUN x", 0, T0);
    m.current = 1000;
    m.usec = 200 * MSEC;
    progress_status(s->p, &m, T0 + 200 * MSEC); /* too early for a line */
    m.current = 1500000;
    m.usec = 1200 * MSEC;
    progress_status(s->p, &m, T0 + 1200 * MSEC);
    vertex(s, 1, MB_VERTEX_STARTED, "RUN x @a2", 0, T0 + 1300 * MSEC);
    m.current = 3420000;
    m.usec = 1500 * MSEC;
    m.done = true;
    progress_status(s->p, &m, T0 + 1500 * MSEC);
    vertex(s, 1, MB_VERTEX_DONE, NULL, 2 * SEC, T0 + 2 * SEC);
    assert_shown(
        s, "#1 RUN x\n#1 sha256:ab 1.50MB / 3.42MB 1.2s\n"
           "#1 RUN x @a2\n#1 sha256:ab 3.42MB / 3.42MB 1.5s done\n#1 DONE 2.0s\n");
}

static void a_vertex_can_run_again(void **state)
{
    struct screen *s = *state;

    vertex(s, 1, MB_VERTEX_STARTED, "RUN x @a1", 0, T0);
    vertex(s, 1, MB_VERTEX_ERROR, NULL, SEC, T0 + SEC);
    vertex(s, 1, MB_VERTEX_STARTED, "RUN x @a2", 0, T0 + SEC);
    vertex(s, 1, MB_VERTEX_DONE, NULL, SEC, T0 + 2 * SEC);
    assert_shown(
        s, "#1 RUN x @a1\n#1 ERROR: exit code: 1\n\n#1 RUN x @a2\n#1 DONE 1.0s\n");
}

static void messages_of_no_vertex_are_dropped(void **state)
{
    struct screen *s = *state;
    char id[] = "x";
    const struct mb_build_status m = {.vertex = 9, .id = id, .done = true};
    const struct mb_build_vertex odd = {.vertex = 9, .state = 77};

    say(s, 9, BYTES("a\n"), 0, T0);
    progress_status(s->p, &m, T0);
    progress_end(s->p, T0);
    assert_shown(s, "");
    progress_vertex(s->p, &odd, T0); /* not a state that there is */
    progress_end(s->p, T0);
    _cleanup_free_ char *text = shown(s);
    assert_null(strstr(text, "DONE"));
}

static void a_failure_shows_log_place_and_reason(void **state)
{
    struct screen *s = *state;
    char file[] = "FROM x\nRUN a \\\n  && b\nCMD c\n";
    char message[] =
        "process \"/bin/sh\" did not complete: exit code: 1\nsecond line\033[2J";
    char source[] = "Dockerfile:2";
    const struct mb_bytes dockerfile = {file, sizeof(file) - 1};
    struct mb_build_done done = {
        .code = MB_ERR_FAILED, .message = message, .source = source};

    vertex(s, 1, MB_VERTEX_STARTED, "[2/2] RUN a", 0, T0);
    say(s, 1, BYTES("oops\n"), 214 * MSEC, T0 + SEC);
    vertex(s, 1, MB_VERTEX_ERROR, NULL, SEC, T0 + SEC);
    progress_end(s->p, T0 + SEC);
    progress_failure(s->p, &done, &dockerfile);
    assert_shown(s, "#1 [2/2] RUN a\n#1 0.214 oops\n#1 ERROR: exit code: 1\n"
                    "------\n"
                    " > [2/2] RUN a:\n"
                    "0.214 oops\n"
                    "------\n"
                    "Dockerfile:2\n"
                    "--------------------\n"
                    "   1 |     FROM x\n"
                    "   2 | >>> RUN a \\\n"
                    "   3 | >>>   && b\n"
                    "   4 |     CMD c\n"
                    "   5 |     \n"
                    "--------------------\n"
                    "ERROR: process \"/bin/sh\" did not complete: exit code: 1\n"
                    "second line[2J\n");
}

static void odd_places_in_a_failure_do_no_harm(void **state)
{
    static const char *const places[] = {"Dockerfile:0", "Dockerfile:999",
                                         "Dockerfile:x", "Dockerfile", ""};
    struct screen *s = *state;
    char file[] = "FROM x";
    const struct mb_bytes dockerfile = {file, sizeof(file) - 1};
    const struct mb_bytes empty = {0};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        _cleanup_free_ char *source = mb_xstrdup(places[i]);
        const struct mb_build_done done = {.code = MB_ERR_INVALID, .source = source};

        progress_failure(s->p, &done, &dockerfile);
        progress_failure(s->p, &done, &empty);
    }
    _cleanup_free_ char *text = shown(s);
    assert_contains(text, "ERROR: the build failed\n");
    assert_null(strstr(text, ">>>"));
}

static void quiet_shows_the_failure_only(void **state)
{
    struct screen *s = *state;
    char message[] = "no such stage";
    const struct mb_build_done done = {.code = MB_ERR_INVALID, .message = message};
    const struct mb_bytes empty = {0};

    vertex(s, 1, MB_VERTEX_STARTED, "one", 0, T0);
    say(s, 1, BYTES("a\n"), 0, T0);
    progress_note(s->p, "WARNING: ", "w");
    progress_end(s->p, T0);
    progress_failure(s->p, &done, &empty);
    assert_shown(s, "ERROR: no such stage\n");
}

static void a_terminal_shows_running_and_ended_vertices(void **state)
{
    struct screen *s = *state;

    vertex(s, 1, MB_VERTEX_STARTED, "one", 0, T0 + SEC);
    say(s, 1, BYTES("some \033[1mtext\n"), 0, T0 + 2 * SEC);
    vertex(s, 2, MB_VERTEX_CACHED, "two", 0, T0 + 2 * SEC);
    vertex(s, 1, MB_VERTEX_DONE, NULL, 3 * SEC, T0 + 4 * SEC);
    progress_end(s->p, T0 + 4 * SEC);
    _cleanup_free_ char *text = shown(s);
    assert_contains(text, "[+] Building 1.0s (0/1)\n => one");
    assert_contains(text, " => => ");
    assert_contains(text, "some text");
    assert_contains(text, " => CACHED two");
    assert_contains(text, "3.0s");
}

static void one_endless_line_is_cut(void **state)
{
    struct screen *s = *state;
    size_t len = 100000;
    _cleanup_free_ char *data = mb_xmalloc(len);

    memset(data, 'x', len);
    vertex(s, 1, MB_VERTEX_STARTED, "one", 0, T0);
    say(s, 1, data, len, 0, T0);
    vertex(s, 1, MB_VERTEX_DONE, NULL, 0, T0);
    _cleanup_free_ char *text = shown(s);
    size_t n = 0;
    for (const char *c = text; *c; c++)
        n += *c == 'x';
    assert_int_equal(n, len);
}

#define plain_test(f) cmocka_unit_test_setup_teardown(f, plain_up, screen_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        plain_test(plain_prints_one_build),
        plain_test(plain_switches_between_vertices),
        plain_test(plain_lets_nobody_wait_for_ever),
        plain_test(plain_prints_transfers_and_new_names),
        plain_test(a_vertex_can_run_again),
        plain_test(messages_of_no_vertex_are_dropped),
        plain_test(a_failure_shows_log_place_and_reason),
        plain_test(odd_places_in_a_failure_do_no_harm),
        plain_test(one_endless_line_is_cut),
        cmocka_unit_test_setup_teardown(quiet_shows_the_failure_only, quiet_up,
                                        screen_down),
        cmocka_unit_test_setup_teardown(a_terminal_shows_running_and_ended_vertices,
                                        tty_up, screen_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
