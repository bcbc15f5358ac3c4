/* One asynchronous libpq connection that comes back by itself: connecting under the event loop, time limit, back-off.
 *
 *   started --> connecting --up()--> open --(failure)--> down() --> waiting --(back-off)--> connecting ...
 *
 * One thing libpq does not do asynchronously is to look up a host name. While the database is away the daemon has nothing
 * else to do, and further connections reuse the address found; a local socket or hostaddr= spares the lookup.
 *
 * No callback runs inside a call into this file: failures found while sending are queued and reported from the loop. */
#ifndef PLD_PG_LINK_H
#define PLD_PG_LINK_H

#include <event2/event.h>
#include <libpq-fe.h>
#include "pg_params.h"

struct pld_pg_link;

struct pld_pg_link_ops {
    bool (*params)(void *ctx, struct pld_pg_params *out, struct pl_err *err); /* at each attempt */
    void (*up)(void *ctx);                                                    /* open, nonblocking, pipeline mode */
    void (*input)(void *ctx);                 /* bytes came: PQisBusy, PQgetResult, PQnotifies */
    void (*down)(void *ctx, const char *why); /* an attempt failed or the connection is lost; PQfinish comes after */
};

struct pld_pg_link *pld_pg_link_new(struct event_base *base, const struct pld_pg_link_ops *ops, void *ctx);
void pld_pg_link_free(struct pld_pg_link *l); /* not from a callback of this link */

void pld_pg_link_start(struct pld_pg_link *l); /* connect now, and again after each loss */
void pld_pg_link_stop(struct pld_pg_link *l);  /* close without a word; stays closed until start */

/* Gives this connection up: down() comes from the loop, once. NULL: libpq's own words. */
void pld_pg_link_fail(struct pld_pg_link *l, const char *why);

void pld_pg_link_flush(struct pld_pg_link *l);            /* after queuing something to send */
void pld_pg_link_reading(struct pld_pg_link *l, bool on); /* off: bytes stay in the kernel, so the server waits */

bool pld_pg_link_open(const struct pld_pg_link *l); /* up and not failing */
PGconn *pld_pg_link_conn(const struct pld_pg_link *l);

#endif
