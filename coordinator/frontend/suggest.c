/* SPDX-License-Identifier: Apache-2.0 */
/* suggest - near misses of names, by edit distance, letters' case ignored. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "coordinator/frontend/internal.h"

#define NAME_MAX_BYTES 64
#define DISTANCE_MAX 2

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits of one letter, or of two neighbours that change places. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t n = strlen(b);

    if (strlen(a) > NAME_MAX_BYTES || n > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t *reuse = before;

        before = above;
        above = row;
        row = reuse;
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = min3(row[j - 1] + 1, above[j] + 1,
                          above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])
                && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return row[n];
}

const char *suggest(const char *typed, const char *const *names)
{
    const char *best = NULL;
    size_t best_distance = DISTANCE_MAX + 1;

    for (; *names; names++) {
        size_t d = distance(typed, *names);

        if (d < best_distance && d < strlen(*names)) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}

char *suggest_text(const char *typed, const char *const *names)
{
    const char *name = suggest(typed, names);

    return name ? mb_xasprintf(" (did you mean %s?)", name) : mb_xstrdup("");
}
