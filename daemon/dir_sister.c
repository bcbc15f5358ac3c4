/* The servers beside the one in use: to each a warm connection of its own, over which it gets what goes everywhere, and is
 * looked at. What happens here delays nothing elsewhere and takes nothing else down. */
#include "dir_server.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct dir_server *dir_sister_of(struct dir_link *l)
{
    return (struct dir_server *)(void *)((char *)l - offsetof(struct dir_server, link));
}

static void arm(struct event *ev, int64_t ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(ev, &tv);
}

/* Once when it goes and once when it comes: a server that stays away says nothing again. */
static void say(struct dir_server *s, int level, const char *text, const char *hint)
{
    pld_event(level, "directory.server", PLD_FIELDS(PLD_TEXT("directory", s->dir->name), PLD_TEXT("server", s->uri)),
              "%s (%s), not in use: %s%s%s", s->dir->name, s->uri, text, *hint ? ". " : "", hint);
}

static void emit_server(struct dir_server *s, bool up)
{
    struct pl_event ev = {.kind = PL_EV_SERVER, .directory = s->dir->conf->name};
    if (up == s->told_up)
        return;
    s->told_up = up;
    ev.server.name = pl_str_c(s->uri);
    ev.server.up = up;
    s->dir->host.emit(s->dir->host.ctx, &ev);
}

/* ---- answers ---- */

static void emit_ack(struct dir_server *s, const struct dir_req *r, int code)
{
    struct pl_event ev = {.kind = PL_EV_ACK, .directory = s->dir->conf->name};
    ev.ack.server = pl_str_c(s->uri);
    ev.ack.account_id = r->account_id;
    ev.ack.intent_id = r->intent_id;
    ev.ack.after = r->after;
    ev.ack.code = code;
    ev.ack.version = r->version;
    s->dir->host.emit(s->dir->host.ctx, &ev);
}

void dir_sister_answer(struct dir_link *l, struct dir_req *r, int code)
{
    emit_ack(dir_sister_of(l), r, code);
}

/* Whatever was asked gets its answer; `code` is that of writes. */
static void refuse(struct dir_server *s, struct dir_req *list, int code)
{
    for (struct dir_req *r; (r = list);) {
        list = r->next;
        if (r->everywhere)
            emit_ack(s, r, code);
        else if (!r->probe)
            dir_emit_result(s->dir, r, PL_RESULT_UNKNOWN, false);
        dir_req_free(r);
    }
}

/* Takes all requests out of the link: first those that were sent, of which nobody knows what became. */
static void take_all(struct dir_link *l, struct dir_req **sent, struct dir_req **queued)
{
    *sent = NULL;
    while (l->n_sent > 0) {
        struct dir_req *r = l->sent[--l->n_sent];
        r->next = *sent;
        *sent = r;
    }
    *queued = l->queue;
    l->queue = NULL;
    l->queue_end = &l->queue;
}

/* ---- going down ---- */

static void stop_opening(struct dir_server *s)
{
    if (s->opened)
        event_free(s->opened);
    s->opened = NULL;
    event_del(s->cut);
    dir_opening_free(s->opening);
    s->opening = NULL;
}

static void let_go(struct dir_server *s)
{
    struct dir_req *sent, *queued;
    take_all(&s->link, &sent, &queued);
    stop_opening(s);
    dir_link_close(&s->link);
    refuse(s, sent, PL_RESULT_UNKNOWN);
    refuse(s, queued, PL_RESULT_NOT_SENT);
    emit_server(s, false);
}

static void again_later(struct dir_server *s, bool refused)
{
    int64_t least = refused ? DIR_REFUSED_MIN_MS : DIR_BACKOFF_MIN_MS;
    int64_t most = refused ? DIR_REFUSED_MAX_MS : DIR_BACKOFF_MAX_MS;
    int64_t span = s->backoff_ms * 3 - least; /* decorrelated jitter, as for the one in use */
    int64_t ms = least + (span > 0 ? (int64_t)arc4random_uniform((uint32_t)span) : 0);
    s->backoff_ms = ms < most ? ms : most;
    arm(s->retry, s->backoff_ms);
}

static void failed(struct dir_server *s, bool refused, const char *why, const char *hint)
{
    bool news = s->how != (refused ? PLD_SERVER_REFUSED : PLD_SERVER_AWAY);
    let_go(s);
    dir_server_note(s, refused ? PLD_SERVER_REFUSED : PLD_SERVER_AWAY, why);
    if (news)
        say(s, refused ? 3 : 4, why, hint);
    again_later(s, refused);
}

void dir_sister_broken(struct dir_link *l, const char *why, const char *hint)
{
    failed(dir_sister_of(l), false, why, hint);
}

/* ---- coming up ---- */

static void on_cut(evutil_socket_t fd, short what, void *arg)
{
    struct dir_server *s = arg;
    (void)fd;
    (void)what;
    if (s->opening)
        dir_opening_cut(s->opening);
}

static bool same_data(const struct dir_server *s)
{
    return strcmp(s->identity, s->dir->first.identity) == 0;
}

static const char other_data[] = "it holds other data than the server in use",
                  other_hint[] = "Name servers that hold the same data, each by its own address.";

static void come_up(struct dir_server *s)
{
    bool news = s->how != PLD_SERVER_UP;
    s->backoff_ms = DIR_BACKOFF_MIN_MS;
    dir_server_note(s, PLD_SERVER_UP, "");
    if (news)
        say(s, 6, s->says_read_only ? "connected; it says that it takes no writes" : "connected", "");
    emit_server(s, true);
    const struct dir_server *used = dir_server_in_use(s->dir);
    if (!s->dir->up) {
        dir_hurry(s->dir);
    } else if (used && dir_server_read_only(used) && !s->says_read_only) {
        s->dir->leave = true;
        dir_kick(s->dir);
    }
    dir_link_work(&s->link); /* what came in the meantime */
}

