#include "priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- commands out ---- */

struct pl_command *pl_e_emit(struct pl_engine *e, enum pl_cmd_kind kind, struct dir *d)
{
    if (e->q_len == e->q_cap) {
        e->q_cap = e->q_cap ? e->q_cap * 2 : 64;
        e->queue = pl_xrealloc_array(e->queue, e->q_cap, sizeof *e->queue);
    }
    struct pl_command *c = &e->queue[e->q_len++];
    memset(c, 0, sizeof *c);
    c->kind = kind;
    if (d)
        c->directory = d->conf.name;
    return c;
}

uint64_t pl_e_request(struct pl_engine *e, struct pl_command *c, enum owner_kind k, void *owner, struct dir *d, int tag)
{
    struct request *r = NULL;
    for (size_t i = 0; i < e->n_requests && !r; i++)
        if (e->requests[i].req == 0)
            r = &e->requests[i];
    if (!r) {
        size_t old = e->n_requests;
        e->n_requests = old ? old * 2 : 64;
        e->requests = pl_xrealloc_array(e->requests, e->n_requests, sizeof *e->requests);
        memset(e->requests + old, 0, (e->n_requests - old) * sizeof *e->requests);
        r = &e->requests[old];
    }
    *r = (struct request){.req = ++e->last_req, .kind = k, .owner = owner, .dir = d, .tag = tag};
    c->req = r->req;
    return r->req;
}

void pl_e_log(struct pl_engine *e, int level, struct dir *d, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct pl_command *c = pl_e_emit(e, PL_CMD_LOG, d);
    c->log.level = level;
    c->log.text = pl_arena_str(e->out, pl_str_c(text));
}

void pl_e_forget(struct pl_engine *e, const void *owner)
{
    for (size_t i = 0; i < e->n_requests; i++)
        if (e->requests[i].req && e->requests[i].owner == owner)
            e->requests[i].kind = OWN_NONE;
}

bool pl_engine_next(struct pl_engine *e, struct pl_command *out)
{
    if (e->q_head == e->q_len) {
        e->q_head = e->q_len = 0;
        return false;
    }
    *out = e->queue[e->q_head++];
    return true;
}

/* ---- retries: doubled from retry_min, at most retry_max; deterministic, the shell's clock gives the jitter ---- */

int64_t pl_e_retry_delay(struct pl_engine *e, int64_t person_id, struct dir *d)
{
    struct attempt *a = NULL;
    for (size_t i = 0; i < e->n_attempts && !a; i++)
        if (e->attempts[i].person_id == person_id && e->attempts[i].dir == d)
            a = &e->attempts[i];
    if (!a) {
        e->attempts = pl_xrealloc_array(e->attempts, e->n_attempts + 1, sizeof *e->attempts);
        a = &e->attempts[e->n_attempts++];
        *a = (struct attempt){.person_id = person_id, .dir = d};
    }
    int64_t delay = e->conf.retry_min_us;
    for (int i = 0; i < a->n && delay < e->conf.retry_max_us; i++)
        delay *= 2;
    a->n++;
    return delay < e->conf.retry_max_us ? delay : e->conf.retry_max_us;
}

void pl_e_retry_clear(struct pl_engine *e, int64_t person_id, struct dir *d)
{
    for (size_t i = 0; i < e->n_attempts; i++)
        if (e->attempts[i].person_id == person_id && e->attempts[i].dir == d) {
            e->attempts[i] = e->attempts[--e->n_attempts];
            return;
        }
}

void pl_e_wake(struct dir *d, int64_t at_us)
{
    if (d->wake_us == 0 || at_us < d->wake_us)
        d->wake_us = at_us;
}

#define URGENT_ALONE_US 20000
#define TICK_WAITS_US   1000000

/* ---- what runs by itself: ticks, loads, compares ---- */

static void tick(struct pl_engine *e)
{
    if (!e->store_up || !e->recovered || e->ticking)
        return;
    e->ticking = true;
    e->want_tick = false;
    e->tick_waits_us = 0;
    pl_e_request(e, pl_e_emit(e, PL_CMD_TICK, NULL), OWN_TICK, e, NULL, 0);
}

