/* A watch that has to ask: the conversation.
 *
 *   how far have we seen (store) -> how far is the server (root entry) -> farther: what changed -> a pause, and again
 *
 * The pause is cut short by a search that stays open where the server knows of such a thing (watch_wake.c): that search
 * tells only when to ask. What changed is asked by DirSync, and where the server takes none from us by the update numbers of
 * its entries. The first question costs the server next to nothing, the second one much: so it is the first that is asked
 * each second. Of deletions, and of what went out of our sight, neither tells a delegated account: that is the full
 * compare's. */
#include "watch_priv.h"

#include <stdlib.h>
#include <string.h>

enum { SHARE = 4 }; /* the pause is at least so many times as long as the last answer took */
enum { LDAP_SIZELIMIT = 4, LDAP_UNAVAILABLE_EXTENSION = 12, LDAP_DENIED = 50, LDAP_UNWILLING = 53 };
#define POLL_US        1000000
#define STORE_LATER_US 60000000

static const char root_usn[] = "highestCommittedUSN";

/* ---- how far have we seen ---- */

void pl_watch_poll_begin(struct watch *w)
{
    pl_watch_poll_stop(w);
    pl_buf_clear(&w->poll.octets);
    w->poll.usn = 0;
    pl_watch_ask_state(w);
}

/* Also a server that nobody could tell from another one is begun with anew each time. */
static void row_state(struct watch *w, const struct pl_event *ev)
{
    const struct dir *d = w->d;
    struct pl_place p;
    if (w->distrust || ev->row.n < 2 || ev->row.cols[0].len == 0 || d->life.len == 0 ||
        !pl_str_eq(ev->row.cols[1], d->identity) || !pl_place_parse(&p, &w->poll.octets, ev->row.cols[0]))
        return;
    if (!pl_str_eq(p.server, d->life)) {
        pl_e_log(d->e, 5, w->d,
                 "live watch: this is another server than the one that we had asked, or its data were restored; "
                 "comparing everything");
        return;
    }
    w->poll.usn = p.usn;
    w->poll.by_usn = p.by_usn;
    w->cookie_known = true;
}

void pl_watch_poll_state(struct watch *w, const struct pl_event *ev)
{
    if (ev->kind == PL_EV_SCAN_ROW) {
        row_state(w, ev);
        return;
    }
    if (ev->failed) {
        pl_watch_again_later(w);
        return;
    }
    if (!w->cookie_known)
        pl_buf_clear(&w->poll.octets);
    w->phase = WATCH_ON;
    w->live = false;
    w->resumed = w->cookie_known;
    w->missed = w->missed || !w->resumed;
    w->poll.at_us = w->d->e->now;
}

void pl_watch_poll_place(const struct watch *w, struct pl_buf *out)
{
    struct pl_place p = {.server = w->d->life, .usn = w->poll.usn, .by_usn = w->poll.by_usn};
    if (!p.by_usn)
        p.cookie = pl_buf_str(&w->poll.octets);
    pl_place_print(out, &p);
}

/* ---- how far is the server ---- */

static struct pl_command *search(struct watch *w, int tag, struct pl_str base, enum pl_scope scope)
{
    struct dir *d = w->d;
    struct pl_command *c = pl_e_emit(d->e, PL_CMD_SEARCH, d);
    c->search.channel = PL_CH_BULK;
    c->search.base = base;
    c->search.scope = scope;
    c->search.filter = PL_STR("(objectClass=*)");
    pl_e_request(d->e, c, OWN_WATCH, w, d, tag);
    return c;
}

void pl_watch_poll_pump(struct watch *w)
{
    static const char *const attrs[] = {root_usn, NULL};
    const struct pl_engine *e = w->d->e;
    if (w->phase != WATCH_ON)
        return;
    pl_watch_wake_begin(w);
    pl_watch_wake_hurries(w);
    if (w->poll.open || e->now < w->poll.at_us)
        return;
    pl_watch_wake_asks(w);
    w->poll.open = true;
    w->poll.ended = w->poll.canary = false;
    w->poll.asked_us = e->now;
    w->poll.usn_now = 0;
    search(w, TAG_ROOT, (struct pl_str){"", 0}, PL_SCOPE_BASE)->search.attrs = attrs;
}

