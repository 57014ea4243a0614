/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ls_table.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum { NAME, STATE, ARCH, SLOTS, PLATFORMS, MEMORY, KERNEL, RUNTIME, QEMU, N_COLUMNS };
#define CELL_TEXT_MAX 400

static const char *const titles[N_COLUMNS] = {"NAME",   "STATE",     "ARCH",
                                              "SLOTS",  "PLATFORMS", "MEMORY",
                                              "KERNEL", "RUNTIME",   "QEMU"};

struct row {
    char *cell[N_COLUMNS];
};

static char *cell_text(const char *text)
{
    if (!text || !*text)
        return mb_xstrdup("-");
    return mb_escape(text, strlen(text), CELL_TEXT_MAX);
}

/* "linux/amd64,linux/386,linux/s390x*": native first, order kept; malloc'ed. */
static char *platforms_text(const struct mb_agent_info *info)
{
    _cleanup_strv_ struct mb_strv list = {0};
    char text[MB_PLATFORM_TEXT_LEN];

    for (int emulated = 0; emulated < 2; emulated++)
        for (size_t i = 0; i < info->n_platforms; i++)
            if (info->platforms[i].emulated == (emulated == 1))
                mb_strv_addf(&list, "%s%s",
                             mb_platform_text(&info->platforms[i].platform, text),
                             emulated ? "*" : "");
    return list.n > 0 ? mb_strv_join(&list, ",") : mb_xstrdup("-");
}

static struct row make_row(const struct mb_ls_agent *a)
{
    char size[MB_SIZE_TEXT_LEN];
    struct row r;

    r.cell[NAME] = cell_text(a->name);
    r.cell[STATE] = cell_text(a->state);
    r.cell[ARCH] = cell_text(a->info.arch);
    r.cell[SLOTS] = mb_xasprintf("%llu/%llu", (unsigned long long)a->running,
                                 (unsigned long long)a->info.slots);
    r.cell[PLATFORMS] = platforms_text(&a->info);
    r.cell[MEMORY] = mb_xstrdup(mb_size_text(a->info.memory_bytes, size));
    r.cell[KERNEL] = cell_text(a->info.kernel);
    r.cell[RUNTIME] = cell_text(a->info.runtime);
    r.cell[QEMU] = cell_text(a->info.qemu);
    return r;
}

static void add_row(struct mb_buf *out, char *const *cells, const size_t *widths)
{
    for (int c = 0; c < N_COLUMNS; c++) {
        if (c + 1 < N_COLUMNS)
            mb_buf_addf(out, "%-*s  ", (int)widths[c], cells[c]);
        else
            mb_buf_addf(out, "%s\n", cells[c]);
    }
}

void ls_table(const struct mb_ls_reply *reply, struct mb_buf *out)
{
    size_t n = reply->n_agents + 1;
    struct row *rows = mb_xcalloc(n, sizeof(*rows));
    size_t widths[N_COLUMNS] = {0};

    for (int c = 0; c < N_COLUMNS; c++)
        rows[0].cell[c] = mb_xstrdup(titles[c]);
    for (size_t i = 1; i < n; i++)
        rows[i] = make_row(&reply->agents[i - 1]);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < N_COLUMNS; c++)
            if (strlen(rows[i].cell[c]) > widths[c])
                widths[c] = strlen(rows[i].cell[c]);
    for (size_t i = 0; i < n; i++) {
        add_row(out, rows[i].cell, widths);
        for (int c = 0; c < N_COLUMNS; c++)
            free(rows[i].cell[c]);
    }
    free(rows);
}

static void set_text(json_t *o, const char *key, const char *text)
{
    json_t *v = text ? json_string(text) : NULL;

    json_object_set_new(o, key, v ? v : json_null());
}

static void set_number(json_t *o, const char *key, uint64_t v)
{
    json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *platforms_json(const struct mb_agent_info *info)
{
    json_t *list = json_array();
    char text[MB_PLATFORM_TEXT_LEN];

    for (int emulated = 0; emulated < 2; emulated++)
        for (size_t i = 0; i < info->n_platforms; i++) {
            const struct mb_agent_platform *p = &info->platforms[i];
            json_t *o;

            if (p->emulated != (emulated == 1))
                continue;
            o = json_object();
            set_text(o, "platform", mb_platform_text(&p->platform, text));
            json_object_set_new(o, "emulated", json_boolean(p->emulated));
            set_text(o, "via", p->via);
            if (p->slowdown_x100)
                json_object_set_new(o, "slowdown",
                                    json_real((double)p->slowdown_x100 / 100));
            json_array_append_new(list, o);
        }
    return list;
}

static json_t *agent_json(const struct mb_ls_agent *a)
{
    const struct mb_agent_info *info = &a->info;
    json_t *o = json_object();

    set_text(o, "name", a->name);
    set_text(o, "state", a->state);
    set_text(o, "arch", info->arch);
    set_text(o, "hostname", info->hostname);
    set_number(o, "slots", info->slots);
    set_number(o, "running", a->running);
    json_object_set_new(o, "platforms", platforms_json(info));
    set_number(o, "cores", info->cores);
    set_number(o, "memory_bytes", info->memory_bytes);
    set_number(o, "disk_free_bytes", info->disk_free_bytes);
    set_text(o, "kernel", info->kernel);
    set_text(o, "runtime", info->runtime);
    set_text(o, "qemu", info->qemu);
    set_text(o, "codec", info->codec);
    set_text(o, "mode", info->mode);
    set_text(o, "version", a->version);
    set_number(o, "seen_msec_ago", a->seen_msec_ago);
    return o;
}

void ls_json(const struct mb_ls_reply *reply, struct mb_buf *out)
{
    for (size_t i = 0; i < reply->n_agents; i++) {
        _cleanup_json_ json_t *o = agent_json(&reply->agents[i]);

        mb_json_write(o, 0, false, out);
        mb_buf_add_byte(out, '\n');
    }
}
