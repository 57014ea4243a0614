/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model: messages become lines and states of vertices.  Log data is cut into lines
 * here, each with its time in front ("0.123 text", as buildx prints it); a line that
 * its stream has not ended waits until it does, or until its vertex ends.
 */
#include "cli/progress_internal.h"

#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define PENDING_BYTES_MAX (8 * MB_MIB)
#define OUT_BYTES_MAX (64 * MB_MIB)
#define NODES_MAX 20000
#define ITEMS_MAX 2000
#define NAME_TEXT_MAX 1000
#define LOCAL_BIT (UINT64_C(1) << 63)

int progress_mode_parse(const char *text, enum progress_mode *ret, struct mb_error *err)
{
    static const struct {
        const char *text;
        enum progress_mode mode;
    } rows[] = {{"auto", PROGRESS_AUTO},
                {"tty", PROGRESS_TTY},
                {"plain", PROGRESS_PLAIN},
                {"quiet", PROGRESS_QUIET},
                {"none", PROGRESS_NONE}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].text, text) == 0) {
            *ret = rows[i].mode;
            return 0;
        }
    return mb_fail(err, MB_ERR_INVALID,
                   "progress must be auto, tty, plain, quiet or none, not \"%s\"",
                   text);
}

struct progress *progress_new(enum progress_mode mode, int fd, uint64_t now_usec)
{
    struct progress *p = mb_xcalloc(1, sizeof(*p));
    const char *no_color = getenv("NO_COLOR");

    if (mode == PROGRESS_AUTO)
        mode = isatty(fd) ? PROGRESS_TTY : PROGRESS_PLAIN;
    p->mode = mode;
    p->fd = fd;
    p->color = mode == PROGRESS_TTY && !(no_color && *no_color);
    p->began_usec = now_usec;
    mb_buf_init(&p->out, OUT_BYTES_MAX);
    if (mode == PROGRESS_PLAIN)
        p->view = &progress_plain_view;
    else if (mode == PROGRESS_TTY)
        p->view = &progress_tty_view;
    return p;
}

void progress_title(struct progress *p, const char *title)
{
    free(p->title);
    p->title = mb_xstrdup(title);
}

static void node_free(struct progress_node *v)
{
    free(v->name);
    free(v->error);
    mb_buf_done(&v->partial[0]);
    mb_buf_done(&v->partial[1]);
    mb_buf_done(&v->pending);
    mb_strv_done(&v->tail);
    for (size_t i = 0; i < v->n_items; i++)
        free(v->items[i].id);
    free(v->items);
    free(v);
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_nodes; i++)
        node_free(p->nodes[i]);
    free(p->nodes);
    free(p->title);
    mb_buf_done(&p->out);
    free(p);
}

void progress_flush(struct progress *p)
{
    struct mb_error err;

    if (p->out.len > 0)
        mb_ignore(mb_write_all(p->fd, p->out.data, p->out.len, &err),
                  "a build goes on when nobody reads its progress");
    mb_buf_clear(&p->out);
}

/* Is data[i..] the rest of "ESC [ digits and ; m"?  Its length from ESC on, or 0. */
static size_t color_len(const char *data, size_t len)
{
    size_t i = 2;

    if (len < 3 || data[1] != '[')
        return 0;
    while (i < len && ((data[i] >= '0' && data[i] <= '9') || data[i] == ';'))
        i++;
    return i < len && data[i] == 'm' ? i + 1 : 0;
}

void progress_clean_line(const char *data, size_t len, struct mb_buf *out)
{
    size_t i = 0;

    while (i < len) {
        unsigned char c = (unsigned char)data[i];
        size_t n = c == 0x1b ? color_len(data + i, len - i) : 0;

        if (n > 0) {
            mb_buf_add(out, data + i, n);
            i += n;
            continue;
        }
        /* U+0080..U+009F are control characters as well: C2 80 .. C2 9F */
        if (c == 0xc2 && i + 1 < len && (unsigned char)data[i + 1] < 0xa0) {
            i += 2;
            continue;
        }
        if ((c >= 0x20 && c != 0x7f) || c == '\t')
            mb_buf_add_byte(out, c);
        i++;
    }
}

/* A peer's text for one line, malloc'ed. */
static char *harmless(const char *text)
{
    return mb_escape(text, strlen(text), NAME_TEXT_MAX);
}

