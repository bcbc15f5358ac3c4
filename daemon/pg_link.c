#include "pg_link.h"

#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum state { CLOSED, WAITING, CONNECTING, OPEN };

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 30000,
    STEADY_S = 30, /* a connection that lived so long was a good one: back-off begins anew after it */
};

struct pld_pg_link {
    struct event_base *base;
    const struct pld_pg_link_ops *ops;
    void *ctx;
    PGconn *conn;
    enum state state;
    bool failing;
    char why[300];
    struct event *read_ev, *write_ev; /* exist while there is a socket; made anew when libpq changes it */
    struct event *clock;              /* connect limit, then back-off */
    struct event *fail_ev;            /* activated by hand */
    int backoff_ms;
    time_t opened_at; /* monotonic */
};

/* ---- small parts ---- */

static time_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void drop_events(struct pld_pg_link *l)
{
    if (l->read_ev)
        event_free(l->read_ev);
    if (l->write_ev)
        event_free(l->write_ev);
    l->read_ev = l->write_ev = NULL;
}

static void arm(struct event *ev, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(ev, &tv);
}

/* Decorrelated jitter: many daemons that lost one server do not come back in step. */
static int next_backoff(struct pld_pg_link *l)
{
    unsigned rnd;
    int top = l->backoff_ms > BACKOFF_MAX_MS / 3 ? BACKOFF_MAX_MS : l->backoff_ms * 3;
    evutil_secure_rng_get_bytes(&rnd, sizeof rnd);
    l->backoff_ms = BACKOFF_MIN_MS + (int)(rnd % (unsigned)(top - BACKOFF_MIN_MS + 1));
    return l->backoff_ms;
}

/* libpq ends its messages with a newline and may use several lines. */
static void note_why(struct pld_pg_link *l, const char *why)
{
    if (!why)
        why = l->conn ? PQerrorMessage(l->conn) : "out of memory";
    snprintf(l->why, sizeof l->why, "%s", why[0] ? why : "the connection was closed");
    for (char *p = l->why; *p; p++)
        if (*p == '\n')
            *p = p[1] == '\0' || p[1] == '\n' ? '\0' : ' ';
}

static void close_conn(struct pld_pg_link *l)
{
    drop_events(l); /* before PQfinish: the number of a closed descriptor comes back */
    PQfinish(l->conn);
    l->conn = NULL;
    l->failing = false;
    event_del(l->fail_ev);
    event_del(l->clock);
}

void pld_pg_link_fail(struct pld_pg_link *l, const char *why)
{
    if (l->failing || l->state == CLOSED || l->state == WAITING)
        return;
    l->failing = true;
    note_why(l, why);
    drop_events(l);
    event_active(l->fail_ev, EV_TIMEOUT, 0);
}

static void on_fail(evutil_socket_t fd, short what, void *arg)
{
    struct pld_pg_link *l = arg;
    (void)fd;
    (void)what;
    if (l->state == OPEN && seconds() - l->opened_at >= STEADY_S)
        l->backoff_ms = BACKOFF_MIN_MS;
    l->state = WAITING;
    l->ops->down(l->ctx, l->why);
    close_conn(l);
    if (l->state == WAITING) /* unless down() stopped us */
        arm(l->clock, next_backoff(l));
}

/* ---- open ---- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pld_pg_link_flush(arg);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct pld_pg_link *l = arg;
    (void)fd;
    (void)what;
    bool alive = PQconsumeInput(l->conn) == 1;
    if (alive)
        pld_pg_link_flush(l); /* reading may have made room: the manual asks for it */
    l->ops->input(l->ctx);    /* also when it just died: results that came before are results */
    if (!alive)
        pld_pg_link_fail(l, NULL);
}

void pld_pg_link_flush(struct pld_pg_link *l)
{
    if (l->state != OPEN || l->failing)
        return;
    int left = PQflush(l->conn);
    if (left < 0)
        pld_pg_link_fail(l, NULL);
    else if (left > 0)
        event_add(l->write_ev, NULL);
    else
        event_del(l->write_ev);
}

void pld_pg_link_reading(struct pld_pg_link *l, bool on)
{
    if (l->state != OPEN || l->failing)
        return;
    if (on)
        event_add(l->read_ev, NULL);
    else
        event_del(l->read_ev);
}

