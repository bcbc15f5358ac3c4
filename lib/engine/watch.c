/* The live watch of one directory: its life, and what every kind of watch has in common. What it tells is a hint that
 * comes early, so it only makes persons dirty; what it could not tell for sure is left to a full compare. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"
#include "../directory/sync.h"

enum { OWN_ROWS = 2048, OWN_WAYS = 8, ITEMS_MAX = 20000, FAILURES_MAX = 3 };
enum { LDAP_UNAVAILABLE_CRITICAL_EXTENSION = 12 };

static enum pl_watch_kind kind_of(const struct watch *w)
{
    return w->d->dialect->watch;
}

/* ---- versions of our own writes ---- */

/* The entryCSN of RFC 4533 is one of all; others count for themselves in each entry. */
static uint64_t version_of(const struct watch *w, uint64_t target, struct pl_str text)
{
    if (text.len == 0)
        return 0;
    return kind_of(w) == PL_WATCH_SYNC ? pl_str_hash(text) : pl_str_hash(text) ^ target;
}

void pl_watch_own(struct watch *w, uint64_t target, struct pl_str version)
{
    uint64_t h = version_of(w, target, version);
    if (h == 0)
        return;
    if (!w->own)
        w->own = pl_xcalloc(OWN_ROWS * OWN_WAYS, sizeof *w->own);
    uint64_t *row = w->own + h % OWN_ROWS * OWN_WAYS;
    memmove(row + 1, row, (OWN_WAYS - 1) * sizeof *row);
    row[0] = h;
}

bool pl_watch_is_own(const struct watch *w, uint64_t version)
{
    const uint64_t *row = w->own ? w->own + version % OWN_ROWS * OWN_WAYS : NULL;
    for (int i = 0; version && row && i < OWN_WAYS; i++)
        if (row[i] == version)
            return true;
    return false;
}

/* ---- begin and end ---- */

struct watch *pl_watch_new(struct dir *d)
{
    struct watch *w = pl_xcalloc(1, sizeof *w);
    w->d = d;
    w->arena = pl_arena_new();
    w->round_arena = pl_arena_new();
    return w;
}

void pl_watch_free(struct watch *w)
{
    if (!w)
        return;
    pl_watch_round_drop(w);
    pl_watch_items_drop(w);
    pl_arena_free(w->arena);
    pl_arena_free(w->round_arena);
    free(w->own);
    free(w->echo);
    pl_watch_poll_free(w);
    free(w);
}

bool pl_watch_covers(const struct watch *w)
{
    return w->offered && w->cookie_known && !w->missed;
}

void pl_watch_dir_up(struct watch *w)
{
    w->offered = w->d->watchable && w->d->watch_base.len > 0;
    w->retry_at_us = w->retry_delay_us = 0;
    if (kind_of(w) != PL_WATCH_SYNC)
        w->failures = 0;
    w->poll.by_usn = w->poll.wake.off = false; /* this server may take what another one refused */
    if (w->d->watchable && w->d->watch_base.len == 0)
        pl_e_log(w->d->e, 5, w->d, "no live watch: people_base and group_base have no entry in common above them");
}

/* Answers to what we asked are dropped from here on; the shell ends the old search when it begins a new one. */
static void forget_requests(struct watch *w)
{
    struct pl_engine *e = w->d->e;
    for (size_t i = 0; i < e->n_requests; i++)
        if (e->requests[i].req && e->requests[i].req == w->req)
            e->requests[i].req = 0; /* nobody will ever answer it */
    w->req = 0;
    w->storing = false;
    pl_watch_wake_forget(w);
    pl_e_forget(e, w);
}

void pl_watch_stop(struct watch *w)
{
    forget_requests(w);
    pl_watch_poll_stop(w);
    pl_watch_round_drop(w);
    pl_watch_items_drop(w);
    pl_drift_forget_all(w->d);
    /* What was told and not stored is told again: the cookie in the store stands before it. */
    w->missed = w->missed || (w->phase == WATCH_ON && !w->cookie_known);
    w->phase = WATCH_OFF;
    w->live = w->cookie_news = w->storing = false;
    w->retry_at_us = w->look_again_us = w->stands_at_us = 0;
}

