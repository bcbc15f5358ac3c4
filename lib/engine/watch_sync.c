/* A watch by RFC 4533, refreshAndPersist: the conversation.
 *
 *   how far have we seen (store) -> search with that cookie -> refresh -> live
 *
 * A present phase, a refresh without a cookie, 4096 and "consumer state is newer than provider" all mean the same here:
 * something may have been missed, compare everything. */
#include "watch_priv.h"

#include <string.h>
#include "../directory/dn.h"
#include "../directory/sync.h"

enum { LDAP_UNWILLING = 53 };
#define STORE_LATER_US 10000000

/* ---- how far have we seen ---- */

void pl_watch_sync_begin(struct watch *w)
{
    pl_cookie_clear(&w->cookie);
    pl_watch_ask_state(w);
}

static void row_state(struct watch *w, const struct pl_event *ev)
{
    if (w->distrust || ev->row.n < 2 || ev->row.cols[0].len == 0 || !pl_str_eq(ev->row.cols[1], w->d->identity))
        return;
    w->cookie_known = pl_cookie_parse(&w->cookie, ev->row.cols[0]);
}

static void open_search(struct watch *w)
{
    struct pl_buf cookie = {0}, control = {0};
    if (w->cookie_known)
        pl_cookie_print(&cookie, &w->cookie);
    pl_sync_request(&control, PL_SYNC_REFRESH_AND_PERSIST, pl_buf_str(&cookie), false);
    w->resumed = w->cookie_known;
    pl_watch_search(w, pl_buf_str(&control));
    pl_buf_free(&cookie);
    pl_buf_free(&control);
}

void pl_watch_sync_state(struct watch *w, const struct pl_event *ev)
{
    if (ev->kind == PL_EV_SCAN_ROW)
        row_state(w, ev);
    else if (ev->failed)
        pl_watch_again_later(w);
    else
        open_search(w);
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

static void gone(struct watch *w, const unsigned char uuid[PL_UUID_BYTES])
{
    char text[PL_UUID_TEXT + 1];
    pl_uuid_print(text, uuid);
    pl_watch_gone(w, pl_str_c(text));
}

static void changed(struct watch *w, const struct pl_entry *e, const unsigned char uuid[PL_UUID_BYTES])
{
    char text[PL_UUID_TEXT + 1];
    struct item it;
    bool watched = pl_watch_item_of(w, e, &it);
    if (!w->live) /* a refresh tells the last version only: under ours another's may lie */
        it.version = 0;
    if (it.group) {
        struct shape *s = pl_shape(w->d, it.dn_hash, true);
        memcpy(s->uuid, uuid, PL_UUID_BYTES);
        s->has_uuid = true;
    }
    if ((!w->resumed && !w->live) || pl_watch_is_own(w, it.version))
        return; /* the whole content, which the full compare reads anyway; or ourselves */
    if (!watched)
        return;
    pl_uuid_print(text, uuid);
    it.id = pl_str_c(text);
    pl_watch_keep_item(w, e, it);
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
        pl_watch_missed(w); /* what is not named is gone, and we keep no list */
    else
        changed(w, ev->watch.entry, s.uuid);
    take_cookie(w, s.cookie); /* after: it stands for this entry too */
    return true;
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
            pl_watch_missed(w);
        break;
    case PL_SYNC_REFRESH_DELETE:
        break;
    case PL_SYNC_ID_SET:
        if (!i.refresh_deletes && w->resumed)
            pl_watch_missed(w);
        while (i.refresh_deletes && pl_sync_info_next(&i, &uuid))
            gone(w, uuid);
        break;
    }
    take_cookie(w, i.cookie);
    if ((i.kind == PL_SYNC_REFRESH_PRESENT || i.kind == PL_SYNC_REFRESH_DELETE) && i.refresh_done && !w->live) {
        w->cookie_known = true;
        w->store_at_us = w->d->e->now;
        pl_watch_is_live(w, w->resumed ? "resumed where it had ended" : "begun");
    }
    return true;
}

bool pl_watch_sync_told(struct watch *w, const struct pl_event *ev)
{
    return ev->watch.msg == PL_WATCH_ENTRY ? entry(w, ev) : ev->watch.msg != PL_WATCH_INFO || info(w, ev);
}

/* ---- its end ---- */

/* The provider has been restored or is another one: what it told us it has forgotten. */
static void forget(struct watch *w, bool went_back)
{
    pl_cookie_clear(&w->cookie);
    pl_watch_forget(w, went_back);
}

bool pl_watch_sync_ended(struct watch *w, int code)
{
    struct pl_engine *e = w->d->e;
    if (!w->resumed || !w->cookie_known || w->live)
        return false;
    if (code == PL_SYNC_REFRESH_REQUIRED) {
        pl_e_log(e, 5, w->d, "live watch: the server cannot tell what changed since; comparing everything");
        forget(w, false);
        return true;
    }
    if (code == LDAP_UNWILLING) {
        pl_e_log(e, 3, w->d, "live watch: the server knows less than it told us (a restore, or another server)");
        forget(w, true);
        return true;
    }
    return false;
}