/* In one directory, or NULL: in any. */
static bool urgent_in_work(const struct pl_engine *e, const struct dir *d)
{
    for (const struct batch *b = e->batches; b; b = b->next)
        if (b->class == PL_LOAD_URGENT && (!d || b->dir == d))
            return true;
    return false;
}

/* What fell due is done at once. Only to ask when the next change comes waits for leavers, though not for long: once they
 * are out, that their moment has passed is no news. It is asked before the rest is loaded, for the same reason. */
static void tick_due(struct pl_engine *e)
{
    bool due = e->next_tick_us && e->now >= e->next_tick_us, may = !urgent_in_work(e, NULL);
    for (size_t i = 0; i < e->n_dirs; i++)
        may = may && e->now >= e->dirs[i].bulk_after_us;
    if (e->want_tick && !e->tick_waits_us)
        e->tick_waits_us = e->now + TICK_WAITS_US;
    may = may || e->now >= e->tick_waits_us;
    if (!e->stopping && (due || (e->want_tick && may)))
        tick(e);
}

static void start_due(struct pl_engine *e)
{
    if (!e->store_up || !e->recovered)
        return;
    if (e->conf.poll_us > 0 && e->now >= e->next_poll_us) {
        e->next_poll_us = e->now + e->conf.poll_us;
        e->want_tick = true; /* the NOTIFY that is lost may have told of a nearer change in time */
        for (size_t i = 0; i < e->n_dirs; i++)
            e->dirs[i].want[0] = e->dirs[i].want[1] = true;
    }
    pl_preview_start(e);
    for (size_t i = 0; i < e->n_dirs; i++) {
        struct dir *d = &e->dirs[i];
        pl_acks_pump(d->acks);
        if (d->wake_us && e->now >= d->wake_us) {
            d->wake_us = 0;
            d->want[0] = d->want[1] = true;
        }
        if (d->up && !e->stopping && d->want[PL_LOAD_URGENT] && !d->loading[PL_LOAD_URGENT]) {
            pl_batch_load(d, PL_LOAD_URGENT);
            if (d->bulk_after_us == 0) /* once: a steady stream of leavers does not starve the others */
                d->bulk_after_us = e->now + URGENT_ALONE_US;
        }
    }
    tick_due(e);
    /* The others go behind the tick that is wanted: it marks those who fell due by the same change, and they are looked at
     * once. Unless it waits for leavers of another directory: that may be frozen. */
    bool loads_urgent = false;
    for (size_t i = 0; i < e->n_dirs; i++)
        loads_urgent = loads_urgent || e->dirs[i].loading[PL_LOAD_URGENT];
    for (size_t i = 0; i < e->n_dirs; i++) {
        struct dir *d = &e->dirs[i];
        if (!d->up || e->stopping)
            continue;
        bool ticks_first = e->want_tick && (e->ticking || loads_urgent || urgent_in_work(e, d));
        if (d->want[PL_LOAD_BULK] && !d->loading[PL_LOAD_BULK] && !d->bulk_running && e->now >= d->bulk_after_us &&
            !ticks_first) {
            pl_batch_load(d, PL_LOAD_BULK);
            d->bulk_after_us = 0;
        }
        if (e->conf.compare_every_us > 0 && d->next_scan_us && e->now >= d->next_scan_us)
            d->want_scan = true;
        pl_watch_clock(d->watch);
        if (d->want_scan && !d->scan && d->groups_known && !pl_watch_comes_up(d->watch))
            pl_scan_start(d, false);
        pl_watch_pump(d->watch);
    }
}

