#include "run.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include "../lib/directory/result_name.h"
#include "page.h"
#include "reload.h"
#include "shell.h"
#include "tell.h"

enum {
    LOOK_AT_CLOCK_S = 60, /* the timer counts monotonic time: a wall clock that was set is noticed so soon */
    FINISH_S = 8,         /* after SIGTERM; what is left is recovered from its intents at the next start */
};

struct daemon {
    struct event_base *base;
    struct pld_config **config;
    const struct pl_conf *conf; /* of *config */
    struct pl_engine *engine;
    struct pld_store *store;
    struct pld_dir **dirs; /* as conf->dirs */
    struct pld_tell *tell;
    struct pld_page *page;
    struct event *timer, *term, *intr, *hup, *deadline;
    int64_t started_us;
    int64_t timer_at_us; /* 0: none */
    bool inside;         /* the engine is never entered twice */
    bool stopping;
};

/* ---- commands ---- */

static void to_directory(struct daemon *d, const struct pl_command *cmd)
{
    for (size_t i = 0; i < d->conf->n_dirs; i++) {
        if (pl_str_eq(d->conf->dirs[i].name, cmd->directory)) {
            pld_dir_command(d->dirs[i], cmd);
            return;
        }
    }
    pld_log(3, "daemon.defect", "the engine named a directory that is not configured");
    abort(); /* it would wait for the answer for ever */
}

static void set_timer(struct daemon *d)
{
    int64_t left = d->timer_at_us - pld_wall_us();
    if (left < 0)
        left = 0;
    if (left > (int64_t)LOOK_AT_CLOCK_S * 1000000)
        left = (int64_t)LOOK_AT_CLOCK_S * 1000000;
    struct timeval tv = {left / 1000000, left % 1000000};
    event_del(d->timer);
    if (d->timer_at_us)
        event_add(d->timer, &tv);
}

/* What the engine wants, for whoever looks closely (log_level = 7). */
static void trace(const struct pl_command *cmd)
{
    static const char *const names[] = {
        [PL_CMD_RECOVER] = "recover",
        [PL_CMD_TICK] = "tick",
        [PL_CMD_LOAD] = "load",
        [PL_CMD_RESERVE] = "reserve",
        [PL_CMD_INTENTS] = "intents",
        [PL_CMD_SETTLE] = "settle",
        [PL_CMD_HOLD] = "hold",
        [PL_CMD_NOMINATE] = "nominate",
        [PL_CMD_SCAN_ACCOUNTS] = "scan_accounts",
        [PL_CMD_SCAN_GROUP] = "scan_group",
        [PL_CMD_SCAN_GROUPS] = "scan_groups",
        [PL_CMD_NOTE_COMPARE] = "note_compare",
        [PL_CMD_ACKED] = "acked",
        [PL_CMD_UNACKED] = "unacked",
        [PL_CMD_SEARCH] = "search",
        [PL_CMD_MODIFY] = "modify",
        [PL_CMD_ADD] = "add",
    };
    const char *name = (size_t)cmd->kind < sizeof names / sizeof names[0] ? names[cmd->kind] : NULL;
    if (cmd->req)
        pld_event(7, "engine.command",
                  PLD_FIELDS(PLD_NUMBER("req", (int64_t)cmd->req), PLD_STR("directory", cmd->directory)), "%s",
                  name ? name : "another one");
}

/* How it went, when it did not go well. */
static void trace_result(const struct pl_event *ev)
{
    bool result = ev->kind == PL_EV_RESULT;
    if (result ? ev->result.code != 0 : ev->failed)
        pld_event(7, "engine.answer",
                  PLD_FIELDS(PLD_NUMBER("req", (int64_t)ev->req), PLD_STR("directory", ev->directory),
                             PLD_TEXT("result", result ? pl_result_name(ev->result.code) : "failed")),
                  "not done");
}

