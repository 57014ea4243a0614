/* SPDX-License-Identifier: Apache-2.0 */
/* heredoc - here-documents of RUN, COPY and ADD: what a line opens, and their text. */
#ifndef COORDINATOR_FRONTEND_HEREDOC_H
#define COORDINATOR_FRONTEND_HEREDOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct heredoc {
    char *name;   /* the line that ends it */
    bool literal; /* the name was quoted: variables of COPY are not replaced */
    bool chomp;   /* "<<-": leading tabs go away */
    char *text;   /* as written, with its line ends; NULL while it is only opened */
};
struct heredocs {
    struct heredoc *v;
    size_t n;
};

/* Appends what the joined line @text opens, in order; nothing when its instruction has
 * no here-documents or its arguments are JSON. INVALID: a quote without its end. */
int heredoc_find(const char *text, struct heredocs *ret, struct mb_error *err)
    _must_check_;
/* Is the whole of @word one "<<NAME"? */
bool heredoc_is_word(const char *word);
/* The text as the instruction means it; malloc'ed. */
char *heredoc_content(const struct heredoc *h);
/* Text and end mark of each, as they follow the instruction's line: "\nTEXTNAME". */
void heredoc_rebuild(const struct heredocs *l, struct mb_buf *out);
void heredocs_done(struct heredocs *l);

#endif