/* Only what lies ahead: whatever is due and did not start waits for an answer, and is looked at again with that. */
static void set_timer(struct pl_engine *e)
{
    int64_t at = 0;
#define SOONER(t)                                                                                                      \
    do {                                                                                                               \
        if ((t) > e->now && (at == 0 || (t) < at))                                                                     \
            at = (t);                                                                                                  \
    } while (0)
    if (e->store_up && e->recovered && !e->stopping) {
        if (!e->ticking) {
            SOONER(e->next_tick_us);
            SOONER(e->tick_waits_us);
        }
        if (e->conf.poll_us > 0)
            SOONER(e->next_poll_us);
        for (size_t i = 0; i < e->n_dirs; i++) {
            SOONER(pl_acks_due(e->dirs[i].acks));
            if (e->dirs[i].up) {
                SOONER(e->dirs[i].wake_us);
                if (e->dirs[i].want[PL_LOAD_BULK] || e->want_tick)
                    SOONER(e->dirs[i].bulk_after_us);
                SOONER(pl_watch_due(e->dirs[i].watch));
                if (!e->dirs[i].scan && e->conf.compare_every_us > 0)
                    SOONER(e->dirs[i].next_scan_us);
            }
        }
    }
#undef SOONER
    if (at == 0 || at == e->timer_us)
        return;
    e->timer_us = at;
    pl_e_emit(e, PL_CMD_TIMER, NULL)->at_us = at;
}

/* ---- events in ---- */

static struct dir *dir_of(struct pl_engine *e, struct pl_str name)
{
    for (size_t i = 0; i < e->n_dirs; i++)
        if (pl_str_eq(e->dirs[i].conf.name, name))
            return &e->dirs[i];
    return NULL;
}

static void want_all(struct pl_engine *e)
{
    for (size_t i = 0; i < e->n_dirs; i++)
        e->dirs[i].want[PL_LOAD_URGENT] = e->dirs[i].want[PL_LOAD_BULK] = true;
}

static void drop_requests(struct pl_engine *e, struct dir *d, bool store)
{
    for (size_t i = 0; i < e->n_requests; i++)
        if (e->requests[i].req && (store ? e->requests[i].dir == NULL : e->requests[i].dir == d))
            e->requests[i].req = 0;
}

static void store_down(struct pl_engine *e)
{
    e->store_up = e->recovered = e->ticking = false;
    /* Intents that are committed and not settled are found again by RECOVER; writes that are in flight at a directory
     * end there, and their entries stay busy until they do. */
    pl_batch_drop_all(e, NULL);
    for (size_t i = 0; i < e->n_dirs; i++) {
        pl_scan_drop(&e->dirs[i]);
        pl_watch_stop(e->dirs[i].watch);
        pl_acks_stop(e->dirs[i].acks, true);
        e->dirs[i].groups_known = e->dirs[i].passed.known = false;
        e->dirs[i].loading[0] = e->dirs[i].loading[1] = false;
    }
    drop_requests(e, NULL, true);
    e->n_previews = 0; /* RECOVER hands unfinished ones out again */
}

static void dir_down(struct pl_engine *e, struct dir *d)
{
    d->up = false;
    pl_scan_drop(d);
    pl_watch_stop(d->watch);
    pl_acks_stop(d->acks, false);
    drop_requests(e, d, false);
    pl_batch_drop_all(e, d);
    pl_exec_targets_free(d);
}

static void keep_text(struct pl_str *to, struct pl_str text)
{
    char *copy = pl_xcalloc(text.len + 1, 1);
    if (text.len)
        memcpy(copy, text.s, text.len);
    free((void *)(uintptr_t)to->s);
    *to = (struct pl_str){copy, text.len};
}