/* ---- an answer is over ---- */

static int64_t pause_of(const struct watch *w)
{
    return w->d->conf.watch_poll_us > 0 ? w->d->conf.watch_poll_us : POLL_US;
}

void pl_watch_poll_sooner(struct watch *w)
{
    int64_t latest = w->d->e->now + pause_of(w);
    if (w->poll.at_us > latest)
        w->poll.at_us = latest;
}

static void pause_after(struct watch *w)
{
    int64_t now = w->d->e->now, pause = pause_of(w), took = now - w->poll.asked_us;
    w->poll.open = false;
    w->poll.soonest_us = now + took * SHARE;
    w->poll.at_us = now + (took * SHARE > pause ? took * SHARE : pause);
    pl_watch_wake_asked(w);
}

static void finish(struct watch *w)
{
    const struct pl_engine *e = w->d->e;
    bool news = w->poll.usn != w->poll.usn_now;
    w->poll.usn = w->poll.usn_now;
    if (w->live && news && !w->cookie_news)
        w->store_at_us = e->now + STORE_LATER_US; /* what others wrote is stored at once, and the rest can wait */
    w->cookie_news = w->cookie_news || news || !w->live;
    if (!w->live) {
        w->cookie_known = true;
        w->store_at_us = e->now;
        pl_watch_is_live(w, w->resumed ? "resumed where it had ended" : "begun");
    }
    pause_after(w);
}

/* It did not even show the entry that every whole read must show: what it leaves out nobody knows. */
static bool is_blind(const struct watch *w)
{
    return w->poll.whole && !w->poll.canary && w->d->conf.canary_dn.len > 0;
}

static void by_usn(struct watch *w, const char *why)
{
    pl_e_log(w->d->e, 4, w->d, "live watch: %s; it is watched by the update numbers of its entries", why);
    w->poll.by_usn = true;
    w->poll.open = w->poll.whole = false;
    w->poll.at_us = w->d->e->now;
    pl_buf_clear(&w->poll.octets);
    pl_watch_vague_drop(w);
}

static void end_when_all_is_read(struct watch *w)
{
    if (!w->poll.ended || w->poll.vague_open > 0)
        return;
    pl_watch_vague_drop(w);
    if (is_blind(w))
        by_usn(w, "DirSync does not show us the canary");
    else
        finish(w);
}

static void failed(struct watch *w)
{
    pl_watch_poll_stop(w);
    pl_watch_again_later(w);
}

/* ---- what changed ---- */

static void ask_dirsync(struct watch *w)
{
    struct pl_buf control = {0};
    pl_dirsync_request(&control, pl_buf_str(&w->poll.octets));
    pl_watch_open(w, pl_buf_str(&control));
    pl_buf_free(&control);
}

static void ask_changed(struct watch *w)
{
    struct pl_arena *a = w->d->e->out;
    struct pl_command *c = search(w, TAG_CHANGED, w->d->watch_base, PL_SCOPE_SUB);
    c->search.filter = pl_arena_printf(a, "(uSNChanged>=%lld)", (long long)w->poll.usn + 1);
    c->search.attrs = pl_watch_attrs(w);
}

static void root_read(struct watch *w)
{
    if (w->cookie_known && w->poll.usn_now < w->poll.usn) {
        pl_e_log(w->d->e, 3, w->d, "live watch: the server knows less than it told us (a restore)");
        pl_watch_poll_stop(w);
        pl_watch_forget(w, true);
    } else if (w->cookie_known && w->poll.usn_now == w->poll.usn) {
        finish(w);
    } else if (!w->poll.by_usn) {
        w->poll.whole = !w->cookie_known;
        ask_dirsync(w);
    } else if (!w->cookie_known) {
        finish(w); /* from here on */
    } else {
        ask_changed(w);
    }
}

