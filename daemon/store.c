#include "store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    HINT_MS = 2, /* a storm of notifications becomes one hint in so long; the engine has one load under way at most */
    PATIENCE_S = 90, /* longer than statement_timeout: the server itself speaks first */
};
#define STATEMENT_TIMEOUT "60s"

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum pl_flow pld_store_emit(struct pld_store *s, const struct pl_event *ev)
{
    return s->closing ? PL_CONTINUE : s->host.emit(s->host.ctx, ev);
}

/* ---- hints ---- */

static void on_hint(evutil_socket_t fd, short what, void *arg)
{
    struct pld_store *s = arg;
    (void)fd;
    (void)what;
    s->hinted_ms = monotonic_ms();
    if (s->up)
        pld_store_emit(s, &(struct pl_event){.kind = PL_EV_DIRTY});
}

static void hint(struct pld_store *s)
{
    int64_t since = monotonic_ms() - s->hinted_ms;
    struct timeval tv = {0, since >= HINT_MS ? 0 : (suseconds_t)(HINT_MS - since) * 1000};
    if (!evtimer_pending(s->hint, NULL))
        event_add(s->hint, &tv);
}

/* ---- main ---- */

static bool main_params(void *ctx, struct pld_pg_params *out, struct pl_err *err)
{
    return pld_pg_params_make(((struct pld_store *)ctx)->conf, "", STATEMENT_TIMEOUT, NULL, out, err);
}

static void main_up(void *ctx)
{
    pld_session_begin(ctx);
}

void pld_store_ready(struct pld_store *s)
{
    s->up = true;
    s->since_us = pld_wall_us();
    s->why[0] = '\0';
    pld_changed(&s->host);
    pld_log(6, "store.up", "connected to PostgreSQL");
    pld_store_emit(s, &(struct pl_event){.kind = PL_EV_STORE_UP});
    pld_controls_look(s);
    pld_notes_send(s);
    pld_pg_pipe_start(s->listen);
}

static void main_down(void *ctx, const char *why)
{
    struct pld_store *s = ctx;
    bool was_up = s->up;

    s->up = s->listening = s->said_standby = false;
    if (was_up)
        s->since_us = pld_wall_us();
    pld_controls_forget(s);
    event_del(s->hint);
    event_del(s->standby);
    pld_pg_pipe_stop(s->listen);
    pld_scans_stop(s);
    pld_pg_pipe_stop(s->watch);
    pld_pg_pipe_stop(s->info);
    bool news = was_up || strcmp(s->why, why) != 0;
    pld_log(news ? 3 : 7, was_up ? "store.lost" : "store.away", "%s: %s",
            was_up ? "PostgreSQL is lost" : "PostgreSQL cannot be used", why);
    snprintf(s->why, sizeof s->why, "%s", why);
    pld_changed(&s->host);
    if (was_up)
        pld_store_emit(s, &(struct pl_event){.kind = PL_EV_STORE_DOWN});
}

/* ---- listen: its loss costs latency, never truth ---- */

static bool listen_params(void *ctx, struct pld_pg_params *out, struct pl_err *err)
{
    struct pld_store *s = ctx;
    return pld_pg_params_make(s->conf, "listen", STATEMENT_TIMEOUT, pld_pg_pipe_conn(s->main), out, err);
}

static void listen_end(struct pld_pg_job *job, enum pld_pg_end how)
{
    struct pld_task *t = (struct pld_task *)job;
    struct pld_store *s = t->store;
    bool last = t->number == 1;

    pld_task_free(t);
    if (how == PLD_PG_FAILED)
        pld_pg_pipe_fail(s->listen, "LISTEN was refused");
    if (how != PLD_PG_DONE || !last)
        return;
    s->listening = true;
    hint(s); /* whatever was said before we listened */
    pld_controls_look(s);
}

static void listen_up(void *ctx)
{
    static const char *const queries[] = {"listen_dirty", "listen_control"};
    for (size_t i = 0; i < 2; i++) {
        struct pld_task *t = pld_task_new(ctx, queries[i]);
        t->number = (int64_t)i;
        t->job.end = listen_end;
        pld_pg_pipe_submit(((struct pld_store *)ctx)->listen, &t->job);
    }
}

