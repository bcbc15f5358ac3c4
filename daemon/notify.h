/* What the service manager is told, by sd_notify(3): ready, one line of status, reloading, stopping, and that the loop
 * still turns. Without NOTIFY_SOCKET nothing is sent and nothing is armed. */
#ifndef PLD_NOTIFY_H
#define PLD_NOTIFY_H

#include <event2/event.h>
#include <stdbool.h>

struct pld_notify;

/* With WATCHDOG_USEC set, alive() is asked at half of it from the event loop; the manager hears of us only while it says
 * true. */
struct pld_notify *pld_notify_new(struct event_base *base, bool (*alive)(void *ctx), void *ctx);
void pld_notify_free(struct pld_notify *n); /* NULL is fine */

void pld_notify_ready(struct pld_notify *n);                    /* counts once */
void pld_notify_status(struct pld_notify *n, const char *text); /* one line; sent when it is another one than before */
void pld_notify_reloading(struct pld_notify *n);                /* the file is being read again ... */
void pld_notify_reloaded(struct pld_notify *n);                 /* ... and was, or was refused */
void pld_notify_stopping(struct pld_notify *n);

#endif