static void root(struct watch *w, const struct pl_event *ev)
{
    if (ev->kind == PL_EV_ENTRY) {
        if (!pl_str_to_i64(pl_entry_first(ev->entry, root_usn), &w->poll.usn_now) || w->poll.usn_now < 0)
            w->poll.usn_now = 0;
    } else if (ev->result.code == 0 && w->poll.usn_now > 0) {
        root_read(w);
    } else {
        failed(w);
    }
}

static void changed(struct watch *w, const struct pl_event *ev)
{
    if (ev->kind == PL_EV_ENTRY) {
        pl_watch_told_whole(w, ev->entry, false);
        return;
    }
    bool cut = ev->result.code == LDAP_SIZELIMIT;
    if (!cut && !(ev->result.code == 0 && ev->result.complete)) {
        failed(w);
        return;
    }
    if (cut)
        pl_watch_missed(w); /* so much at once is a job for the compare */
    w->poll.ended = true;
    end_when_all_is_read(w);
}

void pl_watch_poll_reply(struct watch *w, int tag, const struct pl_event *ev)
{
    if (tag == TAG_ROOT) {
        root(w, ev);
    } else if (tag == TAG_CHANGED) {
        changed(w, ev);
    } else {
        pl_watch_told_vague(w, TAG_VAGUE - tag, ev);
        end_when_all_is_read(w);
    }
}

/* The next cookie stands for what was told before it. */
bool pl_watch_poll_told(struct watch *w, const struct pl_event *ev)
{
    struct pl_dirsync_answer a;
    if (ev->watch.msg == PL_WATCH_ENTRY)
        pl_watch_told_part(w, ev->watch.entry);
    if (ev->watch.msg != PL_WATCH_END)
        return true;
    if (!pl_dirsync_answer_read(&a, ev->watch.value))
        return false;
    pl_buf_clear(&w->poll.octets);
    pl_buf_add(&w->poll.octets, a.cookie);
    if (a.more) {
        ask_dirsync(w);
    } else {
        w->poll.ended = true;
        end_when_all_is_read(w);
    }
    return true;
}

/* A cookie that is not taken is given up first, and only then DirSync. */
bool pl_watch_poll_ended(struct watch *w, int code)
{
    bool refused = code == LDAP_UNAVAILABLE_EXTENSION || code == LDAP_DENIED || code == LDAP_UNWILLING || code == 1;
    if (refused && w->cookie_known) {
        pl_e_log(w->d->e, 5, w->d,
                 "live watch: the server does not go on where it had ended (result %d); comparing everything", code);
        pl_watch_poll_stop(w);
        pl_watch_forget(w, false);
        return true;
    }
    if (refused) {
        by_usn(w, "the server takes no DirSync from our account");
        return true;
    }
    pl_watch_poll_stop(w);
    return false;
}

/* The search ends when the next one begins, and the shell says nothing of it then; reads are answered. */
static void drop_answers(struct watch *w)
{
    struct pl_engine *e = w->d->e;
    for (size_t i = 0; i < e->n_requests; i++) {
        struct request *r = &e->requests[i];
        if (!r->req || r->kind != OWN_WATCH || r->owner != w)
            continue;
        if (r->tag == TAG_WATCH)
            r->req = 0;
        else if (r->tag == TAG_ROOT || r->tag == TAG_CHANGED || r->tag < 0)
            r->kind = OWN_NONE;
    }
}

void pl_watch_poll_stop(struct watch *w)
{
    if (w->d->dialect->watch != PL_WATCH_DIRSYNC)
        return;
    drop_answers(w);
    w->poll.open = w->poll.ended = false;
    w->poll.at_us = 0;
    pl_watch_vague_drop(w);
}

void pl_watch_poll_free(struct watch *w)
{
    pl_watch_vague_drop(w);
    pl_buf_free(&w->poll.octets);
}
