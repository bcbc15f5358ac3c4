/* One directory: two connections that are up together or not at all, and others that watch (dir_watch.c). The urgent one is
 * brought up first, then the bulk one to the same server; an address that fails is followed by the next, a whole failed
 * round by a pause that grows with jitter. Refused credentials are another matter: trying them again and again locks the
 * service account out. */
#include "dir_server.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { SAY_AGAIN_MS = 300000, REFUSED_LOOK_MS = 5000, STABLE_MS = 10000, FAREWELL_MS = 2000 };

int64_t dir_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void arm(struct event *ev, int64_t ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(ev, &tv);
}

/* ---- telling ---- */

void dir_say(struct pld_dir *d, int level, const char *text, const char *hint)
{
    char line[sizeof d->said] = "";
    int64_t now = dir_now_ms();
    snprintf(line, sizeof line, "%s (%s): %s%s%s", d->name, d->n_uris ? d->uris[d->uri] : "no address", text,
             *hint ? ". " : "", hint);
    if (strcmp(line, d->said) == 0 && now - d->said_ms < SAY_AGAIN_MS)
        return;
    memcpy(d->said, line, sizeof line);
    d->said_ms = now;
    pld_event(level, "directory.trouble", PLD_FIELDS(PLD_TEXT("directory", d->name)), "%s", line);
}

void dir_emit_result(struct pld_dir *d, const struct dir_req *r, int code, bool complete)
{
    struct pl_event ev = {.kind = PL_EV_RESULT, .req = r->id, .directory = d->conf->name};
    ev.result.code = code;
    ev.result.complete = complete;
    ev.result.version = r->version;
    d->host.emit(d->host.ctx, &ev);
}

static void emit_up(struct pld_dir *d)
{
    struct pl_event ev = {.kind = PL_EV_DIR_UP, .directory = d->conf->name};
    ev.up.identity = pl_str_c(d->first.identity);
    ev.up.life = pl_str_c(d->first.life);
    ev.up.self = pl_str_c(d->first.self);
    ev.up.ppolicy = d->first.ppolicy;
    ev.up.policy_in_force = d->first.policy_in_force;
    ev.up.assertion = d->first.assertion;
    ev.up.watch = d->first.watch;
    ev.up.post_read = d->first.post_read;
    ev.up.server = pl_str_c(d->uris[d->uri]);
    ev.up.several = d->n_servers > 1;
    d->host.emit(d->host.ctx, &ev);
}

/* ---- coming up ---- */

static void stop_opening(struct pld_dir *d)
{
    if (d->opened)
        event_free(d->opened);
    d->opened = NULL;
    event_del(d->cut);
    dir_opening_free(d->opening);
    d->opening = NULL;
}

/* Decorrelated jitter: up to three times the last pause, never below the least nor above the most. */
static void pause_a_while(struct pld_dir *d)
{
    int64_t span = d->backoff_ms * 3 - DIR_BACKOFF_MIN_MS;
    int64_t ms = DIR_BACKOFF_MIN_MS + (span > 0 ? (int64_t)arc4random_uniform((uint32_t)span) : 0);
    d->backoff_ms = ms < DIR_BACKOFF_MAX_MS ? ms : DIR_BACKOFF_MAX_MS;
    d->tried = true;
    arm(d->retry, d->backoff_ms);
    pld_changed(&d->host);
}

