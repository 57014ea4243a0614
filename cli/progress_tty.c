/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal view: what ended scrolls up as one line each, what runs is redrawn below
 * it, with the last line of its log.  Only cursor-up and erase-below are used.
 */
#include "cli/progress_internal.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/text.h"

#define REDRAW_USEC UINT64_C(100000)
#define WIDTH_DEFAULT 80
#define WIDTH_MIN 20
#define HEIGHT_DEFAULT 24
#define TIME_WIDTH 9

static const char RESET[] = "\033[0m";
static const char BLUE[] = "\033[34m";
static const char RED[] = "\033[31m";
static const char DIM[] = "\033[2m";

static void terminal_size(const struct progress *p, unsigned *ret_width,
                          unsigned *ret_height)
{
    struct winsize ws = {0};
    bool known = ioctl(p->fd, TIOCGWINSZ, &ws) == 0;

    *ret_width = known && ws.ws_col >= WIDTH_MIN ? ws.ws_col : WIDTH_DEFAULT;
    *ret_height = known && ws.ws_row > 4 ? ws.ws_row : HEIGHT_DEFAULT;
}

/* At most @width columns of @text, colours left out; the columns used. */
static unsigned add_cut(struct mb_buf *out, const char *text, unsigned width)
{
    unsigned used = 0;

    for (const char *c = text; *c; c++) {
        bool continues = ((unsigned char)*c & 0xc0) == 0x80;

        if (*c == '\033') {
            while (*c && *c != 'm')
                c++;
            if (!*c)
                break;
            continue;
        }
        if (!continues && used == width)
            break;
        mb_buf_add_byte(out, *c == '\t' ? ' ' : (unsigned char)*c);
        used += !continues;
    }
    return used;
}

/* " => text .....  1.2s" */
static void add_row(struct progress *p, const char *mark, const char *text,
                    const char *color, double sec, unsigned width)
{
    struct mb_buf *out = &p->out;
    unsigned room = width - TIME_WIDTH - 1;
    unsigned used;

    if (p->color && color)
        mb_buf_add_str(out, color);
    mb_buf_add_str(out, mark);
    used = (unsigned)strlen(mark);
    used += add_cut(out, text, room > used ? room - used : 0);
    if (sec >= 0)
        mb_buf_addf(out, "%*s%*.1fs", (int)(room > used ? room - used : 0), "",
                    TIME_WIDTH - 1, sec);
    if (p->color && color)
        mb_buf_add_str(out, RESET);
    mb_buf_add_str(out, "\n");
}

static void erase_live(struct progress *p)
{
    if (p->live_rows > 0)
        mb_buf_addf(&p->out, "\033[%uA", p->live_rows);
    mb_buf_add_str(&p->out, "\r\033[J");
    p->live_rows = 0;
}

static void add_ended(struct progress *p, struct progress_node *v, unsigned width)
{
    const char *name = v->name ? v->name : "";
    double sec = (double)v->usec / 1e6;

    switch (v->state) {
    case MB_VERTEX_STARTED:
        return;
    case MB_VERTEX_CACHED:
        add_row(p, " => CACHED ", name, BLUE, 0, width);
        break;
    case MB_VERTEX_ERROR:
        add_row(p, " => ERROR ", name, RED, sec, width);
        break;
    case MB_VERTEX_CANCELED:
        add_row(p, " => CANCELED ", name, DIM, sec, width);
        break;
    case MB_VERTEX_DONE:
        add_row(p, " => ", name, BLUE, sec, width);
        break;
    }
    v->end_shown = true;
}

/* The last thing a running vertex said: a transfer, else a line. */
static void add_detail(struct progress *p, const struct progress_node *v,
                       unsigned width)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(4096);

    for (size_t i = 0; i < v->n_items; i++)
        if (!v->items[i].done) {
            progress_item_text(&v->items[i], &text);
            break;
        }
    if (text.len > 0)
        add_row(p, " => => ", text.data, NULL, -1, width);
    else if (v->tail.n > 0)
        add_row(p, " => => ", v->tail.v[v->tail.n - 1], DIM, -1, width);
    else
        return;
    p->live_rows++;
}

static void draw_live(struct progress *p, uint64_t now_usec, unsigned width,
                      unsigned height)
{
    size_t n_ended = 0;

    for (size_t i = 0; i < p->n_nodes; i++)
        n_ended += progress_ended(p->nodes[i]);
    mb_buf_addf(&p->out, "[+] Building %.1fs (%zu/%zu)\n",
                (double)(now_usec - p->began_usec) / 1e6, n_ended, p->n_nodes);
    p->live_rows = 1;
    for (size_t i = 0; i < p->n_nodes && p->live_rows + 3 < height; i++) {
        struct progress_node *v = p->nodes[i];

        if (progress_ended(v))
            continue;
        add_row(p, " => ", v->name ? v->name : "", NULL,
                (double)(now_usec - v->began_usec) / 1e6, width);
        p->live_rows++;
        add_detail(p, v, width);
    }
}

static bool something_ended(const struct progress *p)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        if (progress_ended(p->nodes[i]) && !p->nodes[i]->end_shown)
            return true;
    return false;
}

static void draw(struct progress *p, uint64_t now_usec, bool live)
{
    unsigned width, height;

    terminal_size(p, &width, &height);
    erase_live(p);
    for (size_t i = 0; i < p->n_nodes; i++)
        if (progress_ended(p->nodes[i]) && !p->nodes[i]->end_shown)
            add_ended(p, p->nodes[i], width);
    if (live)
        draw_live(p, now_usec, width, height);
    p->drawn_usec = now_usec;
    /* Lines are shown from the tail; the plain view's queue would only grow. */
    for (size_t i = 0; i < p->n_nodes; i++)
        mb_buf_clear(&p->nodes[i]->pending);
}

static void tty_update(struct progress *p, uint64_t now_usec)
{
    if (something_ended(p) || now_usec - p->drawn_usec >= REDRAW_USEC)
        draw(p, now_usec, true);
}

static void tty_end(struct progress *p, uint64_t now_usec)
{
    draw(p, now_usec, false);
}

const struct progress_view progress_tty_view = {.update = tty_update, .end = tty_end};
