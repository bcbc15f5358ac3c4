/* The third connection of a directory: one search that stays open (RFC 4533, or a persistent search), or one after the other
 * (DirSync); and beside the latter a fourth, with a search that says when to ask. They come up after the other two, to the
 * same server, and their end takes nothing else down: the engine is told, and asks again when it likes. */
#include "dir_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../lib/directory/dirsync.h"
#include "../lib/directory/persist.h"
#include "../lib/directory/sync.h"

/* Of the two that a directory has. */
static struct dir_watch *watch_of(struct dir_link *l)
{
    return l->channel == DIR_CH_WAKE ? &l->dir->wake : &l->dir->watch;
}

static void stop_opening(struct dir_watch *w)
{
    if (w->opened)
        event_free(w->opened);
    w->opened = NULL;
    if (w->cut)
        event_del(w->cut);
    dir_opening_free(w->opening);
    w->opening = NULL;
}

static void close_all(struct dir_watch *w)
{
    stop_opening(w);
    if (w->waiting)
        dir_req_free(w->waiting);
    w->waiting = NULL;
    w->req = 0;
    dir_link_close(&w->link);
}

static void emit(struct dir_watch *w, enum pl_watch_msg msg, const struct pl_entry *entry, struct pl_str value,
                 int code)
{
    struct pld_dir *d = w->link.dir;
    struct pl_event ev = {.kind = PL_EV_WATCH, .req = w->req, .directory = d->conf->name};
    ev.watch.msg = msg;
    ev.watch.entry = entry;
    ev.watch.value = value;
    ev.watch.code = code;
    d->host.emit(d->host.ctx, &ev);
}

static void emit_end(struct dir_watch *w, uint64_t req, struct pl_str value, int code)
{
    w->req = req;
    emit(w, PL_WATCH_END, NULL, value, code);
    w->req = 0;
}

void dir_watch_broken(struct dir_link *l, const char *why, const char *hint)
{
    struct dir_watch *w = watch_of(l);
    uint64_t req = w->req;
    bool wake = l->channel == DIR_CH_WAKE; /* nothing is lost with it */
    char text[300];
    close_all(w);
    snprintf(text, sizeof text, "%s: %s", wake ? "notifications of the live watch" : "live watch", why);
    dir_say(l->dir, wake ? 6 : 5, text, hint);
    if (req)
        emit_end(w, req, (struct pl_str){"", 0}, PL_RESULT_UNKNOWN);
}

/* ---- coming up ---- */

static void on_cut(evutil_socket_t fd, short what, void *arg)
{
    struct dir_watch *w = arg;
    (void)fd;
    (void)what;
    if (w->opening)
        dir_opening_cut(w->opening);
}

static void send_first(struct dir_watch *w)
{
    bool says_nothing = w->waiting->watch == PL_WATCH_PERSISTENT || w->waiting->watch == PL_WATCH_WAKE;
    dir_link_submit(&w->link, w->waiting);
    w->waiting = NULL;
    if (says_nothing)
        dir_link_ask(&w->link)->stands = true;
    dir_link_work(&w->link);
}

static void on_opened(evutil_socket_t fd, short what, void *arg)
{
    struct dir_watch *w = arg;
    struct dir_opening *o = w->opening;
    (void)fd;
    (void)what;
    if (!dir_opening_done(o))
        return;
    bool ok = o->ok;
    struct dir_opened got = o->opened;
    struct pl_err err = o->err;
    o->opened.ld = NULL; /* ours now */
    stop_opening(w);
    if (!ok) {
        dir_watch_broken(&w->link, err.text, err.hint);
    } else if (strcmp(got.life, w->link.dir->first.life) != 0) {
        ldap_unbind_ext(got.ld, NULL, NULL);
        dir_watch_broken(&w->link, "another server answers at this address than a moment ago",
                         "Name servers in uris each by its own address.");
    } else if (!dir_link_adopt(&w->link, &got)) {
        dir_watch_broken(&w->link, "the event loop does not take the connection", "");
    } else {
        send_first(w);
    }
}

static void begin_opening(struct dir_watch *w)
{
    struct pld_dir *d = w->link.dir;
    struct pl_err err = {0};
    struct timeval tv = {.tv_sec = d->conf->connect_ms / 1000, .tv_usec = d->conf->connect_ms % 1000 * 1000};
    w->opening = dir_opening_start(d->conf, d->uris[d->uri], &err);
    if (!w->opening) {
        dir_watch_broken(&w->link, err.text, err.hint);
        return;
    }
    w->opened = event_new(d->host.base, w->opening->done_fd, EV_READ, on_opened, w);
    event_add(w->opened, NULL);
    event_add(w->cut, &tv);
}

void dir_watch_init(struct dir_watch *w, struct pld_dir *d, int ch)
{
    dir_link_init(&w->link, d, ch);
    w->cut = evtimer_new(d->host.base, on_cut, w);
}

void dir_watch_drop(struct dir_watch *w)
{
    close_all(w);
    if (w->next)
        dir_req_free(w->next);
    w->next = NULL;
    w->ended = false;
}

void dir_watch_free(struct dir_watch *w)
{
    dir_watch_drop(w);
    event_free(w->link.flush);
    event_free(w->cut);
}

/* While the directory is down DIR_DOWN has answered it, or will. */
void dir_watch_command(struct dir_watch *w, struct dir_req *r)
{
    bool up = w->link.dir->up;
    if (w->next)
        dir_req_free(w->next);
    w->next = up ? r : NULL;
    if (!up)
        dir_req_free(r);
}