bool pl_watch_comes_up(const struct watch *w)
{
    return kind_of(w) != PL_WATCH_SYNC && w->offered && !w->live && w->failures == 0;
}

void pl_watch_missed(struct watch *w)
{
    w->missed = true;
    w->d->want_scan = true;
}

void pl_watch_again_later(struct watch *w)
{
    const struct pl_engine_conf *c = &w->d->e->conf;
    bool resumes = w->cookie_known || kind_of(w) == PL_WATCH_PERSISTENT; /* or compares when it stands again */
    w->phase = WATCH_OFF;
    w->live = false;
    w->stands_at_us = 0;
    w->retry_delay_us = w->retry_delay_us ? w->retry_delay_us * 2 : c->retry_min_us;
    if (w->retry_delay_us > c->retry_max_us)
        w->retry_delay_us = c->retry_max_us;
    w->retry_at_us = w->d->e->now + w->retry_delay_us;
    if (!resumes || ++w->failures == FAILURES_MAX)
        pl_watch_missed(w); /* it does not come back soon: look ourselves, once */
}

static void begin(struct watch *w)
{
    switch (kind_of(w)) {
    case PL_WATCH_SYNC:
        pl_watch_sync_begin(w);
        break;
    case PL_WATCH_PERSISTENT:
        pl_watch_persist_begin(w);
        break;
    case PL_WATCH_DIRSYNC:
        pl_watch_poll_begin(w);
        break;
    case PL_WATCH_NONE:
    case PL_WATCH_WAKE: /* no dialect's */
        break;
    }
}

static void add_attr(const char **attrs, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(attrs[i], name) == 0)
            return;
    attrs[(*n)++] = name;
}

/* An answer that tells of attributes must hear of all that a look would see; otherwise one look follows anyway. */
const char *const *pl_watch_attrs(const struct watch *w)
{
    static const char *const few[] = {"objectClass", "modifiersName", NULL}, *const no_more[] = {NULL};
    const struct dir *d = w->d;
    bool poll = kind_of(w) == PL_WATCH_DIRSYNC;
    bool dirsync = poll && !w->poll.by_usn; /* by numbers all members would come */
    const char *const *lists[] = {few, d->dialect->echo_attrs ? d->dialect->echo_attrs : no_more,
                                  poll ? d->attrs : no_more, dirsync ? d->group_attrs : no_more};
    size_t n = 3, used = 0;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; lists[i][k]; k++)
            n++;
    const char **attrs = pl_arena_array(d->e->out, n + 1, sizeof *attrs);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; lists[i][k]; k++)
            add_attr(attrs, &used, lists[i][k]);
    add_attr(attrs, &used, d->dialect->native_id_attr);
    add_attr(attrs, &used, d->conf.login_attr.s); /* terminated: copied with a NUL */
    if (dirsync)
        add_attr(attrs, &used, "isDeleted");
    attrs[used] = NULL;
    return attrs;
}

void pl_watch_open(struct watch *w, struct pl_str control)
{
    struct dir *d = w->d;
    const char *const *attrs = pl_watch_attrs(w);
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_WATCH, d);
    c->watch.kind = kind_of(w);
    c->watch.base = d->watch_base;
    c->watch.attrs = attrs;
    c->watch.control = pl_arena_str(d->e->out, control);
    w->req = pl_e_request(d->e, c, OWN_WATCH, w, d, TAG_WATCH);
}

void pl_watch_search(struct watch *w, struct pl_str control)
{
    w->phase = WATCH_ON;
    w->live = false;
    w->missed = w->missed || !w->resumed;
    pl_watch_open(w, control);
}

/* ---- what it tells ---- */

void pl_watch_add_item(struct watch *w, struct item it)
{
    if (w->n_items >= ITEMS_MAX) { /* so much at once is a job for the compare, which streams */
        pl_watch_missed(w);
        return;
    }
    if ((w->n_items & (w->n_items - 1)) == 0)
        w->items = pl_xrealloc_array(w->items, w->n_items ? w->n_items * 2 : 1, sizeof *w->items);
    it.turn = ++w->turn;
    w->items[w->n_items++] = it;
}

