/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/cache/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/mem.h"

#define BUSY_MSEC 5000

struct cache {
    sqlite3 *db;
    sqlite3_stmt *find, *put, *forget;
    int lock_fd; /* of PATH.lock: held while an index is opened or closed */
};

static const char schema_sql[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS step ("
    " key BLOB PRIMARY KEY, has_layer INTEGER NOT NULL, diff_id BLOB, media_type TEXT,"
    " digest BLOB, size INTEGER, emulated INTEGER NOT NULL, agent TEXT NOT NULL,"
    " usec INTEGER NOT NULL, made_at INTEGER NOT NULL) WITHOUT ROWID;";
static const char find_sql[] =
    "SELECT has_layer, diff_id, media_type, digest, size, emulated,"
    " agent, usec FROM step WHERE key = ?1";
static const char put_sql[] =
    "INSERT INTO step (key, has_layer, diff_id, media_type, digest, size,"
    " emulated, agent, usec, made_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    " ON CONFLICT (key) DO NOTHING";
static const char forget_sql[] = "DELETE FROM step WHERE key = ?1";

static int sql_fail(struct cache *c, const char *what, struct mb_error *err)
{
    return mb_fail(err, MB_ERR_IO, "cache index: %s: %s", what, sqlite3_errmsg(c->db));
}

static int prepare(struct cache *c, const char *path, struct mb_error *err)
{
    if (sqlite3_open_v2(
            path, &c->db,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL)
        != SQLITE_OK)
        return sql_fail(c, path, err);
    sqlite3_busy_timeout(c->db, BUSY_MSEC);
    if (sqlite3_exec(c->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_prepare_v2(c->db, find_sql, -1, &c->find, NULL) != SQLITE_OK
        || sqlite3_prepare_v2(c->db, put_sql, -1, &c->put, NULL) != SQLITE_OK
        || sqlite3_prepare_v2(c->db, forget_sql, -1, &c->forget, NULL) != SQLITE_OK)
        return sql_fail(c, path, err);
    return 0;
}

static bool is_damaged(struct cache *c)
{
    int code = c->db ? sqlite3_errcode(c->db) : SQLITE_OK;

    return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR;
}

static void close_db(struct cache *c)
{
    sqlite3_finalize(c->find);
    sqlite3_finalize(c->put);
    sqlite3_finalize(c->forget);
    sqlite3_close(c->db);
    c->find = c->put = c->forget = NULL;
    c->db = NULL;
}

static int prepare_or_renew(struct cache *c, const char *path, struct mb_error *err)
{
    _cleanup_free_ char *bad = NULL;

    if (prepare(c, path, err) == 0)
        return 0;
    if (!is_damaged(c))
        return -1;
    bad = mb_xasprintf("%s.bad", path);
    close_db(c);
    if (rename(path, bad) < 0)
        return mb_fail_errno(err, "put the damaged cache index %s aside", path);
    return prepare(c, path, err);
}

static int lock(int fd, int how)
{
    int r;

    do
        r = flock(fd, how);
    while (r < 0 && errno == EINTR);
    return r;
}

/* One at a time: SQLite answers "locked" without waiting when two turn a new file to
 * WAL at once, or one opens what the last one is closing; and only one may put a
 * damaged file aside. */
int cache_open(const char *path, struct cache **ret, struct mb_error *err)
{
    _cleanup_free_ char *lock_path = mb_xasprintf("%s.lock", path);
    _cleanup_(cache_freep) struct cache *c = mb_xcalloc(1, sizeof(*c));

    c->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (c->lock_fd < 0 || lock(c->lock_fd, LOCK_EX) < 0)
        return mb_fail_errno(err, "lock %s", lock_path);
    if (prepare_or_renew(c, path, err) < 0)
        return -1;
    if (lock(c->lock_fd, LOCK_UN) < 0)
        return mb_fail_errno(err, "unlock %s", lock_path);
    *ret = steal_ptr(c);
    return 0;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    if (c->lock_fd >= 0) {
        mb_ignore(lock(c->lock_fd, LOCK_EX),
                  "closing without it is as good as a crash");
        close_db(c);
        close(c->lock_fd);
    }
    free(c);
}

static bool column_digest(sqlite3_stmt *s, int i, struct mb_digest *ret)
{
    const void *b = sqlite3_column_blob(s, i);

    if (!b || sqlite3_column_bytes(s, i) != (int)sizeof(ret->bytes))
        return false;
    memcpy(ret->bytes, b, sizeof(ret->bytes));
    return true;
}

static void bind_digest(sqlite3_stmt *s, int i, const struct mb_digest *d)
{
    sqlite3_bind_blob(s, i, d->bytes, sizeof(d->bytes), SQLITE_TRANSIENT);
}

static bool read_row(sqlite3_stmt *s, struct cache_result *ret)
{
    struct cache_result r = {0};
    const unsigned char *agent = sqlite3_column_text(s, 6);
    const unsigned char *media_type = sqlite3_column_text(s, 2);

    r.has_layer = sqlite3_column_int(s, 0) != 0;
    if (r.has_layer) {
        int64_t size = sqlite3_column_int64(s, 4);
        if (!column_digest(s, 1, &r.layer.diff_id)
            || !column_digest(s, 3, &r.layer.blob.digest) || !media_type || size < 0)
            return false;
        snprintf(r.layer.blob.media_type, sizeof(r.layer.blob.media_type), "%s",
                 (const char *)media_type);
        r.layer.blob.size = (uint64_t)size;
    }
    r.emulated = sqlite3_column_int(s, 5) != 0;
    snprintf(r.agent, sizeof(r.agent), "%s", agent ? (const char *)agent : "");
    r.usec = (uint64_t)sqlite3_column_int64(s, 7);
    *ret = r;
    return true;
}

bool cache_find(struct cache *c, const struct mb_digest *key, struct cache_result *ret)
{
    bool found = false;

    bind_digest(c->find, 1, key);
    if (sqlite3_step(c->find) == SQLITE_ROW)
        found = read_row(c->find, ret);
    sqlite3_reset(c->find);
    return found;
}

int cache_put(struct cache *c, const struct mb_digest *key,
              const struct cache_result *r, struct mb_error *err)
{
    sqlite3_stmt *s = c->put;
    int result;

    sqlite3_clear_bindings(s);
    bind_digest(s, 1, key);
    sqlite3_bind_int(s, 2, r->has_layer);
    if (r->has_layer) {
        bind_digest(s, 3, &r->layer.diff_id);
        sqlite3_bind_text(s, 4, r->layer.blob.media_type, -1, SQLITE_TRANSIENT);
        bind_digest(s, 5, &r->layer.blob.digest);
        sqlite3_bind_int64(s, 6, (sqlite3_int64)r->layer.blob.size);
    }
    sqlite3_bind_int(s, 7, r->emulated);
    sqlite3_bind_text(s, 8, r->agent, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s, 9, (sqlite3_int64)r->usec);
    sqlite3_bind_int64(s, 10, mb_wall_sec());
    result = sqlite3_step(s);
    sqlite3_reset(s);
    return result == SQLITE_DONE ? 0 : sql_fail(c, "store a result", err);
}

void cache_forget(struct cache *c, const struct mb_digest *key)
{
    bind_digest(c->forget, 1, key);
    sqlite3_step(c->forget);
    sqlite3_reset(c->forget);
}
