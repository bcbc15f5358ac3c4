/* /metrics and /healthz over HTTP, on a local socket or the loopback address: small, without log-on, for machines.
 *
 * A page is gathered once for all who wait for it. Whoever is slow costs nobody anything: there are so many connections
 * and no more, each with one request and a deadline, and headers and bodies have limits. Without a connection no timer
 * runs. */
#ifndef PLD_HTTP_H
#define PLD_HTTP_H

#include <event2/event.h>
#include "../lib/base/err.h"
#include "../lib/base/str.h"

struct pld_http;

enum pld_http_page { PLD_HTTP_METRICS, PLD_HTTP_HEALTH };

struct pld_http_ops {
    void (*gather)(void *ctx); /* what the pages need; ends in pld_http_gathered, inside or later */
    int (*write)(void *ctx, enum pld_http_page page, struct pl_buf *out); /* the status: 200 or 503 */
};

/* `address` is the option metrics, checked: unix:/path or host:port of this very host. NULL with a sentence when nobody
 * can listen there. */
struct pld_http *pld_http_new(struct event_base *base, struct pl_str address, const struct pld_http_ops *ops, void *ctx,
                              struct pl_err *err);
void pld_http_free(struct pld_http *h); /* NULL is fine; who waits is dropped */

void pld_http_gathered(struct pld_http *h); /* from anywhere; who waits is answered from the loop */

#endif