static struct progress_node *find(struct progress *p, uint64_t id)
{
    /* The latest are asked for most. */
    for (size_t i = p->n_nodes; i > 0; i--)
        if (p->nodes[i - 1]->id == id)
            return p->nodes[i - 1];
    return NULL;
}

static struct progress_node *add_node(struct progress *p, uint64_t id,
                                      uint64_t now_usec)
{
    struct progress_node *v = mb_xcalloc(1, sizeof(*v));

    v->id = id;
    v->state = MB_VERTEX_STARTED;
    v->began_usec = now_usec;
    mb_buf_init(&v->partial[0], MB_LOG_LINE_BYTES_MAX);
    mb_buf_init(&v->partial[1], MB_LOG_LINE_BYTES_MAX);
    mb_buf_init(&v->pending, PENDING_BYTES_MAX);
    p->nodes = mb_xreallocarray(p->nodes, p->n_nodes + 1, sizeof(*p->nodes));
    p->nodes[p->n_nodes++] = v;
    return v;
}

static void touch(struct progress_node *v, uint64_t now_usec)
{
    if (v->pending_since_usec == 0)
        v->pending_since_usec = now_usec ? now_usec : 1;
}

/* The line that was collected from @stream is complete. */
static void end_line(struct progress_node *v, size_t stream)
{
    struct mb_buf *b = &v->partial[stream];
    double sec = (double)v->partial_usec[stream] / 1e6;
    int digits = sec < 10 ? 3 : sec < 100 ? 2 : 1;
    _cleanup_buf_ struct mb_buf line = MB_BUF_INIT(2 * MB_LOG_LINE_BYTES_MAX);

    mb_buf_addf(&line, "%.*f ", digits, sec);
    if (b->len > 0)
        progress_clean_line(b->data, b->len, &line);
    mb_buf_clear(b);
    if (v->pending.max - v->pending.len > line.len + 1) {
        mb_buf_add(&v->pending, line.data, line.len);
        mb_buf_add_byte(&v->pending, '\n');
    }
    if (v->tail.n == PROGRESS_TAIL_LINES)
        mb_strv_remove(&v->tail, 0);
    mb_strv_add_take(&v->tail, mb_buf_steal(&line));
}

static void add_text(struct progress_node *v, size_t stream, const char *data,
                     size_t len, uint64_t usec)
{
    struct mb_buf *b = &v->partial[stream];

    while (len > 0) {
        const char *nl = memchr(data, '\n', len);
        size_t n = nl ? (size_t)(nl - data) : len;
        size_t room = b->max - b->len;

        if (b->len == 0)
            v->partial_usec[stream] = usec;
        if (n > room) { /* too long a line is cut into several */
            mb_buf_add(b, data, room);
            end_line(v, stream);
            data += room;
            len -= room;
            continue;
        }
        mb_buf_add(b, data, n);
        if (nl)
            end_line(v, stream);
        data += n + (nl != NULL);
        len -= n + (nl != NULL);
    }
}

static void end_node(struct progress_node *v)
{
    for (size_t s = 0; s < 2; s++)
        if (v->partial[s].len > 0)
            end_line(v, s);
}

static void set_name(struct progress_node *v, const char *name)
{
    _cleanup_free_ char *text = harmless(name);

    if (v->name && strcmp(v->name, text) == 0)
        return;
    free(v->name);
    v->name = steal_ptr(text);
    v->shown = false;
}

static void set_state(struct progress_node *v, const struct mb_build_vertex *m,
                      uint64_t now_usec)
{
    bool legal = m->state >= MB_VERTEX_STARTED && m->state <= MB_VERTEX_CANCELED;

    if (!legal)
        return;
    if (m->name)
        set_name(v, m->name);
    if (m->state == MB_VERTEX_STARTED) {
        if (progress_ended(v)) { /* begun again, on another agent */
            v->end_shown = false;
            v->shown = false;
        }
        v->began_usec = now_usec;
    } else {
        end_node(v);
        v->usec = m->usec;
    }
    v->state = (enum mb_vertex_state)m->state;
    free(v->error);
    v->error = m->error ? harmless(m->error) : NULL;
    touch(v, now_usec);
}

static void update(struct progress *p, uint64_t now_usec)
{
    if (!p->view)
        return;
    p->view->update(p, now_usec);
    progress_flush(p);
}

