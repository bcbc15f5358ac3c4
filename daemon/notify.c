#include "notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include "../lib/base/arena.h"
#include "shell.h"

enum { MICRO = 1000000 };

struct pld_notify {
    bool (*alive)(void *ctx);
    void *ctx;
    struct event *feed; /* NULL: no watchdog */
    bool ready, stopping, starved;
    char status[400];
};

/* A manager that does not listen is no reason to stop working. */
static void send_text(const char *text)
{
    int rc = sd_notify(0, text);
    if (rc < 0)
        pld_log(4, "notify.failed", "the service manager could not be told: %s", strerror(-rc));
}

static void on_feed(evutil_socket_t fd, short what, void *arg)
{
    struct pld_notify *n = arg;
    bool alive = n->alive(n->ctx);
    (void)fd;
    (void)what;
    if (alive)
        send_text("WATCHDOG=1");
    else if (!n->starved)
        pld_log(2, "daemon.stuck",
                "an answer is owed for too long; the watchdog is not fed any more, so that this process is "
                "started anew");
    n->starved = !alive;
}

static void start_watchdog(struct pld_notify *n, struct event_base *base)
{
    uint64_t usec = 0;
    int rc = sd_watchdog_enabled(0, &usec);
    if (rc < 0)
        pld_log(4, "notify.failed", "WATCHDOG_USEC or WATCHDOG_PID cannot be read; the watchdog is not fed");
    if (rc <= 0)
        return;
    uint64_t half = usec / 2 > 0 ? usec / 2 : 1;
    struct timeval tv = {(time_t)(half / MICRO), (suseconds_t)(half % MICRO)};
    n->feed = event_new(base, -1, EV_PERSIST, on_feed, n);
    event_add(n->feed, &tv);
}

struct pld_notify *pld_notify_new(struct event_base *base, bool (*alive)(void *ctx), void *ctx)
{
    struct pld_notify *n = pl_xcalloc(1, sizeof *n);
    n->alive = alive;
    n->ctx = ctx;
    start_watchdog(n, base);
    return n;
}

void pld_notify_free(struct pld_notify *n)
{
    if (!n)
        return;
    if (n->feed)
        event_free(n->feed);
    free(n);
}

void pld_notify_ready(struct pld_notify *n)
{
    if (n->ready || n->stopping)
        return;
    n->ready = true;
    send_text("READY=1");
}

void pld_notify_status(struct pld_notify *n, const char *text)
{
    char line[sizeof n->status + 8], now[sizeof n->status];
    size_t len = 0;
    for (size_t more; text[len] && (more = pl_str_utf8_at(pl_str_c(text), len)) > 0 && len + more < sizeof now;)
        len += more; /* the manager takes no half of a character */
    snprintf(now, sizeof now, "%.*s", (int)len, text);
    if (strcmp(now, n->status) == 0)
        return;
    memcpy(n->status, now, sizeof now);
    snprintf(line, sizeof line, "STATUS=%s", now);
    send_text(line);
}

/* A manager that has not heard READY=1 yet takes no other one: it waits for the first. */
void pld_notify_reloading(struct pld_notify *n)
{
    char text[80];
    struct timespec t;
    if (!n->ready || n->stopping)
        return;
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)t.tv_sec * MICRO + (uint64_t)t.tv_nsec / 1000);
    send_text(text);
}

void pld_notify_reloaded(struct pld_notify *n)
{
    if (n->ready && !n->stopping)
        send_text("READY=1");
}

void pld_notify_stopping(struct pld_notify *n)
{
    if (!n->stopping)
        send_text("STOPPING=1");
    n->stopping = true;
}
