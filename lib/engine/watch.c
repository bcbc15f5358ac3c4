/* The live watch of one directory (RFC 4533, refreshAndPersist): the conversation. What it tells is a hint that comes
 * early, so it only makes persons dirty; what it could not tell for sure is left to a full compare.
 *
 *   off -> how far have we seen (store) -> search with that cookie -> refresh -> live
 *
 * A present phase, a refresh without a cookie, 4096 and "consumer state is newer than provider" all mean the same here:
 * something may have been missed, compare everything. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../directory/dn.h"
#include "../directory/sync.h"

enum { OWN_ROWS = 2048, OWN_WAYS = 8, ITEMS_MAX = 20000, FAILURES_MAX = 3 };
enum { LDAP_UNAVAILABLE_CRITICAL_EXTENSION = 12, LDAP_UNWILLING = 53 };
#define STORE_LATER_US 10000000

static const char *const attrs_watch[] = {"objectClass", "entryUUID", "entryCSN", "modifiersName", NULL, NULL};

/* ---- versions of our own writes ---- */

void pl_watch_own(struct watch *w, struct pl_str version)
{
    uint64_t h = pl_str_hash(version);
    if (version.len == 0)
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
    free(w);
}

bool pl_watch_covers(const struct watch *w)
{
    return w->offered && w->cookie_known && !w->missed;
}

void pl_watch_dir_up(struct watch *w)
{
    w->offered = w->d->sync && w->d->watch_base.len > 0;
    w->retry_at_us = w->retry_delay_us = 0;
    if (w->d->sync && w->d->watch_base.len == 0)
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
    pl_e_forget(e, w);
}

void pl_watch_stop(struct watch *w)
{
    forget_requests(w);
    pl_watch_round_drop(w);
    pl_watch_items_drop(w);
    /* What was told and not stored is told again: the cookie in the store stands before it. */
    w->missed = w->missed || (w->phase == WATCH_ON && !w->cookie_known);
    w->phase = WATCH_OFF;
    w->live = w->cookie_news = w->storing = false;
    w->retry_at_us = w->look_again_us = 0;
}

static void missed(struct watch *w)
{
    w->missed = true;
    w->d->want_scan = true;
}

static void again_later(struct watch *w)
{
    const struct pl_engine_conf *c = &w->d->e->conf;
    w->phase = WATCH_OFF;
    w->live = false;
    w->retry_delay_us = w->retry_delay_us ? w->retry_delay_us * 2 : c->retry_min_us;
    if (w->retry_delay_us > c->retry_max_us)
        w->retry_delay_us = c->retry_max_us;
    w->retry_at_us = w->d->e->now + w->retry_delay_us;
    if (!w->cookie_known || ++w->failures == FAILURES_MAX)
        missed(w); /* it does not come back soon: look ourselves, once */
}

static void ask_state(struct watch *w)
{
    struct pl_command *c = pl_e_emit(w->d->e, PL_CMD_WATCH_STATE, w->d);
    w->phase = WATCH_STATE;
    w->cookie_known = false;
    pl_cookie_clear(&w->cookie);
    pl_e_request(w->d->e, c, OWN_WATCH, w, NULL, TAG_STATE);
}

static void row_state(struct watch *w, const struct pl_event *ev)
{
    if (ev->row.n < 2 || ev->row.cols[0].len == 0 || !pl_str_eq(ev->row.cols[1], w->d->identity))
        return;
    w->cookie_known = pl_cookie_parse(&w->cookie, ev->row.cols[0]);
}

static void open_search(struct watch *w)
{
    struct dir *d = w->d;
    struct pl_engine *e = d->e;
    struct pl_buf cookie = {0}, control = {0};
    if (w->cookie_known)
        pl_cookie_print(&cookie, &w->cookie);
    pl_sync_request(&control, PL_SYNC_REFRESH_AND_PERSIST, pl_buf_str(&cookie), false);
    const char **attrs = pl_arena_array(e->out, sizeof attrs_watch / sizeof attrs_watch[0], sizeof *attrs);
    memcpy(attrs, attrs_watch, sizeof attrs_watch);
    attrs[4] = d->conf.login_attr.s; /* terminated: copied with a NUL */
    struct pl_command *c = pl_e_emit(e, PL_CMD_WATCH, d);
    c->watch.base = d->watch_base;
    c->watch.attrs = attrs;
    c->watch.control = pl_arena_str(e->out, pl_buf_str(&control));
    w->phase = WATCH_ON;
    w->live = false;
    w->resumed = w->cookie_known;
    w->missed = w->missed || !w->resumed;
    w->req = pl_e_request(e, c, OWN_WATCH, w, d, TAG_WATCH);
    pl_buf_free(&cookie);
    pl_buf_free(&control);
}