void progress_vertex(struct progress *p, const struct mb_build_vertex *m,
                     uint64_t now_usec)
{
    struct progress_node *v = find(p, m->vertex);

    if (!v && p->n_nodes >= NODES_MAX)
        return;
    if (!v)
        v = add_node(p, m->vertex, now_usec);
    set_state(v, m, now_usec);
    update(p, now_usec);
}

void progress_log(struct progress *p, const struct mb_build_log *l, uint64_t now_usec)
{
    struct progress_node *v = find(p, l->vertex);

    if (!v || l->data.len == 0)
        return;
    add_text(v, l->stream == 2, l->data.data, l->data.len, l->usec);
    if (v->pending.len > 0)
        touch(v, now_usec);
    update(p, now_usec);
}

static struct progress_item *find_item(struct progress_node *v, const char *id)
{
    struct progress_item *it;

    for (size_t i = 0; i < v->n_items; i++)
        if (strcmp(v->items[i].id, id) == 0)
            return &v->items[i];
    if (v->n_items >= ITEMS_MAX)
        return NULL;
    v->items = mb_xreallocarray(v->items, v->n_items + 1, sizeof(*v->items));
    it = &v->items[v->n_items++];
    *it = (struct progress_item){.id = mb_xstrdup(id)};
    return it;
}

void progress_status(struct progress *p, const struct mb_build_status *s,
                     uint64_t now_usec)
{
    struct progress_node *v = find(p, s->vertex);
    _cleanup_free_ char *id = s->id ? harmless(s->id) : NULL;
    struct progress_item *it = v && id ? find_item(v, id) : NULL;

    if (!it)
        return;
    it->current = s->current;
    it->total = s->total;
    it->usec = s->usec;
    it->done = s->done;
    it->changed = true;
    touch(v, now_usec);
    update(p, now_usec);
}

void progress_tick(struct progress *p, uint64_t now_usec)
{
    update(p, now_usec);
}

uint64_t progress_local_begin(struct progress *p, const char *name, uint64_t now_usec)
{
    _cleanup_free_ char *copy = mb_xstrdup(name);
    uint64_t id = LOCAL_BIT | ++p->last_local;
    const struct mb_build_vertex m = {
        .vertex = id, .state = MB_VERTEX_STARTED, .name = copy};

    progress_vertex(p, &m, now_usec);
    return id;
}

void progress_local_status(struct progress *p, uint64_t id, const char *what,
                           uint64_t current, uint64_t total, bool done,
                           uint64_t now_usec)
{
    struct progress_node *v = find(p, id);
    _cleanup_free_ char *copy = mb_xstrdup(what);
    const struct mb_build_status m = {.vertex = id,
                                      .id = copy,
                                      .current = current,
                                      .total = total,
                                      .usec = v ? now_usec - v->began_usec : 0,
                                      .done = done};

    progress_status(p, &m, now_usec);
}

void progress_local_end(struct progress *p, uint64_t id, enum mb_vertex_state state,
                        const char *error, uint64_t now_usec)
{
    struct progress_node *v = find(p, id);
    _cleanup_free_ char *copy = mb_xstrdup(error);
    const struct mb_build_vertex m = {.vertex = id,
                                      .state = state,
                                      .usec = v ? now_usec - v->began_usec : 0,
                                      .error = copy};

    progress_vertex(p, &m, now_usec);
}

void progress_end(struct progress *p, uint64_t now_usec)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        end_node(p->nodes[i]);
    if (p->view)
        p->view->end(p, now_usec);
    progress_flush(p);
}

/* "227B", "3.42MB": with two decimals always, so not mb_size_text(). */
static void add_size(struct mb_buf *out, const char *before, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        mb_buf_addf(out, "%s%uB", before, (unsigned)bytes);
        return;
    }
    while (value >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1000;
        unit++;
    }
    mb_buf_addf(out, "%s%.2f%s", before, value, units[unit]);
}

void progress_item_text(const struct progress_item *it, struct mb_buf *out)
{
    double sec = (double)it->usec / 1e6;

    mb_buf_add_str(out, it->id);
    if (it->total > 0 || it->current > 0)
        add_size(out, " ", it->current);
    if (it->total > 0)
        add_size(out, " / ", it->total);
    if (sec > 0.01)
        mb_buf_addf(out, " %.1fs", sec);
    if (it->done)
        mb_buf_add_str(out, " done");
}
