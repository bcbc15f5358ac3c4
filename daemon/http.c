#include "http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "../lib/base/arena.h"
#include "http_listen.h"
#include "shell.h"

enum {
    CONNECTIONS = 16,
    HEADER_BYTES = 8192,
    BODY_BYTES = 1024, /* nobody has anything to send us */
    SILENCE_S = 5,     /* between two bytes */
    DEADLINE_S = 10,   /* one connection, whatever it does */
    GATHER_S = 3,      /* then the page comes without what did not come */
};

struct waiter { /* a request that is not answered yet */
    struct pld_http *http;
    struct evhttp_request *req; /* NULL: free */
    struct evhttp_connection *conn;
    enum pld_http_page page;
};

struct connection {
    struct bufferevent *bev; /* ours too, so that its number is not another one's before we look; NULL: free */
    int64_t since_s;
};

struct pld_http {
    struct event_base *base;
    struct pld_http_ops ops;
    void *ctx;
    struct pld_listen listen;
    struct evconnlistener *listener; /* evhttp's */
    struct evhttp *evhttp;
    struct connection connections[CONNECTIONS];
    struct waiter waiters[CONNECTIONS];
    struct event *sweep, *late, *serve;
    bool gathering, full, said_full;
};

static int64_t monotonic_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec;
}

/* ---- connections: libevent 2.1 does not limit them ---- */

/* evhttp takes its callbacks away when it is through with a connection. */
static bool is_over(struct bufferevent *bev)
{
    bufferevent_event_cb event = NULL;
    bufferevent_data_cb read = NULL, written = NULL;
    void *arg;
    bufferevent_getcb(bev, &read, &written, &event, &arg);
    return event == NULL;
}

/* Lets go of those that are over, ends those that took too long. Runs each second while there are any. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct pld_http *h = arg;
    struct timeval tv = {1, 0};
    size_t used = 0;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &h->connections[i];
        if (c->bev && is_over(c->bev)) {
            bufferevent_decref(c->bev); /* closes it */
            c->bev = NULL;
        }
        if (c->bev && monotonic_s() - c->since_s >= DEADLINE_S)
            shutdown(bufferevent_getfd(c->bev), SHUT_RDWR); /* evhttp sees its end */
        used += c->bev != NULL;
    }
    if (h->full && used < CONNECTIONS) {
        h->full = false;
        evconnlistener_enable(h->listener);
    }
    if (used > 0 || h->full)
        event_add(h->sweep, &tv);
}

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct pld_http *h = arg;
    struct timeval tv = {1, 0};
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    size_t left = 0;
    for (size_t i = 0; bev && i < CONNECTIONS; i++) {
        struct connection *c = &h->connections[i];
        if (!c->bev && left++ == 0) {
            bufferevent_incref(bev);
            *c = (struct connection){bev, monotonic_s()};
        }
    }
    if (left <= 1) { /* the last one: the next ones wait in the kernel */
        h->full = true;
        evconnlistener_disable(h->listener);
        if (!h->said_full)
            pld_log(4, "http.full", "%d connections at once; the next ones wait", CONNECTIONS);
        h->said_full = true;
    }
    if (!event_pending(h->sweep, EV_TIMEOUT, NULL))
        event_add(h->sweep, &tv);
    return bev;
}

/* No descriptor is left, most likely: trying again at once would keep the processor busy with nothing else. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct pld_http *h = arg;
    struct timeval tv = {1, 0};
    pld_log(4, "http.accept_failed", "a connection cannot be taken: %s",
            evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    h->full = true;
    evconnlistener_disable(listener);
    event_add(h->sweep, &tv);
}

/* ---- requests ---- */

static void answer(struct evhttp_request *req, int status, const struct pl_buf *text)
{
    static const char type[] = "text/plain; version=0.0.4; charset=utf-8";
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    struct evbuffer *body = evbuffer_new();
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "Connection", "close");
    if (body && text->len)
        evbuffer_add(body, text->s, text->len);
    evhttp_send_reply(req, status, status == 200 ? "OK" : status == 404 ? "Not Found" : "Service Unavailable", body);
    if (body)
        evbuffer_free(body);
}

static void on_closed(struct evhttp_connection *conn, void *arg)
{
    struct waiter *w = arg;
    (void)conn;
    w->req = NULL; /* evhttp frees it */
}

