/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain lines, as `docker buildx build --progress=plain` prints them, since scripts
 * read them:
 *
 *   #7 [linux/s390x build 2/3] RUN make      when #7 becomes the active vertex, after a
 * blank line #7 0.123 text                            a line of its log #7 ... another
 * vertex takes over while #7 goes on #7 DONE 3.4s | CACHED | ERROR: .. | CANCELED
 *
 * A vertex that ended is shown at once.  Among running ones the active one stays until
 * it has been silent for 5 s, or another has waited for 10 s or holds back much.
 */
#include "cli/progress_internal.h"

#include <string.h>

#include "base/limits.h"

#define SILENT_USEC UINT64_C(5000000)
#define WAIT_USEC UINT64_C(10000000)
#define HELD_BYTES (256 * MB_KIB)
#define ITEM_USEC UINT64_C(1000000) /* between two lines of one transfer */

static void print_header(struct progress *p, struct progress_node *v)
{
    if (!v->number)
        v->number = ++p->last_number;
    if (p->current == v && v->shown)
        return;
    if (p->current && p->current != v)
        mb_buf_addf(&p->out, "#%u ...\n", p->current->number);
    if (p->not_first && p->current != v)
        mb_buf_add_str(&p->out, "\n");
    p->not_first = true;
    mb_buf_addf(&p->out, "#%u %s\n", v->number, v->name ? v->name : "");
    v->shown = true;
}

static void print_items(struct progress *p, struct progress_node *v, uint64_t now_usec)
{
    for (size_t i = 0; i < v->n_items; i++) {
        struct progress_item *it = &v->items[i];
        uint64_t last = it->printed_usec ? it->printed_usec : v->began_usec;

        if (!it->changed || (!it->done && now_usec - last < ITEM_USEC))
            continue;
        mb_buf_addf(&p->out, "#%u ", v->number);
        progress_item_text(it, &p->out);
        mb_buf_add_str(&p->out, "\n");
        it->changed = false;
        it->printed_usec = now_usec;
    }
}

static void print_logs(struct progress *p, struct progress_node *v)
{
    const char *data = v->pending.data;
    size_t len = v->pending.len;

    while (len > 0) {
        const char *nl = memchr(data, '\n', len);
        size_t n = nl ? (size_t)(nl - data) + 1 : len;

        mb_buf_addf(&p->out, "#%u ", v->number);
        mb_buf_add(&p->out, data, n);
        data += n;
        len -= n;
    }
    mb_buf_clear(&v->pending);
}

static void print_end(struct progress *p, struct progress_node *v)
{
    switch (v->state) {
    case MB_VERTEX_STARTED:
        return;
    case MB_VERTEX_CACHED:
        mb_buf_addf(&p->out, "#%u CACHED\n", v->number);
        break;
    case MB_VERTEX_ERROR:
        mb_buf_addf(&p->out, "#%u ERROR: %s\n", v->number,
                    v->error ? v->error : "failed");
        break;
    case MB_VERTEX_CANCELED:
        mb_buf_addf(&p->out, "#%u CANCELED\n", v->number);
        break;
    case MB_VERTEX_DONE:
        mb_buf_addf(&p->out, "#%u DONE %.1fs\n", v->number, (double)v->usec / 1e6);
        break;
    }
    v->end_shown = true;
}

static void print_node(struct progress *p, struct progress_node *v, uint64_t now_usec)
{
    size_t before = p->out.len;

    print_header(p, v);
    p->current = v;
    print_items(p, v, now_usec);
    print_logs(p, v);
    v->pending_since_usec = 0;
    if (p->out.len > before)
        p->current_usec = now_usec;
    if (progress_ended(v)) {
        print_end(p, v);
        p->current = NULL;
    }
}

/* The running vertex other than the active one that has waited longest. */
static struct progress_node *longest_waiting(struct progress *p)
{
    struct progress_node *best = NULL;

    for (size_t i = 0; i < p->n_nodes; i++) {
        struct progress_node *v = p->nodes[i];

        if (v != p->current && !progress_ended(v) && v->pending_since_usec
            && (!best || v->pending_since_usec < best->pending_since_usec))
            best = v;
    }
    return best;
}

static bool must_switch(const struct progress *p, const struct progress_node *next,
                        uint64_t now_usec)
{
    return !p->current || now_usec - p->current_usec >= SILENT_USEC
           || now_usec - next->pending_since_usec >= WAIT_USEC
           || next->pending.len >= HELD_BYTES;
}

static void plain_update(struct progress *p, uint64_t now_usec)
{
    struct progress_node *next;

    if (p->title) {
        mb_buf_addf(&p->out, "#0 %s\n", p->title);
        free(steal_ptr(p->title));
        p->not_first = true;
    }
    if (p->current && progress_ended(p->current))
        print_node(p, p->current, now_usec);
    for (size_t i = 0; i < p->n_nodes; i++)
        if (progress_ended(p->nodes[i]) && !p->nodes[i]->end_shown)
            print_node(p, p->nodes[i], now_usec);
    if (p->current)
        print_node(p, p->current, now_usec);
    next = longest_waiting(p);
    if (next && must_switch(p, next, now_usec))
        print_node(p, next, now_usec);
}

static void plain_end(struct progress *p, uint64_t now_usec)
{
    plain_update(p, now_usec);
    for (size_t i = 0; i < p->n_nodes; i++)
        if (p->nodes[i]->pending.len > 0)
            print_node(p, p->nodes[i], now_usec);
    p->current = NULL;
}

const struct progress_view progress_plain_view = {.update = plain_update,
                                                  .end = plain_end};
