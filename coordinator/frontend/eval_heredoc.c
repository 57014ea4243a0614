/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_heredoc - the command of a RUN with here-documents.
 *
 *   RUN <<EOF            the text is what the shell is given
 *   RUN <<EOF, "#!..."   a script for the interpreter that it names: BuildKit mounts it
 *                        at /dev/pipes/EOF; here the shell, with nothing but builtins,
 *                        writes it to /dev/shm, which is in no layer, and executes the
 *                        interpreter as the kernel would
 *   anything else        the line with the texts behind it: the shell knows what to do
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/frontend/eval.h"
#include "coordinator/frontend/words.h"

#define SCRIPT_DIR "/dev/shm"

static void add_shell_quoted(struct mb_buf *b, const char *s, size_t len)
{
    mb_buf_add_byte(b, '\'');
    for (size_t i = 0; i < len; i++)
        if (s[i] == '\'')
            mb_buf_add_str(b, "'\\''");
        else
            mb_buf_add_byte(b, (unsigned char)s[i]);
    mb_buf_add_byte(b, '\'');
}

/* "#!/usr/bin/env python3" to "'/usr/bin/env' 'python3'": interpreter and at most one
 * argument. */
static void add_interpreter(struct mb_buf *b, const char *line, size_t len)
{
    size_t n, from = 2;

    while (len > 2 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    while (from < len && (line[from] == ' ' || line[from] == '\t'))
        from++;
    for (n = from; n < len && line[n] != ' ' && line[n] != '\t'; n++)
        ;
    if (n == from) { /* a shell takes such a script for its own */
        mb_buf_add_str(b, "'/bin/sh'");
        return;
    }
    add_shell_quoted(b, line + from, n - from);
    for (from = n; from < len && (line[from] == ' ' || line[from] == '\t');)
        from++;
    if (from < len) {
        mb_buf_add_byte(b, ' ');
        add_shell_quoted(b, line + from, len - from);
    }
}

/* A word that is in no line of @text. */
static char *end_mark(const char *text)
{
    for (unsigned i = 0;; i++) {
        _cleanup_free_ char *mark = mb_xasprintf("MB_SCRIPT_%u", i);

        if (!strstr(text, mark))
            return steal_ptr(mark);
    }
}

static char *script_command(const struct heredoc *h, const char *text)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(SIZE_MAX);
    _cleanup_free_ char *path = mb_xasprintf("%s/%s", SCRIPT_DIR, h->name);
    _cleanup_free_ char *mark = end_mark(text);

    mb_buf_add_str(&b, "while IFS= read -r line; do printf '%s\\n' \"$line\"; done >");
    add_shell_quoted(&b, path, strlen(path));
    mb_buf_addf(&b, " <<'%s'\n%s%s\nexec ", mark, text, mark);
    add_interpreter(&b, text, strcspn(text, "\n"));
    mb_buf_add_byte(&b, ' ');
    add_shell_quoted(&b, path, strlen(path));
    return mb_buf_steal(&b);
}

static int simple(const struct heredoc *h, char **ret, char **ret_shown,
                  struct mb_error *err)
{
    _cleanup_free_ char *text = heredoc_content(h);

    if (!mb_starts_with(h->text, "#!")) {
        *ret = steal_ptr(text);
        return 0;
    }
    if (strchr(h->name, '/'))
        return mb_fail(err, MB_ERR_INVALID,
                       "the script's here-document \"%.100s\" cannot be a file name",
                       h->name);
    *ret = script_command(h, text);
    *ret_shown = mb_xasprintf("/dev/pipes/%s", h->name);
    return 0;
}

int heredoc_command(const struct instruction *in, char **ret, char **ret_shown,
                    struct mb_error *err)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(SIZE_MAX);

    if (heredoc_is_word(in->args.v[0]))
        return simple(&in->heredocs.v[0], ret, ret_shown, err);
    mb_buf_add_str(&b, in->args.v[0]);
    heredoc_rebuild(&in->heredocs, &b);
    *ret = mb_buf_steal(&b);
    return 0;
}

/* "RUN <<EOF (first line...)" */
char *heredoc_title(const struct instruction *in)
{
    _cleanup_free_ char *text = NULL;
    size_t n;

    if (in->kind != INSTR_RUN || in->heredocs.n == 0 || !heredoc_is_word(in->args.v[0]))
        return mb_xstrdup(in->original);
    text = words_trim(in->heredocs.v[0].text);
    n = strcspn(text, "\r\n");
    return mb_xasprintf("%s (%.*s%s)", in->original, (int)n, text,
                        text[n] ? "..." : "");
}