/* The former search has ended, and its connection is there for the next one. */
static bool goes_on(const struct dir_watch *w, const struct dir_req *r)
{
    return r->watch == PL_WATCH_DIRSYNC && w->link.ld && w->link.n_sent == 0 && !w->link.queue;
}

/* From the event loop, never from inside an event of the old search. */
static void begin(struct dir_watch *w, struct dir_req *r)
{
    if (goes_on(w, r)) {
        w->req = r->id;
        dir_link_submit(&w->link, r);
        dir_link_work(&w->link);
        return;
    }
    close_all(w);
    w->req = r->id;
    w->waiting = r;
    begin_opening(w);
}

void dir_watch_work(struct dir_watch *w)
{
    struct dir_req *next = w->next;
    if (w->ended)
        close_all(w);
    w->ended = false;
    w->next = NULL;
    if (next)
        begin(w, next);
    else
        dir_link_work(&w->link);
}

/* ---- what comes ---- */

/* The control that stands beside each entry, and that which stands beside the end. */
static const char *const beside_entry[] = {[PL_WATCH_SYNC] = PL_OID_SYNC_STATE,
                                           [PL_WATCH_PERSISTENT] = PL_OID_PERSIST_CHANGE,
                                           [PL_WATCH_DIRSYNC] = NULL,
                                           [PL_WATCH_WAKE] = NULL};
static const char *const beside_end[] = {[PL_WATCH_SYNC] = PL_OID_SYNC_DONE,
                                         [PL_WATCH_PERSISTENT] = NULL,
                                         [PL_WATCH_DIRSYNC] = PL_OID_DIRSYNC,
                                         [PL_WATCH_WAKE] = NULL};

static enum dir_step take_entry(struct dir_link *l, const struct dir_req *r, LDAPMessage *m)
{
    LDAPControl **ctrls = NULL;
    struct pl_str value = {"", 0};
    struct pl_entry entry = {0};
    bool range = false;
    const char *oid = beside_entry[r->watch];
    if (ldap_get_entry_controls(l->ld, m, &ctrls) != LDAP_SUCCESS)
        return DIR_STEP_BROKEN;
    LDAPControl *c = oid && ctrls ? ldap_control_find(oid, ctrls, NULL) : NULL;
    if (c)
        value = (struct pl_str){c->ldctl_value.bv_val, c->ldctl_value.bv_len};
    struct pl_arena *a = pl_arena_new();
    bool ok = (c || !oid) && dir_entry_read(l->ld, m, false, a, &entry, &range);
    if (ok)
        emit(watch_of(l), PL_WATCH_ENTRY, &entry, value, 0);
    pl_arena_free(a);
    if (ctrls)
        ldap_controls_free(ctrls);
    return ok ? DIR_STEP_ON : DIR_STEP_BROKEN;
}

static enum dir_step take_info(struct dir_link *l, LDAPMessage *m)
{
    char *oid = NULL;
    struct berval *data = NULL;
    if (ldap_parse_intermediate(l->ld, m, &oid, &data, NULL, 0) != LDAP_SUCCESS)
        return DIR_STEP_BROKEN;
    if (oid && data && strcmp(oid, PL_OID_SYNC_INFO) == 0)
        emit(watch_of(l), PL_WATCH_INFO, NULL, (struct pl_str){data->bv_val, data->bv_len}, 0);
    ldap_memfree(oid);
    ber_bvfree(data);
    return DIR_STEP_ON;
}

/* Closed from the event loop, because we are inside its reading; or kept for the next search, when that is how the server
 * is watched. */
static void after_end(struct dir_link *l, struct dir_req *r)
{
    if (r->stays) {
        watch_of(l)->ended = true;
        dir_kick(l->dir);
        return;
    }
    dir_link_forget(l, r);
    dir_req_free(r);
}

static enum dir_step take_end(struct dir_link *l, struct dir_req *r, LDAPMessage *m)
{
    int code = LDAP_OTHER;
    LDAPControl **ctrls = NULL;
    struct pl_str value = {"", 0};
    struct dir_watch *w = watch_of(l);
    uint64_t req = w->req;
    const char *oid = beside_end[r->watch];
    if (ldap_parse_result(l->ld, m, &code, NULL, NULL, NULL, &ctrls, 0) != LDAP_SUCCESS)
        return DIR_STEP_BROKEN;
    LDAPControl *c = oid && ctrls ? ldap_control_find(oid, ctrls, NULL) : NULL;
    if (c)
        value = (struct pl_str){c->ldctl_value.bv_val, c->ldctl_value.bv_len};
    after_end(l, r);
    emit_end(w, req, value, code);
    if (ctrls)
        ldap_controls_free(ctrls);
    return DIR_STEP_ENDED;
}

void dir_watch_stands(struct dir_link *l)
{
    if (!watch_of(l)->ended)
        emit(watch_of(l), PL_WATCH_STANDS, NULL, (struct pl_str){"", 0}, 0);
}

enum dir_step dir_watch_message(struct dir_link *l, struct dir_req *r, LDAPMessage *m)
{
    if (watch_of(l)->ended)
        return DIR_STEP_ON;
    dir_link_arm(l, r);
    switch (ldap_msgtype(m)) {
    case LDAP_RES_SEARCH_ENTRY:
        return take_entry(l, r, m);
    case LDAP_RES_INTERMEDIATE:
        return take_info(l, m);
    case LDAP_RES_SEARCH_RESULT:
        return take_end(l, r, m);
    case LDAP_RES_SEARCH_REFERENCE: /* a part that lies elsewhere is not ours */
        return DIR_STEP_ON;
    default:
        return DIR_STEP_BROKEN;
    }
}