static void opened(struct pld_pg_link *l)
{
    int fd = PQsocket(l->conn);
    if (PQsetnonblocking(l->conn, 1) != 0 || PQenterPipelineMode(l->conn) != 1 || fd < 0) {
        pld_pg_link_fail(l, NULL);
        return;
    }
    event_del(l->clock);
    l->read_ev = event_new(l->base, fd, EV_READ | EV_PERSIST, on_readable, l);
    l->write_ev = event_new(l->base, fd, EV_WRITE | EV_PERSIST, on_writable, l);
    l->state = OPEN;
    l->opened_at = seconds();
    event_add(l->read_ev, NULL);
    l->ops->up(l->ctx);
}

/* ---- connecting ---- */

static void on_poll(evutil_socket_t fd, short what, void *arg);

/* libpq may use another socket at each step (several hosts, TLS refused, ...). */
static void wait_for(struct pld_pg_link *l, short what)
{
    int fd = PQsocket(l->conn);
    drop_events(l);
    l->read_ev = fd < 0 ? NULL : event_new(l->base, fd, what, on_poll, l);
    if (!l->read_ev)
        pld_pg_link_fail(l, NULL);
    else
        event_add(l->read_ev, NULL);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
    struct pld_pg_link *l = arg;
    (void)fd;
    (void)what;
    drop_events(l);
    switch (PQconnectPoll(l->conn)) {
    case PGRES_POLLING_READING:
        wait_for(l, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        wait_for(l, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        opened(l);
        break;
    default:
        pld_pg_link_fail(l, NULL);
    }
}

/* What the server says of its own accord may quote values; what matters comes as an error of a statement too. */
static void mute(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

static void begin(struct pld_pg_link *l)
{
    struct pld_pg_params params;
    struct pl_err err;

    l->state = CONNECTING;
    if (!l->ops->params(l->ctx, &params, &err)) {
        pld_pg_link_fail(l, err.text);
        return;
    }
    l->conn = PQconnectStartParams(params.keys, params.values, 0);
    arm(l->clock, params.connect_s * 1000);
    pld_pg_params_free(&params);
    if (!l->conn || PQstatus(l->conn) == CONNECTION_BAD) {
        pld_pg_link_fail(l, NULL);
        return;
    }
    PQsetNoticeReceiver(l->conn, mute, NULL);
    wait_for(l, EV_WRITE);
}

static void on_clock(evutil_socket_t fd, short what, void *arg)
{
    struct pld_pg_link *l = arg;
    (void)fd;
    (void)what;
    if (l->state == WAITING)
        begin(l);
    else if (l->state == CONNECTING)
        pld_pg_link_fail(l, "the server did not answer in time while connecting");
}

/* ---- life ---- */

struct pld_pg_link *pld_pg_link_new(struct event_base *base, const struct pld_pg_link_ops *ops, void *ctx)
{
    struct pld_pg_link *l = pl_xcalloc(1, sizeof *l);
    *l = (struct pld_pg_link){.base = base, .ops = ops, .ctx = ctx, .backoff_ms = BACKOFF_MIN_MS};
    l->clock = evtimer_new(base, on_clock, l);
    l->fail_ev = event_new(base, -1, 0, on_fail, l);
    return l;
}

void pld_pg_link_start(struct pld_pg_link *l)
{
    if (l->state != CLOSED)
        return;
    l->state = WAITING;
    arm(l->clock, 0); /* from the loop, so that no callback runs inside this call */
}

void pld_pg_link_stop(struct pld_pg_link *l)
{
    l->state = CLOSED;
    l->backoff_ms = BACKOFF_MIN_MS;
    close_conn(l);
}

void pld_pg_link_free(struct pld_pg_link *l)
{
    if (!l)
        return;
    pld_pg_link_stop(l);
    event_free(l->clock);
    event_free(l->fail_ev);
    free(l);
}

bool pld_pg_link_open(const struct pld_pg_link *l)
{
    return l->state == OPEN && !l->failing;
}

PGconn *pld_pg_link_conn(const struct pld_pg_link *l)
{
    return l->conn;
}