/* ---- what it tells ---- */

static void take_cookie(struct watch *w, struct pl_str text)
{
    struct pl_cookie news;
    if (text.len == 0)
        return;
    if (!pl_cookie_parse(&news, text)) {
        pl_e_log(w->d->e, 7, w->d, "live watch: a cookie without a change that we could keep"); /* an empty database */
        return;
    }
    pl_cookie_merge(&w->cookie, &news);
    if (!w->cookie_news)
        w->store_at_us = w->d->e->now + STORE_LATER_US;
    w->cookie_news = true;
}

void pl_watch_add_item(struct watch *w, struct item it)
{
    if (w->n_items >= ITEMS_MAX) { /* so much at once is a job for the compare, which streams */
        missed(w);
        return;
    }
    if ((w->n_items & (w->n_items - 1)) == 0)
        w->items = pl_xrealloc_array(w->items, w->n_items ? w->n_items * 2 : 1, sizeof *w->items);
    w->items[w->n_items++] = it;
}

static void gone(struct watch *w, const unsigned char uuid[PL_UUID_BYTES])
{
    struct dir *d = w->d;
    for (size_t i = 0; i < d->n_shapes; i++)
        if (d->shapes[i].has_uuid && memcmp(d->shapes[i].uuid, uuid, PL_UUID_BYTES) == 0) {
            struct item it = {.group = true, .dn_hash = d->shapes[i].dn_hash};
            pl_watch_add_item(w, it);
            return;
        }
    char text[PL_UUID_TEXT + 1];
    pl_uuid_print(text, uuid);
    struct item it = {.id = pl_arena_str(w->arena, pl_str_c(text))};
    pl_watch_add_item(w, it);
}

static bool managed_group(const struct dir *d, uint64_t dn_hash)
{
    for (size_t i = 0; i < d->n_groups; i++)
        if (d->groups[i].dn_hash == dn_hash)
            return true;
    return false;
}

static void changed(struct watch *w, const struct pl_entry *e, const unsigned char uuid[PL_UUID_BYTES])
{
    struct dir *d = w->d;
    uint64_t h = pl_dn_hash(e->dn);
    struct pl_str csn = pl_entry_first(e, "entryCSN");
    struct item it = {.dn_hash = h, .group = managed_group(d, h)};
    if (w->live && csn.len) /* a refresh tells the last version only: under ours another's may lie */
        it.version = pl_str_hash(csn);
    if (it.group) {
        struct shape *s = pl_shape(d, h, true);
        memcpy(s->uuid, uuid, PL_UUID_BYTES);
        s->has_uuid = true;
    }
    if ((!w->resumed && !w->live) || pl_watch_is_own(w, it.version))
        return; /* the whole content, which the full compare reads anyway; or ourselves */
    char text[PL_UUID_TEXT + 1];
    pl_uuid_print(text, uuid);
    it.account = pl_entry_is_account(e) && pl_dn_under(e->dn, d->conf.people_base) &&
                 !pl_dn_equal(e->dn, d->conf.canary_dn) && !pl_dn_equal(e->dn, d->conf.placeholder_dn);
    if (!it.group && !pl_entry_is_account(e))
        return;
    it.dn = pl_arena_str(w->arena, e->dn);
    it.id = pl_arena_str(w->arena, pl_str_c(text));
    it.login = pl_arena_str(w->arena, pl_entry_first(e, d->conf.login_attr.s));
    it.writer = pl_arena_str(w->arena, pl_entry_first(e, "modifiersName"));
    pl_watch_add_item(w, it);
}

/* False: not RFC 4533. */
static bool entry(struct watch *w, const struct pl_event *ev)
{
    struct pl_sync_state s;
    if (!pl_sync_state_read(&s, ev->watch.value))
        return false;
    if (s.state == PL_SYNC_DELETE)
        gone(w, s.uuid);
    else if (s.state == PL_SYNC_PRESENT)
        missed(w); /* what is not named is gone, and we keep no list */
    else
        changed(w, ev->watch.entry, s.uuid);
    take_cookie(w, s.cookie); /* after: it stands for this entry too */
    return true;
}

static void refreshed(struct watch *w)
{
    w->live = w->cookie_known = true;
    w->retry_delay_us = 0;
    w->failures = 0;
    w->store_at_us = w->d->e->now;
    if (w->missed)
        w->d->want_scan = true;
    w->missed = false; /* by the compare, which begins after this moment */
    pl_e_log(w->d->e, 6, w->d, "live watch: %s", w->resumed ? "resumed where it had ended" : "begun");
}

