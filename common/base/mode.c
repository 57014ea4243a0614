/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX.1-2017 chmod: symbolic_mode is clause {"," clause}, clause is [ugoa]* {[+-=]
 * ([rwxXst]* | [ugo])}; what is applied sees what stood before it. */
#include "base/mode.h"

#include <string.h>
#include <sys/stat.h>

#define CLASSES "ugoa"
#define OPERATORS "+-="
#define PERMISSIONS "rwxXst"

static bool is_octal(const char *text)
{
    size_t n = strlen(text);

    return n > 0 && strspn(text, "01234567") == n
           && (n <= 4 || (n == 5 && text[0] == '0'));
}

static bool is_clause(const char **s)
{
    const char *p = *s + strspn(*s, CLASSES);

    if (!*p || !strchr(OPERATORS, *p))
        return false;
    while (*p && strchr(OPERATORS, *p)) {
        p++;
        p += *p && strchr("ugo", *p) ? 1 : strspn(p, PERMISSIONS);
    }
    *s = p;
    return true;
}

int mb_mode_check(const char *text, struct mb_error *err)
{
    const char *s = text;

    if (strlen(text) <= MB_MODE_TEXT_MAX) {
        if (is_octal(text))
            return 0;
        while (is_clause(&s)) {
            if (*s == '\0')
                return 0;
            if (*s++ != ',')
                break;
        }
    }
    return mb_fail(err, MB_ERR_INVALID,
                   "invalid chmod parameter: '%.100s'. it should be octal string and "
                   "between 0 and 07777, or like u=rwX,go=rX",
                   text);
}

/* The bits of r, w, x for all classes, cut to what @classes means. */
static mode_t spread(mode_t rwx, mode_t classes)
{
    return (rwx << 6 | rwx << 3 | rwx) & classes;
}

/* The permissions at *s for the @classes of a file of @mode. */
static mode_t permissions(const char **s, mode_t classes, mode_t mode)
{
    mode_t bits = 0;
    const char *p = *s;

    if (*p && strchr("ugo", *p)) {
        *s = p + 1;
        return spread(mode >> (*p == 'u' ? 6 : *p == 'g' ? 3 : 0) & 7, classes);
    }
    for (; *p && strchr(PERMISSIONS, *p); p++) {
        if (*p == 'r')
            bits |= spread(4, classes);
        else if (*p == 'w')
            bits |= spread(2, classes);
        else if (*p == 'x' || (*p == 'X' && (S_ISDIR(mode) || (mode & 0111))))
            bits |= spread(1, classes);
        else if (*p == 's')
            bits |= classes & (S_ISUID | S_ISGID);
        else if (*p == 't')
            bits |= classes & S_ISVTX;
    }
    *s = p;
    return bits;
}

static mode_t class_bits(const char **s)
{
    static const mode_t all = 07777;
    mode_t bits = 0;

    for (; **s && strchr(CLASSES, **s); ++*s)
        bits |= **s == 'u'   ? S_ISUID | S_IRWXU
                : **s == 'g' ? S_ISGID | S_IRWXG
                : **s == 'o' ? S_ISVTX | S_IRWXO
                             : all;
    return bits ? bits : all;
}

/* chmod(1) leaves set-id bits of directories alone unless they are named; so does "=".
 */
static mode_t kept_by_equals(mode_t mode, mode_t classes)
{
    return mode & ~(classes & (S_ISDIR(mode) ? (mode_t)~06000 : (mode_t)~0));
}

static mode_t apply_clause(const char **s, mode_t mode)
{
    mode_t classes = class_bits(s);

    while (**s && strchr(OPERATORS, **s)) {
        char op = *(*s)++;
        mode_t bits = permissions(s, classes, mode);

        if (op == '+')
            mode |= bits;
        else if (op == '-')
            mode &= ~bits;
        else
            mode = kept_by_equals(mode, classes) | bits;
    }
    return mode;
}

mode_t mb_mode_apply(const char *text, mode_t mode)
{
    mode_t octal = 0;

    if (is_octal(text)) {
        for (const char *p = text; *p; p++)
            octal = octal * 8 + (mode_t)(*p - '0');
        return octal;
    }
    for (const char *s = text; *s; s += *s == ',')
        mode = apply_clause(&s, mode);
    return mode & 07777;
}