static bool managed_group(const struct dir *d, uint64_t dn_hash)
{
    for (size_t i = 0; i < d->n_groups; i++)
        if (d->groups[i].dn_hash == dn_hash)
            return true;
    return false;
}

bool pl_watch_item_of(const struct watch *w, const struct pl_entry *e, struct item *out)
{
    const struct dir *d = w->d;
    struct pl_buf echo = {0};
    bool account = pl_entry_is_account(e);
    pl_echo_of(d->dialect, e, &echo);
    *out = (struct item){.dn_hash = pl_dn_hash(e->dn)};
    out->group = managed_group(d, out->dn_hash);
    out->version = version_of(w, out->dn_hash, pl_buf_str(&echo));
    out->account = account && pl_dn_under(e->dn, d->conf.people_base) && !pl_dn_equal(e->dn, d->conf.canary_dn) &&
                   !pl_dn_equal(e->dn, d->conf.placeholder_dn);
    pl_buf_free(&echo);
    return out->group || account;
}

void pl_watch_keep_item(struct watch *w, const struct pl_entry *e, struct item it)
{
    it.dn = pl_arena_str(w->arena, e->dn);
    it.id = pl_arena_str(w->arena, it.id);
    it.login = pl_arena_str(w->arena, pl_entry_first(e, w->d->conf.login_attr.s));
    it.writer = pl_arena_str(w->arena, pl_entry_first(e, "modifiersName"));
    pl_watch_add_item(w, it);
}

void pl_watch_is_live(struct watch *w, const char *how)
{
    w->live = true;
    w->distrust = false;
    w->retry_delay_us = 0;
    w->failures = 0;
    if (w->missed)
        w->d->want_scan = true;
    w->missed = false; /* by the compare, which begins after this moment */
    pl_e_log(w->d->e, 6, w->d, "live watch: %s", how);
}

void pl_watch_gone(struct watch *w, struct pl_str id)
{
    const struct dir *d = w->d;
    unsigned char uuid[PL_UUID_BYTES];
    bool is_uuid = pl_uuid_read(uuid, id);
    for (size_t i = 0; is_uuid && i < d->n_shapes; i++)
        if (d->shapes[i].has_uuid && memcmp(d->shapes[i].uuid, uuid, PL_UUID_BYTES) == 0) {
            pl_watch_add_item(w, (struct item){.group = true, .dn_hash = d->shapes[i].dn_hash});
            return;
        }
    pl_watch_add_item(w, (struct item){.id = pl_arena_str(w->arena, id)});
}

void pl_watch_ask_state(struct watch *w)
{
    struct pl_command *c = pl_e_emit(w->d->e, PL_CMD_WATCH_STATE, w->d);
    w->phase = WATCH_STATE;
    w->cookie_known = false;
    pl_e_request(w->d->e, c, OWN_WATCH, w, NULL, TAG_STATE);
}

void pl_watch_forget(struct watch *w, bool went_back)
{
    w->cookie_known = w->cookie_news = false;
    w->distrust = true;
    w->went_back = w->went_back || went_back;
    pl_watch_missed(w);
    pl_watch_again_later(w);
    w->retry_at_us = w->d->e->now; /* without the cookie it is another question: no pause */
}

/* ---- what differs by kind ---- */

static const char *const protocols[] = {[PL_WATCH_NONE] = "",
                                        [PL_WATCH_SYNC] = "RFC 4533",
                                        [PL_WATCH_PERSISTENT] = "a persistent search",
                                        [PL_WATCH_DIRSYNC] = "DirSync"};

static bool ended_knowingly(struct watch *w, int code)
{
    switch (kind_of(w)) {
    case PL_WATCH_SYNC:
        return pl_watch_sync_ended(w, code);
    case PL_WATCH_DIRSYNC:
        return pl_watch_poll_ended(w, code);
    default:
        return false;
    }
}

static bool told_something(struct watch *w, const struct pl_event *ev)
{
    switch (kind_of(w)) {
    case PL_WATCH_SYNC:
        return pl_watch_sync_told(w, ev);
    case PL_WATCH_DIRSYNC:
        return pl_watch_poll_told(w, ev);
    default:
        return pl_watch_persist_told(w, ev);
    }
}