static int64_t secret_changed_ns(const struct pld_dir *d)
{
    struct stat st;
    struct pl_arena *a = pl_arena_new();
    bool there = stat(pld_secret_path(a, d->conf->password_file).s, &st) == 0;
    pl_arena_free(a);
    return there ? (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec : 0;
}

/* Half a minute, doubled each time; a changed password file ends the wait. */
static void pause_refused(struct pld_dir *d)
{
    d->refused_ms = d->refused_ms ? d->refused_ms * 2 : DIR_REFUSED_MIN_MS;
    if (d->refused_ms > DIR_REFUSED_MAX_MS)
        d->refused_ms = DIR_REFUSED_MAX_MS;
    d->refused_until_ms = dir_now_ms() + d->refused_ms;
    d->secret_changed_ns = secret_changed_ns(d);
    d->tried = true;
    pld_changed(&d->host);
    arm(d->retry, REFUSED_LOOK_MS);
}

static void on_opened(evutil_socket_t fd, short what, void *arg);

static void open_channel(struct pld_dir *d, enum pl_channel ch)
{
    struct pl_err err = {0};
    if (d->n_uris == 0) {
        dir_say(d, 3, "uris names no server", "");
        return;
    }
    d->opening_for = ch;
    d->opening = dir_opening_start(d->conf, d->uris[d->uri], &err);
    if (!d->opening) {
        dir_down(d, err.text, err.hint);
        return;
    }
    d->opened = event_new(d->host.base, d->opening->done_fd, EV_READ, on_opened, d);
    event_add(d->opened, NULL);
    arm(d->cut, d->conf->connect_ms);
}

static void on_cut(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    (void)fd;
    (void)what;
    if (d->opening)
        dir_opening_cut(d->opening);
}

static void note_server(struct pld_dir *d, enum pld_server_how how, const char *why)
{
    struct dir_server *s = dir_server_in_use(d);
    if (s)
        dir_server_note(s, how, why);
}

/* A failed attempt: the next address at once, after the last one a pause. */
static void opening_failed(struct pld_dir *d, bool refused, const struct pl_err *err)
{
    note_server(d, refused ? PLD_SERVER_REFUSED : PLD_SERVER_AWAY, err->text);
    dir_say(d, refused || err->class == PL_ERR_CONF ? 3 : 4, err->text, err->hint);
    dir_link_close(&d->links[PL_CH_URGENT]);
    dir_link_close(&d->links[PL_CH_BULK]);
    if (refused) {
        pause_refused(d);
    } else if (dir_servers_next(d)) {
        open_channel(d, PL_CH_URGENT);
    } else {
        pause_a_while(d);
    }
}

static void come_up(struct pld_dir *d)
{
    d->up = d->tried = true;
    d->up_since_ms = dir_now_ms();
    d->since_us = pld_wall_us();
    d->refused_ms = d->refused_until_ms = 0;
    d->said[0] = '\0';
    pld_event(
        5, "directory.up", PLD_FIELDS(PLD_TEXT("directory", d->name), PLD_TEXT("tls", d->first.tls ? "yes" : "no")),
        "%s (%s): connected%s%s", d->name, d->uris[d->uri], d->first.tls ? " with TLS" : "",
        d->first.unsaid ? "; the server does not say of which kind it is, so the configured dialect is believed" : "");
    note_server(d, PLD_SERVER_UP, "");
    dir_server_in_use(d)->says_read_only = d->first.read_only;
    d->leave = false;
    pld_changed(&d->host);
    emit_up(d);
    dir_sisters_follow(d);
}

static void on_opened(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    struct dir_opening *o = d->opening;
    struct pl_err err;
    (void)fd;
    (void)what;
    if (!dir_opening_done(o))
        return;
    bool ok = o->ok, refused = o->refused;
    struct dir_opened got = o->opened;
    err = o->err;
    o->opened.ld = NULL; /* ours now */
    stop_opening(d);
    if (!ok) {
        opening_failed(d, refused, &err);
        return;
    }
    if (!dir_link_adopt(&d->links[d->opening_for], &got)) {
        dir_down(d, "the event loop does not take the connection", "");
    } else if (d->opening_for == PL_CH_URGENT) {
        d->first = got;
        open_channel(d, PL_CH_BULK);
    } else if (strcmp(d->first.identity, got.identity) != 0) {
        pl_err_set(&err, PL_ERR_CONF, 0, "Name servers that hold the same data, each by its own address.",
                   "two connections to this address reach servers with different data");
        opening_failed(d, false, &err);
    } else {
        memcpy(d->first.life, got.life, sizeof got.life); /* the one that the watch asks, too */
        memcpy(d->first.self, got.self, sizeof got.self);
        come_up(d);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    (void)fd;
    (void)what;
    if (d->refused_until_ms && dir_now_ms() < d->refused_until_ms && secret_changed_ns(d) == d->secret_changed_ns) {
        arm(d->retry, REFUSED_LOOK_MS);
        return;
    }
    d->refused_until_ms = 0;
    dir_servers_round(d);
    open_channel(d, PL_CH_URGENT);
}

void dir_hurry(struct pld_dir *d)
{
    if (!d->up && !d->opening && !d->refused_until_ms && event_pending(d->retry, EV_TIMEOUT, NULL))
        arm(d->retry, 0);
}

/* Another server that is known to work takes over without a pause; but not again and again. */
static void take_over(struct pld_dir *d)
{
    int64_t now = dir_now_ms();
    if (!dir_servers_other_up(d) || (!d->leave && d->hurried_ms && now - d->hurried_ms < STABLE_MS))
        return;
    d->hurried_ms = now;
    arm(d->retry, 0);
}

/* ---- going down ---- */

static void drop_stray(struct pld_dir *d)
{
    for (struct dir_req *r; (r = d->stray);) {
        d->stray = r->next;
        dir_req_free(r);
    }
    d->stray_end = &d->stray;
}

void dir_down(struct pld_dir *d, const char *why, const char *hint)
{
    bool was_up = d->up;
    d->up = false;
    if (was_up)
        d->since_us = pld_wall_us();
    stop_opening(d);
    dir_link_close(&d->links[PL_CH_URGENT]);
    dir_link_close(&d->links[PL_CH_BULK]);
    dir_watch_drop(&d->watch);
    dir_watch_drop(&d->wake);
    dir_say(d, 4, why, hint);
    if (was_up && dir_now_ms() - d->up_since_ms >= STABLE_MS)
        d->backoff_ms = DIR_BACKOFF_MIN_MS;
    pause_a_while(d);
    if (was_up) {
        note_server(d, d->leave ? PLD_SERVER_UNTRIED : PLD_SERVER_AWAY, why);
        take_over(d);
        drop_stray(d); /* DIR_DOWN answers these too */
        struct pl_event ev = {.kind = PL_EV_DIR_DOWN, .directory = d->conf->name};
        d->host.emit(d->host.ctx, &ev);
    }
}

/* ---- working ---- */

/* Not once more while it is due: libevent would take it out of the queue again, and where one connection never ends to bring
 * something that stands before it there, nothing would be sent on any. */
void dir_kick(struct pld_dir *d)
{
    if (!event_pending(d->kick, EV_TIMEOUT, NULL))
        arm(d->kick, 0);
}

/* Often while an answer is owed; otherwise only to ask a quiet connection something: an idle daemon sleeps. */
static void set_tick(struct pld_dir *d)
{
    int64_t soon = d->conf->timeout_ms / 8, most = dir_servers_other_up(d) ? 250 : 1000;
    d->tick_soon = !dir_link_quiet(&d->links[PL_CH_URGENT]) || !dir_link_quiet(&d->links[PL_CH_BULK]) ||
                   !dir_link_quiet(&d->watch.link) || !dir_link_quiet(&d->wake.link) || !dir_sisters_quiet(d);
    soon = soon < 50 ? 50 : soon > most ? most : soon;
    arm(d->tick, d->tick_soon ? soon : DIR_KEEPALIVE_MS);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    struct dir_req *list = d->stray; /* a snapshot: an answer may bring another one */
    (void)fd;
    (void)what;
    d->stray = NULL;
    d->stray_end = &d->stray;
    for (struct dir_req *r; (r = list);) {
        list = r->next;
        dir_emit_result(d, r, r->code, false);
        dir_req_free(r);
    }
    dir_link_work(&d->links[PL_CH_URGENT]);
    dir_link_work(&d->links[PL_CH_BULK]);
    dir_watch_work(&d->watch);
    dir_watch_work(&d->wake);
    dir_sisters_work(d);
    if (d->leave && d->up)
        dir_down(d, "this server takes no writes, another one does", "");
    d->leave = false;
    if (!d->tick_soon)
        set_tick(d);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct pld_dir *d = arg;
    (void)fd;
    (void)what;
    dir_link_tick(&d->links[PL_CH_URGENT]);
    dir_link_tick(&d->links[PL_CH_BULK]);
    dir_link_tick(&d->watch.link);
    dir_link_tick(&d->wake.link);
    dir_sisters_tick(d);
    dir_servers_silent(d);
    set_tick(d);
}

static enum pl_channel channel_of(const struct pl_command *cmd)
{
    switch (cmd->kind) {
    case PL_CMD_SEARCH:
        return cmd->search.channel;
    case PL_CMD_MODIFY:
        return cmd->modify.channel;
    default:
        return cmd->add.channel;
    }
}

/* NULL: it cannot be sent now. */
static struct dir_link *link_of(struct pld_dir *d, const struct pl_command *cmd)
{
    if (cmd->kind != PL_CMD_SEARCH || cmd->search.server.len == 0)
        return d->up ? &d->links[channel_of(cmd)] : NULL;
    struct dir_server *s = dir_server_find(d, cmd->search.server);
    return s && s->link.ld ? &s->link : NULL;
}

void pld_dir_command(struct pld_dir *d, const struct pl_command *cmd)
{
    int code = 0;
    if (cmd->kind != PL_CMD_SEARCH && cmd->kind != PL_CMD_MODIFY && cmd->kind != PL_CMD_ADD &&
        cmd->kind != PL_CMD_WATCH)
        return;
    struct dir_req *r = dir_req_new(cmd, &code);
    if (code == 0 && r->login && d->first_password_dir[0] == '\0')
        code = LDAP_OTHER;
    struct dir_link *link = cmd->kind == PL_CMD_WATCH ? NULL : link_of(d, cmd);
    if (cmd->kind == PL_CMD_MODIFY && cmd->modify.everywhere.on && d->up)
        dir_sisters_send(d, cmd);
    if (cmd->kind == PL_CMD_WATCH) {
        dir_watch_command(r->watch == PL_WATCH_WAKE ? &d->wake : &d->watch, r);
    } else if (code == 0 && link) {
        dir_link_submit(link, r);
    } else {
        r->code = code ? code : PL_RESULT_UNKNOWN;
        *d->stray_end = r;
        d->stray_end = &r->next;
    }
    dir_kick(d);
}

void pld_dir_resume(struct pld_dir *d)
{
    for (size_t i = 0; i < 2; i++)
        if (d->links[i].paged && d->links[i].paged->paused)
            dir_kick(d);
}

/* ---- life ---- */

static char *dup_str(struct pl_str s)
{
    char *out = pl_xcalloc(1, s.len + 1);
    if (s.len)
        memcpy(out, s.s, s.len);
    return out;
}

static void split_uris(struct pld_dir *d)
{
    char *save = NULL, *text = dup_str(d->conf->uris);
    d->uris = pl_xcalloc(d->conf->uris.len / 2 + 2, sizeof *d->uris);
    for (char *w = strtok_r(text, " \t\r\n", &save); w; w = strtok_r(NULL, " \t\r\n", &save))
        d->uris[d->n_uris++] = strdup(w);
    free(text);
}

struct pld_dir *pld_dir_new(const struct pld_host *host, const struct pl_conf_directory *conf)
{
    int version = 0;
    struct pld_dir *d = pl_xcalloc(1, sizeof *d);
    ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version); /* the library's own set-up, before there are threads */
    signal(SIGPIPE, SIG_IGN);                                   /* libldap writes to sockets whose peer may be gone */
    d->host = *host;
    d->conf = conf;
    d->name = dup_str(conf->name);
    d->first_password_dir = dup_str(conf->first_password_dir);
    d->stray_end = &d->stray;
    d->backoff_ms = DIR_BACKOFF_MIN_MS;
    d->since_us = pld_wall_us();
    split_uris(d);
    dir_servers_make(d);
    dir_link_init(&d->links[PL_CH_URGENT], d, PL_CH_URGENT);
    dir_link_init(&d->links[PL_CH_BULK], d, PL_CH_BULK);
    dir_watch_init(&d->watch, d, DIR_CH_WATCH);
    dir_watch_init(&d->wake, d, DIR_CH_WAKE);
    d->cut = evtimer_new(host->base, on_cut, d);
    d->kick = evtimer_new(host->base, on_kick, d);
    d->retry = evtimer_new(host->base, on_retry, d);
    d->tick = evtimer_new(host->base, on_tick, d);
    return d;
}

static void start_ticking(struct pld_dir *d)
{
    set_tick(d);
}

void pld_dir_start(struct pld_dir *d)
{
    start_ticking(d);
    arm(d->retry, 0);
}

void pld_dir_reload(struct pld_dir *d, const struct pl_conf_directory *conf, bool anew)
{
    d->conf = conf;
    start_ticking(d);
    if (!anew)
        return;
    dir_down(d, "connecting anew, because the configuration or a secret changed", "");
    dir_sisters_stop(d);
    dir_servers_free(d);
    for (size_t i = 0; i < d->n_uris; i++)
        free(d->uris[i]);
    free(d->uris);
    d->n_uris = d->uri = 0;
    split_uris(d);
    dir_servers_make(d);
    d->refused_ms = d->refused_until_ms = 0;
    d->backoff_ms = DIR_BACKOFF_MIN_MS;
    arm(d->retry, 0);
}

void pld_dir_state(const struct pld_dir *d, struct pld_dir_state *out)
{
    *out = (struct pld_dir_state){.name = d->name,
                                  .tried = d->tried || d->n_uris == 0,
                                  .up = d->up,
                                  .refused = !d->up && d->refused_ms > 0,
                                  .since_us = d->since_us,
                                  .why = d->up ? "" : d->said};
}

void pld_dir_free(struct pld_dir *d)
{
    if (!d)
        return;
    if (d->opening) { /* a thread inside libldap while the process ends would crash: give it a moment to get out */
        struct pollfd p = {.fd = d->opening->done_fd, .events = POLLIN};
        dir_opening_cut(d->opening);
        (void)poll(&p, 1, FAREWELL_MS);
    }
    stop_opening(d);
    drop_stray(d);
    dir_watch_free(&d->watch);
    dir_watch_free(&d->wake);
    dir_servers_free(d);
    for (size_t i = 0; i < 2; i++) {
        dir_link_close(&d->links[i]);
        event_free(d->links[i].flush);
    }
    event_free(d->cut);
    event_free(d->kick);
    event_free(d->retry);
    event_free(d->tick);
    for (size_t i = 0; i < d->n_uris; i++)
        free(d->uris[i]);
    free(d->uris);
    free(d->first_password_dir);
    free(d->name);
    free(d);
}