static bool info(struct watch *w, const struct pl_event *ev)
{
    struct pl_sync_info i;
    const unsigned char *uuid;
    if (!pl_sync_info_read(&i, ev->watch.value))
        return false;
    switch (i.kind) {
    case PL_SYNC_NEW_COOKIE:
        break;
    case PL_SYNC_REFRESH_PRESENT:
        if (w->resumed)
            missed(w);
        break;
    case PL_SYNC_REFRESH_DELETE:
        break;
    case PL_SYNC_ID_SET:
        if (!i.refresh_deletes && w->resumed)
            missed(w);
        while (i.refresh_deletes && pl_sync_info_next(&i, &uuid))
            gone(w, uuid);
        break;
    }
    take_cookie(w, i.cookie);
    if ((i.kind == PL_SYNC_REFRESH_PRESENT || i.kind == PL_SYNC_REFRESH_DELETE) && i.refresh_done && !w->live)
        refreshed(w);
    return true;
}

/* The provider has been restored or is another one: what it told us it has forgotten. */
static void forget(struct watch *w, bool went_back)
{
    w->cookie_known = w->cookie_news = false;
    pl_cookie_clear(&w->cookie);
    w->went_back = w->went_back || went_back;
    missed(w);
    again_later(w);
    w->retry_at_us = w->d->e->now; /* without the cookie it is another question: no pause */
}

static void end(struct watch *w, int code)
{
    struct pl_engine *e = w->d->e;
    bool with_cookie = w->resumed && w->cookie_known && !w->live;
    if (code == PL_SYNC_REFRESH_REQUIRED && with_cookie) {
        pl_e_log(e, 5, w->d, "live watch: the server cannot tell what changed since; comparing everything");
        forget(w, false);
    } else if (code == LDAP_UNWILLING && with_cookie) {
        pl_e_log(e, 3, w->d, "live watch: the server knows less than it told us (a restore, or another server)");
        forget(w, true);
    } else if (code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION) {
        pl_e_log(e, 4, w->d,
                 "no live watch: the server does not offer it for this part of its tree (slapd: overlay "
                 "syncprov); changes by others are found by the full compare only");
        w->phase = WATCH_OFF;
        w->offered = false;
        missed(w);
    } else {
        again_later(w);
        pl_e_log(e, code == PL_RESULT_UNKNOWN ? 5 : 4, w->d, "live watch: ended with result %d; again in %lld ms", code,
                 (long long)(w->retry_delay_us / 1000));
    }
}

static void told(struct watch *w, const struct pl_event *ev)
{
    bool ok = true;
    if (ev->watch.msg == PL_WATCH_ENTRY)
        ok = entry(w, ev);
    else if (ev->watch.msg == PL_WATCH_INFO)
        ok = info(w, ev);
    else
        end(w, ev->watch.code);
    if (!ok) {
        pl_e_log(w->d->e, 4, w->d, "live watch: a message that is not of RFC 4533");
        forget_requests(w);
        pl_watch_round_drop(w);
        missed(w);
        again_later(w);
    }
}

/* ---- the engine's side ---- */

bool pl_watch_stays(const struct request *r)
{
    return r->kind == OWN_WATCH && r->tag == TAG_WATCH;
}

void pl_watch_reply(struct watch *w, const struct request *r, const struct pl_event *ev)
{
    if (r->tag >= TAG_LOOKS) {
        size_t look = (size_t)(r->tag - TAG_LOOKS) / LOOK_PARTS;
        pl_watch_look_reply(&w->looks[look], (r->tag - TAG_LOOKS) % LOOK_PARTS, ev);
    } else if (r->tag == TAG_WATCH) {
        told(w, ev);
    } else if (r->tag == TAG_STATE && ev->kind == PL_EV_SCAN_ROW) {
        row_state(w, ev);
    } else if (r->tag == TAG_STATE && ev->failed) {
        again_later(w);
    } else if (r->tag == TAG_STATE) {
        open_search(w);
    } else if (ev->failed) { /* not stored: from the stored cookie on it is told again */
        pl_watch_stop(w);
        again_later(w);
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
        ask_state(w);
    pl_watch_round(w);
}

int64_t pl_watch_due(const struct watch *w)
{
    if (!w->offered)
        return 0;
    if (w->phase == WATCH_OFF)
        return w->retry_at_us;
    if (w->n_items > 0 && w->look_again_us > w->d->e->now)
        return w->look_again_us;
    return w->cookie_news && w->live ? w->store_at_us : 0;
}
