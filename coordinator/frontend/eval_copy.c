/* SPDX-License-Identifier: Apache-2.0 */
/* eval_copy - COPY and ADD: which files an agent will copy, and how. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/mode.h"
#include "base/path.h"
#include "base/text.h"
#include "coordinator/frontend/eval.h"
#include "fs/ignore.h"

#define PIVOT "/./"

char *eval_source_path(const char *path)
{
    _cleanup_free_ char *clamped = mb_path_clamp(path);

    return *clamped ? steal_ptr(clamped) : mb_xstrdup(".");
}

char *copy_source_path(const char *path, bool parents)
{
    const char *pivot = parents ? strstr(path, PIVOT) : NULL;

    if (!pivot)
        return eval_source_path(path);
    _cleanup_free_ char *front = mb_xstrndup(path, (size_t)(pivot - path));
    _cleanup_free_ char *root = eval_source_path(front);
    _cleanup_free_ char *rest = eval_source_path(pivot + strlen(PIVOT));
    return mb_xasprintf("%s" PIVOT "%s", root, rest);
}

char *frontend_asked_path(const char *path, bool parents)
{
    _cleanup_free_ char *whole = eval_source_path(path);
    _cleanup_free_ char *literal = parents ? mb_path_literal(whole) : NULL;

    if (!parents)
        return steal_ptr(whole);
    return *literal ? steal_ptr(literal) : mb_xstrdup(".");
}

static bool names_directory(const char *dest)
{
    size_t n = strlen(dest);

    return n == 0 || dest[n - 1] == '/' || strcmp(dest, ".") == 0
           || (n >= 2 && strcmp(dest + n - 2, "/.") == 0);
}

static char *resolve_dest(const struct eval *e, const char *dest)
{
    _cleanup_free_ char *path =
        *dest == '/' ? mb_path_clean(dest) : mb_path_join(eval_cwd(e), dest);

    if (names_directory(dest) && strcmp(path, "/") != 0)
        return mb_xasprintf("%s/", path);
    return steal_ptr(path);
}

/* --- sources --- */

/* What the words of the instruction say, variables replaced. */
struct copy_words {
    struct mb_strv sources;
    struct mb_strv files; /* of here-documents: name, text, name, text */
    char *dest;
};

static void copy_words_done(struct copy_words *w)
{
    mb_strv_done(&w->sources);
    mb_strv_done(&w->files);
    free(w->dest);
}

/* Quotes are characters of the text, escapes are not. */
static int expand_text(struct eval *e, const struct heredoc *h, char **ret,
                       struct mb_error *err)
{
    const struct expand x = {.escape = '\\',
                             .get = eval_lookup,
                             .arg = e,
                             .no_quotes = true,
                             .work = &e->work};
    _cleanup_free_ char *text = heredoc_content(h);

    if (h->literal) {
        *ret = steal_ptr(text);
        return 0;
    }
    return expand_word(&x, text, ret, err);
}

static int add_file(struct eval *e, const struct heredoc *h, struct mb_strv *ret,
                    struct mb_error *err)
{
    char *text = NULL;

    if (!h->name[0] || strchr(h->name, '/') || strcmp(h->name, ".") == 0
        || strcmp(h->name, "..") == 0)
        return mb_fail(err, MB_ERR_INVALID,
                       "the here-document \"%.100s\" cannot be a file name", h->name);
    if (expand_text(e, h, &text, err) < 0)
        return -1;
    mb_strv_add(ret, h->name);
    mb_strv_add_take(ret, text);
    return eval_spend(e, strlen(text), err);
}

static int take_words(struct eval *e, const struct instruction *in,
                      struct copy_words *ret, struct mb_error *err)
{
    const char *dest = in->args.v[in->args.n - 1];
    size_t n_heredocs = 0;

    if (in->heredocs.n > 0 && heredoc_is_word(dest))
        return mb_fail(err, MB_ERR_INVALID,
                       "%s cannot accept a heredoc as a destination", in->keyword);
    for (size_t i = 0; i + 1 < in->args.n; i++) {
        char *word = NULL;

        if (n_heredocs < in->heredocs.n && heredoc_is_word(in->args.v[i])) {
            if (add_file(e, &in->heredocs.v[n_heredocs++], &ret->files, err) < 0)
                return -1;
            continue;
        }
        if (eval_expand(e, in->args.v[i], &word, err) < 0)
            return -1;
        mb_strv_add_take(&ret->sources, word);
        if (eval_spend(e, strlen(word), err) < 0)
            return -1;
    }
    return eval_expand(e, dest, &ret->dest, err);
}

static int check_remote(const struct instruction *in, const char *source,
                        struct mb_error *err)
{
    static const char *const urls[] = {"http://", "https://", "git://", "git@",
                                       "ssh://"};

    for (size_t j = 0; j < ARRAY_SIZE(urls); j++) {
        if (!mb_starts_with(source, urls[j]))
            continue;
        if (in->kind == INSTR_COPY)
            return mb_fail(err, MB_ERR_INVALID, "source can't be a %s for COPY: %.100s",
                           j < 2 ? "URL" : "git ref", source);
        return mb_fail(err, MB_ERR_INVALID,
                       "ADD of a %s is not supported yet: %.100s (fetch it in a RUN)",
                       j < 2 ? "URL" : "git repository", source);
    }
    return 0;
}

static int check_words(const struct instruction *in, const struct copy_words *w,
                       struct mb_error *err)
{
    for (size_t i = 0; i < w->sources.n; i++)
        if (check_remote(in, w->sources.v[i], err) < 0)
            return -1;
    if (w->sources.n + w->files.n / 2 > 1 && !names_directory(w->dest))
        return mb_fail(err, MB_ERR_INVALID,
                       "when using %s with more than one source file, the destination "
                       "must be a directory and end with a /: %.100s",
                       in->keyword, w->dest);
    return 0;
}