static void dispatch(struct daemon *d, const struct pl_command *cmd)
{
    trace(cmd);
    pld_page_command(d->page, cmd);
    pld_tell_command(d->tell, cmd);
    switch (cmd->kind) {
    case PL_CMD_SEARCH:
    case PL_CMD_MODIFY:
    case PL_CMD_ADD:
    case PL_CMD_WATCH:
        to_directory(d, cmd);
        break;
    case PL_CMD_TIMER:
        d->timer_at_us = cmd->at_us;
        set_timer(d);
        break;
    case PL_CMD_LOG:
        pld_event(cmd->log.level, "engine", PLD_FIELDS(PLD_STR("directory", cmd->directory)), "%.*s",
                  (int)cmd->log.text.len, cmd->log.text.s ? cmd->log.text.s : "");
        break;
    case PL_CMD_NOTE_COMPARE:
        malloc_trim(0); /* records of everybody lived until now; what follows is quiet */
        pld_store_command(d->store, cmd);
        break;
    default:
        pld_store_command(d->store, cmd);
    }
}

/* ---- events ---- */

static bool finished(struct daemon *d)
{
    struct pl_engine_status st;
    pl_engine_status(d->engine, &st);
    return pl_engine_idle(d->engine) || st.in_flight == 0;
}

/* Paused reads go on when the engine has room again, which only an event can bring. */
static void resume(struct daemon *d)
{
    pld_store_resume(d->store);
    for (size_t i = 0; i < d->conf->n_dirs; i++)
        pld_dir_resume(d->dirs[i]);
}

static enum pl_flow on_emit(void *ctx, const struct pl_event *ev)
{
    struct daemon *d = ctx;
    struct pl_command cmd;

    if (d->inside) {
        pld_log(3, "daemon.defect", "event %d came while the engine was at work", (int)ev->kind);
        abort();
    }
    trace_result(ev);
    d->inside = true;
    enum pl_flow flow = pl_engine_event(d->engine, ev, pld_wall_us());
    while (pl_engine_next(d->engine, &cmd))
        dispatch(d, &cmd);
    d->inside = false;
    pld_tell_event(d->tell, ev);
    resume(d);
    if (d->stopping && finished(d))
        event_base_loopbreak(d->base);
    return flow;
}

static bool on_wants(void *ctx, uint64_t req)
{
    return pl_engine_wants(((struct daemon *)ctx)->engine, req);
}

static void on_changed(void *ctx)
{
    pld_tell_changed(((struct daemon *)ctx)->tell);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    (void)fd;
    (void)what;
    if (pld_wall_us() < d->timer_at_us) {
        set_timer(d);
        return;
    }
    d->timer_at_us = 0;
    on_emit(d, &(struct pl_event){.kind = PL_EV_TIMER});
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    (void)fd;
    (void)what;
    pld_log(4, "daemon.cut_short", "stopping with work in flight; it is settled at the next start");
    event_base_loopbreak(d->base);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    struct daemon *d = arg;
    struct timeval tv = {FINISH_S, 0};
    (void)what;
    if (d->stopping) { /* the second one means it */
        pld_log(4, "daemon.cut_short",
                "a second signal: stopping at once; work in flight is settled at the next start");
        event_base_loopbreak(d->base);
        return;
    }
    pld_log(5, "daemon.stopping", "%s: finishing what is in flight", sig == SIGTERM ? "SIGTERM" : "SIGINT");
    d->stopping = true;
    pld_tell_stopping(d->tell);
    event_add(d->deadline, &tv);
    on_emit(d, &(struct pl_event){.kind = PL_EV_SHUTDOWN});
}