/* What we wrote ourselves the engine knows already. Taken as a hint, a tick that marks somebody would ask for the next
 * tick, and so on. */
static void listen_notify(void *ctx, const char *channel, int sender)
{
    struct pld_store *s = ctx;
    PGconn *ours = pld_pg_pipe_conn(s->main);
    if (ours && sender == PQbackendPID(ours))
        return;
    if (strcmp(channel, "paasla_control") == 0)
        pld_controls_look(s);
    else
        hint(s);
}

static void listen_down(void *ctx, const char *why)
{
    struct pld_store *s = ctx;
    pld_log(s->listening ? 4 : 7, "store.listen_lost",
            "not woken by PostgreSQL any more, looking every %lld s instead: %s", (long long)s->conf->poll_s, why);
    s->listening = false;
}

static const struct pld_pg_pipe_ops main_ops = {main_params, main_up, NULL, main_down};
static const struct pld_pg_pipe_ops listen_ops = {listen_params, listen_up, listen_notify, listen_down};

/* ---- the object ---- */

static void on_standby(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pld_session_begin(arg);
}

struct pld_store *pld_store_new(const struct pld_host *host, const struct pl_conf *conf)
{
    struct pld_store *s = pl_xcalloc(1, sizeof *s);
    pld_json_init();
    s->host = *host;
    s->conf = conf;
    s->since_us = pld_wall_us();
    s->main = pld_pg_pipe_new(host->base, "store", PATIENCE_S, &main_ops, s);
    s->listen = pld_pg_pipe_new(host->base, "store listen", PATIENCE_S, &listen_ops, s);
    s->watch = pld_watch_pipe(s, host->base);
    s->info = pld_info_pipe(s, host->base);
    s->hint = evtimer_new(host->base, on_hint, s);
    s->standby = evtimer_new(host->base, on_standby, s);
    return s;
}

void pld_store_reload(struct pld_store *s, const struct pl_conf *conf)
{
    s->conf = conf;
}

void pld_store_start(struct pld_store *s)
{
    pld_pg_pipe_start(s->main);
}

static struct pld_pg_pipe *pipe_for(struct pld_store *s, const struct pld_task *t)
{
    switch (t->kind) {
    case PL_CMD_SCAN_ACCOUNTS:
    case PL_CMD_SCAN_GROUPS:
        return pld_scan_pipe(s, t->directory);
    case PL_CMD_SCAN_GROUP:
    case PL_CMD_WATCH_STATE:
    case PL_CMD_UNACKED:
        return s->watch;
    default:
        return s->main;
    }
}

void pld_store_command(struct pld_store *s, const struct pl_command *cmd)
{
    bool ok = true;
    struct pld_task *t = pld_task_of(s, cmd, &ok);
    if (!t) {
        pld_log(3, "store.not_sent", "command %d is not the store's", (int)cmd->kind);
        return;
    }
    struct pld_pg_pipe *pipe = pipe_for(s, t);
    if (!ok || !s->up)
        pld_pg_pipe_refuse(pipe, &t->job);
    else
        pld_pg_pipe_submit(pipe, &t->job);
    if (s->up)
        pld_pg_pipe_start(pipe); /* those for reads begin with their first */
    if (t->kind == PL_CMD_TICK && !s->listening)
        pld_controls_look(s); /* nobody wakes us for these now */
}

void pld_store_state(const struct pld_store *s, struct pld_store_state *out)
{
    *out = (struct pld_store_state){.answered = s->answered,
                                    .up = s->up,
                                    .standby = !s->up && s->said_standby,
                                    .since_us = s->since_us,
                                    .why = s->up ? "" : s->why};
}

void pld_store_free(struct pld_store *s)
{
    if (!s)
        return;
    s->closing = true;
    s->up = false;
    pld_pg_pipe_free(s->listen);
    pld_scans_free(s);
    pld_pg_pipe_free(s->watch);
    pld_pg_pipe_free(s->info);
    pld_pg_pipe_free(s->main);
    event_free(s->hint);
    event_free(s->standby);
    pld_notes_free(s);
    free(s);
}