static void on_opened(evutil_socket_t fd, short what, void *arg)
{
    struct dir_server *s = arg;
    struct dir_opening *o = s->opening;
    (void)fd;
    (void)what;
    if (!dir_opening_done(o))
        return;
    bool ok = o->ok, refused = o->refused;
    struct dir_opened got = o->opened;
    struct pl_err err = o->err;
    o->opened.ld = NULL; /* ours now */
    stop_opening(s);
    if (!ok) {
        failed(s, refused, err.text, err.hint);
    } else if (!dir_link_adopt(&s->link, &got)) {
        failed(s, false, "the event loop does not take the connection", "");
    } else {
        memcpy(s->identity, got.identity, sizeof s->identity);
        s->says_read_only = got.read_only;
        if (same_data(s))
            come_up(s);
        else
            failed(s, false, other_data, other_hint);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct dir_server *s = arg;
    struct pl_err err = {0};
    (void)fd;
    (void)what;
    if (s->opening || s->link.ld)
        return;
    s->opening = dir_opening_start(s->dir->conf, s->uri, &err);
    if (!s->opening) {
        failed(s, false, err.text, err.hint);
        return;
    }
    s->opened = event_new(s->dir->host.base, s->opening->done_fd, EV_READ, on_opened, s);
    event_add(s->opened, NULL);
    arm(s->cut, s->dir->conf->connect_ms);
}

void dir_sister_init(struct dir_server *s)
{
    dir_link_init(&s->link, s->dir, DIR_CH_SISTER);
    s->cut = evtimer_new(s->dir->host.base, on_cut, s);
    s->retry = evtimer_new(s->dir->host.base, on_retry, s);
    s->backoff_ms = DIR_BACKOFF_MIN_MS;
}

/* Nobody is told any more. */
void dir_sister_free(struct dir_server *s)
{
    stop_opening(s);
    dir_link_close(&s->link);
    event_free(s->link.flush);
    event_free(s->cut);
    event_free(s->retry);
}

/* ---- all of them ---- */

/* The directory has come up, perhaps on another server than before. */
void dir_sisters_follow(struct pld_dir *d)
{
    const struct dir_server *used = dir_server_in_use(d);
    for (size_t i = 0; i < d->n_servers; i++) {
        struct dir_server *s = &d->servers[i];
        if (s == used) {
            event_del(s->retry);
            s->backoff_ms = DIR_BACKOFF_MIN_MS;
            let_go(s);
        } else if (s->link.ld && !same_data(s)) {
            failed(s, false, other_data, other_hint);
        } else if (!s->link.ld && !s->opening && !event_pending(s->retry, EV_TIMEOUT, NULL)) {
            if (s->how == PLD_SERVER_UNTRIED)
                arm(s->retry, 0);
            else
                again_later(s, s->how == PLD_SERVER_REFUSED); /* it was in use, or tried, a moment ago */
        }
    }
}

void dir_sisters_stop(struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++) {
        event_del(d->servers[i].retry);
        let_go(&d->servers[i]);
    }
}

void dir_sisters_send(struct pld_dir *d, const struct pl_command *cmd)
{
    const struct dir_server *used = dir_server_in_use(d);
    int code = 0;
    for (size_t i = 0; i < d->n_servers; i++) {
        struct dir_server *s = &d->servers[i];
        struct dir_req *r = s == used ? NULL : dir_req_new(cmd, &code);
        if (!r)
            continue;
        r->everywhere = true;
        r->after = cmd->modify.everywhere.after;
        r->account_id = cmd->modify.everywhere.account_id;
        r->intent_id = cmd->modify.everywhere.intent_id;
        if (code == 0)
            dir_link_submit(&s->link, r);
        else
            dir_req_free(r); /* it cannot be sent to anybody, and the one in use says so */
    }
}

/* What waits is sent; to one that is not there, and is not coming up at this moment, it is not kept: by the time it
 * comes, replication has brought it what is true then. */
static void work(struct dir_server *s)
{
    struct dir_req *list = NULL;
    if (s->link.ld && !dir_server_read_only(s)) {
        dir_link_work(&s->link);
        return;
    }
    if (s->opening)
        return;
    if (!s->link.ld) {
        list = s->link.queue;
        s->link.queue = NULL;
        s->link.queue_end = &s->link.queue;
        refuse(s, list, PL_RESULT_NOT_SENT);
        return;
    }
    for (struct dir_req **at = &s->link.queue, *r; (r = *at);) { /* writes; it may be looked at */
        if (!r->everywhere) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        r->next = list;
        list = r;
    }
    s->link.queue_end = &s->link.queue;
    while (*s->link.queue_end)
        s->link.queue_end = &(*s->link.queue_end)->next;
    refuse(s, list, LDAP_REFERRAL);
    dir_link_work(&s->link);
}

void dir_sisters_work(struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (d->servers[i].link.queue || d->servers[i].link.ld)
            work(&d->servers[i]);
}

void dir_sisters_tick(struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (d->servers[i].link.ld)
            dir_link_tick(&d->servers[i].link);
}

bool dir_sisters_quiet(const struct pld_dir *d)
{
    for (size_t i = 0; i < d->n_servers; i++)
        if (!dir_link_quiet(&d->servers[i].link))
            return false;
    return true;
}
