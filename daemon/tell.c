#include "tell.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../lib/engine/inspect.h"
#include "notify.h"
#include "progress.h"
#include "pulse.h"

struct pld_tell {
    struct pld_tell_from from;
    struct pld_notify *notify;
    struct event *soon;
    bool said_ready, stopping;
    char *noted;    /* what the database was told last */
    char *progress; /* how far long work is; NULL: there is none */
    struct pld_progress *watcher;
    struct pld_pulse pulse;
};

static int64_t monotonic_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec;
}

/* ---- whether it is alive ---- */

bool pld_tell_alive(struct pld_tell *t)
{
    return pld_pulse_beats(&t->pulse, pl_engine_oldest(t->from.engine), monotonic_s());
}

static bool alive(void *ctx)
{
    return pld_tell_alive(ctx);
}

void pld_tell_event(struct pld_tell *t, const struct pl_event *ev)
{
    pld_pulse_heard(&t->pulse, ev->req, monotonic_s());
    pld_progress_event(t->watcher);
}

void pld_tell_command(struct pld_tell *t, const struct pl_command *cmd)
{
    pld_progress_command(t->watcher, cmd);
}

/* ---- how the connections are ---- */

static size_t count_up(const struct pld_tell *t, size_t *tried)
{
    struct pld_dir_state d;
    size_t up = 0;
    *tried = 0;
    for (size_t i = 0; i < t->from.n_dirs; i++) {
        pld_dir_state(t->from.dirs[i], &d);
        up += d.up;
        *tried += d.tried;
    }
    return up;
}

static void add_directories(const struct pld_tell *t, struct pl_buf *b)
{
    size_t tried, up = count_up(t, &tried), n = 0;
    pl_buf_printf(b, "; %zu of %zu directories connected", up, t->from.n_dirs);
    for (size_t i = 0; i < t->from.n_dirs; i++) {
        struct pld_dir_state d;
        pld_dir_state(t->from.dirs[i], &d);
        if (!d.up)
            pl_buf_printf(b, "%s%s%s", n++ ? ", " : ", not ", d.name, d.refused ? " (log-on refused)" : "");
    }
}

static void tell_status(struct pld_tell *t)
{
    struct pld_store_state s;
    struct pl_buf b = {0};
    pld_store_state(t->from.store, &s);
    pl_buf_add_c(&b, t->stopping ? "Stopping: finishing what is in flight. " : "");
    pl_buf_add_c(&b, s.up        ? "PostgreSQL connected"
                     : s.standby ? "Another paaslad works on this database; waiting until it ends"
                                 : "PostgreSQL away");
    if (!s.up && *s.why)
        pl_buf_printf(&b, " (%s)", s.why);
    add_directories(t, &b);
    if (t->progress)
        pl_buf_printf(&b, "; %s", t->progress);
    pld_notify_status(t->notify, b.s);
    pl_buf_free(&b);
}

static void on_progress(void *ctx, const char *text)
{
    struct pld_tell *t = ctx;
    free(t->progress);
    t->progress = text ? strdup(text) : NULL;
    tell_status(t);
}

/* Ready: what was asked for can be done or somebody was told why not. A directory that is away only delays its work. */
static void tell_ready(struct pld_tell *t)
{
    struct pld_store_state s;
    size_t tried, up = count_up(t, &tried);
    pld_store_state(t->from.store, &s);
    if (t->said_ready || t->stopping || !s.answered || tried < t->from.n_dirs)
        return;
    t->said_ready = true;
    pld_log(5, "daemon.ready", "ready: version %s, %zu of %zu directories connected", PL_VERSION, up, t->from.n_dirs);
    pld_notify_ready(t->notify);
}

/* For `paaslactl status`, which asks the database alone: rights there decide who may see it, and no second door is needed.
 * A row is written when something changed and never because time passed. */
static void tell_database(struct pld_tell *t)
{
    struct pl_arena *a = pl_arena_new();
    struct pld_connection *all = pl_arena_array(a, t->from.n_dirs + 1, sizeof *all);
    struct pl_buf now = {0};
    for (size_t i = 0; i < t->from.n_dirs; i++) {
        struct pld_connection *c = &all[i];
        struct pld_server_state s, *servers;
        pld_dir_state(t->from.dirs[i], &c->dir);
        pl_buf_printf(&now, "%s %d %d %lld %s\n", c->dir.name, c->dir.up, c->dir.refused, (long long)c->dir.since_us,
                      c->dir.why);
        while (pld_dir_server(t->from.dirs[i], c->n_servers, &s))
            c->n_servers++;
        c->servers = servers = pl_arena_array(a, c->n_servers, sizeof *servers);
        for (size_t k = 0; pld_dir_server(t->from.dirs[i], k, &s); k++) {
            servers[k] = s;
            pl_buf_printf(&now, "%s %d %d %d %lld %s\n", s.uri, s.in_use, s.read_only, (int)s.how,
                          (long long)s.since_us, s.why);
        }
    }
    if (!t->noted || strcmp(t->noted, now.s) != 0)
        pld_store_note_connections(t->from.store, all, t->from.n_dirs);
    free(t->noted);
    t->noted = now.s;
    pl_arena_free(a);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    struct pld_tell *t = arg;
    size_t tried;
    (void)fd;
    (void)what;
    tell_status(t);
    tell_ready(t);
    (void)count_up(t, &tried);
    if (tried == t->from.n_dirs) /* what was not tried yet is not away */
        tell_database(t);
}

void pld_tell_changed(struct pld_tell *t)
{
    event_active(t->soon, EV_TIMEOUT, 0);
}

void pld_tell_reloading(struct pld_tell *t)
{
    pld_notify_reloading(t->notify);
}

void pld_tell_reloaded(struct pld_tell *t)
{
    pld_notify_reloaded(t->notify);
}

void pld_tell_stopping(struct pld_tell *t)
{
    t->stopping = true;
    pld_notify_stopping(t->notify);
    tell_status(t);
}

/* ---- life ---- */

struct pld_tell *pld_tell_new(const struct pld_tell_from *from)
{
    struct pld_tell *t = pl_xcalloc(1, sizeof *t);
    t->from = *from;
    t->notify = pld_notify_new(from->base, alive, t);
    t->watcher = pld_progress_new(&(struct pld_progress_from){from->base, from->engine, from->store, on_progress, t});
    t->soon = event_new(from->base, -1, 0, on_soon, t);
    return t;
}

void pld_tell_free(struct pld_tell *t)
{
    if (!t)
        return;
    pld_notify_free(t->notify);
    event_free(t->soon);
    pld_progress_free(t->watcher);
    free(t->noted);
    free(t->progress);
    free(t);
}
