/* The third connection of a directory: one search that stays open (RFC 4533, or a persistent search), or one after the other
 * (DirSync). It comes up after the other two, to the same server, and its end takes nothing else down: the engine is told,
 * and asks again when it likes. */
#include "dir_priv.h"

#include <stdlib.h>
#include <string.h>
#include "../lib/directory/dirsync.h"
#include "../lib/directory/persist.h"
#include "../lib/directory/sync.h"

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

void dir_watch_close(struct pld_dir *d)
{
    struct dir_watch *w = &d->watch;
    stop_opening(w);
    if (w->waiting)
        dir_req_free(w->waiting);
    w->waiting = NULL;
    w->req = 0;
    dir_link_close(&w->link);
}

static void emit(struct pld_dir *d, enum pl_watch_msg msg, const struct pl_entry *entry, struct pl_str value, int code)
{
    struct pl_event ev = {.kind = PL_EV_WATCH, .req = d->watch.req, .directory = d->conf->name};
    ev.watch.msg = msg;
    ev.watch.entry = entry;
    ev.watch.value = value;
    ev.watch.code = code;
    d->host.emit(d->host.ctx, &ev);
}

static void emit_end(struct pld_dir *d, uint64_t req, struct pl_str value, int code)
{
    d->watch.req = req;
    emit(d, PL_WATCH_END, NULL, value, code);
    d->watch.req = 0;
}

void dir_watch_broken(struct pld_dir *d, const char *why, const char *hint)
{
    uint64_t req = d->watch.req;
    char text[300];
    dir_watch_close(d);
    snprintf(text, sizeof text, "live watch: %s", why);
    dir_say(d, 5, text, hint);
    if (req)
        emit_end(d, req, (struct pl_str){"", 0}, PL_RESULT_UNKNOWN);
}

/* ---- coming up ---- */

static void on_cut(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    (void)fd;
    (void)what;
    if (d->watch.opening)
        dir_opening_cut(d->watch.opening);
}

static void on_opened(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    struct dir_watch *w = &d->watch;
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
        dir_watch_broken(d, err.text, err.hint);
    } else if (strcmp(got.life, d->first.life) != 0) {
        ldap_unbind_ext(got.ld, NULL, NULL);
        dir_watch_broken(d, "another server answers at this address than a moment ago",
                         "Name servers in uris each by its own address.");
    } else if (!dir_link_adopt(&w->link, &got)) {
        dir_watch_broken(d, "the event loop does not take the connection", "");
    } else {
        bool says_nothing = w->waiting->watch == PL_WATCH_PERSISTENT;
        dir_link_submit(&w->link, w->waiting);
        w->waiting = NULL;
        if (says_nothing)
            dir_link_ask(&w->link)->stands = true;
        dir_link_work(&w->link);
    }
}

static void begin(struct pld_dir *d)
{
    struct dir_watch *w = &d->watch;
    struct pl_err err = {0};
    struct timeval tv = {.tv_sec = d->conf->connect_ms / 1000, .tv_usec = d->conf->connect_ms % 1000 * 1000};
    w->opening = dir_opening_start(d->conf, d->uris[d->uri], &err);
    if (!w->opening) {
        dir_watch_broken(d, err.text, err.hint);
        return;
    }
    w->opened = event_new(d->host.base, w->opening->done_fd, EV_READ, on_opened, d);
    event_add(w->opened, NULL);
    event_add(w->cut, &tv);
}

void dir_watch_init(struct pld_dir *d)
{
    dir_link_init(&d->watch.link, d, DIR_CH_WATCH);
    d->watch.cut = evtimer_new(d->host.base, on_cut, d);
}

void dir_watch_free(struct pld_dir *d)
{
    dir_watch_close(d);
    event_free(d->watch.link.flush);
    event_free(d->watch.cut);
}

/* The former search has ended, and its connection is there for the next one. */
static bool goes_on(const struct dir_watch *w, const struct dir_req *r)
{
    return r->watch == PL_WATCH_DIRSYNC && w->link.ld && w->link.n_sent == 0 && !w->link.queue;
}

/* From the event loop, never from inside an event of the old search. */
void dir_watch_begin(struct pld_dir *d, struct dir_req *r)
{
    if (goes_on(&d->watch, r)) {
        d->watch.req = r->id;
        dir_link_submit(&d->watch.link, r);
        dir_link_work(&d->watch.link);
        return;
    }
    dir_watch_close(d);
    d->watch.req = r->id;
    d->watch.waiting = r;
    begin(d);
}

/* ---- what comes ---- */

/* The control that stands beside each entry, and that which stands beside the end. */
static const char *const beside_entry[] = {
    [PL_WATCH_SYNC] = PL_OID_SYNC_STATE, [PL_WATCH_PERSISTENT] = PL_OID_PERSIST_CHANGE, [PL_WATCH_DIRSYNC] = NULL};
static const char *const beside_end[] = {
    [PL_WATCH_SYNC] = PL_OID_SYNC_DONE, [PL_WATCH_PERSISTENT] = NULL, [PL_WATCH_DIRSYNC] = PL_OID_DIRSYNC};

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
        emit(l->dir, PL_WATCH_ENTRY, &entry, value, 0);
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
        emit(l->dir, PL_WATCH_INFO, NULL, (struct pl_str){data->bv_val, data->bv_len}, 0);
    ldap_memfree(oid);
    ber_bvfree(data);
    return DIR_STEP_ON;
}

/* Closed from the event loop, because we are inside its reading; or kept for the next search, when that is how the server
 * is watched. */
static void after_end(struct dir_link *l, struct dir_req *r)
{
    if (r->stays) {
        l->dir->watch.ended = true;
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
    struct pld_dir *d = l->dir;
    uint64_t req = d->watch.req;
    const char *oid = beside_end[r->watch];
    if (ldap_parse_result(l->ld, m, &code, NULL, NULL, NULL, &ctrls, 0) != LDAP_SUCCESS)
        return DIR_STEP_BROKEN;
    LDAPControl *c = oid && ctrls ? ldap_control_find(oid, ctrls, NULL) : NULL;
    if (c)
        value = (struct pl_str){c->ldctl_value.bv_val, c->ldctl_value.bv_len};
    after_end(l, r);
    emit_end(d, req, value, code);
    if (ctrls)
        ldap_controls_free(ctrls);
    return DIR_STEP_ENDED;
}

void dir_watch_stands(struct dir_link *l)
{
    if (!l->dir->watch.ended)
        emit(l->dir, PL_WATCH_STANDS, NULL, (struct pl_str){"", 0}, 0);
}

enum dir_step dir_watch_message(struct dir_link *l, struct dir_req *r, LDAPMessage *m)
{
    if (l->dir->watch.ended)
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