/* The connection is over when the answer is out: its place is free at once. */
static void on_complete(struct evhttp_request *req, void *arg)
{
    (void)req;
    event_active(((struct pld_http *)arg)->sweep, EV_TIMEOUT, 0);
}

static void serve_all(struct pld_http *h)
{
    struct pl_buf pages[2] = {{0}, {0}};
    int status[2] = {0, 0};

    h->gathering = false;
    event_del(h->late);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct waiter *w = &h->waiters[i];
        struct evhttp_request *req = w->req;
        if (!req)
            continue;
        w->req = NULL;
        evhttp_connection_set_closecb(w->conn, NULL, NULL);
        if (status[w->page] == 0)
            status[w->page] = h->ops.write(h->ctx, w->page, &pages[w->page]);
        answer(req, status[w->page], &pages[w->page]);
    }
    pl_buf_free(&pages[0]);
    pl_buf_free(&pages[1]);
}

static void on_serve(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    serve_all(arg);
}

static void wait_for_page(struct pld_http *h, struct evhttp_request *req, enum pld_http_page page)
{
    struct timeval tv = {GATHER_S, 0};
    size_t i = 0;
    while (i < CONNECTIONS && h->waiters[i].req)
        i++;
    if (i == CONNECTIONS) { /* as many as connections, so there is one free */
        evhttp_send_error(req, 503, "Service Unavailable");
        return;
    }
    h->waiters[i] = (struct waiter){h, req, evhttp_request_get_connection(req), page};
    evhttp_connection_set_closecb(h->waiters[i].conn, on_closed, &h->waiters[i]);
    if (h->gathering)
        return; /* the answer that is under way is new enough */
    h->gathering = true;
    event_add(h->late, &tv);
    h->ops.gather(h->ctx);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct pld_http *h = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

    evhttp_request_set_on_complete_cb(req, on_complete, h);
    if (path && strcmp(path, "/metrics") == 0) {
        wait_for_page(h, req, PLD_HTTP_METRICS);
    } else if (path && strcmp(path, "/healthz") == 0) {
        wait_for_page(h, req, PLD_HTTP_HEALTH);
    } else {
        struct pl_buf text = {0};
        pl_buf_add_c(&text, "There is /metrics and /healthz, nothing else.\n");
        answer(req, 404, &text);
        pl_buf_free(&text);
    }
}

void pld_http_gathered(struct pld_http *h)
{
    if (h && h->gathering)
        event_active(h->serve, EV_TIMEOUT, 0);
}

/* ---- life ---- */

static void set_up(struct pld_http *h)
{
    evhttp_set_bevcb(h->evhttp, on_connection, h);
    evhttp_set_gencb(h->evhttp, on_request, h);
    evhttp_set_allowed_methods(h->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(h->evhttp, HEADER_BYTES);
    evhttp_set_max_body_size(h->evhttp, BODY_BYTES);
    evhttp_set_timeout(h->evhttp, SILENCE_S);
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    h->sweep = event_new(h->base, -1, 0, on_sweep, h);
    h->late = event_new(h->base, -1, 0, on_serve, h);
    h->serve = event_new(h->base, -1, 0, on_serve, h);
}

struct pld_http *pld_http_new(struct event_base *base, struct pl_str address, const struct pld_http_ops *ops, void *ctx,
                              struct pl_err *err)
{
    struct pld_http *h = pl_xcalloc(1, sizeof *h);
    h->base = base;
    h->ops = *ops;
    h->ctx = ctx;
    if (!pld_listen_open(address, &h->listen, err)) {
        free(h);
        return NULL;
    }
    h->evhttp = evhttp_new(base);
    h->listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, h->listen.fd);
    if (!h->evhttp || !h->listener || !evhttp_bind_listener(h->evhttp, h->listener)) {
        pl_err_set(err, PL_ERR_IO, 0, "", "metrics: the event loop does not take the socket");
        pld_http_free(h);
        return NULL;
    }
    set_up(h);
    return h;
}

void pld_http_free(struct pld_http *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (h->waiters[i].req)
            evhttp_connection_set_closecb(h->waiters[i].conn, NULL, NULL);
    if (h->evhttp)
        evhttp_free(h->evhttp); /* the listener and its socket with it */
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (h->connections[i].bev)
            bufferevent_decref(h->connections[i].bev);
    struct event *const events[] = {h->sweep, h->late, h->serve};
    for (size_t i = 0; i < 3; i++)
        if (events[i])
            event_free(events[i]);
    pld_listen_forget(&h->listen);
    free(h);
}