static void state(struct watch *w, const struct pl_event *ev)
{
    if (kind_of(w) == PL_WATCH_DIRSYNC)
        pl_watch_poll_state(w, ev);
    else
        pl_watch_sync_state(w, ev);
}

static void end(struct watch *w, int code)
{
    struct pl_engine *e = w->d->e;
    if (ended_knowingly(w, code))
        return;
    if (code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION) {
        pl_e_log(e, 4, w->d,
                 "no live watch: the server does not offer it for this part of its tree%s; changes by others are found "
                 "by the full compare only",
                 kind_of(w) == PL_WATCH_SYNC ? " (slapd: overlay syncprov)" : "");
        w->phase = WATCH_OFF;
        w->offered = false;
        pl_watch_missed(w);
    } else {
        pl_watch_again_later(w);
        pl_e_log(e, code == PL_RESULT_UNKNOWN ? 5 : 4, w->d, "live watch: ended with result %d; again in %lld ms", code,
                 (long long)(w->retry_delay_us / 1000));
    }
}

static void broken(struct watch *w)
{
    pl_e_log(w->d->e, 4, w->d, "live watch: a message that is not of %s", protocols[kind_of(w)]);
    forget_requests(w);
    pl_watch_poll_stop(w);
    pl_watch_round_drop(w);
    pl_watch_missed(w);
    pl_watch_again_later(w);
}

static void told(struct watch *w, const struct pl_event *ev)
{
    bool end_of_all = ev->watch.msg == PL_WATCH_END && (kind_of(w) != PL_WATCH_DIRSYNC || ev->watch.code != 0);
    if (end_of_all)
        end(w, ev->watch.code);
    else if (!told_something(w, ev))
        broken(w);
}

/* ---- the engine's side ---- */

bool pl_watch_stays(const struct request *r)
{
    return r->kind == OWN_WATCH && (r->tag == TAG_WATCH || r->tag == TAG_WAKE || r->tag == TAG_ROOT);
}

void pl_watch_reply(struct watch *w, const struct request *r, const struct pl_event *ev)
{
    if (r->tag >= TAG_LOOKS) {
        size_t look = (size_t)(r->tag - TAG_LOOKS) / LOOK_PARTS;
        pl_watch_look_reply(&w->looks[look], (r->tag - TAG_LOOKS) % LOOK_PARTS, ev);
    } else if (r->tag == TAG_WATCH) {
        told(w, ev);
    } else if (r->tag == TAG_WAKE) {
        pl_watch_wake_told(w, ev);
    } else if (r->tag == TAG_STATE) {
        state(w, ev);
    } else if (r->tag == TAG_ROOT || r->tag == TAG_CHANGED || r->tag < 0) {
        pl_watch_poll_reply(w, r->tag, ev);
    } else if (ev->failed) { /* not stored: from the stored cookie on it is told again */
        pl_watch_stop(w);
        pl_watch_again_later(w);
    } else {
        w->storing = false;
    }
}

void pl_watch_pump(struct watch *w)
{
    struct pl_engine *e = w->d->e;
    if (!w->d->up || !w->offered || !e->store_up || !e->recovered || e->stopping || !w->d->groups_known)
        return;
    if (w->phase == WATCH_OFF && e->now >= w->retry_at_us)
        begin(w);
    if (kind_of(w) == PL_WATCH_DIRSYNC)
        pl_watch_poll_pump(w);
    pl_watch_round(w);
}

static void sooner(const struct watch *w, int64_t *at, int64_t t)
{
    if (t > w->d->e->now && (*at == 0 || t < *at))
        *at = t;
}

int64_t pl_watch_due(const struct watch *w)
{
    int64_t at = 0;
    if (!w->offered)
        return 0;
    if (w->phase == WATCH_OFF)
        return w->retry_at_us;
    sooner(w, &at, w->stands_at_us);
    if (w->n_items > 0)
        sooner(w, &at, w->look_again_us);
    if (w->cookie_news && w->live)
        sooner(w, &at, w->store_at_us);
    if (kind_of(w) == PL_WATCH_DIRSYNC && !w->poll.open)
        sooner(w, &at, w->poll.at_us);
    return at;
}
