/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - command line flags by a table, with the rules of the docker CLI: flags and
 * arguments in any order, "--flag value", "--flag=value", "-fvalue", "-ab" for two
 * switches, "--" ends the flags, switches also as "--flag=false".  Names are never
 * abbreviated (which is why this is not getopt_long: an abbreviation in a script would
 * break as soon as a flag is added).
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/strv.h"

enum option_kind {
    OPTION_BOOL,        /* bool at offset */
    OPTION_STR,         /* char * at offset; the last one wins */
    OPTION_STRV,        /* struct mb_strv at offset; one more each time */
    OPTION_IGNORED,     /* a switch that is accepted with a note */
    OPTION_LATER,       /* a switch that is refused: not supported yet */
    OPTION_LATER_VALUE, /* the same, with a value; "false" is fine: it asks for nothing
                         */
};
struct option_def {
    const char *name; /* without "--" */
    char letter;      /* or 0 */
    enum option_kind kind;
    size_t offset;
    const char *value; /* "K=V", for help; NULL: a switch */
    const char *help;  /* NULL: hidden.  LATER: what to do instead, or NULL */
};

/* Fill the struct at @target; what is not a flag goes to @args, notes for the user to
 * @notes. INVALID: usage errors, with a suggestion for an unknown flag.  What was
 * filled before an error stays for the caller's own release. */
int options_parse(const struct option_def *defs, size_t n, int argc, char **argv,
                  void *target, struct mb_strv *args, struct mb_strv *notes,
                  struct mb_error *err) _must_check_;

/* "  -t, --tag NAME   text" lines of the shown flags, in table order. */
void options_help(const struct option_def *defs, size_t n, struct mb_buf *out);

/* The closest of @n names to what was typed, or NULL when none is close. */
const char *options_suggest(const char *typed, const char *const *names, size_t n);

/* One record of comma-separated values as Go's encoding/csv reads it: a field may be
 * quoted,
 * "" inside is a quote.  INVALID. */
int options_csv(const char *text, struct mb_strv *ret, struct mb_error *err)
    _must_check_;
/* "true", "1", "false", "0" .. as Go's ParseBool.  INVALID names @what. */
int options_bool(const char *what, const char *text, bool *ret, struct mb_error *err)
    _must_check_;

#endif