static void dir_up(struct pl_engine *e, struct dir *d, const struct pl_event *ev)
{
    d->up = true;
    d->ppolicy = ev->up.ppolicy;
    d->policy_in_force = ev->up.policy_in_force;
    d->assertion = ev->up.assertion;
    d->watchable = ev->up.watch && d->dialect->watch != PL_WATCH_NONE;
    d->post_read = ev->up.post_read;
    bool same = pl_str_eq(d->identity, ev->up.identity) && pl_str_eq(d->life, ev->up.life);
    keep_text(&d->identity, ev->up.identity);
    keep_text(&d->life, ev->up.life);
    pl_origin_up(d, ev->up.self);
    d->want[0] = d->want[1] = true;
    pl_watch_dir_up(d->watch);
    pl_acks_dir_up(d->acks, ev->up.server, ev->up.several);
    if (!same || !pl_watch_covers(d->watch))
        d->want_scan = true; /* what happened while we were not looking; a watch that is resumed tells it */
    /* Writes whose answer was lost with the connection are open intents: make their persons dirty. */
    if (e->store_up && e->recovered)
        pl_e_request(e, pl_e_emit(e, PL_CMD_RECOVER, NULL), OWN_RECOVER, e, NULL, 0);
}

static void control(struct pl_engine *e, const struct pl_event *ev)
{
    struct dir *only = ev->control.directory.len ? dir_of(e, ev->control.directory) : NULL;
    if (ev->control.directory.len && !only) { /* never answered: a wish for one is not a wish for all others */
        pl_e_log(e, 4, NULL, "directory %.*s is asked for and not in the configuration", (int)ev->control.directory.len,
                 ev->control.directory.s);
        return;
    }
    if (ev->control.preview) {
        struct preview p = {ev->control.control_id, only};
        e->previews = pl_xrealloc_array(e->previews, e->n_previews + 1, sizeof *e->previews);
        e->previews[e->n_previews++] = p;
        return;
    }
    for (size_t i = 0; i < e->n_dirs; i++)
        if (!only || only == &e->dirs[i]) {
            e->dirs[i].want[PL_LOAD_URGENT] = true; /* first: it tells which server our records are of */
            e->dirs[i].want_scan = true;
            e->dirs[i].scan_control = ev->control.control_id;
        }
}

/* Where a request stands, or n_requests. The rows and entries of one answer come one after the other: it most likely is the
 * one asked for last. */
static size_t slot_of(const struct pl_engine *e, uint64_t req)
{
    size_t i = e->last_answered;
    if (i < e->n_requests && e->requests[i].req == req)
        return i;
    for (i = 0; i < e->n_requests && e->requests[i].req != req; i++)
        ;
    return i;
}

static void reply(struct pl_engine *e, const struct pl_event *ev)
{
    size_t at = ev->req ? slot_of(e, ev->req) : e->n_requests;
    if (at == e->n_requests)
        return; /* late: dropped with its connection */
    struct request *slot = &e->requests[at], r = *slot;
    e->last_answered = at;
    bool last = ev->kind != PL_EV_LOAD_ROW && ev->kind != PL_EV_SCAN_ROW && ev->kind != PL_EV_ENTRY &&
                !(ev->kind == PL_EV_WATCH && ev->watch.msg != PL_WATCH_END);
    if (last)
        slot->req = 0;
    switch (r.kind) {
    case OWN_NONE:
        break;
    case OWN_LOAD:
        if (ev->kind == PL_EV_LOAD_ROW)
            pl_batch_row(r.owner, ev);
        else
            pl_batch_loaded(r.owner, ev->failed);
        break;
    case OWN_TASK_LOOK:
    case OWN_TASK_STORE:
    case OWN_TASK_EARLY:
        pl_task_reply(r.owner, &r, ev);
        break;
    case OWN_WRITE:
        pl_watch_wrote(r.dir->watch, r.owner, ev->result.code);
        pl_watch_own(r.dir->watch, ((struct op *)r.owner)->target, ev->result.version);
        pl_exec_result(r.owner, ev->result.code);
        break;
    case OWN_LOST_WRITE:
        pl_watch_own(r.dir->watch, ((struct target *)r.owner)->hash, ev->result.version);
        pl_exec_lost_result(r.owner, r.dir);
        break;
    case OWN_HOLD:
        pl_batch_hold_done(r.owner, ev->failed);
        break;
    case OWN_SCAN:
        pl_scan_reply(r.owner, &r, ev);
        break;
    case OWN_WATCH:
        pl_watch_reply(r.owner, &r, ev);
        break;
    case OWN_ACKS:
        pl_acks_reply(r.owner, &r, ev);
        break;
    case OWN_TICK:
        e->ticking = false;
        e->next_tick_us = ev->failed ? e->now + e->conf.retry_min_us : ev->ticked.next_us;
        if (!ev->failed) /* what it found due lies in the queue, and our own hint is not ours to hear */
            want_all(e);
        break;
    case OWN_RECOVER:
        if (ev->failed) { /* nothing is begun before open intents are known */
            pl_e_request(e, pl_e_emit(e, PL_CMD_RECOVER, NULL), OWN_RECOVER, e, NULL, 0);
            break;
        }
        if (!e->recovered) {
            e->recovered = true;
            e->next_poll_us = e->now;
            for (size_t i = 0; i < e->n_dirs; i++)
                e->dirs[i].want_scan = true;
        }
        e->want_tick = true;
        want_all(e);
        break;
    }
}

