/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands below a failed build:
 *
 *   ------
 *    > [build 2/3] RUN make:
 *   0.214 make: *** No targets specified.
 *   ------
 *   Dockerfile:7
 *   --------------------
 *      6 |     COPY . .
 *      7 | >>> RUN make
 *   --------------------
 *   ERROR: ...
 */
#include "cli/progress_internal.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define AROUND_LINES 2
#define LINE_TEXT_MAX 400
#define RULE "--------------------\n"

static void add_failed_logs(struct progress *p)
{
    for (size_t i = 0; i < p->n_nodes; i++) {
        const struct progress_node *v = p->nodes[i];

        if (v->state != MB_VERTEX_ERROR)
            continue;
        mb_buf_addf(&p->out, "------\n > %s:\n", v->name ? v->name : "");
        for (size_t k = 0; k < v->tail.n; k++)
            mb_buf_addf(&p->out, "%s\n", v->tail.v[k]);
        mb_buf_add_str(&p->out, "------\n");
        return;
    }
}

static bool continues(const char *line)
{
    size_t len = strlen(line);

    while (len > 0
           && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
        len--;
    return len > 0 && line[len - 1] == '\\';
}

static void add_source(struct mb_buf *out, const char *source,
                       const struct mb_bytes *file)
{
    const char *colon = strrchr(source, ':');
    _cleanup_strv_ struct mb_strv lines = {0};
    _cleanup_free_ char *text = mb_xstrndup(file->len ? file->data : "", file->len);
    _cleanup_free_ char *shown = mb_escape(source, strlen(source), LINE_TEXT_MAX);
    struct mb_error err;
    uint64_t line = 0;
    size_t first, last;

    mb_strv_split(&lines, text, "\n");
    if (!colon || mb_parse_u64(colon + 1, lines.n, &line, &err) < 0 || line == 0) {
        mb_buf_addf(out, "%s\n", shown);
        return;
    }
    first = (size_t)line;
    for (last = first; last < lines.n && continues(lines.v[last - 1]);)
        last++;
    mb_buf_addf(out, "%s\n" RULE, shown);
    for (size_t i = first > AROUND_LINES ? first - AROUND_LINES : 1;
         i <= last + AROUND_LINES && i <= lines.n; i++) {
        mb_buf_addf(out, "%4zu | %s", i, i >= first && i <= last ? ">>> " : "    ");
        progress_clean_line(lines.v[i - 1], strlen(lines.v[i - 1]), out);
        mb_buf_add_str(out, "\n");
    }
    mb_buf_add_str(out, RULE);
}

static void add_message(struct mb_buf *out, const char *label, const char *text)
{
    _cleanup_strv_ struct mb_strv lines = {0};

    mb_strv_split(&lines, text, "\n");
    mb_buf_add_str(out, label);
    for (size_t i = 0; i < lines.n; i++) {
        progress_clean_line(lines.v[i], strlen(lines.v[i]), out);
        mb_buf_add_str(out, "\n");
    }
}

void progress_note(struct progress *p, const char *label, const char *text)
{
    if (!p->view)
        return;
    add_message(&p->out, label, text);
    progress_flush(p);
}

void progress_failure(struct progress *p, const struct mb_build_done *done,
                      const struct mb_bytes *dockerfile)
{
    if (done->code != MB_ERR_CANCELLED) {
        add_failed_logs(p);
        if (done->source)
            add_source(&p->out, done->source, dockerfile);
    }
    add_message(&p->out, "ERROR: ", done->message ? done->message : "the build failed");
    progress_flush(p);
}
