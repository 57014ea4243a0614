/* SPDX-License-Identifier: Apache-2.0 */
/* progress_internal - the model that progress.c keeps and the two views read. */
#ifndef CLI_PROGRESS_INTERNAL_H
#define CLI_PROGRESS_INTERNAL_H

#include "cli/progress.h"

#define PROGRESS_TAIL_LINES 10

/* One running transfer or phase inside a vertex. */
struct progress_item {
    char *id;
    uint64_t current, total, usec;
    uint64_t printed_usec; /* plain: when it was last printed, our clock; 0 never */
    bool done, changed;
};
struct progress_node {
    uint64_t id;
    unsigned number; /* 0: not shown yet */
    char *name;      /* made harmless */
    char *error;
    enum mb_vertex_state state;
    uint64_t began_usec;      /* our clock */
    uint64_t usec;            /* at the end */
    struct mb_buf partial[2]; /* the line that stdout, stderr have not ended */
    uint64_t partial_usec[2];
    struct mb_buf pending;       /* plain: whole lines not printed yet */
    uint64_t pending_since_usec; /* 0: nothing new to show */
    struct mb_strv tail;         /* last lines, with times, for the trailer */
    struct progress_item *items;
    size_t n_items;
    bool shown; /* its header, under this name */
    bool end_shown;
};
struct progress_view {
    /* Show what is new; called after every change and on ticks. */
    void (*update)(struct progress *p, uint64_t now_usec);
    void (*end)(struct progress *p, uint64_t now_usec);
};
struct progress {
    enum progress_mode mode;
    const struct progress_view *view; /* NULL: quiet */
    int fd;
    bool color;
    struct progress_node **nodes;
    size_t n_nodes;
    unsigned last_number;
    uint64_t last_local;
    uint64_t began_usec;
    char *title;
    struct mb_buf out; /* of one update, written at once */
    /* plain */
    struct progress_node *current; /* borrowed */
    uint64_t current_usec;         /* when it last printed something */
    bool not_first;
    /* tty */
    unsigned live_rows; /* lines of the moving part */
    uint64_t drawn_usec;
};

extern const struct progress_view progress_plain_view, progress_tty_view;

static inline bool progress_ended(const struct progress_node *v)
{
    return v->state != MB_VERTEX_STARTED;
}
/* Write p->out and empty it. */
void progress_flush(struct progress *p);
/* " 3.42MB / 10.00MB 0.5s done" */
void progress_item_text(const struct progress_item *it, struct mb_buf *out);
/* One line of a log with what could move a cursor left out (colours stay). */
void progress_clean_line(const char *data, size_t len, struct mb_buf *out);

#endif