enum pl_flow pl_engine_event(struct pl_engine *e, const struct pl_event *ev, int64_t now_us)
{
    struct dir *d = dir_of(e, ev->directory);
    e->now = now_us;
    if (e->q_head == e->q_len) { /* the shell has taken everything: what it pointed to may go */
        e->q_head = e->q_len = 0;
        pl_arena_clear(e->out);
    }
    switch (ev->kind) {
    case PL_EV_STORE_UP:
        e->store_up = true;
        pl_e_request(e, pl_e_emit(e, PL_CMD_RECOVER, NULL), OWN_RECOVER, e, NULL, 0);
        break;
    case PL_EV_STORE_DOWN:
        store_down(e);
        break;
    case PL_EV_DIR_UP:
        if (d)
            dir_up(e, d, ev);
        break;
    case PL_EV_DIR_DOWN:
        if (d)
            dir_down(e, d);
        break;
    case PL_EV_SERVER:
    case PL_EV_ACK:
        if (d)
            pl_acks_event(d->acks, ev);
        break;
    case PL_EV_DIRTY:
        want_all(e);
        e->want_tick = true; /* a new grant may bring the next change in time nearer */
        break;
    case PL_EV_CONTROL:
        control(e, ev);
        break;
    case PL_EV_TIMER:
        e->timer_us = 0;
        break;
    case PL_EV_SHUTDOWN:
        e->stopping = true;
        break;
    default:
        reply(e, ev);
    }
    pl_batch_pump_all(e);
    start_due(e);
    pl_batch_pump_all(e);
    set_timer(e);
    return ev->kind == PL_EV_SCAN_ROW && !pl_engine_wants(e, ev->req) ? PL_PAUSE : PL_CONTINUE;
}

/* All rows and entries become small records at once, but for groups: they wait for their entries. */
bool pl_engine_wants(const struct pl_engine *e, uint64_t req)
{
    size_t at = slot_of(e, req);
    if (at == e->n_requests)
        return true;
    return e->requests[at].kind != OWN_SCAN || pl_scan_wants(e->requests[at].owner, e->requests[at].tag);
}

bool pl_engine_idle(const struct pl_engine *e)
{
    for (size_t i = 0; i < e->n_requests; i++)
        if (e->requests[i].req && !pl_watch_stays(&e->requests[i]))
            return false;
    for (size_t i = 0; i < e->n_dirs; i++)
        if (e->dirs[i].scan || (!e->stopping && (e->dirs[i].want[0] || e->dirs[i].want[1])) ||
            (e->store_up && !pl_acks_idle(e->dirs[i].acks)))
            return false;
    return e->batches == NULL;
}

void pl_engine_status(const struct pl_engine *e, struct pl_engine_status *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < e->n_dirs; i++)
        out->open_pairs += e->dirs[i].n_pairs;
    for (size_t i = 0; i < e->n_requests; i++)
        out->in_flight += e->requests[i].req != 0 && !pl_watch_stays(&e->requests[i]);
    out->held_plans = e->held_plans;
    out->last_compare_us = e->last_compare_us;
}