/* The files that triggers of an image need are known too late to be asked for. */
static int check_asked(const struct eval *e, const struct frontend_step *s,
                       struct mb_error *err)
{
    const struct mb_strv *asked = e->a->context_paths;

    if (!e->foreign_trigger || s->from.source != FRONTEND_CONTEXT || !asked
        || mb_strv_contains(asked, "."))
        return 0;
    for (size_t i = 0; i < s->paths.n; i++) {
        _cleanup_free_ char *path = frontend_asked_path(s->paths.v[i], s->parents);

        if (!mb_strv_contains(asked, path))
            return mb_fail(
                err, MB_ERR_INVALID,
                "a base image's trigger that takes \"%.100s\" from the build "
                "context is not supported yet, as long as no COPY of the "
                "Dockerfile takes it as well: write the instruction there",
                path);
    }
    return 0;
}

/* --- flags --- */

/* With variables replaced; NULL when it is not there. */
static int flag_value(struct eval *e, const struct instruction *in, const char *name,
                      char **ret, struct mb_error *err)
{
    const char *text = mb_kv_get(&in->flags, name);

    return text ? eval_expand(e, text, ret, err) : 0;
}

static bool flag_is_on(const struct instruction *in, const char *name, bool preset)
{
    const char *text = mb_kv_get(&in->flags, name);

    return text ? strcasecmp(text, "false") != 0 : preset;
}

bool copy_keeps_parents(const struct instruction *in)
{
    return flag_is_on(in, "parents", false);
}

static int check_exclude(const char *pattern, struct mb_error *err)
{
    _cleanup_(mb_ignore_freep) struct mb_ignore *ignored = NULL;

    if (mb_ignore_parse(pattern, strlen(pattern), &ignored, err) < 0)
        return mb_wrap(err, "--exclude");
    return 0;
}

/* As lines of an ignore file: one that begins with '#' is no comment here. */
static int take_excludes(struct eval *e, const struct instruction *in,
                         struct mb_strv *ret, struct mb_error *err)
{
    _cleanup_strv_ struct mb_strv words = {0};
    const char *text = mb_kv_get(&in->flags, "exclude");

    if (!text)
        return 0;
    mb_strv_split(&words, text, "\n");
    for (size_t i = 0; i < words.n; i++) {
        _cleanup_free_ char *word = NULL;

        if (eval_expand(e, words.v[i], &word, err) < 0
            || eval_spend(e, strlen(word), err) < 0)
            return -1;
        if (strchr(word, '\n'))
            return mb_fail(err, MB_ERR_INVALID, "--exclude holds a line end");
        mb_strv_addf(ret, "%s%s", *word == '!' ? "" : "/", word);
        if (check_exclude(ret->v[ret->n - 1], err) < 0)
            return -1;
    }
    return 0;
}

static int take_flags(struct eval *e, const struct instruction *in,
                      struct frontend_step *s, struct mb_error *err)
{
    if (flag_value(e, in, "chown", &s->chown, err) < 0
        || flag_value(e, in, "chmod", &s->chmod, err) < 0
        || (s->chmod && mb_mode_check(s->chmod, err) < 0))
        return -1;
    return take_excludes(e, in, &s->excludes, err);
}

/* --- the step --- */

static char *copy_history(const struct instruction *in, const struct frontend_step *s,
                          const struct copy_words *w)
{
    _cleanup_buf_ struct mb_buf b = MB_BUF_INIT(SIZE_MAX);

    mb_buf_add_str(&b, in->keyword);
    if (s->parents)
        mb_buf_add_str(&b, " --parents");
    if (s->chown)
        mb_buf_addf(&b, " --chown=%s", s->chown);
    if (s->chmod)
        mb_buf_addf(&b, " --chmod=%s", s->chmod);
    for (size_t i = 0; i < w->sources.n; i++)
        mb_buf_addf(&b, " %s", w->sources.v[i]);
    for (size_t i = 0; i < w->files.n; i += 2)
        mb_buf_addf(&b, " <<%s", w->files.v[i]);
    mb_buf_addf(&b, " %s # buildkit", w->dest);
    return mb_buf_steal(&b);
}

static int fill_step(struct eval *e, const struct instruction *in, struct copy_words *w,
                     struct frontend_step *s, struct mb_error *err)
{
    if (take_flags(e, in, s, err) < 0 || take_words(e, in, w, err) < 0
        || check_words(in, w, err) < 0
        || resolve_copy(e->f, e->stage, in, e->a, e->globals, &s->from, err) < 0)
        return -1;
    for (size_t i = 0; i < w->sources.n; i++)
        mb_strv_add_take(&s->paths, copy_source_path(w->sources.v[i], s->parents));
    if (check_asked(e, s, err) < 0)
        return -1;
    s->dest = resolve_dest(e, w->dest);
    return 0;
}

int eval_copy(struct eval *e, const struct instruction *in, struct mb_error *err)
{
    _cleanup_(copy_words_done) struct copy_words w = {0};
    _cleanup_free_ char *history = NULL;
    struct frontend_step s = {.kind = FRONTEND_COPY};

    s.unpack = flag_is_on(in, "unpack", in->kind == INSTR_ADD);
    s.link = flag_is_on(in, "link", false);
    s.parents = copy_keeps_parents(in);
    if (fill_step(e, in, &w, &s, err) < 0) {
        frontend_step_done(&s);
        return -1;
    }
    history = copy_history(in, &s, &w);
    mb_strv_add_all(&s.files, &w.files);
    return eval_add_step(e, in, &s, history, err);
}