static void on_hup(evutil_socket_t sig, short what, void *arg)
{
    struct daemon *d = arg;
    (void)sig;
    (void)what;
    if (d->stopping) {
        pld_log(5, "config.refused", "SIGHUP: stopping, the configuration is not read again");
        return;
    }
    struct pld_reload r = {d->config, d->engine, d->store, d->dirs, d->page, d->started_us};
    pld_tell_reloading(d->tell);
    bool ok = pld_reload(&r);
    d->conf = (*d->config)->conf;
    pld_page_loaded(d->page, (*d->config)->loaded_us, ok);
    on_emit(d, &(struct pl_event){.kind = PL_EV_TIMER}); /* intervals may be others now */
    pld_tell_reloaded(d->tell);
}

/* ---- life ---- */

/* Those who look on and tell. Nobody else depends on them: what cannot listen is said, and work goes on. */
static void make_tellers(struct daemon *d)
{
    struct pl_err err;
    struct pld_tell_from from = {
        .base = d->base, .engine = d->engine, .store = d->store, .dirs = d->dirs, .n_dirs = d->conf->n_dirs};
    d->tell = pld_tell_new(&from);
    d->page = pld_page_new(&from, d->tell);
    pld_page_loaded(d->page, (*d->config)->loaded_us, true);
    if (!pld_page_listen(d->page, d->conf->metrics, &err))
        pld_log(3, "http.failed", "%s. %s", err.text, err.hint);
}

static bool build(struct daemon *d)
{
    struct pld_host host = {.emit = on_emit, .wants = on_wants, .changed = on_changed, .ctx = d};

    d->base = event_base_new();
    if (!d->base)
        return false;
    event_base_priority_init(d->base, 1);
    host.base = d->base;
    d->timer = evtimer_new(d->base, on_timer, d);
    d->deadline = evtimer_new(d->base, on_deadline, d);
    d->term = evsignal_new(d->base, SIGTERM, on_signal, d);
    d->intr = evsignal_new(d->base, SIGINT, on_signal, d);
    d->hup = evsignal_new(d->base, SIGHUP, on_hup, d);
    d->store = pld_store_new(&host, d->conf);
    d->dirs = pl_xcalloc(d->conf->n_dirs, sizeof(struct pld_dir *));
    for (size_t i = 0; i < d->conf->n_dirs; i++)
        d->dirs[i] = pld_dir_new(&host, &d->conf->dirs[i]);
    make_tellers(d);
    return d->timer && d->deadline && d->term && d->intr && d->hup;
}

static void drop(struct event *ev)
{
    if (ev)
        event_free(ev);
}

static void demolish(struct daemon *d)
{
    pld_page_close(d->page);
    for (size_t i = 0; d->dirs && i < d->conf->n_dirs; i++)
        pld_dir_free(d->dirs[i]);
    free(d->dirs);
    pld_store_free(d->store);
    pld_page_free(d->page);
    pld_tell_free(d->tell);
    drop(d->timer);
    drop(d->deadline);
    drop(d->term);
    drop(d->intr);
    drop(d->hup);
    if (d->base)
        event_base_free(d->base);
}

int pld_run(struct pld_config **config, struct pl_engine *engine)
{
    struct daemon d = {.config = config, .conf = (*config)->conf, .engine = engine, .started_us = pld_wall_us()};
    int status = 1;

    signal(SIGPIPE, SIG_IGN);
    if (build(&d)) {
        event_add(d.term, NULL);
        event_add(d.intr, NULL);
        event_add(d.hup, NULL);
        /* Not said before a signal is answered: who reads this may send one. */
        pld_log(6, "daemon.start", "version %s starts with %s", PL_VERSION, (*config)->path);
        pld_config_note(*config, d.store, false, d.started_us, NULL, 0);
        pld_store_start(d.store);
        for (size_t i = 0; i < d.conf->n_dirs; i++)
            pld_dir_start(d.dirs[i]);
        status = event_base_dispatch(d.base) < 0 ? 1 : 0;
    } else {
        pld_log(3, "daemon.failed", "the event loop could not be made");
    }
    demolish(&d);
    if (status == 0)
        pld_log(5, "daemon.stopped", "stopped");
    return status;
}
