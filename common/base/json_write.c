/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as Go's encoding/json prints it (Marshal and MarshalIndent with HTML escapes
 * on), because digests of manifests and configs must agree with BuildKit's.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

static void write_char(struct mb_buf *out, const char *s, size_t n, uint32_t c)
{
    switch (c) {
    case '"':
        mb_buf_add_str(out, "\\\"");
        return;
    case '\\':
        mb_buf_add_str(out, "\\\\");
        return;
    case '\b':
        mb_buf_add_str(out, "\\b");
        return;
    case '\f':
        mb_buf_add_str(out, "\\f");
        return;
    case '\n':
        mb_buf_add_str(out, "\\n");
        return;
    case '\r':
        mb_buf_add_str(out, "\\r");
        return;
    case '\t':
        mb_buf_add_str(out, "\\t");
        return;
    default:
        break;
    }
    if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029)
        mb_buf_addf(out, "\\u%04" PRIx32, c);
    else
        mb_buf_add(out, s, n);
}

static void write_string(struct mb_buf *out, const char *s, size_t len)
{
    mb_buf_add_byte(out, '"');
    while (len > 0) {
        uint32_t c = 0;
        size_t n = mb_utf8_decode(s, len, &c);

        BUG_ON(n == 0); /* jansson lets no other bytes in */
        write_char(out, s, n, c);
        s += n;
        len -= n;
    }
    mb_buf_add_byte(out, '"');
}

/* The shortest digits that read back as the same value; Go's choice of notation. */
static void write_real(struct mb_buf *out, double v)
{
    char text[64];
    double size = fabs(v);

    if (size != 0 && (size < 1e-6 || size >= 1e21)) {
        for (int digits = 0; digits <= 17; digits++) {
            (void)snprintf(text, sizeof(text), "%.*e", digits, v);
            if (strtod(text, NULL) == v)
                break;
        }
        char *e = strchr(text, 'e');
        if (e && e[1] == '-' && e[2] == '0') /* e-09 is e-9 */
            memmove(e + 2, e + 3, strlen(e + 3) + 1);
        mb_buf_add_str(out, text);
        return;
    }
    for (int digits = 0; digits <= 24; digits++) {
        (void)snprintf(text, sizeof(text), "%.*f", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    mb_buf_add_str(out, text);
}

static void new_line(struct mb_buf *out, int indent, int depth)
{
    if (indent == 0)
        return;
    mb_buf_add_byte(out, '\n');
    for (int i = 0; i < indent * depth; i++)
        mb_buf_add_byte(out, ' ');
}

struct style {
    int indent;
    bool sort_keys;
};

static void write_value(struct mb_buf *out, const json_t *v, struct style style,
                        int depth);

static void write_array(struct mb_buf *out, const json_t *v, struct style style,
                        int depth)
{
    size_t n = json_array_size(v);

    mb_buf_add_byte(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            mb_buf_add_byte(out, ',');
        new_line(out, style.indent, depth + 1);
        write_value(out, json_array_get(v, i), style, depth + 1);
    }
    if (n > 0)
        new_line(out, style.indent, depth);
    mb_buf_add_byte(out, ']');
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(struct mb_buf *out, const json_t *v, struct style style,
                         int depth)
{
    size_t n = 0;
    const char *key;
    json_t *item;
    /* jansson's iterators want an object that may change; this one does not. */
    json_t *obj = (json_t *)(uintptr_t)v;
    _cleanup_free_ const char **keys = mb_xcalloc(json_object_size(v), sizeof(*keys));

    json_object_foreach(obj, key, item)
    {
        keys[n++] = key;
    }
    if (style.sort_keys && n > 1)
        qsort(keys, n, sizeof(*keys), by_key);

    mb_buf_add_byte(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            mb_buf_add_byte(out, ',');
        new_line(out, style.indent, depth + 1);
        write_string(out, keys[i], strlen(keys[i]));
        mb_buf_add_str(out, style.indent > 0 ? ": " : ":");
        write_value(out, json_object_get(v, keys[i]), style, depth + 1);
    }
    if (n > 0)
        new_line(out, style.indent, depth);
    mb_buf_add_byte(out, '}');
}

static void write_value(struct mb_buf *out, const json_t *v, struct style style,
                        int depth)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        write_object(out, v, style, depth);
        return;
    case JSON_ARRAY:
        write_array(out, v, style, depth);
        return;
    case JSON_STRING:
        write_string(out, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        mb_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return;
    case JSON_REAL:
        write_real(out, json_real_value(v));
        return;
    case JSON_TRUE:
        mb_buf_add_str(out, "true");
        return;
    case JSON_FALSE:
        mb_buf_add_str(out, "false");
        return;
    case JSON_NULL:
        mb_buf_add_str(out, "null");
        return;
    }
    BUG_ON(true);
}

void mb_json_write(const json_t *v, int indent, bool sort_keys, struct mb_buf *out)
{
    write_value(out, v, (struct style){.indent = indent, .sort_keys = sort_keys}, 0);
}
