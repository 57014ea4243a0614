/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_status - a status that is no success, as an error with the server's words.
 * Spec: distribution-spec "Error Codes": {"errors": [{"code", "message"}]}.
 */
#include "registry/exchange.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define WORDS_BYTES_MAX 120

/* malloc'ed " (CODE: message)", or "". */
static char *server_words(const struct mb_exchange *x)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_free_ char *raw = NULL;
    _cleanup_free_ char *shown = NULL;
    const char *code, *message;
    struct mb_error ignored;
    json_t *first;

    if (!x->text.len
        || mb_json_parse(x->text.data, x->text.len, MB_HTTP_TEXT_BYTES_MAX, &root,
                         &ignored)
               < 0)
        return mb_xstrdup("");
    first = json_array_get(json_object_get(root, "errors"), 0);
    code = json_string_value(json_object_get(first, "code"));
    message = json_string_value(json_object_get(first, "message"));
    if (!code)
        return mb_xstrdup("");
    raw = mb_xasprintf("%s%s%s", code, message ? ": " : "", message ? message : "");
    shown = mb_escape(raw, strlen(raw), WORDS_BYTES_MAX);
    return mb_xasprintf(" (%s)", shown);
}

static bool server_said(const struct mb_exchange *x, const char *code)
{
    return x->text.len && memmem(x->text.data, x->text.len, code, strlen(code));
}

int mb_exchange_fail(const struct mb_exchange *x, struct mb_error *err)
{
    _cleanup_free_ char *words = server_words(x);
    enum mb_errc code = MB_ERR_PROTOCOL;

    if (x->status == 404)
        return mb_fail(err, MB_ERR_NOT_FOUND, "not found%s", words);
    if (x->status == 401 || x->status == 403)
        code = MB_ERR_DENIED;
    else if (x->status == 408 || x->status == 429 || x->status >= 500)
        code = MB_ERR_UNAVAILABLE;
    else if (x->status == 413)
        code = MB_ERR_LIMIT;
    else if (server_said(x, "DIGEST_INVALID") || server_said(x, "SIZE_INVALID"))
        code = MB_ERR_CORRUPT;
    return mb_fail(err, code, "answered %ld%s", x->status, words);
}
